"""The bars of a session, read from LEAN's files and put into the order in which the core is told."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.market import (
    BAR_DTYPES,
    QUOTE_BAR,
    TRADE_BAR,
    ContractKey,
    DataFolder,
    DataKind,
    OptionBars,
    Resolution,
    contract_array,
)
from alo_lib.records import Contract, Kind, Message, Records, Session, crossed, records
from alo_lib.runtime import Timetable
from alo_lib.settings import Settings

__all__ = ["BarReader", "BarsEnding", "SessionBars", "Watched"]

_SIDES: Final = {side: [f"{side}_{name}" for name in ("open", "high", "low", "close")] for side in ("bid", "ask")}

Times = NDArray[np.int64]


class Watched(NamedTuple):
    """An underlying, and the contracts of it that are told today, by number."""

    ticker: str
    number: int
    contracts: list[tuple[int, Contract]]


@dataclass(frozen=True, slots=True)
class BarsEnding:
    """The new bars that end at one time: TRADE and QUOTE records, and the bars that they are the ends of."""

    time: int
    trades: Records  # of the underlyings
    option_trades: Records
    quotes: Records
    trade_bars: NDArray[np.void]  # TRADE_BAR, a row of `trades` each
    quote_bars: NDArray[np.void]  # QUOTE_BAR, a row of `quotes` each

    def messages(self) -> Iterator[Message]:
        """As the core is told; a quote that a carried side crosses is not, nor are the trades of options."""
        if len(self.trades):
            yield Message(Kind.TRADE, self.time, self.trades)
        quotes = self.quotes[~crossed(self.quotes["bid"], self.quotes["ask"])]
        if len(quotes):
            yield Message(Kind.QUOTE, self.time, quotes)


@dataclass(frozen=True)
class SessionBars:
    """All bars of a session. Each table is sorted by time, then instrument; its times are beside it."""

    grid: Times  # ends of bars, at which frames may follow whether there is data or not
    trade_times: Times
    trades: Records
    option_trade_times: Times
    option_trades: Records
    quote_times: Times
    quotes: Records
    trade_bars: NDArray[np.void]
    quote_bars: NDArray[np.void]

    def __len__(self) -> int:
        """How many bars there are."""
        return len(self.trades) + len(self.option_trades) + len(self.quotes)

    def steps(self) -> Iterator[BarsEnding]:
        """One step a time, in order; a time of the grid without bars gives an empty one."""
        tables = (self.trade_times, self.option_trade_times, self.quote_times)
        times = np.unique(np.concatenate([self.grid, *tables]))
        ends = np.stack([np.searchsorted(table, times, side="right") for table in tables], axis=1)
        begins = np.vstack([np.zeros_like(ends[:1]), ends[:-1]])
        for time, first, end in zip(times.tolist(), begins.tolist(), ends.tolist(), strict=True):
            trades, option_trades, quotes = map(slice, first, end)
            yield BarsEnding(
                time,
                self.trades[trades],
                self.option_trades[option_trades],
                self.quotes[quotes],
                self.trade_bars[trades],
                self.quote_bars[quotes],
            )


class BarReader:
    """Reads what a run's settings ask for. Minute files are read day by day, hour files once for the whole run.

    A quote bar without one side takes that side from the contract's bar before, with size 0, as LEAN does for as long
    as the contract is subscribed.
    """

    def __init__(self, settings: Settings, folder: DataFolder) -> None:
        self._settings = settings
        self._folder = folder
        # What is left out of options' trades is no loss to a run, which does not trade by them.
        self._aside = folder.aside()
        self._resolution = Resolution(settings.resolution)
        self._hourly: dict[str, NDArray[np.void]] = {}
        self._hourly_chain: dict[tuple[str, DataKind], OptionBars] = {}
        self.last_quote = np.zeros(0, QUOTE_BAR)  # of yesterday's instruments, by number

    def read_ahead(self) -> None:
        """Read the files that hold more than one session, and are kept; what is bad in them is counted now."""
        if self._resolution is Resolution.HOUR:
            for ticker in self._settings.underlyings:
                self._hourly_trades(ticker)
                for kind in (DataKind.QUOTE, DataKind.TRADE):
                    self._hourly_bars(ticker, kind)

    def read(self, session: Session, watched: Sequence[Watched]) -> SessionBars:
        """The bars of one session that end within it."""
        trades, option_trades, quotes = [], [_empty(TRADE_BAR)], [_empty(QUOTE_BAR)]
        for underlying in watched:
            bars = self.trades(underlying.ticker, session.day)
            trades.append((bars, np.full(len(bars), underlying.number, np.int32)))
            if self._resolution is Resolution.MINUTE:
                day = session.day
                bars = self._folder.bars(underlying.ticker, day, day, self._resolution, DataKind.QUOTE)
                quotes.append((bars, np.full(len(bars), underlying.number, np.int32)))
            quotes.append(self._chain(underlying, session.day, DataKind.QUOTE))
            option_trades.append(self._chain(underlying, session.day, DataKind.TRADE))
        trade_bars, trade_numbers = _in_order(trades, session)
        option_bars, option_numbers = _in_order(option_trades, session)
        quote_bars, quote_numbers = _in_order(quotes, session)
        self._forget_others(watched)
        self._carry_sides(quote_bars, quote_numbers)
        return SessionBars(
            grid=Timetable(self._settings).bar_ends(session),
            trade_times=trade_bars["time"],
            trades=_trade_records(trade_bars, trade_numbers),
            option_trade_times=option_bars["time"],
            option_trades=_trade_records(option_bars, option_numbers),
            quote_times=quote_bars["time"],
            quotes=records(
                Kind.QUOTE,
                len(quote_bars),
                instrument=quote_numbers,
                bid=quote_bars["bid_close"],
                ask=quote_bars["ask_close"],
                bid_size=quote_bars["bid_size"],
                ask_size=quote_bars["ask_size"],
            ),
            trade_bars=trade_bars,
            quote_bars=quote_bars,
        )

    def trades(self, ticker: str, day: dt.date) -> NDArray[np.void]:
        """The trade bars of an underlying on one day, dtype TRADE_BAR."""
        if self._resolution is Resolution.MINUTE:
            return self._folder.bars(ticker, day, day, self._resolution)
        bars = self._hourly_trades(ticker)
        return bars[self._folder.hours().between(bars["time"], day, day)]

    def _forget_others(self, watched: Sequence[Watched]) -> None:
        """Keep last quotes of today's instruments alone."""
        today = [number for one in watched for number in (one.number, *(number for number, _ in one.contracts))]
        kept = np.zeros(max([len(self.last_quote) - 1, *today]) + 1, QUOTE_BAR)
        for name in _SIDES["bid"] + _SIDES["ask"]:
            kept[name] = np.nan
        known = [number for number in today if number < len(self.last_quote)]
        kept[known] = self.last_quote[known]
        self.last_quote = kept

    def _carry_sides(self, bars: NDArray[np.void], numbers: NDArray[np.int32]) -> None:
        """Give each bar that lacks a side the side of its instrument's bar before, in place."""
        order = np.lexsort((bars["time"], numbers))
        owner, place = numbers[order], np.arange(len(order))
        first = np.searchsorted(owner, owner)
        for side, names in _SIDES.items():
            shown = ~np.isnan(bars[f"{side}_close"][order])
            source = np.maximum.accumulate(np.where(shown, place, -1)) if len(place) else place
            within = source >= first
            for name in names:
                column = bars[name][order]
                bars[name][order] = np.where(within, column[source], self.last_quote[name][owner])
        last = np.flatnonzero(np.append(owner[1:] != owner[:-1], True)) if len(owner) else place
        self.last_quote[owner[last]] = bars[order[last]]

    def _chain(self, underlying: Watched, day: dt.date, kind: DataKind) -> tuple[NDArray[np.void], NDArray[np.int32]]:
        """Bars of today's contracts, and the number of each one's contract."""
        if not underlying.contracts:
            return _empty(BAR_DTYPES[kind])
        numbers = np.array([number for number, _ in underlying.contracts], np.int32)
        keys = [ContractKey(contract.expiry, contract.strike, contract.right) for _, contract in underlying.contracts]
        if self._resolution is Resolution.MINUTE:
            chain = self._source(kind).option_bars(underlying.ticker, day, day, self._resolution, kind, contracts=keys)
        else:
            chain = self._hourly_bars(underlying.ticker, kind)
            chain = chain.where(self._folder.hours().between(chain.bars["time"], day, day))
        # Both lists are sorted by expiry, strike, puts before calls.
        listed = contract_array(keys)
        at = np.minimum(np.searchsorted(listed, chain.contracts), len(listed) - 1)
        number = np.where(listed[at] == chain.contracts, numbers[at], -1).astype(np.int32)[chain.contract]
        return chain.bars[number >= 0], number[number >= 0]

    def _hourly_trades(self, ticker: str) -> NDArray[np.void]:
        if ticker not in self._hourly:
            first, last = self._settings.start, self._settings.end
            self._hourly[ticker] = self._folder.bars(ticker, first, last, self._resolution)
        return self._hourly[ticker]

    def _hourly_bars(self, ticker: str, kind: DataKind) -> OptionBars:
        if (ticker, kind) not in self._hourly_chain:
            first, last = self._settings.start, self._settings.end
            chain = self._source(kind).option_bars(ticker, first, last, self._resolution, kind)
            self._hourly_chain[ticker, kind] = chain
        return self._hourly_chain[ticker, kind]

    def _source(self, kind: DataKind) -> DataFolder:
        return self._folder if kind is DataKind.QUOTE else self._aside


def _trade_records(bars: NDArray[np.void], numbers: NDArray[np.int32]) -> Records:
    return records(Kind.TRADE, len(bars), instrument=numbers, close=bars["close"], volume=bars["volume"])


def _empty(dtype: np.dtype[np.void]) -> tuple[NDArray[np.void], NDArray[np.int32]]:
    return np.zeros(0, dtype), np.zeros(0, np.int32)


def _in_order(
    pieces: Sequence[tuple[NDArray[np.void], NDArray[np.int32]]], session: Session
) -> tuple[NDArray[np.void], NDArray[np.int32]]:
    """All bars that end within the session and their instruments, by time, then instrument."""
    bars = np.concatenate([bars for bars, _ in pieces])
    numbers = np.concatenate([numbers for _, numbers in pieces])
    inside = np.flatnonzero((bars["time"] > session.open) & (bars["time"] <= session.close))
    order = inside[np.lexsort((numbers[inside], bars["time"][inside]))]
    return bars[order], numbers[order]
