"""What is known of one underlying's market: its price, its contracts and their last quotes."""

import math
import statistics
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.market.expected_dividends import days_again
from alo_lib.pricing import DOMAINS
from alo_lib.pricing.quotes import quote_mid
from alo_lib.records import DAY, TRANSIENT, Kind, Records, records, years_between
from alo_lib.strategy.priced_rows import PricedRows

__all__ = ["Ahead", "CarryLooks", "CashDividend", "ChainExpiries", "MarketBook"]


FloatArray = NDArray[np.float64]

_LEAST_SPOT: Final = DOMAINS["spot"][0]
_MOST_SPOT: Final = DOMAINS["spot"][1]
"""What options can be priced at: a spot beyond counts as unknown."""

_LOOKS: Final = 9
_LEAST_LOOKS: Final = 3
"""A median of three leaves out one that is wrong."""

Ahead = tuple[tuple[int, float], ...]
"""Cash dividends to be expected: ex-times, ascending, and amounts a share."""


@dataclass(slots=True)
class CashDividend:
    """A regular cash dividend per share, which goes ex at ``time``."""

    time: int
    amount: float


@dataclass(slots=True)
class CarryLooks:
    """The last yields that one expiry's pairs were seen to have, see :mod:`alo_lib.strategy.carry`."""

    time: int = -1  # of the last look
    yields: list[float] = field(default_factory=list)

    def take(self, time: int, seen: float) -> None:
        """Take one look's yield, which is NaN where there was none to be seen."""
        self.time = time
        if math.isfinite(seen):
            self.yields = [*self.yields, seen][-_LOOKS:]

    @classmethod
    def told(cls, time: int, dividend_yield: float) -> "CarryLooks":
        """Looks of which only what they come to is known."""
        return cls(time, [dividend_yield] * _LEAST_LOOKS)

    @property
    def known(self) -> bool:
        """Whether it was seen often enough to count."""
        return len(self.yields) >= _LEAST_LOOKS

    @property
    def dividend_yield(self) -> float:
        """The median of what was seen."""
        return statistics.median(self.yields)


class ChainExpiries(NamedTuple):
    """The expiries of a chain."""

    time: NDArray[np.int64]  # (m,), ascending
    of_row: NDArray[np.intp]  # (n,) place of each row's expiry among them

    def spread(self, values: Mapping[int, float]) -> FloatArray:
        """Values by expiry as those of each row (n,); NaN where there is none."""
        return np.array([values.get(each, np.nan) for each in self.time.tolist()], np.float64)[self.of_row]


class _Carried(NamedTuple):
    """What looks at carries come to, and the looks: most of a frame asks for the same."""

    expiries: list[int]
    looks: list[list[float]]
    known: NDArray[np.int64]  # expiries whose carry is known, ascending
    yields: FloatArray


def _no_quotes(count: int) -> Records:
    return records(Kind.QUOTE, count, bid=np.nan, ask=np.nan)


@dataclass
class MarketBook:
    """One underlying and its chain. Rows of ``contracts``, ``quotes`` and their times belong together."""

    instrument: int
    ticker: str
    trade_price: float = np.nan
    trade_time: int = -1
    quote: Annotated[Records, Kind.QUOTE] = field(default_factory=lambda: _no_quotes(1))
    quote_at: int = -1
    contracts: Annotated[Records, Kind.INSTRUMENT] = field(default_factory=lambda: records(Kind.INSTRUMENT, 0))
    quotes: Annotated[Records, Kind.QUOTE] = field(default_factory=lambda: _no_quotes(0))
    quote_time: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    quote_since: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))  # told first, unchanged since
    dividends: list[CashDividend] = field(default_factory=list)  # that were paid
    announced: list[CashDividend] = field(default_factory=list)  # as known in this session, in order
    carry: dict[int, CarryLooks] = field(default_factory=dict)  # by expiry
    rates: dict[int, float] = field(default_factory=dict)  # to expiries, of this session alone
    carry_beside: list[CashDividend] = field(default_factory=list)  # what was announced at the last look
    split_pending: bool = False
    action_ahead: bool = False  # contracts change before the next session, by something else than a split
    action_at: int = -1  # ex-time of the last spin-off or special dividend
    barred: set[int] = field(default_factory=set)  # contracts listed before one: their terms are not what they were
    blocked_until: int = -1  # nothing is opened before
    # What became of orders against the last quote of an instrument, by instrument and direction of the order.
    taken: dict[tuple[int, int], int] = field(default_factory=dict)
    refused: set[tuple[int, int]] = field(default_factory=set)
    priced: Annotated[list[PricedRows] | None, TRANSIENT] = field(default=None, init=False, repr=False, compare=False)
    """What was last priced, all as of one moment, which saves making it again and changes no value."""
    _carried: Annotated[_Carried | None, TRANSIENT] = field(default=None, init=False, repr=False, compare=False)
    _row: dict[int, int] = field(default_factory=dict, init=False)

    @cached_property
    def expiries(self) -> ChainExpiries:
        """Those of the chain; they are looked for once, as long as it stays."""
        time, places = np.unique(self.contracts["expiry"], return_inverse=True)
        return ChainExpiries(time, places.astype(np.intp))

    @property
    def spot(self) -> float:
        """Mid of the underlying's quote where it is newest and sane, else its last trade; NaN before either."""
        mid = quote_mid(float(self.quote["bid"][0]), float(self.quote["ask"][0]))
        return mid if self.quote_at >= self.trade_time and _LEAST_SPOT <= mid <= _MOST_SPOT else self.trade_price

    @property
    def known_spot(self) -> float:
        """The spot; 0 where none is known."""
        spot = self.spot
        return spot if 0.0 < spot < math.inf else 0.0

    @property
    def spot_time(self) -> int:
        """When the spot was last heard of."""
        return max(self.quote_at, self.trade_time)

    def take_trade(self, price: float, time: int) -> None:
        """Take a trade of the underlying, or a bar of trades that ended."""
        self.trade_price, self.trade_time = price, time
        self.forget_orders({self.instrument})

    def take_quotes(self, rows: Records, time: int) -> bool:
        """Take QUOTE records. Returns whether any is of the underlying or of a contract that is listed now."""
        if self.taken or self.refused:
            self.forget_orders(set(rows["instrument"].tolist()))
        own = rows[rows["instrument"] == self.instrument]
        if len(own):
            self.quote, self.quote_at = own[-1:].copy(), time
        _, chain_rows, quote_rows = np.intersect1d(
            self.contracts["instrument"], rows["instrument"], assume_unique=True, return_indices=True
        )
        if len(chain_rows):
            changed = self.quotes[chain_rows] != rows[quote_rows]
            self.quote_since[chain_rows[changed]] = time
            self.quotes[chain_rows] = rows[quote_rows]
            self.quote_time[chain_rows] = time
        return bool(len(own) or len(chain_rows))

    def split(self, time: int, factor: float) -> None:
        """Restate the last price, and what was paid before, in shares after a split at ``time``; no quote is left."""
        self.split_pending = False
        price = self.spot * factor
        self.trade_price = price if _LEAST_SPOT <= price <= _MOST_SPOT else np.nan
        self.quote["bid"], self.quote["ask"] = np.nan, np.nan
        for dividend in self.dividends:
            if dividend.time < time:
                dividend.amount *= factor
        for dividend in self.announced:
            dividend.amount *= factor

    def announce(self, rows: Records) -> None:
        """Take what ANNOUNCED records tell of this underlying, in shares as they are now, for all told before."""
        own = np.sort(rows[rows["instrument"] == self.instrument], order="time")
        self.announced = [CashDividend(int(row["time"]), float(row["amount"])) for row in own]

    def distribute(self, amount: float) -> None:
        """Lower the last price by what was distributed a share; no quote is left."""
        price = self.spot - amount
        self.trade_price = price if _LEAST_SPOT <= price <= _MOST_SPOT else np.nan
        self.quote["bid"], self.quote["ask"] = np.nan, np.nan

    @property
    def terms_change(self) -> bool:
        """Whether contracts are about to change: they are closed, and none is opened."""
        return self.split_pending or self.action_ahead

    def bar_contracts(self) -> None:
        """Trade no contract that is listed now any more."""
        self.barred.update(self.contracts["instrument"].tolist())

    def may_be_opened(self) -> NDArray[np.bool_]:
        """Rows whose contracts have the terms that they are listed with."""
        if not self.barred:
            return np.ones(len(self.contracts), np.bool_)
        return ~np.isin(self.contracts["instrument"], sorted(self.barred))

    def forget_orders(self, instruments: set[int]) -> None:
        """Forget what orders did to the quotes of instruments that have newer ones."""
        self.taken = {side: size for side, size in self.taken.items() if side[0] not in instruments}
        self.refused = {side for side in self.refused if side[0] not in instruments}

    def lists(self, instrument: int) -> bool:
        """Whether the chain holds a contract."""
        return instrument in self._row

    def row(self, instrument: int) -> int:
        """The row of a contract (KeyError when the chain does not hold it)."""
        try:
            return self._row[instrument]
        except KeyError:
            raise KeyError(f"instrument {instrument} is not in the chain of {self.ticker}") from None

    def quote_of(self, instrument: int) -> np.void:
        """Last quote of the underlying or of a contract (KeyError for neither)."""
        row: np.void = self.quote[0] if instrument == self.instrument else self.quotes[self.row(instrument)]
        return row

    def list_contracts(self, contracts: Records, keep: Collection[int] = ()) -> None:
        """Replace the chain by today's; what both hold keeps its last quote.

        Contracts to ``keep``, which are held or on order, stay in the chain as they are where nobody tells of them.
        """
        left = np.isin(self.contracts["instrument"], list(keep))
        left &= ~np.isin(self.contracts["instrument"], contracts["instrument"])
        if left.any():
            contracts = np.concatenate([contracts, self.contracts[left]])
            contracts = contracts[np.lexsort((contracts["right"], contracts["strike"], contracts["expiry"]))]
        quotes, quote_time = _no_quotes(len(contracts)), np.full(len(contracts), -1, np.int64)
        quote_since = quote_time.copy()
        quotes["instrument"] = contracts["instrument"]
        _, new, old = np.intersect1d(contracts["instrument"], self.contracts["instrument"], return_indices=True)
        quotes[new], quote_time[new], quote_since[new] = self.quotes[old], self.quote_time[old], self.quote_since[old]
        self.contracts, self.quotes, self.quote_time, self.priced = contracts, quotes, quote_time, None
        self.quote_since = quote_since
        self.__dict__.pop("expiries", None)
        self._row = {number: row for row, number in enumerate(contracts["instrument"].tolist())}
        listed = set(contracts["expiry"].tolist())
        self.carry = {expiry: looks for expiry, looks in self.carry.items() if expiry in listed}

    def years_to_expiry(self, time: int) -> FloatArray:
        """Years from ``time`` to each contract's last close; never below zero."""
        return np.maximum(years_between(time, self.contracts["expiry"]), 0.0)

    def dividend_yield(self, expiry: NDArray[np.int64]) -> FloatArray:
        """What the underlying pays beside its cash dividends until each of some expiries (n,), as a yield a year.

        That of an expiry that is not known is the next later one's that is, else the last one's before it; 0 where none
        is.
        """
        expiries, looks = list(self.carry), [each.yields for each in self.carry.values()]
        told = self._carried
        if told is None or told.looks != looks or told.expiries != expiries:
            known = sorted(each for each, looks in self.carry.items() if looks.known)
            yields = np.array([self.carry[each].dividend_yield for each in known])
            told = self._carried = _Carried(expiries, looks, np.array(known, np.int64), yields)
        if not len(told.known):
            return np.zeros(len(expiry))
        return np.asarray(told.yields[np.minimum(np.searchsorted(told.known, expiry), len(told.known) - 1)])

    def begin_session(self) -> None:
        """Forget what counted for the last session alone."""
        self.action_ahead = False
        self.announced = []
        self.rates = {}

    def take_rates(self, rows: Records) -> None:
        """Take the rates to expiries, which count for the session."""
        self.rates = dict(zip(rows["expiry"].tolist(), rows["rate"].tolist(), strict=True))

    def rate_to(self, expiry: int, rate: float) -> float:
        """The interest rate to an expiry: ``rate``, the one in force, where none was told to it."""
        return self.rates.get(expiry, rate)

    def rates_to(self, expiries: NDArray[np.int64], rate: float) -> float | FloatArray:
        """The interest rate to each of some expiries (n,); a number where no curve was told at all."""
        if not self.rates:
            return rate
        return np.array([self.rate_to(each, rate) for each in expiries.tolist()], np.float64)

    def mid(self, rows: NDArray[np.intp] | None = None) -> FloatArray:
        """Mid of the last quote of some rows, or of each contract; NaN where a side is missing or the two cross.

        By the rule of :func:`~alo_lib.pricing.quotes.quote_mid`, which this is of many at once.
        """
        bid, ask = self.quotes["bid"], self.quotes["ask"]
        if rows is not None:
            bid, ask = bid[rows], ask[rows]
        with np.errstate(invalid="ignore"):
            return np.where((bid > 0.0) & (bid <= ask), 0.5 * (bid + ask), np.nan)

    def dividends_ahead(
        self, time: int, until: int | None = None, announced: list[CashDividend] | None = None
    ) -> Ahead:
        """Dividends to be expected to go ex after ``time``, and by ``until``, for a year where that is None.

        By the rule of :mod:`alo_lib.market.expected_dividends`: those ``announced``, by default as told, and for the
        rest what was paid again, at the earliest of the opens known, so that one has gone ex at the open of its ex-date
        in summer and winter.
        """
        told = {each.time // DAY: each for each in (self.announced if announced is None else announced)}
        if not self.dividends and not told:
            return ()
        paid = [(dividend.time // DAY, dividend.amount) for dividend in self.dividends if dividend.time <= time]
        opens = min((dividend.time % DAY for dividend in self.dividends), default=0)
        last = None if until is None else until // DAY
        expected = days_again(paid, time // DAY, last, [(day, each.amount) for day, each in told.items()])
        times = ((told[day].time if day in told else day * DAY + opens, amount) for day, amount in expected)
        return tuple((ex_time, amount) for ex_time, amount in times if ex_time > time and amount > 0.0)

    def follow_announcements(self, time: int) -> None:
        """Forget the carry of expiries that was seen beside other dividends than are announced now."""
        if self.announced == self.carry_beside:
            return
        last = max(self.carry, default=time)
        now, before = (
            {(when // DAY, amount) for when, amount in self.dividends_ahead(time, last, announced)}
            for announced in (self.announced, self.carry_beside)
        )
        first = min((day for day, _ in now ^ before), default=None)
        if first is not None:
            self.carry = {expiry: looks for expiry, looks in self.carry.items() if expiry // DAY < first}
        self.carry_beside = self.announced

    def dividends_in_chain(self, time: int) -> Ahead:
        """Those that may go ex before a contract of the chain expires."""
        return self.dividends_ahead(time, int(self.expiries.time[-1])) if len(self.contracts) else ()

    def next_ex_date(self, time: int) -> int | None:
        """When the next dividend should go ex; None where none is to be expected."""
        ahead = self.dividends_ahead(time)
        return ahead[0][0] if ahead else None
