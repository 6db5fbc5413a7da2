"""A contract that is in no chain: what LEAN knows of its security stands for the quotes that it does not carry."""

from collections.abc import Sequence

import numpy as np
from AlgorithmImports import Security, Symbol

from alo_lib.pricing.quotes import Array
from models.compiled_question import READ
from models.contract_columns import quote_columns, spot_of

__all__ = ["among_peers", "quote_by_security"]

_STRIKE, _EXPIRY, _BID, _ASK, _LAST, _SPOT = (
    READ.index(name) for name in ("strike", "expiry", "bid", "ask", "last", "spot")
)


def quote_by_security(row: Array, security: Security | None) -> None:
    """Fill a row of the columns READ, (8,), which has no quote, by its security: bid, ask, last and spot.

    A contract that ``OptionContract.create`` made has none, and what it says of the underlying may be another's: all
    such contracts share one place for it. What was delisted keeps none: its last quote is no market.
    """
    if security is None or security.is_delisted or row[[_BID, _ASK, _LAST]].any():
        return
    row[[_BID, _ASK, _LAST]] = quote_columns(security)
    underlying: Security | None = security.underlying
    if underlying is not None:
        row[_SPOT] = spot_of(underlying)


def among_peers(
    row: Array, symbol: Symbol, columns: Array, symbols: Sequence[Symbol], *, parity: bool
) -> tuple[Array, list[Symbol]]:
    """A contract's row, and after it those of its chain's contracts that its value takes: columns and symbols.

    columns: of the chain, (n, 8), whose own row of the contract is left out. With ``parity`` the others of its expiry,
    which imply the yield; else its mirror, whose volatility stands for its own where the quote is about the floor.
    """
    of_expiry = columns[:, _EXPIRY] == row[_EXPIRY]
    peers = np.flatnonzero(of_expiry if parity else of_expiry & (columns[:, _STRIKE] == row[_STRIKE]))
    kept = [place for place in peers.tolist() if symbols[place] != symbol]
    return np.concatenate([row[None], columns[kept]]), [symbol, *(symbols[place] for place in kept)]
