"""A run of which there is a journal and no folder of results: of a core, of LEAN live, of one that still runs."""

import math
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self

import numpy as np

from alo_lib.journal import Journal
from alo_lib.market import DataFindings, FaultLog
from alo_lib.records import MINUTE, SECOND, Kind
from alo_lib.runtime.same_settings import known_settings_of
from alo_lib.views.blotter import positions
from alo_lib.views.run import Run, RunError, exchange_moment
from alo_lib.views.summary import summarize

__all__ = ["JournaledRun"]

_STEP: Final = 5 * MINUTE
"""Between two points of the equity curve, as LEAN samples it."""


@dataclass(frozen=True)
class JournaledRun(Run):
    """Everything that pages show, from a journal alone, up to what it holds.

    Its equity is what the core told of the book, at the end what was settled and booked since, too; its start is the
    ``cash`` of its settings. Which data there were, and which of them were left out, nobody kept.
    """

    written: Journal

    @classmethod
    def of(cls, journal: Journal, name: str) -> Self:
        """The run of a journal; a page tells ``name``.

        :raises RunError: for a journal that has measured no book yet.
        """
        found = cls(Path(name), journal)
        if not len(found.table(Kind.EXPOSURE).records):
            raise RunError(f"the journal of {name} has measured no book yet, {len(journal.messages):,} messages so far")
        return found

    @cached_property
    def journal(self) -> Journal:
        """Every input and decision that counts."""
        return replace(self.written, messages=tuple(self.written.counted))

    @cached_property
    def settings(self) -> dict[str, Any]:
        """Those in force at its end, over the days that the journal tells of.

        :raises JournalError: where the journal has none.
        :raises SettingsError: for a value that is not allowed any more.
        """
        found = known_settings_of(self.written.settings).model_dump(mode="json")
        times = [message.time for message in (self.journal.messages[0], self.journal.messages[-1])]
        first, last = (exchange_moment(time)[:10] for time in times)
        return found | {"start": first, "end": last}

    @cached_property
    def about(self) -> dict[str, Any]:
        """The summary alone."""
        summary = summarize(
            self,
            engine="journal",
            findings=DataFindings((), ()),
            faults=FaultLog(),
            wall_seconds=0.0,
            folder=str(self.folder),
        )
        return {"engine": "journal", "summary": summary}

    @property
    def knows_data(self) -> bool:
        """Nobody kept it."""
        return False

    @cached_property
    def market_truth(self) -> list[tuple[str, str]]:
        """None is known."""
        return []

    @cached_property
    def results(self) -> dict[str, Any]:
        """Equity at the start, at the end and over time, in the places where LEAN's results have it."""
        times, rows = self.table(Kind.EXPOSURE)
        told = np.isfinite(rows["equity"])  # of the whole account, in each row
        times, equity = times[told], rows["equity"][told]
        if not len(times):
            raise RunError(f"the journal of {self.folder} has measured no equity yet")
        last = np.flatnonzero(np.diff(times // _STEP, append=-1))  # of each step
        points = np.column_stack([times[last] // SECOND, equity[last]]).tolist()
        start, booked = float(self.settings["cash"]), self.table(Kind.INTEREST).records["amount"]
        # What was filled, settled and booked since the last measure counts too.
        end = math.fsum([start, *(one.profit for one in positions(self)), *booked.tolist()])
        points.append([self.journal.messages[-1].time // SECOND, end])
        return {
            "charts": {"Strategy Equity": {"series": {"Equity": {"values": points}}}},
            "totalPerformance": {"portfolioStatistics": {"startEquity": start, "endEquity": end}},
        }
