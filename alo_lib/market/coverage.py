"""Of how many of the sessions asked for a folder has the data that a run needs."""

import datetime as dt
from dataclasses import dataclass
from typing import Final, NamedTuple

from alo_lib.market.faults import DataFault

__all__ = ["DATA_MEASURED", "Coverage", "DataFindings"]

DATA_MEASURED: Final = "alo-data-measured"
"""The key of LEAN's configuration by which an engine that has measured a run's data says so to the algorithm."""


@dataclass(frozen=True)
class Coverage:
    """Of how many of the sessions asked for an underlying has what a run needs."""

    ticker: str
    sessions: int
    bars: int
    """With bars of the underlying in half of it at least."""
    quotes: int
    """With a bid and an ask, in half of its hours, of half of the contracts near the money that could be traded."""
    universes: int
    """With contracts to select from."""
    daily: int
    """With daily bars up to the session before, enough of them to forecast from."""
    without_quotes: tuple[dt.date, ...] = ()
    """Without any option quote that has a bid and an ask."""

    def told(self) -> dict[str, int | list[str]]:
        """As programs read it."""
        counts: dict[str, int | list[str]] = {
            name: getattr(self, name) for name in ("sessions", "bars", "quotes", "universes", "daily")
        }
        return counts | {"without_quotes": [str(day) for day in self.without_quotes]}


class DataFindings(NamedTuple):
    """What is there, one coverage an underlying, and what a user should know of it, in sentences.

    ``faults`` are those that show only when a session's data are held against each other; reading does not meet them.
    """

    coverage: tuple[Coverage, ...]
    warnings: tuple[str, ...]
    faults: tuple[DataFault, ...] = ()
