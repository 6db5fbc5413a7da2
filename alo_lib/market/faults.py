"""What is wrong with data files: faults that are skipped and counted, and the error for what cannot be skipped.

Data files are untrusted. A reader that meets a bad row, entry or file leaves it out, records a :class:`DataFault` in
the :class:`FaultLog` it was given, and goes on; nothing is skipped without a record. Only what no reader can do
without (the data folder itself, the market-hours database) raises :class:`DataError`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

__all__ = ["DataError", "DataFault", "FaultKind", "FaultLog"]


class DataError(ValueError):
    """The data folder lacks something that nothing can be read without; the message names it."""


class FaultKind(StrEnum):
    """Why something was left out."""

    MISSING_FILE = "missing file"
    CORRUPT_ARCHIVE = "corrupt archive"
    CORRUPT_ENTRY = "corrupt entry"
    CORRUPT_FILE = "corrupt file"
    ENTRY_NAME = "entry name"
    DUPLICATE_ENTRY = "duplicate entry"
    COLUMNS = "wrong column count"
    NUMBER = "not a number"
    DATE = "not a date"
    NEGATIVE = "negative value"
    HIGH_BELOW_LOW = "high below low"
    CROSSED = "crossed quote"
    TIME = "time outside the trading day"
    OUT_OF_ORDER = "time out of order"
    DUPLICATE = "duplicate time or key"
    REFERENCE_PRICE = "zero reference price"
    NO_PARITY = "calls and puts apart"
    PRICE_APART = "underlying's price apart"


class DataFault(NamedTuple):
    """One thing that was left out: ``entry`` is empty outside archives, ``line`` (from 1) is 0 for the whole of it."""

    kind: FaultKind
    file: str
    entry: str
    line: int
    detail: str

    def __str__(self) -> str:
        place = self.file + (f"#{self.entry}" if self.entry else "") + (f":{self.line}" if self.line else "")
        return f"{place}: {self.kind}" + (f" ({self.detail})" if self.detail else "")


@dataclass
class FaultLog:
    """Counts every fault by kind and keeps the first ``keep`` of each kind in full."""

    keep: int = 100
    rows: int = 0
    """Rows that were read, the bad ones among them."""
    rows_left_out: int = 0
    """Bad rows, none of which was used."""
    _counts: dict[FaultKind, int] = field(default_factory=dict)
    _faults: list[DataFault] = field(default_factory=list)

    def record(self, kind: FaultKind, file: Path | str, *, entry: str = "", line: int = 0, detail: str = "") -> None:
        """Count one fault, and keep it while fewer than ``keep`` of its kind are kept."""
        count = self._counts.get(kind, 0)
        self._counts[kind] = count + 1
        self.rows_left_out += line > 0
        if count < self.keep:
            self._faults.append(DataFault(kind, str(file), entry, line, detail))

    def add(self, fault: DataFault) -> None:
        """Count a fault that was found elsewhere."""
        self.record(fault.kind, fault.file, entry=fault.entry, line=fault.line, detail=fault.detail)

    def count_row(self, rows: int = 1) -> None:
        """Count rows that were read, whether they are good or not."""
        self.rows += rows

    def replace_by(self, other: "FaultLog") -> None:
        """Hold what another log holds, and nothing else."""
        self.rows, self.rows_left_out = other.rows, other.rows_left_out
        self._counts, self._faults = dict(other._counts), list(other._faults)

    @property
    def counts(self) -> Mapping[FaultKind, int]:
        """How often each kind occurred, in the order of :class:`FaultKind`; kinds that did not occur are absent."""
        return {kind: self._counts[kind] for kind in FaultKind if kind in self._counts}

    @property
    def damaged(self) -> int:
        """How many faults are of something that is there; the others are files that are missing."""
        return len(self) - self._counts.get(FaultKind.MISSING_FILE, 0)

    def __iter__(self) -> Iterator[DataFault]:
        return iter(self._faults)

    def __len__(self) -> int:
        """The number of all faults, kept in full or only counted."""
        return sum(self._counts.values())

    def __bool__(self) -> bool:
        return bool(self._counts)

    def __str__(self) -> str:
        if not self:
            return "no faults"
        return ", ".join(f"{kind}: {count}" for kind, count in self.counts.items())

    @property
    def with_first(self) -> str:
        """How many of each kind, and the first of all in full."""
        return f"{self}; the first: {self._faults[0]}" if self._faults else str(self)
