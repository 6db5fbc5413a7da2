"""A market's regular session: the span of a day in which orders trade."""

from datetime import date
from typing import NamedTuple

from alo_lib.records.units import SECOND

__all__ = ["Session"]


class Session(NamedTuple):
    """A day's regular session: first open and last close, nanoseconds UTC."""

    day: date
    open: int
    close: int

    def seconds_since_open(self, time: int) -> float:
        """Seconds from the open, negative before it."""
        return (time - self.open) / SECOND

    def seconds_to_close(self, time: int) -> float:
        """Seconds to the close, negative after it."""
        return (self.close - time) / SECOND

    def is_open(self, time: int) -> bool:
        """Whether orders can trade now."""
        return self.open <= time < self.close
