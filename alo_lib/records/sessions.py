"""A market's regular session: the span of a day in which orders trade."""

from datetime import date
from typing import NamedTuple, Self

import numpy as np

from alo_lib.records.kinds import Kind
from alo_lib.records.layouts import Records, records
from alo_lib.records.units import SECOND

__all__ = ["Session"]


class Session(NamedTuple):
    """A day's regular session: first open and last close, nanoseconds UTC."""

    day: date
    open: int
    close: int

    @classmethod
    def of_record(cls, row: np.void) -> Self:
        """The session that a SESSION record tells of.

        :raises ValueError: when its date is none.
        """
        year, rest = divmod(int(row["date"]), 10_000)
        return cls(date(year, rest // 100, rest % 100), int(row["open"]), int(row["close"]))

    def record(self) -> Records:
        """Its SESSION record, in an array of one."""
        written = self.day.year * 10_000 + self.day.month * 100 + self.day.day
        return records(Kind.SESSION, open=self.open, close=self.close, date=written)

    def seconds_since_open(self, time: int) -> float:
        """Seconds from the open, negative before it."""
        return (time - self.open) / SECOND

    def seconds_to_close(self, time: int) -> float:
        """Seconds to the close, negative after it."""
        return (self.close - time) / SECOND

    def is_open(self, time: int) -> bool:
        """Whether orders can trade now."""
        return self.open <= time < self.close
