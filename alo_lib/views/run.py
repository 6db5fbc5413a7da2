"""A run's folder, read back: what every page and table of this room is made from."""

import datetime as dt
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial, wraps
from pathlib import Path
from typing import Any, Concatenate, Final, NamedTuple, ParamSpec, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from alo_lib.journal import JOURNAL_FOLDER, Journal, Order, orders_of, read_journal
from alo_lib.market.generator.truth import read_truth
from alo_lib.records import HOUR, LAYOUTS, NEW_YORK, SECOND, InstrumentKind, Kind, Message, Records, Session, osi_expiry
from alo_lib.records.json_reading import json_of
from alo_lib.records.spelling import spelled
from alo_lib.runtime import SETTINGS_OF_PLACE

__all__ = [
    "PARTIAL",
    "InstrumentRecord",
    "Run",
    "RunError",
    "Table",
    "exchange_moment",
    "exchange_time",
    "expiry_dates",
    "instruments_of",
    "is_figure",
    "once_a_run",
    "records_of",
]

PARTIAL: Final = ".partial"
"""What the name of a run's folder ends in until all is in it."""

P = ParamSpec("P")
T = TypeVar("T")

_SUMMARY: Final[dict[str, type]] = {
    **dict.fromkeys(("engine", "start", "end", "order_digest", "journal_digest"), str),
    **dict.fromkeys(("orders", "fills", "sessions", "left_out", "missing_files"), int),
    **dict.fromkeys(("net_profit", "realized_profit", "unrealized_profit", "start_equity", "fees"), float),
    **dict.fromkeys(("trading_profit", "drawdown", "largest_margin", "wall_seconds"), float),
    **dict.fromkeys(("underlyings", "warnings"), list),
    **dict.fromkeys(("attribution", "hedging", "forecasts", "coverage", "skipped", "funnel", "funnel_total"), dict),
}
"""What a summary says for sure, as far as pages and lists show it."""
_IN_WORDS: Final = {
    str: "a text", list: "a list of texts", int: "a whole number", float: "a number", dict: "an object",
}  # fmt: skip
_MOST: Final = 1e15  # of any figure


def is_figure(value: object) -> bool:
    """Whether a value of a file that anyone may have written is a number, as a figure of a run can be."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _MOST


class RunError(ValueError):
    """A folder is not a finished run, or a file of it cannot be read; the message says which."""


class _Told(dict[str, Any]):
    """An object of a file of the folder; to ask for what it does not hold is a RunError."""

    def __init__(self, file: Path, items: dict[str, Any]) -> None:
        super().__init__(items)
        self._file = file

    def __missing__(self, name: str) -> Any:
        raise RunError(f"{self._file} does not say {name}")


class InstrumentRecord(NamedTuple):
    """What the journal says an instrument is."""

    number: int
    symbol: str
    underlying: int
    is_option: bool
    multiplier: int
    right: int
    strike: float
    expiry: int  # ns UTC; 0 for an equity

    @property
    def label(self) -> str:
        """The name as people read it: ``GOOG``, or ``GOOG 2016-01-15 750 call``; a symbol of no known form as it is."""
        if not self.is_option:
            return self.symbol
        try:
            ticker, day = self.symbol[:6].strip(), osi_expiry(self.symbol)
        except ValueError:  # of a journal that someone else wrote
            return self.symbol
        return f"{ticker} {day} {self.strike:g} {'call' if self.right > 0 else 'put'}"

    @property
    def expiry_date(self) -> str:
        """An option's own date (yyyy-mm-dd), as its symbol has it: a Saturday where its last close is Friday's."""
        try:
            return str(osi_expiry(self.symbol))
        except ValueError:  # of a journal that someone else wrote
            return exchange_moment(self.expiry)[:10]


def instruments_of(rows: Records) -> dict[int, InstrumentRecord]:
    """INSTRUMENT records by the number that each gives; of one that is told again, the last."""
    columns = ("instrument", "symbol", "underlying", "kind", "multiplier", "right", "strike", "expiry")
    return {
        number: InstrumentRecord(
            number, symbol.decode(errors="replace"), underlying, kind == InstrumentKind.OPTION, *terms
        )
        for number, symbol, underlying, kind, *terms in zip(*(rows[name].tolist() for name in columns), strict=True)
    }


class Table(NamedTuple):
    """All records of one kind, with the time of the message that each came in (ns UTC)."""

    time: NDArray[np.int64]
    records: Records

    def where(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> "Table":
        """The rows that a mask or an array of indices selects."""
        return Table(self.time[rows], self.records[rows])


def records_of(messages: Sequence[Message], kind: Kind) -> Records:
    """The records of messages of one kind together, not to be changed.

    Bytes are joined: to concatenate many small structured arrays, NumPy compares their fields pair by pair.
    """
    return np.frombuffer(b"".join(message.records.tobytes() for message in messages), LAYOUTS[kind])


def _table(messages: Sequence[Message], kind: Kind) -> Table:
    times = np.array([message.time for message in messages], np.int64)
    counts = np.array([len(message.records) for message in messages], np.int64)
    return Table(np.repeat(times, counts), records_of(messages, kind))


def exchange_time(time: NDArray[np.int64]) -> list[str]:
    """UTC nanoseconds as the exchange's wall-clock time, ``yyyy-mm-dd hh:mm:ss.mmm``."""
    # Clocks change on the hour.
    hours, which = np.unique(time // HOUR, return_inverse=True)
    moments = [dt.datetime.fromtimestamp(hour * (HOUR // SECOND), NEW_YORK) for hour in hours.tolist()]
    shifts = np.array([(moment.utcoffset() or dt.timedelta()).total_seconds() for moment in moments], np.int64)
    local = (time + shifts[which] * SECOND).astype("datetime64[ns]").astype("datetime64[ms]")
    return [text.replace("T", " ") for text in np.datetime_as_string(local).tolist()]


def exchange_moment(time: int) -> str:
    """One time as :func:`exchange_time` gives it."""
    return exchange_time(np.array([time], np.int64))[0]


@dataclass(frozen=True)
class Run:
    """A run's folder. Files are read when they are first asked for; RunError names one that cannot be."""

    folder: Path

    @property
    def knows_data(self) -> bool:
        """Whether it was kept which data there were, and what was left out of them."""
        return True

    @cached_property
    def journal(self) -> Journal:
        """Every input and decision, from ``journal/``; JournalError when it is damaged, RunError for another run's."""
        journal = read_journal(self.folder / JOURNAL_FOLDER)
        self._check_settings(journal)
        return replace(journal, messages=tuple(journal.counted))

    def _check_settings(self, journal: Journal) -> None:
        """RunError where a journal was written under other settings than the folder states, as far as both tell."""
        if not (self.folder / "settings.json").is_file():
            return
        try:
            written = json_of(journal.settings)
        except ValueError:
            written = None
        if not isinstance(written, dict):
            raise RunError(f"the journal in {self.folder} does not hold the settings of a run")
        different = [
            f"{spelled(name)} is {written[name]!r} there and {stated!r} in settings.json"
            for name, stated in self.settings.items()
            if name in written and name not in SETTINGS_OF_PLACE and written[name] != stated
        ]
        if different:
            raise RunError(f"the journal in {self.folder} is of other settings than its run: {', '.join(different)}")

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The settings of the run."""
        return self._object("settings.json")

    @cached_property
    def about(self) -> dict[str, Any]:
        """Engine, versions, times and summary."""
        return self._object("run.json")

    @cached_property
    def summary(self) -> dict[str, Any]:
        """The figures of the run, as ``summarize`` made them; RunError without one of them."""
        summary = self.about.get("summary")
        for name, kind in _SUMMARY.items():
            self.says("run.json", summary, name, kind)
        return cast(dict[str, Any], summary)

    @cached_property
    def data(self) -> dict[str, Any]:
        """Fingerprint of the data."""
        return self._object("data.json")

    @cached_property
    def data_files(self) -> dict[str, str]:
        """SHA-256 of each file that the run could read, by its path below the data folder. RunError without them."""
        listed = self.data["files"]
        try:
            return {str(file["path"]): str(file["sha256"]) for file in listed}
        except TypeError:
            raise RunError(f"{self.folder / 'data.json'} does not list files with path and sha256") from None

    @cached_property
    def faults(self) -> dict[str, Any]:
        """What was left out of the data: ``counts`` by kind, ``first`` of each."""
        return self._object("faults.json")

    @cached_property
    def market_truth(self) -> list[tuple[str, str]]:
        """What the synthetic market that the run traded holds, a ticker and a sentence each; empty for other data."""
        truth = read_truth(self.folder)
        return [] if truth is None else truth.in_words()

    @cached_property
    def results(self) -> dict[str, Any]:
        """The engine's results in LEAN's JSON."""
        for summary in sorted(self.folder.glob("*-summary.json")):
            whole = summary.with_name(summary.name.replace("-summary.json", ".json"))
            if whole.exists():
                return self._object(whole.name)
        raise RunError(f"{self.folder} holds no results in LEAN's format (a file NAME.json beside NAME-summary.json)")

    @cached_property
    def instruments(self) -> dict[int, InstrumentRecord]:
        """Every instrument of the journal by its number."""
        return instruments_of(self.table(Kind.INSTRUMENT).records)

    @cached_property
    def underlyings(self) -> list[InstrumentRecord]:
        """The underlyings, in the order of their numbers."""
        return [
            self.instruments[number] for number in sorted(self.instruments) if not self.instruments[number].is_option
        ]

    @cached_property
    def sessions(self) -> list[Session]:
        """The sessions that the run was told of, in their order."""
        return [Session.of_record(row) for row in self.table(Kind.SESSION).records]

    @cached_property
    def orders(self) -> list[Order]:
        """All orders, in the order in which they were sent."""
        return orders_of(self.journal.messages)

    @cached_property
    def made(self) -> dict[Hashable, Any]:
        """What :func:`once_a_run` keeps."""
        return {}

    @cached_property
    def _by_kind(self) -> dict[Kind, list[Message]]:
        messages: dict[Kind, list[Message]] = {kind: [] for kind in Kind}
        for message in self.journal.messages:
            messages[message.kind].append(message)
        return messages

    @cached_property
    def _tables(self) -> dict[Kind, Table]:
        return {}

    def table(self, kind: Kind) -> Table:
        """All records of ``kind``, not to be changed."""
        if kind not in self._tables:
            self._tables[kind] = _table(self._by_kind[kind], kind)
        return self._tables[kind]

    def count(self, kind: Kind) -> int:
        """How many messages of ``kind`` were journaled."""
        return len(self._by_kind[kind])

    def says(self, file: str, source: object, name: str, kind: type) -> Any:
        """What a file of the folder says under a name, checked: anyone may have written it. RunError if it does not."""
        value = source.get(name) if isinstance(source, dict) else None
        if kind is float:
            good = is_figure(value)
        elif kind is list:
            good = isinstance(value, list) and all(isinstance(each, str) for each in value)
        elif kind is dict:
            good = isinstance(value, dict)
        else:
            good = type(value) is kind
        if not good:
            raise RunError(f"{self.folder / file} does not say {name} as a run's folder does: {_IN_WORDS[kind]}")
        return value

    def _object(self, name: str) -> dict[str, Any]:
        path = self.folder / name
        try:
            loaded = json_of(path.read_bytes(), of_object=partial(_Told, path))
        except FileNotFoundError:
            raise RunError(f"{self.folder} is not the folder of a finished run: it has no {name}") from None
        except OSError as error:
            raise RunError(f"{path} cannot be read: {error.strerror}") from None
        except ValueError as error:
            raise RunError(f"{path} {error}") from None
        if not isinstance(loaded, dict):
            raise RunError(f"{path} holds {type(loaded).__name__}; it must hold an object")
        return loaded


def once_a_run(make: Callable[Concatenate[Run, P], T]) -> Callable[Concatenate[Run, P], T]:
    """Let what a function makes of a run be made once and kept with it; nobody may change it. Arguments are hashable.

    Many views ask for the same walk through the journal, which is the dearest part of a page.
    """

    @wraps(make)
    def kept(run: Run, /, *args: P.args, **kwargs: P.kwargs) -> T:
        key = make, args, tuple(sorted(kwargs.items()))
        if key not in run.made:
            run.made[key] = make(run, *args, **kwargs)
        return cast(T, run.made[key])

    return kept


def expiry_dates(run: Run, expiries: NDArray[np.int64]) -> list[str]:
    """The date that contracts name for each expiry, ns UTC; without a contract of it New York's date of that time."""
    named = _dates_named(run)
    return [
        named.get(expiry, told[:10]) for expiry, told in zip(expiries.tolist(), exchange_time(expiries), strict=True)
    ]


@once_a_run
def _dates_named(run: Run) -> dict[int, str]:
    return {one.expiry: one.expiry_date for one in run.instruments.values() if one.is_option}
