"""Of how many of the sessions asked for a folder has the data that a run needs."""

import datetime as dt
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["Coverage", "DataFindings"]


@dataclass(frozen=True)
class Coverage:
    """Of how many of the sessions asked for an underlying has what a run needs."""

    ticker: str
    sessions: int
    bars: int
    """With a bar of the underlying."""
    quotes: int
    """With an option quote that has a bid and an ask."""
    universes: int
    """With contracts to select from."""
    daily: int
    """With daily bars up to the session before, enough of them to forecast from."""
    without_quotes: tuple[dt.date, ...] = ()

    def told(self) -> dict[str, int | list[str]]:
        """As programs read it."""
        counts: dict[str, int | list[str]] = {
            name: getattr(self, name) for name in ("sessions", "bars", "quotes", "universes", "daily")
        }
        return counts | {"without_quotes": [str(day) for day in self.without_quotes]}


class DataFindings(NamedTuple):
    """What is there, one coverage an underlying, and what a user should know of it, in sentences."""

    coverage: tuple[Coverage, ...]
    warnings: tuple[str, ...]
