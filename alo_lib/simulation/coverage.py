"""What a run finds in its data folder, measured before it begins; and what it refuses to run on.

Nothing is traded here. A folder from which no result could be trusted raises a DataError whose one sentence names what
is wrong: an underlying that has nothing usable, data for too few of the sessions asked for, a ticker history, factor
or rate file that cannot be read, a price that moved overnight without a split or dividend that explains it.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from alo_lib.market import (
    Coverage,
    DataError,
    DataFindings,
    DataFolder,
    FactorFile,
    FaultKind,
    FaultLog,
    MapFile,
    Resolution,
)
from alo_lib.market.bars import Bars
from alo_lib.market.interest_rate import DEFAULT_RATE
from alo_lib.market.layout import factor_file_path, interest_rate_path, map_file_directory
from alo_lib.records import DAY, Session
from alo_lib.settings import Settings
from alo_lib.simulation.bars import BarReader
from alo_lib.simulation.moves import check_moves

__all__ = ["FIRST_DAY", "require_data"]

FIRST_DAY: Final = dt.date(1970, 1, 2)
"""Daily bars are read from here on."""

_ASKED: Final = "--set min-coverage=0"


class _Part(NamedTuple):
    """One kind of data, and the sessions that have it."""

    name: str
    days: list[dt.date]
    faults: FaultLog
    otherwise: str  # why there is none, where no fault says it
    required: bool  # whether a run that was asked for does not go without


def require_data(settings: Settings, data_folder: Path | str) -> DataFindings:
    """Measure what a run with these settings finds in a folder.

    :raises DataError: when the market is closed on all days of the range or the folder does not carry a result.
    """
    folder = DataFolder(data_folder)
    sessions = folder.hours().sessions(settings.start, settings.end)
    if not sessions:
        raise DataError(f"the market is closed on every day from {settings.start} to {settings.end}")
    warnings = _rate_warnings(folder)
    if not settings.quotes_are_dated:
        warnings.append(
            f"{settings.resolution} bars do not say how old a quote is: what has not changed since the bar before, or "
            "does not agree with the underlying's price, is not opened on"
        )
    coverage = []
    for ticker in settings.underlyings:
        _check_history(folder, ticker)
        coverage.append(_Measure(settings, folder, sessions, ticker).required())
    for each in coverage:
        if each.without_quotes:
            first, last = each.without_quotes[0], each.without_quotes[-1]
            warnings.append(
                f"{each.ticker} has no option quotes on {len(each.without_quotes)} of {each.sessions} sessions "
                f"({first}{'' if first == last else f' to {last}'}): what is held then is marked at old quotes and "
                "cannot be closed"
            )
        if not each.daily:
            warnings.append(f"{each.ticker} has no daily bars for a forecast: nothing of it is opened")
    return DataFindings(tuple(coverage), tuple(warnings))


class _Measure:
    """The data of one underlying. Faults are kept apart by what they are of, so that a sentence can name the right one.

    Faults met here are met again, and counted, by the run.
    """

    def __init__(self, settings: Settings, folder: DataFolder, sessions: Sequence[Session], ticker: str) -> None:
        self._settings, self._folder, self._ticker = settings, folder, ticker
        self._days = [session.day for session in sessions]
        self._opens = [session.open for session in sessions]

    def required(self) -> Coverage:
        """The coverage, or the DataError that says what is lacking."""
        bars, traded = self._traded()
        self._require(bars)
        quotes = self._quoted()
        self._require(quotes)
        universes = self._listed()
        self._require(universes)
        daily, history = self._forecastable()
        self._require(daily)
        self._check_moves(history, traded)
        quoted = set(quotes.days)
        return Coverage(
            self._ticker,
            len(self._days),
            bars=len(bars.days),
            quotes=len(quoted),
            universes=len(universes.days),
            daily=len(daily.days),
            without_quotes=tuple(day for day in self._days if day not in quoted),
        )

    def _require(self, part: _Part) -> None:
        settings, has, asked = self._settings, len(part.days), len(self._days)
        span = f"from {settings.start} to {settings.end} in {self._folder.root}"
        if not has and (part.required or settings.min_coverage > 0.0):
            way_out = "" if part.required else f"; to trade without, add {_ASKED}"
            raise DataError(f"{self._ticker} has no {part.name} {span}: {_reason(part)}{way_out}")
        if has < settings.min_coverage * asked:
            first = next(day for day in self._days if day not in set(part.days))
            raise DataError(
                f"{self._ticker} has {part.name} for {has} of {asked} sessions {span} (none on {first}), below "
                f"min-coverage = {settings.min_coverage:g}; choose other days, or add {_ASKED}"
            )

    def _reading(self) -> FaultLog:
        """A new log, for what is read next."""
        self._folder.faults = FaultLog()
        return self._folder.faults

    def _traded(self) -> tuple[_Part, dict[dt.date, Bars]]:
        faults, reader = self._reading(), BarReader(self._settings, self._folder)
        bars = {day: reader.trades(self._ticker, day) for day in self._days}
        traded = {day: found[found["close"] > 0.0] for day, found in bars.items() if (found["close"] > 0.0).any()}
        name = f"{self._settings.resolution} bars"
        return _Part(name, list(traded), faults, "no row has a price", True), traded

    def _quoted(self) -> _Part:
        faults, resolution = self._reading(), Resolution(self._settings.resolution)
        days = self._folder.quoted_days(self._ticker, self._days[0], self._days[-1], resolution)
        asked = set(self._days)
        return _Part(
            "option quotes", [day for day in days if day in asked], faults, "no row has a bid and an ask", True
        )

    def _listed(self) -> _Part:
        faults = self._reading()
        days = [day for day in self._days if self._folder.lists_contracts(self._ticker, day)]
        return _Part("option universe", days, faults, "no file has the underlying's price and a contract", True)

    def _forecastable(self) -> tuple[_Part, Bars]:
        faults, hours = self._reading(), self._folder.hours()
        bars = self._folder.bars(self._ticker, FIRST_DAY, self._settings.end, Resolution.DAILY)
        bars = bars[bars["close"] > 0.0]
        ends, needed = bars["time"], self._settings.garch_minimum + 1
        before = np.searchsorted(ends, np.array(self._opens, np.int64)).tolist()
        days = [
            day
            for day, count in zip(self._days, before, strict=True)
            if count >= needed and ends[count - 1] == hours.session(hours.previous_trading_day(day)).close
        ]
        otherwise = f"a forecast needs {needed} up to the session before, and {max(before)} are known"
        return _Part("daily bars for a forecast", days, faults, otherwise, False), bars

    def _check_moves(self, daily: Bars, traded: dict[dt.date, Bars]) -> None:
        self._reading()
        history = daily[-(self._settings.garch_history + len(self._days) + 1) :]
        days = (history["time"] // DAY).astype("datetime64[D]").tolist()  # a session ends on its own date in UTC, too
        factors = self._folder.factor_file(self._ticker)
        check_moves(
            self._ticker,
            dict(zip(days, history[["open", "close"]].tolist(), strict=True)),
            {day: (float(bars["open"][0]), float(bars["close"][-1])) for day, bars in traded.items()},
            self._folder.events(self._ticker),
            limit=self._settings.max_unexplained_move,
            source=f"{factors.path}" if factors.path.is_file() else f"{factors.path}, which is missing,",
        )


def _check_history(folder: DataFolder, ticker: str) -> None:
    """Raise DataError for a ticker history or factor file that is there and cannot be read; LEAN drops such a file.

    One that is missing is no fault while no price moves that it should explain.
    """
    permtick = folder.map_file(ticker).permtick
    files: list[tuple[str, Path, Callable[[Path, FaultLog], MapFile | FactorFile]]] = [
        ("ticker history", map_file_directory(folder.root, folder.market) / f"{permtick.lower()}.csv", MapFile.load),
        ("factor file", factor_file_path(folder.root, folder.market, permtick), FactorFile.load),
    ]
    for name, path, load in files:
        if not path.is_file():
            continue
        faults = FaultLog()
        rows = load(path, faults).rows
        if faults:
            raise DataError(f"the {name} of {ticker} cannot be read: {next(iter(faults))}")
        if not rows:
            raise DataError(f"the {name} of {ticker} cannot be read: {path} has no row")


def _rate_warnings(folder: DataFolder) -> list[str]:
    """What there is to say of the interest-rate file; DataError when it is there and cannot be read."""
    if folder.interest_rates.known:
        return []
    path = interest_rate_path(folder.root)
    if path.is_file():
        first = next((str(fault) for fault in folder.faults if fault.file == str(path)), f"{path} has no row")
        raise DataError(f"the interest-rate file cannot be read: {first}")
    return [f"there is no interest-rate file {path}: the rate is taken as {DEFAULT_RATE:.0%}, as LEAN takes it"]


def _reason(part: _Part) -> str:
    """Why there is none of it: the first fault of a file, of one that is damaged first, else that of a row."""
    found = [fault for fault in part.faults if not fault.line] or list(part.faults)
    found.sort(key=lambda fault: fault.kind is FaultKind.MISSING_FILE)
    return str(found[0]) if found else part.otherwise
