"""A quoted chain as a trader reads it: implied volatilities of bid, mid and ask, and greeks."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from alo_lib.market import ChainSnapshot
from alo_lib.pricing import ACCURATE, Chain, Greeks, Scheme, Style
from alo_lib.records import DAYS_A_YEAR, osi_symbol, years_between
from alo_lib.views.run import exchange_time

__all__ = ["CARRIES", "Carry", "ChainView", "Expiry", "chain_view"]

FloatArray = NDArray[np.float64]
Carry = Literal["yield", "cash", "parity", "none"]
CARRIES: Final[tuple[Carry, ...]] = get_args(Carry)
"""How dividends enter, see :func:`chain_view`."""

_PARITY_STEPS: Final = 12
_PARITY_STRIKES: Final = 4  # nearest the money, on which calls and puts are made to agree
_YIELD_LIMIT: Final = 0.5


class Expiry(NamedTuple):
    """What one expiry's contracts tell together. Volatilities and yields are decimals a year, NaN where unknown."""

    expiry: str
    days: float
    contracts: int
    quoted: int  # with both sides
    explained: int  # with a volatility that explains the mid
    dividend_yield: float
    at_the_money: float  # mid volatility at the spot, from out-of-the-money options on both sides of it


@dataclass(frozen=True)
class ChainView:
    """A snapshot's contracts with what their quotes imply; arrays of one element a contract, NaN where there is none.

    ``volatility`` (3, n): of bid, mid and ask. ``greeks`` are at the volatility of the mid, raw derivatives.
    """

    snapshot: ChainSnapshot
    rate: float
    carry: Carry | float
    dividend_yield: FloatArray
    volatility: FloatArray
    greeks: Greeks

    @property
    def mid(self) -> FloatArray:
        """Mid of the quote; NaN where a side is missing."""
        return np.asarray(0.5 * (self.snapshot.bid + self.snapshot.ask))

    @property
    def out_of_the_money(self) -> NDArray[np.bool_]:
        """Puts below the spot, calls at or above it: the ones whose volatilities are told best."""
        strikes = self.snapshot.contracts["strike"]
        return np.asarray((strikes >= self.snapshot.spot) == (self.snapshot.contracts["right"] > 0))

    def expiries(self) -> list[Expiry]:
        """A row an expiry."""
        snapshot, years, found = self.snapshot, self.snapshot.years_to_expiry, []
        for expiry in np.unique(snapshot.contracts["expiry"]):
            rows = snapshot.contracts["expiry"] == expiry
            quoted = rows & np.isfinite(self.mid)
            found.append(
                Expiry(
                    expiry=str(expiry),
                    days=float(DAYS_A_YEAR * years[rows][0]),
                    contracts=int(rows.sum()),
                    quoted=int(quoted.sum()),
                    explained=int((rows & np.isfinite(self.volatility[1])).sum()),
                    dividend_yield=float(self.dividend_yield[rows][0]),
                    at_the_money=self._at_the_money(rows),
                )
            )
        return found

    def _at_the_money(self, rows: NDArray[np.bool_]) -> float:
        told = rows & self.out_of_the_money & np.isfinite(self.volatility[1])
        strikes, volatility = self.snapshot.contracts["strike"][told], self.volatility[1][told]
        spot = self.snapshot.spot
        if not len(strikes) or not strikes.min() <= spot <= strikes.max():
            return float("nan")
        return float(np.interp(np.log(spot), np.log(strikes), volatility))

    def rows(self) -> Iterator[dict[str, Any]]:
        """One object a contract, None where there is no value."""
        snapshot, years, mid, greeks = self.snapshot, self.snapshot.years_to_expiry, self.mid, self.greeks._asdict()
        quoted = exchange_time(snapshot.quoted)
        for i, (expiry, strike, right) in enumerate(snapshot.contracts.tolist()):
            yield {
                "symbol": osi_symbol(snapshot.ticker, expiry, strike, right),
                "expiry": str(expiry),
                "strike": strike,
                "right": "call" if right > 0 else "put",
                "years_to_expiry": float(years[i]),
                "quoted": quoted[i],
                "bid": _or_none(snapshot.bid[i]),
                "mid": _or_none(mid[i]),
                "ask": _or_none(snapshot.ask[i]),
                "dividend_yield": _or_none(self.dividend_yield[i]),
                "bid_volatility": _or_none(self.volatility[0, i]),
                "mid_volatility": _or_none(self.volatility[1, i]),
                "ask_volatility": _or_none(self.volatility[2, i]),
            } | {name: _or_none(greeks[name][i]) for name in Greeks._fields[1:]}


def chain_view(
    snapshot: ChainSnapshot, *, rate: float, carry: Carry | float = "yield", scheme: Scheme = ACCURATE
) -> ChainView:
    """What the quotes of a snapshot imply, at one continuously compounded rate.

    carry: "yield" spreads the dividends known to lie ahead into a yield for each expiry that has the same forward;
    "cash" takes them as cash at their ex-times; "parity" finds for each expiry the yield at which calls and puts next
    to the money imply the same volatility, borrowing costs included; "none" ignores them; a number is a yield.

    Raises PricingError when spot, rate or yield are outside the pricing room's domains.
    """
    style: Style = "american" if snapshot.american else "european"
    contracts, years = snapshot.contracts, snapshot.years_to_expiry
    cash = _cash(snapshot)
    dividends = cash if carry == "cash" else None
    if isinstance(carry, float):
        yields = np.full(len(snapshot), carry)
    elif carry == "yield":
        yields = _forward_yields(snapshot.spot, rate, years, *cash)
    elif carry == "parity":
        yields = _parity_yields(snapshot, rate, style, scheme)
    else:
        yields = np.zeros(len(snapshot))
    chain = Chain(contracts["strike"], years, contracts["right"], style=style, scheme=scheme, dividends=dividends)
    quotes = np.stack([snapshot.bid, 0.5 * (snapshot.bid + snapshot.ask), snapshot.ask])
    volatility = chain.implied_volatility(quotes, snapshot.spot, rate, yields)
    known = np.flatnonzero(np.isfinite(volatility[1]))
    columns = np.full((len(Greeks._fields), len(snapshot)), np.nan)
    if len(known):
        part = Chain(
            contracts["strike"][known],
            years[known],
            contracts["right"][known],
            style=style,
            scheme=scheme,
            dividends=dividends,
        )
        columns[:, known] = np.stack(part.greeks(snapshot.spot, rate, yields[known], volatility[1, known]))
    return ChainView(snapshot, rate, carry, yields, volatility, Greeks(*columns))


def _cash(snapshot: ChainSnapshot) -> tuple[FloatArray, FloatArray]:
    times = np.array([when for when, _ in snapshot.dividends], np.float64)
    amounts = np.array([amount for _, amount in snapshot.dividends], np.float64)
    return years_between(snapshot.time, times), amounts


def _forward_yields(spot: float, rate: float, years: FloatArray, times: FloatArray, amounts: FloatArray) -> FloatArray:
    """Yields with the forward that the cash gives: S exp(-q T) is the spot less the cash's present value."""
    due = times[:, np.newaxis] <= years
    present = ((amounts * np.exp(-rate * times))[:, np.newaxis] * due).sum(axis=0)
    worth = np.maximum(spot - present, 1e-3 * spot)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(years > 0.0, np.log(spot / worth) / years, 0.0)


def _parity_yields(snapshot: ChainSnapshot, rate: float, style: Style, scheme: Scheme) -> FloatArray:
    """The yield of each expiry at which calls and puts next to the money imply the same volatility, by secants.

    0 where an expiry has no strike with both rights quoted, or no yield within 50 % makes them agree.
    """
    contracts, years, mid = snapshot.contracts, snapshot.years_to_expiry, 0.5 * (snapshot.bid + snapshot.ask)
    yields = np.zeros(len(snapshot))
    for expiry in np.unique(contracts["expiry"]):
        rows = np.flatnonzero((contracts["expiry"] == expiry) & np.isfinite(mid) & (years > 0.0))
        strikes, counts = np.unique(contracts["strike"][rows], return_counts=True)
        paired = strikes[counts == 2]
        near = paired[np.argsort(np.abs(np.log(paired / snapshot.spot)), kind="stable")[:_PARITY_STRIKES]]
        chosen = rows[np.isin(contracts["strike"][rows], near)]
        if len(chosen):
            found = _agreeing_yield(snapshot, chosen, mid[chosen], rate, style, scheme)
            yields[contracts["expiry"] == expiry] = found
    return yields


def _agreeing_yield(
    snapshot: ChainSnapshot, rows: NDArray[np.intp], mid: FloatArray, rate: float, style: Style, scheme: Scheme
) -> float:
    contracts, years = snapshot.contracts[rows], snapshot.years_to_expiry[rows]
    chain = Chain(contracts["strike"], years, contracts["right"], style=style, scheme=scheme)
    calls = contracts["right"] > 0

    def gap(dividend_yield: float) -> float:
        volatility = chain.implied_volatility(mid, snapshot.spot, rate, dividend_yield)
        apart = volatility[calls] - volatility[~calls]  # sorted by strike, so that they go in pairs
        apart = apart[np.isfinite(apart)]
        return float(np.median(apart)) if len(apart) else float("nan")

    low, high = 0.0, 0.01
    at_low, at_high = gap(low), gap(high)
    for _ in range(_PARITY_STEPS):
        if not np.isfinite(at_low + at_high) or at_low == at_high:
            return 0.0
        step = at_high * (high - low) / (at_high - at_low)
        low, at_low = high, at_high
        high = float(np.clip(high - step, -_YIELD_LIMIT, _YIELD_LIMIT))
        if abs(high - low) < 1e-9:
            return high if abs(high) < _YIELD_LIMIT else 0.0
        at_high = gap(high)
    return high if abs(at_high) < 1e-6 else 0.0


def _or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
