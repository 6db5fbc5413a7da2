"""Events of an underlying, past and coming: dividends and splits, and the dated ones that its user keeps."""

import datetime as dt
import math
from typing import Any, Final, NamedTuple

import numpy as np

from alo_lib.market import DataFolder
from alo_lib.market.bars import Bars
from alo_lib.market.corporate_actions import is_of_distribution
from alo_lib.market.event_files import scheduled_moves
from alo_lib.records import DividendKind
from alo_lib.strategy.variance_time import ScheduledEvent, VarianceTime
from alo_lib.views.spoken import or_none, rounded
from alo_lib.volatility import event_mask, move_of_variance

__all__ = ["CorporateEvent", "KeptEvent", "corporate_events", "kept_events", "variance_time_of"]

_AHEAD: Final = dt.timedelta(days=91)
"""After the last day, of which dividends and splits are still told."""


_WORDS: Final = {
    DividendKind.ORDINARY: "dividend",
    DividendKind.EXTRA: "extra dividend",
    DividendKind.ADJUSTING: "spin-off",
}


class CorporateEvent(NamedTuple):
    """A dividend on its ex-date, cash a share, or a split, old shares for a new one.

    ``kind`` tells an extra dividend, and what contracts are adjusted for ("spin-off"), from regular ones.
    """

    day: dt.date
    kind: str
    size: float

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return self._asdict() | {"day": str(self.day)}


class KeptEvent(NamedTuple):
    """A dated event of the user's file, on the day on which it moves the price; sizes are logarithmic returns.

    ``ahead`` of the last bar it has the ``size`` that forecasts take its move to have, a mean absolute one, NaN where
    nothing tells, and what ``tells``: its past, its file, options. Else ``made`` is the return of the day that held it;
    NaN on the first.
    """

    day: dt.date
    name: str
    ahead: bool
    made: float
    size: float
    tells: str

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        made, size = (None if math.isnan(value) else rounded(value) for value in (self.made, self.size))
        return self._asdict() | {"day": str(self.day), "made": made, "size": size, "tells": self.tells or None}


def corporate_events(folder: DataFolder, ticker: str, first: dt.date, last: dt.date) -> tuple[CorporateEvent, ...]:
    """Those of the days, and of the quarter after them where the folder knows of any."""
    known = folder.events(ticker)
    every = [CorporateEvent(one.ex_date, _WORDS[one.kind], one.amount) for one in folder.distributions(ticker)]
    every += [CorporateEvent(one.day, "split", one.factor) for one in known.splits]
    return tuple(sorted(one for one in every if first <= one.day <= last + _AHEAD))


def variance_time_of(folder: DataFolder, ticker: str, bars: Bars, last: dt.date) -> VarianceTime:
    """The strategy's variance time after the ``bars``, with the events known on their ``last`` day; without a clock.

    :raises DataError: for a file of events that cannot be read.
    """
    hours, times = folder.hours(), bars["time"].tolist()
    known = [one for one in folder.dated_events(ticker) if one.known <= last and not is_of_distribution(one.name)]
    events = [ScheduledEvent(*each) for each in scheduled_moves(known, hours.session_from)]
    variance_time = VarianceTime(events=sorted(one for one in events if one.time > times[0]))
    variance_time.follow(times, bars["open"].tolist(), bars["close"].tolist())
    return variance_time


def kept_events(variance_time: VarianceTime, bars: Bars) -> tuple[KeptEvent, ...]:
    """Every event of a variance time that followed these bars, in order."""
    times, closes = bars["time"].tolist(), bars["close"]
    found = []
    for event in variance_time.events:
        day = np.datetime64(event.time, "ns").astype("datetime64[D]").astype(dt.date)
        held = np.flatnonzero(event_mask(times, [event.time]))
        if len(held):
            made = float(np.log(closes[held[0]] / closes[held[0] - 1]))
            found.append(KeptEvent(day, event.name, False, made, math.nan, ""))
        else:
            size = move_of_variance(variance_time.added(event))
            found.append(KeptEvent(day, event.name, True, math.nan, size, _tells(variance_time, event)))
    return tuple(found)


def _tells(variance_time: VarianceTime, event: ScheduledEvent) -> str:
    """What tells the size of an event ahead; empty where nothing does."""
    if not math.isnan(variance_time.past_variance(event)):
        return "its past"
    if not math.isnan(event.move):
        return "its file"
    return "options" if or_none(variance_time.added(event)) is not None else ""
