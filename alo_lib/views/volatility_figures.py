"""Figures of volatility over time, and of whether forecasts came true."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.views.blotter import InstrumentFill
from alo_lib.views.figures import BLUE, GREEN, ORANGE, RED, VIOLET, Figure, layout_of, line_trace, plain_numbers
from alo_lib.views.run import exchange_time
from alo_lib.views.volatility import MATURITIES, ForecastOutcome, VolatilityView

__all__ = ["outcome_figure", "volatility_figure"]

_PERCENT: Final = "%{x}<br>%{y:.2f} %"


def volatility_figure(view: VolatilityView, filled: Sequence[InstrumentFill]) -> Figure:
    """Implied, forecast and realized volatility at constant maturity; each expiry's on a click on its name.

    ``filled`` are fills in the underlying's options: entries and exits are marked on the shortest maturity's line.
    """
    lines = (
        ("implied", view.implied_time, view.implied, ORANGE, "linear"),
        ("forecast", view.forecast_time, view.forecast, BLUE, "hv"),
        ("realized before", *_from(view.realized_time, view.realized, view.implied_time), GREEN, "hv"),
    )
    data = []
    for column, days in enumerate(MATURITIES):
        dash = ("solid", "dot")[min(column, 1)]
        for name, time, values, color, shape in lines:
            if np.isfinite(values[:, column]).any():
                trace = line_trace(
                    exchange_time(time),
                    100.0 * values[:, column],
                    f"{name}, {days} days",
                    color,
                    hover=_PERCENT,
                    shape=shape,
                )
                trace["line"]["dash"] = dash
                data.append(trace)
    data += _by_expiry(view, is_shown=not data)
    data += _entries_and_exits(view, filled)
    layout = layout_of(np.concatenate([view.forecast_time, view.implied_time]), height=420)
    layout["yaxis"] = {"title": "volatility, % a year", "rangemode": "normal"}
    return {"data": data, "layout": layout}


def outcome_figure(outcomes: Sequence[ForecastOutcome]) -> Figure:
    """Realized over forecast volatility, a point a forecast; on the diagonal it came true."""
    forecast = np.array([100.0 * one.forecast for one in outcomes])
    realized = np.array([100.0 * one.realized for one in outcomes])
    ends = [float(min(forecast.min(), realized.min())), float(max(forecast.max(), realized.max()))]
    when = exchange_time(np.array([one.time for one in outcomes], np.int64))
    until = exchange_time(np.array([one.expiry for one in outcomes], np.int64))
    data = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": "came true",
            "x": ends,
            "y": ends,
            "line": {"color": GREEN, "width": 1, "dash": "dot"},
            "hoverinfo": "skip",
        },
        {
            "type": "scatter",
            "mode": "markers",
            "name": "one forecast for one expiry",
            "x": plain_numbers(forecast),
            "y": plain_numbers(realized),
            "text": [
                f"{start[:10]} to {end[:10]}, {one.sessions} sessions"
                for start, end, one in zip(when, until, outcomes, strict=True)
            ],
            "marker": {"color": BLUE, "size": 7, "opacity": 0.7},
            "hovertemplate": "%{text}<br>forecast %{x:.1f} %, realized %{y:.1f} %<extra></extra>",
        },
    ]
    layout = layout_of(np.zeros(0, np.int64), height=420, hovermode="closest")
    layout["xaxis"] = {"title": "forecast volatility, % a year"}
    layout["yaxis"] = {"title": "realized volatility, % a year"}
    return {"data": data, "layout": layout}


def _by_expiry(view: VolatilityView, *, is_shown: bool) -> list[dict[str, Any]]:
    """Implied and forecast volatility of each expiry, both under one name in the legend."""
    data = []
    for column, expiry in enumerate(view.expiries.tolist()):
        day = exchange_time(np.array([expiry]))[0][:10]
        named = False
        for name, time, values, color, shape in (
            ("implied", view.implied_time, view.implied_by_expiry, VIOLET, "linear"),
            ("forecast", view.forecast_time, view.forecast_by_expiry, BLUE, "hv"),
        ):
            if not np.isfinite(values[:, column]).any():
                continue
            trace = line_trace(
                exchange_time(time),
                100.0 * values[:, column],
                f"expiry {day}",
                color,
                shape=shape,
                hover=f"{name}, {_PERCENT}",
                width=1.0,
                legendgroup=day,
                showlegend=not named,
                visible=True if is_shown else "legendonly",
            )
            data.append(trace)
            named = True
    return data


def _from(time: NDArray[np.int64], values: NDArray[np.float64], shown: NDArray[np.int64]) -> tuple[Any, Any]:
    """Rows that are in force from the first shown moment on; the last one's line ends with the last shown."""
    if not len(shown) or not len(time):
        return time[:0], values[:0]
    first = max(int(np.searchsorted(time, shown[0], "right")) - 1, 0)
    last = max(int(np.searchsorted(time, shown[-1], "right")), first + 1)
    times = np.concatenate([np.maximum(time[first:last], shown[0]), shown[-1:]])
    return times, np.concatenate([values[first:last], values[last - 1 : last]])


def _entries_and_exits(view: VolatilityView, filled: Sequence[InstrumentFill]) -> list[dict[str, Any]]:
    """Where trades were opened and closed, at the implied volatility of the shortest maturity that is known then."""
    known = [column for column in range(len(MATURITIES)) if np.isfinite(view.implied[:, column]).any()]
    if not known:
        return []
    level = 100.0 * view.implied[:, known[0]]
    data = []
    for name, symbol, color in (("entry", "triangle-right", GREEN), ("exit", "x", RED)):
        group = [one for one in filled if (one.reason == "entry") == (name == "entry")]
        if not group:
            continue
        at = np.searchsorted(view.implied_time, [one.time for one in group], "right") - 1
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": name,
                "x": exchange_time(np.array([one.time for one in group], np.int64)),
                "y": plain_numbers(level[np.maximum(at, 0)]),
                "text": [f"{one.reason}: {one.quantity:+d} {one.instrument.label}" for one in group],
                "hovertemplate": "%{x}<br>%{text}<extra></extra>",
                "marker": {"symbol": symbol, "size": 11, "color": color},
            }
        )
    return data
