"""A run's folder, read back: what every page and table of this room is made from."""

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.journal import JOURNAL_FOLDER, Journal, Order, orders_of, read_journal
from alo_lib.records import HOUR, LAYOUTS, NEW_YORK, SECOND, InstrumentKind, Kind, Message, Records, osi_expiry

__all__ = ["InstrumentRecord", "Run", "RunError", "Table", "exchange_time"]


class RunError(ValueError):
    """A folder is not a finished run, or a file of it cannot be read; the message says which."""


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
        """The name as people read it: ``GOOG``, or ``GOOG 2016-01-15 750 call``."""
        if not self.is_option:
            return self.symbol
        ticker, day = self.symbol[:6].strip(), osi_expiry(self.symbol)
        return f"{ticker} {day} {self.strike:g} {'call' if self.right > 0 else 'put'}"


class Table(NamedTuple):
    """All records of one kind, with the time of the message that each came in (ns UTC)."""

    time: NDArray[np.int64]
    records: Records

    def where(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> "Table":
        """The rows that a mask or an array of indices selects."""
        return Table(self.time[rows], self.records[rows])


def _table(messages: Iterable[Message], kind: Kind) -> Table:
    chosen = [message for message in messages if message.kind == kind and len(message.records)]
    if not chosen:
        return Table(np.zeros(0, np.int64), np.zeros(0, LAYOUTS[kind]))
    times = np.array([message.time for message in chosen], np.int64)
    return Table(
        np.repeat(times, [len(message.records) for message in chosen]),
        np.concatenate([message.records for message in chosen]),
    )


def exchange_time(time: NDArray[np.int64]) -> list[str]:
    """UTC nanoseconds as the exchange's wall-clock time, ``yyyy-mm-dd hh:mm:ss.mmm``."""
    # Clocks change on the hour.
    hours, which = np.unique(time // HOUR, return_inverse=True)
    moments = [dt.datetime.fromtimestamp(hour * (HOUR // SECOND), NEW_YORK) for hour in hours.tolist()]
    shifts = np.array([(moment.utcoffset() or dt.timedelta()).total_seconds() for moment in moments], np.int64)
    local = (time + shifts[which] * SECOND).astype("datetime64[ns]").astype("datetime64[ms]")
    return [text.replace("T", " ") for text in np.datetime_as_string(local).tolist()]


@dataclass(frozen=True)
class Run:
    """A run's folder. Files are read when they are first asked for; RunError names one that cannot be."""

    folder: Path

    @cached_property
    def journal(self) -> Journal:
        """Every input and decision, from ``journal/``; JournalError when it is damaged."""
        journal = read_journal(self.folder / JOURNAL_FOLDER)
        return replace(journal, messages=tuple(journal.messages))

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The settings of the run."""
        return self._object("settings.json")

    @cached_property
    def about(self) -> dict[str, Any]:
        """Engine, versions, times and summary."""
        return self._object("run.json")

    @cached_property
    def data(self) -> dict[str, Any]:
        """Fingerprint of the data."""
        return self._object("data.json")

    @cached_property
    def faults(self) -> dict[str, Any]:
        """What was left out of the data: ``counts`` by kind, ``first`` of each."""
        return self._object("faults.json")

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
        return {
            int(row["instrument"]): InstrumentRecord(
                number=int(row["instrument"]),
                symbol=row["symbol"].decode(),
                underlying=int(row["underlying"]),
                is_option=row["kind"] == InstrumentKind.OPTION,
                multiplier=int(row["multiplier"]),
                right=int(row["right"]),
                strike=float(row["strike"]),
                expiry=int(row["expiry"]),
            )
            for row in self.table(Kind.INSTRUMENT).records
        }

    @cached_property
    def underlyings(self) -> list[InstrumentRecord]:
        """The underlyings, in the order of their numbers."""
        return [
            self.instruments[number] for number in sorted(self.instruments) if not self.instruments[number].is_option
        ]

    @cached_property
    def orders(self) -> list[Order]:
        """All orders, in the order in which they were sent."""
        return orders_of(self.journal.messages)

    @cached_property
    def _tables(self) -> dict[Kind, Table]:
        return {}

    def table(self, kind: Kind) -> Table:
        """All records of ``kind``."""
        if kind not in self._tables:
            self._tables[kind] = _table(self.journal.messages, kind)
        return self._tables[kind]

    def count(self, kind: Kind) -> int:
        """How many messages of ``kind`` were journaled."""
        return sum(message.kind == kind for message in self.journal.messages)

    def _object(self, name: str) -> dict[str, Any]:
        path = self.folder / name
        try:
            loaded = json.loads(path.read_text())
        except FileNotFoundError:
            raise RunError(f"{self.folder} is not the folder of a finished run: it has no {name}") from None
        except OSError as error:
            raise RunError(f"{path} cannot be read: {error.strerror}") from None
        except (ValueError, RecursionError) as error:
            raise RunError(f"{path} is not JSON: {error}") from None
        if not isinstance(loaded, dict):
            raise RunError(f"{path} holds {type(loaded).__name__}; it must hold an object")
        return loaded
