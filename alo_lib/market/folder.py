"""A LEAN data folder: every reader of this room behind one object that knows hours, ticker histories and faults."""

from collections.abc import Collection, Sequence
from datetime import date
from functools import cached_property
from pathlib import Path

import numpy as np

from alo_lib.market.announced_dividends import announced_dividends
from alo_lib.market.bars import BAR_DTYPES, Bars, OptionBars, session_days
from alo_lib.market.calendar import MarketHours
from alo_lib.market.corporate_actions import named_kinds
from alo_lib.market.distributions import Distribution, told_apart
from alo_lib.market.event_files import DatedEvent, events_file, read_events
from alo_lib.market.factor_files import CorporateEvents, FactorFile
from alo_lib.market.faults import DataError, FaultKind, FaultLog
from alo_lib.market.hours_database import MarketHoursDatabase
from alo_lib.market.interest_rate import InterestRates
from alo_lib.market.layout import (
    ContractKey,
    DataKind,
    OptionArchive,
    Resolution,
    SecurityArchive,
    SecurityType,
    factor_file_path,
    universe_directory,
)
from alo_lib.market.lean_files import read_option_file, read_security_file
from alo_lib.market.map_files import MapFile, MapFiles
from alo_lib.market.rate_curves import RateCurves, curves_file, read_curves
from alo_lib.market.text_files import in_place
from alo_lib.market.universe import LOOKBACK_DAYS, OptionUniverse, universe_days
from alo_lib.records import DividendKind, Session
from alo_lib.records.spelling import check_ticker

__all__ = ["DataFolder"]


class DataFolder:
    """LEAN's data folder, opened for reading.

    ``ticker`` always means what a user types into LEAN: today's name of a security. Files are found by the name of
    their own day. Dates are exchange dates, ranges include both ends. What is skipped is in :attr:`faults`.
    """

    def __init__(
        self, root: Path | str, *, market: str = "usa", hours_database: MarketHoursDatabase | None = None
    ) -> None:
        """Raise DataError when ``root`` is no folder or has no usable market-hours database."""
        self.root = Path(root)
        self.market = market
        self.faults = FaultLog()
        self._hours: dict[tuple[SecurityType, str | None], MarketHours] = {}
        self._factor_files: dict[str, FactorFile] = {}
        if not self.root.is_dir():
            raise DataError(f"there is no data folder at {self.root}; name the folder that holds LEAN's data")
        self._hours_database = hours_database or MarketHoursDatabase.load(self.root)
        self.hours()

    def aside(self) -> "DataFolder":
        """The same folder for a second look, whose faults are counted apart. What is kept of files is shared."""
        other = DataFolder(self.root, market=self.market, hours_database=self._hours_database)
        other._map_files, other._factor_files = self._map_files, self._factor_files
        return other

    def hours(self, security: SecurityType = SecurityType.EQUITY, ticker: str | None = None) -> MarketHours:
        """The market hours of a security type, or of one of its tickers."""
        key = (security, ticker)
        if key not in self._hours:
            self._hours[key] = self._hours_database.hours(security, ticker, self.market)
        return self._hours[key]

    @cached_property
    def _map_files(self) -> MapFiles:
        return MapFiles(self.root, self.market, self.faults)

    @cached_property
    def interest_rates(self) -> InterestRates:
        """The risk-free rates."""
        return InterestRates.load(self.root, self.faults)

    def map_file(self, ticker: str, on: date | None = None) -> MapFile:
        """The history of the equity that ``ticker`` names on the day ``on``, by default today."""
        return self._map_files.resolve(ticker, on)

    def while_listed(self, ticker: str, sessions: Sequence[Session]) -> list[Session]:
        """Those of some sessions up to the last day of an equity's map file.

        :raises DataError: where there is none.
        """
        last = self.map_file(ticker).delisting_date
        found = [session for session in sessions if session.day <= last]
        if not found:
            raise DataError(
                f"{ticker} ended on {last}, by its map file in {self.root}; choose days before that, not "
                f"{sessions[0].day} to {sessions[-1].day}"
            )
        return found

    def factor_file(self, ticker: str) -> FactorFile:
        """The split and dividend factors of an equity."""
        permtick = self.map_file(ticker).permtick
        if permtick not in self._factor_files:
            path = factor_file_path(self.root, self.market, permtick)
            self._factor_files[permtick] = FactorFile.load(path, self.faults)
        return self._factor_files[permtick]

    def events(self, ticker: str) -> CorporateEvents:
        """The splits and dividends of an equity."""
        return self.factor_file(ticker).events(self.hours(SecurityType.EQUITY, ticker), self.faults)

    def distributions(self, ticker: str) -> tuple[Distribution, ...]:
        """The dividends of an equity, and what each is; its user's file of dated events has the last word.

        :raises DataError: for a file of events that cannot be read.
        """
        hours = self.hours(SecurityType.EQUITY, ticker)
        named = named_kinds(self.dated_events(ticker), hours.session_from)
        return told_apart(self.events(ticker).dividends, named)

    def dated_events(self, ticker: str) -> tuple[DatedEvent, ...]:
        """The dated events of an equity from the file that its user keeps; none without one.

        :raises DataError: for a file that cannot be read.
        """
        return read_events(events_file(self.root, ticker))

    def rate_curves(self, name: str) -> RateCurves:
        """The curves of interest rates that a user keeps by a name.

        :raises DataError: for a file that is not there or cannot be read.
        """
        return read_curves(curves_file(self.root, name))

    def announced(self, ticker: str, day: date) -> list[tuple[int, float]]:
        """Ex-times and amounts of the dividends that file announces, as they are known before the session of ``day``.

        Amounts are for a share as there is on that day. The rule is :func:`announced_dividends`.

        :raises DataError: for a file that cannot be read.
        """
        splits = [(each.day, each.factor) for each in self.events(ticker).splits]
        return announced_dividends(
            self.dated_events(ticker),
            day,
            self.hours(SecurityType.EQUITY, ticker).session_from,
            lambda since, until: [each for each in splits if since <= each[0] <= until],
        )

    def _history(self, ticker: str, security: SecurityType) -> MapFile:
        if security.underlying is SecurityType.EQUITY:
            return self.map_file(ticker)
        return MapFile(check_ticker(ticker))

    def _file_days(
        self, ticker: str, security: SecurityType, start: date, end: date, resolution: Resolution
    ) -> list[tuple[str, date, date, date]]:
        """The (ticker, day, first, last) of each file that holds ``start`` to ``end``; day is one of the file."""
        if start > end:
            raise ValueError(f"start {start} is after end {end}; a range of days must not be empty")
        spans = self._history(ticker, security).spans(start, end)
        if resolution is Resolution.MINUTE:
            trading_days = self.hours(security, ticker).trading_days
            return [(name, day, day, day) for first, last, name in spans for day in trading_days(first, last)]
        if security is security.underlying:
            return [(name, first, first, last) for first, last, name in spans]
        return [
            (name, date(year, 1, 1), max(first, date(year, 1, 1)), min(last, date(year, 12, 31)))
            for first, last, name in spans
            for year in range(first.year, last.year + 1)
        ]

    def bars(
        self,
        ticker: str,
        start: date,
        end: date,
        resolution: Resolution,
        kind: DataKind = DataKind.TRADE,
        *,
        security: SecurityType = SecurityType.EQUITY,
        extended: bool = False,
    ) -> Bars:
        """Raw bars of an equity or index, dtype TRADE_BAR or QUOTE_BAR, in time order.

        Only minute bars have quotes. Bars outside the regular session are left out unless ``extended``.
        """
        hours = self.hours(security, ticker)
        pieces = [np.zeros(0, BAR_DTYPES[kind])]
        for name, day, first, last in self._file_days(ticker, security, start, end, resolution):
            archive = SecurityArchive(self.root, name, day, resolution, kind, security, self.market)
            piece = read_security_file(archive, hours, self.faults, extended=extended)
            pieces.append(piece[hours.between(piece["time"], first, last)])
        return np.concatenate(pieces)

    def spans_with_bars(self, ticker: str, start: date, end: date, resolution: Resolution) -> list[tuple[date, date]]:
        """First and last day of the parts of ``start`` to ``end`` for which files of an equity's trade bars are there.

        Files that follow each other make one part.
        """
        spans: list[tuple[date, date]] = []
        kinds, goes_on = (DataKind.TRADE, SecurityType.EQUITY), False
        for name, day, first, last in self._file_days(ticker, SecurityType.EQUITY, start, end, resolution):
            is_there = in_place(SecurityArchive(self.root, name, day, resolution, *kinds, self.market).path)
            if is_there:
                spans[-1:] = [(spans[-1][0], last)] if goes_on else [*spans[-1:], (first, last)]
            goes_on = is_there
        return spans

    def split_adjusted_bars(
        self, ticker: str, start: date, end: date, resolution: Resolution = Resolution.DAILY
    ) -> Bars:
        """Trade bars of an equity, dtype TRADE_BAR, in time order; prices as after the last split, volumes raw.

        The same as LEAN's ``DataNormalizationMode.SPLIT_ADJUSTED``, but for spin-offs and special dividends, whose
        drop is no return: prices before one are what it left of them.
        """
        bars = self.bars(ticker, start, end, resolution)
        days = session_days(bars)
        factors = self.factor_file(ticker).split_factors(days)
        for one in self.distributions(ticker):
            if one.kind is DividendKind.ADJUSTING:
                factors[days < np.datetime64(one.ex_date)] *= one.kept
        for name in ("open", "high", "low", "close"):
            bars[name] *= factors
        return bars

    def option_bars(
        self,
        ticker: str,
        start: date,
        end: date,
        resolution: Resolution,
        kind: DataKind = DataKind.QUOTE,
        *,
        contracts: Collection[ContractKey] | None = None,
        security: SecurityType = SecurityType.OPTION,
    ) -> OptionBars:
        """The rows of a chain, or of ``contracts`` only; ``ticker`` is the underlying's (an index option's own)."""
        hours = self.hours(security, ticker)
        pieces: list[OptionBars] = []
        for name, day, first, last in self._file_days(ticker, security, start, end, resolution):
            archive = OptionArchive(self.root, name, day, resolution, kind, security, self.market)
            piece = read_option_file(archive, hours, self.faults, contracts=contracts)
            pieces.append(piece.where(hours.between(piece.bars["time"], first, last)))
        return OptionBars.concatenate(pieces, BAR_DTYPES[kind])

    def quote_archive(self, ticker: str, day: date, resolution: Resolution) -> OptionArchive:
        """The archive that has the quotes of an equity's chain on a day."""
        name = self._history(ticker, SecurityType.OPTION).ticker_on(day)
        return OptionArchive(self.root, name, day, resolution, DataKind.QUOTE, SecurityType.OPTION, self.market)

    def universe(
        self,
        ticker: str,
        day: date,
        *,
        security: SecurityType = SecurityType.OPTION,
        lookback: int = LOOKBACK_DAYS,
    ) -> OptionUniverse | None:
        """The universe in force on ``day``: the file of the trading day before, or an earlier one if it is missing.

        None when there is no file within ``lookback`` trading days. Contracts that expired before ``day`` are left out.
        """
        hours = self.hours(security, ticker)
        for file_day in universe_days(day, hours, lookback):
            path = self.universe_path(ticker, file_day, security)
            if in_place(path):
                found = OptionUniverse.load(path, self.faults, american=security is SecurityType.OPTION)
                return found.alive(day)
            self.faults.record(FaultKind.MISSING_FILE, path)
        return None

    def has_universe(self, ticker: str, file_day: date, *, security: SecurityType = SecurityType.OPTION) -> bool:
        """Whether there is a universe file of a day, from which LEAN selects at the midnight after."""
        return self.universe_path(ticker, file_day, security).is_file()

    def universe_path(self, ticker: str, file_day: date, security: SecurityType = SecurityType.OPTION) -> Path:
        """Where the universe file of a day is, or would be."""
        name = self._history(ticker, security).ticker_on(file_day)
        return universe_directory(self.root, security, self.market, name) / f"{file_day:%Y%m%d}.csv"
