"""What a book risks, the whole or a part by underlying or expiry, for any quantities of the contracts that it knows.

Contracts are valued once (:class:`BookRisk`); a book of them is then a sum, so that how much of a trade the limits
allow can be searched.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.numerics.fixed_order import dot
from alo_lib.records import DAY, DAYS_A_YEAR, OPTION_MULTIPLIER, VOLATILITY_POINT
from alo_lib.settings import Settings
from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.margin import OptionLine, margin_of
from alo_lib.strategy.staleness import quoted_at_spot
from alo_lib.strategy.state import StrategyState, Underlying
from alo_lib.strategy.stress import SHOCKS, gaps, joined, loss_of, scenario_profits
from alo_lib.strategy.trade import Trade
from alo_lib.strategy.valuation import leg_greeks, quote_volatility

__all__ = [
    "EXPIRY_BUCKETS",
    "GREEKS",
    "BookRisk",
    "EachRisk",
    "Holdings",
    "PartRisk",
    "holdings_with",
    "once_closed",
    "volatility_to_enter_at",
]

FloatArray = NDArray[np.float64]

_PERCENT: Final = 0.01
GREEKS: Final = ("delta", "gamma", "vega", "theta")
EXPIRY_BUCKETS: Final = (0, 31, 91, 366)
"""Calendar days to expiry at which a bucket begins; the last has no end."""


class Holdings(NamedTuple):
    """A book: what is held, or what would be."""

    quantity: Mapping[int, int]  # signed, by instrument; shares by their underlying's number
    structures: Mapping[int, int]  # trades, by underlying


@dataclass(frozen=True, slots=True)
class PartRisk:
    """What a part of the book risks, money but for the structures. NaN where it cannot be told."""

    delta: float  # worth of the shares that it moves as, signed
    gamma: float  # change of that for a move of 1 %
    vega: float  # for a volatility point
    theta: float  # a day
    notional: float  # worth of the shares that its options are on, long and short alike
    margin: float
    stress_loss: float  # the worst of SHOCKS
    gap_loss: float  # the worse of the next open's two
    structures: int


class EachRisk(NamedTuple):
    """What one of each of n structures adds to its underlying's risk, money as in PartRisk; NaN where unknown."""

    greeks: dict[str, FloatArray]  # (n,)
    notional: FloatArray  # (n,)
    by_expiry: dict[str, FloatArray]  # greeks (buckets, n)
    profits: FloatArray  # (scenarios, n): SHOCKS, then the next open's


@dataclass(frozen=True)
class _Contracts:
    """Contracts of one underlying, and what one of each is; money a contract."""

    underlying: Underlying
    numbers: list[int]
    bucket: NDArray[np.intp]
    greeks: dict[str, FloatArray]  # delta, gamma, vega and theta as in PartRisk
    profits: FloatArray  # (scenarios, contracts)
    share_profits: FloatArray  # (scenarios,) of one share
    lines: list[OptionLine[float]]  # of quantity 0


class BookRisk:
    """The risk of any holdings in instruments that it was made for, as of one moment.

    A contract counts at the volatility at which it is held. One that is not counts at that of its quote, at which it
    would be, without one at its forecast; nothing can be told of one that has no forecast.
    """

    def __init__(self, state: StrategyState, settings: Settings, instruments: Iterable[int], time: int) -> None:
        self._settings = settings
        self.shocks = len(SHOCKS.spot)
        """Scenarios of SHOCKS, before those of the next open."""
        scenarios = joined(SHOCKS, gaps(settings.overnight_gap))
        self.moves = scenarios.spot
        """(scenarios,) Relative moves of spot, the same in all underlyings."""
        asked = set(instruments)
        self._of: dict[int, _Contracts] = {}
        self._unknown: set[int] = set()  # options that nobody lists
        for number, underlying in state.underlyings.items():
            mine = sorted(each for each in asked if each != number and state.underlying_of.get(each) == number)
            listed = [each for each in mine if underlying.book.lists(each)]
            self._unknown.update(set(mine).difference(listed))
            rows = np.array([underlying.book.row(each) for each in listed], np.intp)
            volatility = _volatilities(underlying, settings, listed, state.rate, time)
            greeks, worth = _greeks(underlying, rows, volatility, state.rate, time)
            profits = scenario_profits(underlying.book, rows, volatility, state.rate, time, scenarios)
            self._of[number] = _Contracts(
                underlying,
                listed,
                np.searchsorted(EXPIRY_BUCKETS, _days_left(underlying, rows, time), side="right") - 1,
                greeks,
                profits * OPTION_MULTIPLIER,
                underlying.book.known_spot * scenarios.spot,
                _lines(underlying, rows, worth),
            )

    def of(self, holdings: Holdings) -> PartRisk:
        """The risk of the whole book; where underlyings offset each other in a scenario, the worst one alone counts."""
        return self.of_all(holdings)[0]

    def of_all(self, holdings: Holdings) -> tuple[PartRisk, dict[int, PartRisk]]:
        """The risk of the whole book, and that of each underlying's options and shares."""
        parts = {number: self._part(number, holdings) for number in self._of}
        profits = {number: self.profits(number, holdings) for number in self._of}
        shock = loss_of({number: each[: self.shocks] for number, each in profits.items()})
        gap = loss_of({number: each[self.shocks :] for number, each in profits.items()})
        alone = {number: _summed([parts[number]], shock.alone[number], gap.alone[number]) for number in self._of}
        return _summed(list(parts.values()), shock.worst, gap.worst), alone

    def of_expiry(self, bucket: int, holdings: Holdings) -> PartRisk:
        """The greeks of options in one of EXPIRY_BUCKETS, all underlyings; a bucket has neither margin nor losses."""
        greeks = dict.fromkeys(GREEKS, 0.0)
        for number, own in self._of.items():
            at, quantity = own.bucket == bucket, self._quantities(number, holdings)
            told = 1.0 if self._tells(number, holdings) else math.nan
            for name in GREEKS:
                greeks[name] += told * _weighed(quantity[at], own.greeks[name][at])
        return PartRisk(**greeks, notional=0.0, margin=0.0, stress_loss=0.0, gap_loss=0.0, structures=0)

    def of_each(self, number: int, legs: NDArray[np.int32], quantity: NDArray[np.int32]) -> EachRisk:
        """What each of n structures in an underlying adds, from its ``legs`` (k, n) and how many contracts of each.

        Beyond the last leg that is 0. Sums go a leg after the other.
        """
        own = self._of[number]
        at = np.searchsorted(own.numbers, np.where(quantity != 0, legs, legs[0]))
        of_legs = {name: quantity * each[at] for name, each in own.greeks.items()}
        is_in = own.bucket[at] == np.arange(len(EXPIRY_BUCKETS))[:, None, None]
        return EachRisk(
            {name: np.asarray(each.sum(axis=0)) for name, each in of_legs.items()},
            np.abs(quantity).sum(axis=0) * OPTION_MULTIPLIER * own.underlying.book.known_spot,
            {name: np.asarray(np.where(is_in, each, 0.0).sum(axis=1)) for name, each in of_legs.items()},
            np.asarray((quantity * own.profits[:, at]).sum(axis=1)),
        )

    def margin(self, number: int, holdings: Holdings) -> float:
        """Margin of one underlying's options and shares."""
        own, quantity = self._of[number], self._quantities(number, holdings)
        lines = [_of_quantity(line, int(each)) for line, each in zip(own.lines, quantity, strict=True) if each]
        told = 1.0 if self._tells(number, holdings) else math.nan
        shares, spot = holdings.quantity.get(number, 0), own.underlying.book.known_spot
        return told * margin_of(shares, lines, spot, self._settings.short_margin)

    def hedged(self, holdings: Holdings) -> Holdings:
        """The same options, with the shares that leave each underlying without delta, as far as that can be told."""
        quantity = dict(holdings.quantity)
        for number, own in self._of.items():
            options = _weighed(self._quantities(number, holdings), own.greeks["delta"])
            spot = own.underlying.book.known_spot
            if spot > 0.0 and math.isfinite(options):
                quantity[number] = round(-options / spot)
        return holdings._replace(quantity=quantity)

    def _quantities(self, number: int, holdings: Holdings) -> FloatArray:
        return np.array([holdings.quantity.get(each, 0) for each in self._of[number].numbers], np.float64)

    def _tells(self, number: int, holdings: Holdings) -> bool:
        """Whether nothing is held that nobody lists, and something only where there is a price of the underlying."""
        own = self._of[number]
        if any(holdings.quantity.get(each, 0) for each in self._unknown):
            return False
        held = holdings.quantity.get(number, 0) or any(holdings.quantity.get(each, 0) for each in own.numbers)
        return not held or own.underlying.book.known_spot > 0.0

    def profits(self, number: int, holdings: Holdings) -> FloatArray:
        """What one underlying's options and shares would make in each scenario, money (scenarios,)."""
        own, quantity = self._of[number], self._quantities(number, holdings)
        if not self._tells(number, holdings):
            return np.full(len(own.profits), np.nan)
        held = quantity != 0.0
        options = [math.fsum(row) for row in (own.profits[:, held] * quantity[held]).tolist()]
        return np.array(options, np.float64) + float(holdings.quantity.get(number, 0)) * own.share_profits

    def _part(self, number: int, holdings: Holdings) -> PartRisk:
        """What adds up of one underlying; its losses are left 0."""
        own, quantity = self._of[number], self._quantities(number, holdings)
        shares, spot = holdings.quantity.get(number, 0), own.underlying.book.known_spot
        told = 1.0 if self._tells(number, holdings) else math.nan
        greeks = {name: told * _weighed(quantity, each) for name, each in own.greeks.items()}
        greeks["delta"] += shares * spot
        return PartRisk(
            **greeks,
            notional=told * float(np.sum(np.abs(quantity))) * OPTION_MULTIPLIER * spot,
            margin=self.margin(number, holdings),
            stress_loss=0.0,
            gap_loss=0.0,
            structures=holdings.structures.get(number, 0),
        )


def holdings_with(state: StrategyState, proposals: Iterable[Trade]) -> Holdings:
    """The book once all that is wanted, and ``proposals``, are held; what is to be closed counts until it is.

    That is all of a trade that was undone, and of one that was cut what it holds beyond.
    """
    quantity = {number: state.portfolio.quantity(number) for number in state.portfolio.held()}
    structures: dict[int, int] = {}
    for trade in [*state.trades, *proposals]:
        structures[trade.underlying] = structures.get(trade.underlying, 0) + 1
        if trade.undone_by is None:
            quantity.update((leg, _further(trade.wanted(leg), quantity.get(leg, 0))) for leg in trade.legs)
    return Holdings(quantity, structures)


def once_closed(state: StrategyState, holdings: Holdings) -> Holdings | None:
    """Holdings once what is to be closed of the trades is; None where nothing is."""
    left = {}
    for trade in state.trades:
        for leg in trade.legs:
            wanted, held = trade.wanted(leg), state.portfolio.quantity(leg)
            if held and (not wanted or _further(wanted, held) != wanted):
                left[leg] = wanted
    return holdings._replace(quantity={**holdings.quantity, **left}) if left else None


def _further(wanted: int, held: int) -> int:
    """What is wanted, or what is held beyond it on its side."""
    return held if wanted * held > 0 and abs(held) > abs(wanted) else wanted


def volatility_to_enter_at(
    book: MarketBook, rows: NDArray[np.intp], forecast: FloatArray, settings: Settings, rate: float, time: int
) -> FloatArray:
    """That of the quotes of rows (n,) whose ``forecast`` (n,) is known, where they tell one; else the forecast."""
    implied = quote_volatility(book, rows, rate, time)
    is_market = quoted_at_spot(book, rows, settings) & np.isfinite(implied) & np.isfinite(forecast)
    return np.asarray(np.where(is_market, implied, forecast))


def _volatilities(underlying: Underlying, settings: Settings, listed: list[int], rate: float, time: int) -> FloatArray:
    """That at which each contract is held; else, where there is a forecast, that of its quote or the forecast."""
    book = underlying.book
    expiries = book.contracts["expiry"]
    forecast = np.array([underlying.forecast.get(int(expiries[book.row(each)]), math.nan) for each in listed])
    volatility = np.array([underlying.implied.get(each, math.nan) for each in listed], np.float64)
    new = np.flatnonzero(np.isnan(volatility))
    if len(new) and book.known_spot:
        rows = np.array([book.row(listed[place]) for place in new], np.intp)
        volatility[new] = volatility_to_enter_at(book, rows, forecast[new], settings, rate, time)
    return volatility


def _days_left(underlying: Underlying, rows: NDArray[np.intp], time: int) -> FloatArray:
    return np.maximum((underlying.book.contracts["expiry"][rows] - time) / DAY, 0.0)


def _greeks(
    underlying: Underlying, rows: NDArray[np.intp], volatility: FloatArray, rate: float, time: int
) -> tuple[dict[str, FloatArray], FloatArray]:
    """Greeks of one contract each, as in PartRisk, and the worth of a share's option; NaN without a volatility."""
    spot, known = underlying.book.known_spot, np.flatnonzero(np.isfinite(volatility))
    raw = np.full((5, len(rows)), np.nan)
    if spot and len(known):
        told = leg_greeks(underlying.book, rows[known], volatility[known], rate, time)
        raw[:, known] = told.delta, told.gamma, told.vega, told.theta, told.price
    money = OPTION_MULTIPLIER * np.array([spot, spot * spot * _PERCENT, VOLATILITY_POINT, 1.0 / DAYS_A_YEAR])
    return dict(zip(GREEKS, raw[:4] * money[:, None], strict=True)), raw[4]


def _lines(underlying: Underlying, rows: NDArray[np.intp], worth: FloatArray) -> list[OptionLine[float]]:
    """Contracts as margin asks for them, at the middle of their quotes, without one at what they are worth."""
    contracts, mid = underlying.book.contracts[rows], underlying.book.mid(rows)
    price = np.where(np.isfinite(mid), mid, worth).tolist()
    columns = (contracts[name].tolist() for name in ("instrument", "right", "strike", "expiry"))
    return [
        OptionLine(number, right, strike, expiry, OPTION_MULTIPLIER, 0, each)
        for number, right, strike, expiry, each in zip(*columns, price, strict=True)
    ]


def _of_quantity(line: OptionLine[float], quantity: int) -> OptionLine[float]:
    return OptionLine(line.number, line.right, line.strike, line.expiry, line.multiplier, quantity, line.price)


def _weighed(quantity: FloatArray, each: FloatArray) -> float:
    """The sum over what is held; what cannot be told of the rest does not matter."""
    held = quantity != 0.0
    return dot(quantity[held], each[held])


def _summed(parts: list[PartRisk], stress_loss: float, gap_loss: float) -> PartRisk:
    adds = (*GREEKS, "notional", "margin", "structures")
    total = {name: sum(getattr(part, name) for part in parts) for name in adds}
    return PartRisk(**total, stress_loss=stress_loss, gap_loss=gap_loss)
