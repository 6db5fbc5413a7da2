"""The time axis that all charts of a run share: its sessions side by side, half days half as wide.

Nights, weekends and holidays take no room. A session without data does, and lines stop before it.
"""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.records import MINUTE
from alo_lib.views.drawing import MAX_POINTS, SOFT, line_trace, thinned
from alo_lib.views.run import Run, exchange_time

__all__ = ["TimeAxis", "time_axis"]

_HOUR_IN_MILLISECONDS: Final = 3_600_000
_LAST_BAR: Final = MINUTE
"""A session's last bar stays in sight."""
_IN_SIGHT: Final = 0.02  # hours, into which the last bar fits
_UNQUOTED: Final = "no option quotes"


class TimeAxis(NamedTuple):
    """The sessions of a run, (n,) each: open and close in ns UTC, the exchange's date as text."""

    open: NDArray[np.int64]
    close: NDArray[np.int64]
    date: list[str]

    def layout(self) -> dict[str, Any]:
        """The x axis for plotly.js, from the first session's open to the last one's close."""
        axis: dict[str, Any] = {"type": "date", "hoverformat": "%Y-%m-%d %H:%M:%S", "title": "New York time"}
        if not len(self.open):
            return axis
        edges = np.array([self.open[0], self.close[-1] + _LAST_BAR])
        axis["range"] = [text[:16] for text in exchange_time(edges)]
        if len(self.open) > 1:
            opened, closed = self._hours()
            night = {"bounds": [closed, opened], "pattern": "hour"}
            axis["rangebreaks"] = [{"bounds": ["sat", "mon"]}, night, *self._closed()]
        return axis

    def _hours(self) -> tuple[float, float]:
        """The hours on a clock that a day has on the axis: from the earliest open to the latest close and its bar."""
        opens, closes = ([_hour(text) for text in exchange_time(time)] for time in (self.open, self.close))
        return min(opens), max(closes) + _IN_SIGHT

    def _closed(self) -> list[dict[str, Any]]:
        """Breaks for holidays, and for what half days lack of a whole one.

        They reach from one end of a session to the other: where breaks overlap, as a whole day and its nights do,
        plotly.js draws backwards.
        """
        days = np.arange(np.datetime64(self.date[0], "D"), np.datetime64(self.date[-1], "D"))
        holidays = [str(day) for day in days[np.is_busday(days)] if str(day) not in set(self.date)]
        breaks: dict[int, list[str]] = {}
        opened, closed = self._hours()
        if holidays:
            at = min(text[11:16] for text in exchange_time(self.open))
            breaks[round((closed - opened) * _HOUR_IN_MILLISECONDS)] = [f"{day} {at}" for day in holidays]
        for day, text in zip(self.date, exchange_time(self.close + _LAST_BAR), strict=True):
            ended = _hour(text)
            if ended < closed - 0.5 and day != self.date[-1]:
                breaks.setdefault(round((closed - ended) * _HOUR_IN_MILLISECONDS), []).append(text[:16])
        return [{"values": values, "dvalue": length} for length, values in breaks.items()]

    def within(self, time: NDArray[np.int64]) -> NDArray[np.int64]:
        """Times of a night as the open after it: at one that takes no room, plotly.js would break a line."""
        if not len(self.open):
            return time
        ends = self.close + _LAST_BAR
        session = np.minimum(np.searchsorted(ends, time), len(ends) - 1)
        return np.clip(time, self.open[session], ends[session])

    def line(
        self,
        time: NDArray[np.int64],
        values: NDArray[np.float64],
        name: str,
        color: str,
        *,
        limit: int = MAX_POINTS,
        **more: Any,
    ) -> dict[str, Any]:
        """A line through what is finite, thinned to about ``limit`` points, that stops at sessions without any.

        ``more`` goes to :func:`alo_lib.views.drawing.line_trace`.
        """
        known = np.isfinite(values)
        time, values = time[known], values[known]
        session = np.searchsorted(self.close + _LAST_BAR, time)
        after = np.flatnonzero(np.diff(session) > 1) + 1
        rows = np.unique(np.concatenate([thinned(values, limit), after - 1, after]))
        moments, shown = [text.removesuffix(":00.000") for text in exchange_time(self.within(time[rows]))], values[rows]
        gaps = np.searchsorted(rows, after)
        for gap in gaps[::-1].tolist():
            moments.insert(gap, moments[gap - 1])
        return line_trace(moments, np.insert(shown, gaps, np.nan), name, color, **more) | {"connectgaps": False}

    def shade(self, figure: dict[str, Any], days: Iterable[str]) -> None:
        """Mark the sessions of ``days`` (yyyy-mm-dd) in a figure as those without option quotes."""
        places = np.flatnonzero(np.isin(self.date, list(days)))
        if not len(places):
            return
        runs = np.split(places, np.flatnonzero(np.diff(places) > 1) + 1)
        shapes = figure["layout"].setdefault("shapes", [])
        for run in runs:
            first, last = exchange_time(np.array([self.open[run[0]], self.close[run[-1]] + _LAST_BAR]))
            area = {"type": "rect", "xref": "x", "yref": "paper", "y0": 0, "y1": 1, "layer": "below"}
            shapes.append(area | {"x0": first[:16], "x1": last[:16], "line": {"width": 0}, "fillcolor": SOFT + "33"})
        figure["data"].append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": _UNQUOTED,
                "x": [None],
                "y": [None],
                "marker": {"symbol": "square", "size": 11, "color": SOFT + "66"},
            }
        )


def time_axis(run: Run) -> TimeAxis:
    """The sessions that a run was told of."""
    sessions = run.sessions
    return TimeAxis(
        np.array([session.open for session in sessions], np.int64),
        np.array([session.close for session in sessions], np.int64),
        [str(session.day) for session in sessions],
    )


def _hour(text: str) -> float:
    """The hour on the clock of an exchange's time, to the minute."""
    return int(text[11:13]) + int(text[14:16]) / 60.0
