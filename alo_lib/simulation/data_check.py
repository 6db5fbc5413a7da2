"""What a run finds in its data folder, measured before it begins; and what it refuses to run on.

Nothing is traded here. A folder from which no result could be trusted raises a DataError whose one sentence names what
is wrong: an underlying that has nothing usable, data for too few of the sessions asked for, a ticker history, factor
or rate file that cannot be read, a price that moved without a split or dividend that explains it, a dividend that is
none, quotes that fit no price.
"""

import datetime as dt
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from alo_lib.market import (
    Coverage,
    DataError,
    DataFault,
    DataFindings,
    DataFolder,
    DataKind,
    FactorFile,
    FaultKind,
    FaultLog,
    MapFile,
    Resolution,
)
from alo_lib.market.bars import TRADE_BAR, Bars, session_days
from alo_lib.market.distributions import cash_of_contracts
from alo_lib.market.interest_rate import DEFAULT_RATE
from alo_lib.market.layout import ContractKey, SecurityArchive, factor_file_path, interest_rate_path, map_file_directory
from alo_lib.market.rate_curves import is_of_file
from alo_lib.market.text_files import in_place
from alo_lib.records import FIRST_DAY, HOUR, MINUTE, Session
from alo_lib.records.spelling import first_of
from alo_lib.runtime import DIVIDENDS_LOOKED_BACK
from alo_lib.settings import Settings
from alo_lib.simulation.bars import BarReader
from alo_lib.simulation.lookback import measure_lookback
from alo_lib.simulation.moves import (
    OpenClose,
    Prices,
    check_bars,
    check_dividends,
    check_moves,
    check_quotes,
    check_references,
    is_near,
    open_and_close,
)
from alo_lib.simulation.parity import check_levels
from alo_lib.simulation.quoted import QuotedSession, QuoteMeasure, near_the_money
from alo_lib.simulation.selection import Selection, selection_for

__all__ = ["require_data"]

_ASKED: Final = "--set min-coverage=0"
_STRETCH: Final = {Resolution.MINUTE: 10 * MINUTE, Resolution.HOUR: HOUR}
"""Into which sessions are divided: those of which half have no bar of the underlying are not covered."""
_NAMED: Final = 3
"""Days or gaps that a sentence names; the others are counted."""


@dataclass
class _Part:
    """One kind of data, and the sessions that have it."""

    name: str
    faults: FaultLog
    otherwise: str  # why there is none, where no fault says it
    required: bool  # whether a run that was asked for does not go without
    days: list[dt.date] = field(default_factory=list)
    thin: dict[dt.date, str] = field(default_factory=dict)  # sessions that have some, too little to count, and how much


class _Offer(NamedTuple):
    """What a universe offers to a session: how many contracts it lists, and those near the money that are looked at."""

    listed: int
    keys: list[ContractKey]


def require_data(settings: Settings, data_folder: Path | str) -> DataFindings:
    """Measure what a run with these settings finds in a folder; warnings of the settings themselves come first.

    :raises DataError: when the market is closed on all days of the range or the folder does not carry a result.
    """
    folder = DataFolder(data_folder)
    sessions = folder.hours().sessions(settings.start, settings.end)
    if not sessions:
        raise DataError(f"the market is closed on every day from {settings.start} to {settings.end}")
    warnings = [*settings.warnings, *_rate_warnings(folder)]
    if not settings.quotes_are_dated:
        warnings.append(
            f"{settings.resolution} bars do not say how old a quote is: what has not changed since the bar before, or "
            "does not agree with the underlying's price, is not opened on"
        )
    if is_of_file(settings.rate_curve):
        lacking = folder.rate_curves(settings.rate_curve).lacking(sessions[0].day, sessions[-1].day)
        warnings += [lacking] if lacking else []
    coverage, faults = [], []
    for ticker in settings.underlyings:
        _check_history(folder, ticker)
        folder.dated_events(ticker)  # raises DataError for a file that cannot be read
        listed = folder.while_listed(ticker, sessions)
        if len(listed) < len(sessions):
            last = listed[-1].day
            warnings.append(f"{ticker} ends on {last}, by its map file: it is closed that day, and none is opened then")
        measure = _Measure(settings, folder, listed, ticker)
        coverage.append(measure.required())
        warnings += measure.warnings
        faults += measure.faults
    return DataFindings(tuple(coverage), tuple(warnings), tuple(faults))


class _Measure:
    """The data of one underlying. Faults are kept apart by what they are of, so that a sentence can name the right one.

    Faults of reading that are met here are met again, and counted, by the run; ``faults`` has the others.
    """

    def __init__(self, settings: Settings, folder: DataFolder, sessions: Sequence[Session], ticker: str) -> None:
        self._settings, self._folder, self._ticker = settings, folder, ticker
        self._resolution = Resolution(settings.resolution)
        self._events = folder.events(ticker)
        # A dividend that is negative is refused later, and explains no quote; nor does what contracts are adjusted for.
        self._paid = cash_of_contracts(folder.distributions(ticker))
        self._sessions = {session.day: session for session in sessions}
        self._days = list(self._sessions)
        self._span = f"from {settings.start} to {settings.end} in {folder.root}"
        self.warnings: list[str] = []
        self.faults: list[DataFault] = []

    def required(self) -> Coverage:
        """The coverage, or the DataError that says what is lacking."""
        bars, traded = self._traded()
        self._require(bars)
        daily, history = self._forecastable()
        universes, offers = self._listed(traded, history)
        self._require(universes)
        quotes = self._quoted(offers, traded)
        self._require(quotes)
        self._require(daily)
        self._require_lookback(history)
        self._check_prices(history, traded)
        without_quotes = tuple(day for day in self._days if day not in quotes.days and day not in quotes.thin)
        self._warn(bars, quotes, daily, without_quotes)
        return Coverage(
            self._ticker,
            len(self._days),
            bars=len(bars.days),
            quotes=len(quotes.days),
            universes=len(universes.days),
            daily=len(daily.days),
            without_quotes=without_quotes,
        )

    def _require(self, part: _Part) -> None:
        settings, has, asked = self._settings, len(part.days), len(self._days)
        if not has and not part.thin and (part.required or settings.min_coverage > 0.0):
            way_out = "" if part.required else f"; to trade without, add {_ASKED}"
            raise DataError(f"{self._ticker} has no {part.name} {self._span}: {_reason(part)}{way_out}")
        if has < settings.min_coverage * asked:
            covered = set(part.days)
            first = next(day for day in self._days if day not in covered)
            raise DataError(
                f"{self._ticker} has {'enough ' if part.thin else ''}{part.name} for {has} of {asked} sessions "
                f"{self._span} ({part.thin.get(first, 'none')} on {first}{_left_out(part)}), below "
                f"min-coverage = {settings.min_coverage:g}; choose other days, or add {_ASKED}"
            )

    def _warn(self, bars: _Part, quotes: _Part, daily: _Part, without_quotes: tuple[dt.date, ...]) -> None:
        """Say what a run goes without."""
        if without_quotes:
            first, last = without_quotes[0], without_quotes[-1]
            self.warnings.append(
                f"{self._ticker} has no option quotes on {len(without_quotes)} of {len(self._days)} sessions "
                f"({first}{'' if first == last else f' to {last}'}): what is held then is marked at old quotes and "
                "cannot be closed"
            )
        for part in (bars, quotes):
            if part.thin:
                shown = first_of([f"{text} on {day}" for day, text in part.thin.items()], _NAMED)
                count = f"{len(part.thin)} of {len(self._days)} sessions"
                self.warnings.append(f"{self._ticker} has few {part.name} on {count}: {shown}")
        if not daily.days:
            self.warnings.append(f"{self._ticker} has no daily bars for a forecast: nothing of it is opened")

    def _traded(self) -> tuple[_Part, dict[dt.date, Bars]]:
        folder = self._folder.aside()
        part = _Part(f"{self._resolution} bars", folder.faults, "no row has a price", True)
        reader, stretch, traded = BarReader(self._settings, folder), _STRETCH[self._resolution], {}
        what = "hours" if self._resolution is Resolution.HOUR else "stretches of ten minutes"
        for day, session in self._sessions.items():
            bars = reader.trades(self._ticker, day)
            bars = bars[bars["close"] > 0.0]
            if not len(bars):
                continue
            traded[day] = bars
            inside = bars["time"][(bars["time"] > session.open) & (bars["time"] <= session.close)]
            has, asked = len(np.unique((inside - 1 - session.open) // stretch)), _ceiling(session, stretch)
            if 2 * has >= asked:
                part.days.append(day)
            else:
                part.thin[day] = f"bars in {has} of {asked} {what}"
        return part, traded

    def _listed(self, traded: Mapping[dt.date, Bars], daily: Bars) -> tuple[_Part, dict[dt.date, _Offer]]:
        """The universes that there are, and what is offered in each session, by the last one if there is no other."""
        known = [
            {day: open_and_close(bars) for day, bars in traded.items()},
            dict(zip(session_days(daily).tolist(), daily[["open", "close"]].tolist(), strict=True)),
        ]
        otherwise = "no file has the underlying's price and a contract"
        folder = self._folder.aside()
        part, offers, last = _Part("option universe files", folder.faults, otherwise, True), {}, None
        empty = []
        for day in self._days:
            found = selection_for(self._settings, folder, self._ticker, day)
            if found is not None and found.price > 0.0:
                last = _Offer(found.listed, near_the_money(found.contracts, found.price))
                marks = self._marks(known, found.day, day)
                if not is_near(found.price, marks):
                    part.thin[day] = self._price_apart(found, marks)
                elif found.listed:
                    part.days.append(day)
                    if not found.contracts:
                        empty.append(str(day))
            if last is not None:
                offers[day] = last
        if part.thin:
            shown = first_of([f"{text}, on {day}" for day, text in part.thin.items()], _NAMED)
            self.warnings.append(
                f"{self._ticker} has universe files with a price of the underlying at which it did not trade, around "
                f"which contracts are looked at: {shown}"
            )
        if empty:
            self.warnings.append(
                f"{self._ticker} has universe files without a contract that the settings look at (min-days-to-expiry "
                f"to max-days-to-expiry, strike-range), and nothing can be opened on: {first_of(empty, _NAMED)}"
            )
        return part, offers

    def _marks(self, known: Sequence[Mapping[dt.date, OpenClose]], before: dt.date, day: dt.date) -> list[OpenClose]:
        """Opens and closes of a universe's day and of the session that it is for, in the shares of the latter."""
        shares = math.prod(each.factor for each in self._events.splits if before < each.day <= day)
        earlier = [
            (open_ * shares, close * shares) for open_, close in (each[before] for each in known if before in each)
        ]
        return earlier + [each[day] for each in known if day in each]

    def _price_apart(self, found: Selection, marks: Sequence[OpenClose]) -> str:
        """The price of a universe that lies apart from the bars beside it, in words; it is a fault."""
        path = self._folder.universe_path(self._ticker, found.day)
        opens_and_closes = [mark for each in marks for mark in each]
        detail = f"{found.price:g}, where bars have {min(opens_and_closes):g} to {max(opens_and_closes):g}"
        self.faults.append(DataFault(FaultKind.PRICE_APART, str(path), "", 0, detail))
        return f"the underlying's price is {detail}, in {path}"

    def _quoted(self, offers: Mapping[dt.date, _Offer], traded: Mapping[dt.date, Bars]) -> _Part:
        folder = self._folder.aside()
        part = _Part("option quotes", folder.faults, "no row has a bid and an ask", True)
        measure = QuoteMeasure(self._settings, folder, self._ticker)
        short, wrong, away = [], [], []
        for day, session in self._sessions.items():
            offer = offers.get(day)
            keys = [] if offer is None else [key for key in offer.keys if key.expiry >= day]
            found = measure.session(session, keys, traded.get(day, np.zeros(0, TRADE_BAR)))
            if found.covered:
                part.days.append(day)
            elif found.any:
                part.thin[day] = f"quotes in half of the hours for {found.quoted} of {found.looked_at} near the money"
            if offer is not None and 2 * offer.listed < found.archived:
                short.append(f"{offer.listed:,} of {found.archived:,} on {day}")
            if told := self._misfit(day, found):
                wrong.append(told)
            away += self._away(day, found)
        if short:
            self.warnings.append(
                f"{self._ticker} has universe files that list less than half of the contracts that are quoted, and "
                f"nothing else is traded: {first_of(short, _NAMED)}"
            )
        if wrong:
            more = f"; so on {len(wrong) - 1} more sessions" if len(wrong) > 1 else ""
            self.warnings.append(f"{wrong[0]}{more}")
        if away:
            self.warnings.append(
                f"{self._ticker} closes away from the prices that its options have: {first_of(away, _NAMED)}"
            )
        return part

    def _away(self, day: dt.date, found: QuotedSession) -> list[str]:
        """Which bars of the underlying fit no option, in words; each is a fault, most of a session's a DataError."""
        implied = found.levels.implied(self._folder.interest_rates.rate_at(day), day, self._paid)
        archive = self._archive(day, DataKind.TRADE)
        told = check_levels(self._ticker, found.levels, implied, archive)
        self.faults += [DataFault(FaultKind.PRICE_APART, archive, "", 0, each) for each in told]
        return told

    def _misfit(self, day: dt.date, found: QuotedSession) -> str:
        """Which quotes fit no price, in words; each expiry of them is a fault, and most of a session's a DataError."""
        rate = self._folder.interest_rates.rate_at(day)
        misfits = [
            box
            for box in found.boxes
            if not box.fits(rate, day, sum(each.amount for each in self._paid if day < each.ex_date <= box.expiry))
        ]
        if not misfits:
            return ""
        path = self._folder.quote_archive(self._ticker, day, self._resolution).path
        first = misfits[0]
        count = f"{len(misfits)} of {len(found.boxes)} expiries"
        told = (
            f"calls less puts fall by {first.worth:.2f} for each point of strike in {first.expiry}, where about 1 is "
            "all that fits any price of the underlying"
        )
        if 2 * len(misfits) > len(found.boxes):
            raise DataError(
                f"the option quotes of {self._ticker} on {day} in {path} fit no price: {told}, and so in {count}; "
                "put the file right or leave the day out"
            )
        for box in misfits:
            detail = f"{day}, expiry {box.expiry}: {box.worth:.2f} for each point of strike"
            self.faults.append(DataFault(FaultKind.NO_PARITY, str(path), "", 0, detail))
        return f"the option quotes of {self._ticker} on {day} in {path} are wrong in {count}: {told}"

    def _forecastable(self) -> tuple[_Part, Bars]:
        folder = self._folder.aside()
        hours = folder.hours()
        bars = folder.bars(self._ticker, FIRST_DAY, self._settings.end, Resolution.DAILY)
        bars = bars[bars["close"] > 0.0]
        ends, needed = bars["time"], self._settings.garch_minimum + 1
        opens = np.array([session.open for session in self._sessions.values()], np.int64)
        before = np.searchsorted(ends, opens).tolist()
        otherwise = f"a forecast needs {needed} up to the session before, and {max(before)} are known"
        part = _Part("daily bars for a forecast", folder.faults, otherwise, False)
        part.days += [
            day
            for day, count in zip(self._days, before, strict=True)
            if count >= needed and ends[count - 1] == hours.session(hours.previous_trading_day(day)).close
        ]
        return part, bars

    def _require_lookback(self, daily: Bars) -> None:
        """Raise DataError where too many days are missing within what forecasts look back on; name those that are."""
        days = session_days(daily).tolist()
        if not days or days[0] >= self._days[-1]:
            return
        length, least = self._settings.garch_history, self._settings.min_coverage
        found = measure_lookback(self._folder.hours(), self._days, days, length)
        gaps = first_of([str(gap) for gap in found.gaps], _NAMED)
        if found.bars < least * found.days:
            raise DataError(
                f"{self._ticker} has daily bars on {found.bars:,} of the {found.days:,} trading days that a forecast "
                f"looks back on in {self._folder.root} (none on {gaps}), below min-coverage = {least:g}; choose other "
                f"days, or add {_ASKED}"
            )
        if found.gaps:
            self.warnings.append(
                f"{self._ticker} has no daily bar on {found.missing:,} trading days that forecasts look back on "
                f"({gaps}): a return over a gap counts as that of a day"
            )

    def _check_prices(self, daily: Bars, traded: dict[dt.date, Bars]) -> None:
        folder, ticker, limit = self._folder, self._ticker, self._settings.max_unexplained_move
        history = daily[-(self._settings.garch_history + len(self._days) + 1) :]
        opens_and_closes = dict(zip(session_days(history).tolist(), history[["open", "close"]].tolist(), strict=True))
        sessions = {day: open_and_close(bars) for day, bars in traded.items()}
        factors, events = folder.factor_file(ticker), self._events
        path = factors.path
        source = f"{path}" if in_place(path) else f"{path}, which is missing,"
        since = self._settings.start - DIVIDENDS_LOOKED_BACK
        told = tuple(each for each in events.dividends if since <= each.ex_date <= self._settings.end)
        prices = Prices(ticker, opens_and_closes, sessions, events, source)
        check_references(ticker, factors, {day: close for day, (_, close) in opens_and_closes.items()}, since)
        check_dividends(prices, told, limit)
        check_moves(prices, limit)
        for day, bars in traded.items():
            self._check_session(day, bars)

    def _check_session(self, day: dt.date, bars: Bars) -> None:
        """Raise DataError for a bar of a session, or a quote of the underlying, that is far from those beside it."""
        limit, source = self._settings.max_unexplained_move, self._archive(day, DataKind.TRADE)
        check_bars(self._ticker, bars, period=self._resolution.period, limit=limit, source=source)
        if self._resolution is Resolution.MINUTE:
            quotes = self._folder.bars(self._ticker, day, day, self._resolution, DataKind.QUOTE)
            check_quotes(self._ticker, quotes, bars, limit=limit, source=self._archive(day, DataKind.QUOTE))

    def _archive(self, day: dt.date, kind: DataKind) -> str:
        """The path of the archive that has the underlying's bars of a session."""
        name = self._folder.map_file(self._ticker).ticker_on(day)
        return str(SecurityArchive(self._folder.root, name, day, self._resolution, kind).path)


def _ceiling(session: Session, stretch: int) -> int:
    """Of how many stretches a session is made, the last one perhaps cut short."""
    return -(-(session.close - session.open) // stretch)


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
        if not in_place(path):
            continue
        faults = FaultLog()
        rows = load(path, faults).rows
        if faults:
            raise DataError(f"the {name} of {ticker} cannot be read: {next(iter(faults))}")
        if not rows:
            raise DataError(f"the {name} of {ticker} cannot be read: {path} has no row")


def _rate_warnings(folder: DataFolder) -> list[str]:
    """What there is to say of the interest-rate file; DataError when it is there and any row of it cannot be used."""
    path = interest_rate_path(folder.root)
    known = folder.interest_rates.known
    if not in_place(path):
        return [f"there is no interest-rate file {path}: the rate is taken as {DEFAULT_RATE:.0%}, as LEAN takes it"]
    first = next((str(fault) for fault in folder.faults if fault.file == str(path)), None)
    if first is not None or not known:
        raise DataError(f"the interest-rate file cannot be read: {first or f'{path} has no row'}")
    return []


def _left_out(part: _Part) -> str:
    """What was left out of a kind of data, where that is much of it."""
    faults = part.faults
    if 2 * faults.rows_left_out < faults.rows or not faults.rows_left_out:
        return ""
    first = next(fault for fault in faults if fault.line)
    return f"; {faults.rows_left_out:,} of {faults.rows:,} rows could not be used, the first {first}"


def _reason(part: _Part) -> str:
    """Why there is none of it: the first fault of a file, of one that is damaged first, else that of a row."""
    found = [fault for fault in part.faults if not fault.line] or list(part.faults)
    found.sort(key=lambda fault: fault.kind is FaultKind.MISSING_FILE)
    return str(found[0]) if found else part.otherwise
