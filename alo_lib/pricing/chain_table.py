"""The table of a quoted chain: what is given of its contracts, checked once, and which of them may be valued."""

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from alo_lib.numerics.compilation import kernel
from alo_lib.pricing.arguments import DOMAINS, PricingError, real_numbers
from alo_lib.pricing.quotes import Codes, ContractStatus

__all__ = [
    "MAY_BE_VALUED",
    "NO_BID",
    "PRICED",
    "RATE_HIGH",
    "RATE_LOW",
    "begin",
    "codes_of",
    "may_be_valued",
    "no_codes",
    "table_of",
]

Array = npt.NDArray[np.float64]

_STATUSES: Final = tuple(int(status) for status in ContractStatus)
_LAST_STATUS: Final = _STATUSES[-1]
PRICED, _ONE_SIDED, _EXPIRED, _NO_SPOT, _OUT_OF_DOMAIN, NO_BID = (
    int(ContractStatus[name]) for name in ("PRICED", "ONE_SIDED", "EXPIRED", "NO_SPOT", "OUT_OF_DOMAIN", "NO_BID")
)
MAY_BE_VALUED: Final = np.isin(_STATUSES, (PRICED, NO_BID))
"""By code, of the statuses that :func:`begin` gives."""
(_SPOT_LOW, _SPOT_HIGH), (_STRIKE_LOW, _STRIKE_HIGH) = DOMAINS["spot"], DOMAINS["strike"]
(_YIELD_LOW, _YIELD_HIGH), (RATE_LOW, RATE_HIGH) = DOMAINS["dividend_yield"], DOMAINS["rate"]
_LONGEST: Final = DOMAINS["time_to_expiry"][1]


def table_of(shape: tuple[int, ...], **given: npt.ArrayLike) -> Array:
    """Numbers, a scalar or one a contract each, as the rows of a table that nobody else writes to."""
    out = np.empty((len(given), *shape))
    for row, (name, value) in zip(out, given.items(), strict=True):
        array = real_numbers(name, value)
        if array.shape != shape and array.shape not in ((), (1,)):
            raise PricingError(f"{name} has shape {array.shape}; allowed: a scalar or {shape}, as the market prices")
        row[...] = array
    return out


def codes_of(status: npt.ArrayLike, shape: tuple[int, ...]) -> Codes:
    """Codes of :class:`ContractStatus`, (n,) of their own; whether those of one byte are some is still to be seen."""
    codes = np.asarray(status)
    if codes.shape != shape:
        raise PricingError(f"status has shape {codes.shape}; allowed: {shape}, as the market prices")
    if codes.size and codes.dtype != np.int8 and not (codes.dtype.kind in "iu" and np.isin(codes, _STATUSES).all()):
        raise no_codes(codes)
    return codes.astype(np.int8)


def no_codes(codes: npt.NDArray[Any]) -> PricingError:
    """The error for what is no status."""
    return PricingError(f"status holds {np.unique(codes)[:3].tolist()}; allowed: codes of ContractStatus")


# Rows of a chain's table: what the contracts and their market are, and the price that a volatility is looked for at.
_STRIKE, _TIME, _RIGHT, _SPOT, _RATE, _YIELD, _ASK, _MARKET, _PRICE = range(9)


@kernel
def may_be_valued(spot: float, strike: float, dividend_yield: float, time: float) -> int:
    """The status of a contract with a price before anything is computed: PRICED, or why it is not to be valued."""
    if not spot > 0.0:
        return _NO_SPOT
    if not time > 0.0:
        return _EXPIRED
    beyond = (strike < _STRIKE_LOW or strike > _STRIKE_HIGH) or (spot < _SPOT_LOW or spot > _SPOT_HIGH)
    if beyond or (dividend_yield < _YIELD_LOW or dividend_yield > _YIELD_HIGH) or time > _LONGEST:
        return _OUT_OF_DOMAIN
    return PRICED


@kernel
def begin(table: Array, given: Codes, out: Codes) -> tuple[bool, bool, bool, int, int]:
    """The status (n,) before anything is computed, into out, and the row _PRICE of the table (9, n).

    What is ONE_SIDED, has an ask and may be valued is NO_BID. Returns whether all rights are some and all codes are,
    whether all else of the contracts that may be valued is in its domain, their number, and how many of them have an
    ask alone.
    """
    rights = codes = domains = True
    count = alone = 0
    for i in range(given.size):
        rights = rights and abs(table[_RIGHT, i]) == 1.0
        codes = codes and 0 <= given[i] <= _LAST_STATUS
        out[i] = given[i]
        table[_PRICE, i] = table[_MARKET, i] if given[i] == PRICED else math.nan
        bare = given[i] == _ONE_SIDED and table[_ASK, i] > 0.0
        if given[i] != PRICED and not bare:
            continue
        k, q = table[_STRIKE, i], table[_YIELD, i]
        out[i] = may_be_valued(table[_SPOT, i], k, q, table[_TIME, i])
        if out[i] == PRICED:
            count += 1
            domains = domains and k == k and q == q and RATE_LOW <= table[_RATE, i] <= RATE_HIGH
            if bare:
                alone += 1
                out[i] = NO_BID
                table[_PRICE, i] = 0.5 * table[_ASK, i]
    return rights, codes, domains, count, alone
