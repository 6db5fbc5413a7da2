"""What an import leaves out: counted by reason, the first of each kept with file, line, value and what is allowed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

__all__ = ["Reason", "Refusal", "Refusals"]

_KEPT: Final = 5
"""Rows of each reason that are kept in full."""


class Reason(StrEnum):
    """Why a row, or a part of it, is in no file that was written."""

    COLUMNS = "wrong column count"
    NUMBER = "not a number"
    NEGATIVE = "negative number"
    DATE = "not a date"
    MOMENT = "not a time"
    RIGHT = "neither call nor put"
    SYMBOL = "not an OCC symbol"
    TICKER = "not a ticker"
    ADJUSTED_ROOT = "adjusted contract"
    FLEX_ROOT = "FLEX contract"
    UNKNOWN_INDEX = "index option that LEAN does not have"
    UNKNOWN_INSTRUMENT = "instrument without a definition"
    STRIKE = "strike that is not positive"
    EXPIRED = "after its expiry"
    CLOSED = "on a day without a session"
    OUTSIDE = "outside the session"
    CROSSED = "crossed quote"
    HIGH_BELOW_LOW = "high below low"
    NOTHING = "no price and no size"
    SECOND = "another row for the same time"
    NOT_ASKED_FOR = "of no ticker asked for"


class Refusal(NamedTuple):
    """One row that was left out; ``line`` counts from 1, in a file without lines it is the row."""

    reason: Reason
    file: str
    line: int
    detail: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}" + (f" ({self.detail})" if self.detail else "")


@dataclass
class Refusals:
    """Counts every row that is left out by its reason, and keeps the first of each."""

    _counts: dict[Reason, int] = field(default_factory=dict)
    _kept: list[Refusal] = field(default_factory=list)

    def record(self, reason: Reason, file: str, line: int, detail: str = "", *, count: int = 1) -> None:
        """Count ``count`` rows, of which the first stands on ``line``."""
        if not count:
            return
        before = self._counts.get(reason, 0)
        self._counts[reason] = before + count
        if before < _KEPT:
            self._kept.append(Refusal(reason, file, line, detail))

    def keeps(self, reason: Reason) -> bool:
        """Whether the next one of this reason would be kept in full."""
        return self._counts.get(reason, 0) < _KEPT

    @property
    def counts(self) -> Mapping[Reason, int]:
        """How many rows were left out for each reason, in the order of :class:`Reason`."""
        return {reason: self._counts[reason] for reason in Reason if reason in self._counts}

    def __len__(self) -> int:
        return sum(self._counts.values())

    def __iter__(self) -> Iterator[Refusal]:
        return iter(self._kept)
