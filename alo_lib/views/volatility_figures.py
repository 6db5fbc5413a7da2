"""Figures of volatility over time and over expiries, and of whether forecasts came true."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.views.blotter import InstrumentFill
from alo_lib.views.drawing import (
    BLUE,
    GREEN,
    ORANGE,
    PALETTE,
    RED,
    REGIME_COLORS,
    SOFT,
    VIOLET,
    Figure,
    faint,
    layout_of,
    line_trace,
    plain_numbers,
)
from alo_lib.views.regimes import RegimeView
from alo_lib.views.run import exchange_time
from alo_lib.views.time_axis import TimeAxis
from alo_lib.views.volatility import MATURITIES, ForecastOutcome, TermStructure, VolatilityView

__all__ = ["outcome_figure", "regime_figure", "term_structure_figure", "volatility_figure"]

_PERCENT: Final = "%{x}<br>%{y:.2f} %"


class _Series(NamedTuple):
    """Volatilities (times, columns) of one kind."""

    name: str
    time: NDArray[np.int64]
    values: NDArray[np.float64]
    color: str
    shape: str


class _Look(NamedTuple):
    """How one column of all series is drawn."""

    name: str
    is_one: bool = False  # under one name in the legend, and shown or hidden together
    is_shown: bool = True
    dash: str = "solid"
    width: float = 1.6


def volatility_figure(
    axis: TimeAxis, view: VolatilityView, filled: Sequence[InstrumentFill], refitted: NDArray[np.int64]
) -> Figure:
    """Implied, forecast and realized volatility at constant maturity; an expiry's that was not traded on a click.

    ``filled`` are fills in the underlying's options: entries and exits are marked on the line of their own expiry.
    ``refitted`` are the times from which newly fitted models counted.
    """
    implied, forecast = (view.implied_time, view.implied), (view.forecast_time, view.forecast)
    series = [
        _Series("implied", *implied, ORANGE, "linear"),
        _Series("forecast", *forecast, BLUE, "hv"),
        _Series("realized, closes before", *_from(view.realized_time, view.realized, view.implied_time), GREEN, "hv"),
    ]
    data = []
    for column, days in enumerate(MATURITIES):
        data += _lines(axis, series, column, _Look(f"{days} days", dash=("solid", "dot")[min(column, 1)]))
    by_expiry = [
        _Series("implied", view.implied_time, view.implied_by_expiry, VIOLET, "linear"),
        _Series("forecast", view.forecast_time, view.forecast_by_expiry, BLUE, "hv"),
    ]
    traded, is_alone = {one.instrument.expiry for one in filled}, not data
    for column, (expiry, date) in enumerate(zip(view.expiries.tolist(), view.expiry_dates, strict=True)):
        is_traded = expiry in traded
        look = _Look(f"expiry {date}", is_one=True, is_shown=is_alone or is_traded, width=1.6 if is_traded else 1.0)
        data += _lines(axis, by_expiry, column, look)
    data += _entries_and_exits(axis, view, filled) + _refits(axis, view, refitted)
    layout = layout_of(height=420, xaxis=axis.layout())
    layout["yaxis"] = {"title": "volatility, % a year", "rangemode": "normal"}
    return {"data": data, "layout": layout}


def term_structure_figure(structures: Sequence[TermStructure]) -> Figure:
    """Implied and forecast volatility over days to expiry: the first and the last moment, others on a click."""
    data = []
    times = exchange_time(np.array([one.time for one in structures], np.int64))
    for number, (time, one) in enumerate(zip(times, structures, strict=True)):
        color, is_shown = PALETTE[number % len(PALETTE)], number in (0, len(structures) - 1)
        for name, values, dash in (("implied", one.implied, "solid"), ("forecast", one.forecast, "dot")):
            known = np.isfinite(values)
            if not known.any():
                continue
            trace = line_trace(
                np.round(one.days[known], 3).tolist(),
                100.0 * values[known],
                f"{time[:16]} {name}",
                color,
                hover="%{x:.1f} days<br>%{y:.2f} %",
                visible=True if is_shown else "legendonly",
            )
            trace["line"]["dash"], trace["mode"] = dash, "lines+markers"
            data.append(trace | {"marker": {"size": 5}})
    ticks = [1, 2, 3, 7, 14, 30, 60, 90, 180, 365, 730]
    layout = layout_of(height=360, xaxis={"title": "days to expiry", "type": "log", "tickvals": ticks})
    layout["yaxis"] = {"title": "volatility, % a year", "rangemode": "normal"}
    return {"data": data, "layout": layout}


def outcome_figure(outcomes: Sequence[ForecastOutcome]) -> Figure:
    """Realized over forecast volatility, a point a forecast with its band; on the diagonal it came true.

    The band held where its bar meets the diagonal.
    """
    every = 100.0 * np.array([(one.forecast, one.realized, one.band_low, one.band_high) for one in outcomes])
    ends = [float(np.nanmin(every)), float(np.nanmax(every))]
    data: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": "came true",
            "x": ends,
            "y": ends,
            "line": {"color": GREEN, "width": 1, "dash": "dot"},
            "hoverinfo": "skip",
        }
    ]
    traded = np.array([one.traded for one in outcomes])
    for rows, name, color in (
        (np.flatnonzero(~traded), "one forecast for one expiry", BLUE),
        (np.flatnonzero(traded), "one that was traded on", ORANGE),
    ):
        if len(rows):
            data.append(_outcomes([outcomes[row] for row in rows.tolist()], every[rows], name, color))
    layout = layout_of(height=420, xaxis={"title": "forecast volatility, % a year"}, hovermode="closest")
    layout["yaxis"] = {"title": "volatility realized to the expiry, close to close, % a year"}
    return {"data": data, "layout": layout}


def _outcomes(
    outcomes: Sequence[ForecastOutcome], percent: NDArray[np.float64], name: str, color: str
) -> dict[str, Any]:
    """Points of forecasts, with a bar where the band is known; ``percent`` has forecast, realized and band a row."""
    when = exchange_time(np.array([one.time for one in outcomes], np.int64))
    trace = {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": plain_numbers(percent[:, 0]),
        "y": plain_numbers(percent[:, 1]),
        "text": [
            f"{start[:10]} to {one.expiry_date}, {one.sessions} sessions"
            for start, one in zip(when, outcomes, strict=True)
        ],
        "marker": {"color": color, "size": 7, "opacity": 0.7},
        "hovertemplate": "%{text}<br>forecast %{x:.1f} %, realized %{y:.1f} %<extra></extra>",
    }
    if np.isfinite(percent[:, 2:]).any():
        trace["error_x"] = {
            "type": "data",
            "symmetric": False,
            "array": plain_numbers(percent[:, 3] - percent[:, 0]),
            "arrayminus": plain_numbers(percent[:, 0] - percent[:, 2]),
            "color": faint(color, 0.45),
            "thickness": 1,
            "width": 2,
        }
    return trace


def regime_figure(axis: TimeAxis, view: RegimeView) -> Figure:
    """Volatility of each regime and of the likeliest one above, the regimes' probabilities stacked below."""
    # What was told last holds until the run's end.
    time = np.append(view.time, max(int(axis.close[-1]), int(view.time[-1])))
    volatility, probability = (np.append(one, one[-1:], axis=0) for one in (view.volatility, view.probability))
    likeliest = volatility[np.arange(len(time)), np.append(view.likeliest, view.likeliest[-1:])]
    data, below = [], []
    for regime in range(volatility.shape[1]):
        color = REGIME_COLORS[regime % len(REGIME_COLORS)]
        group: dict[str, Any] = {"legendgroup": f"regime {regime + 1}", "shape": "hv"}
        level = axis.line(time, 100.0 * volatility[:, regime], f"regime {regime + 1}", color, hover=_PERCENT, **group)
        data.append(level | {"showlegend": False})
        share = axis.line(
            time,
            100.0 * np.nan_to_num(probability[:, regime]),
            f"regime {regime + 1}",
            color,
            limit=len(time) + 1,  # where one is stacked on the other, all have the same moments
            hover="%{x}<br>%{y:.1f} %",
            yaxis="y2",
            stackgroup="regimes",
            **group,
        )
        below.append(share | {"fillcolor": faint(color, 0.6)})
        share["line"]["width"] = 0
    data.append(
        axis.line(time, 100.0 * likeliest, "the likeliest regime's", SOFT, hover=_PERCENT, shape="hv", width=3.0)
    )
    layout = layout_of(height=420, xaxis=axis.layout() | {"anchor": "y2"})
    layout["yaxis"] = {"title": "volatility, % a year", "domain": [0.54, 1.0], "rangemode": "tozero"}
    layout["yaxis2"] = {"title": "probability, %", "domain": [0.0, 0.46], "range": [0.0, 100.0]}
    return {"data": [*data, *below], "layout": layout}


def _lines(axis: TimeAxis, series: Sequence[_Series], column: int, look: _Look) -> list[dict[str, Any]]:
    """A line of each series that knows the column."""
    data: list[dict[str, Any]] = []
    for one in series:
        values = one.values[:, column]
        if not np.isfinite(values).any():
            continue
        name = look.name if look.is_one else f"{one.name}, {look.name}"
        trace = axis.line(one.time, 100.0 * values, name, one.color, hover=_PERCENT, shape=one.shape, width=look.width)
        trace["line"]["dash"] = look.dash
        if look.is_one:
            trace |= {"hovertemplate": f"{one.name}, {trace['hovertemplate']}", "legendgroup": name}
            trace["showlegend"] = not data
        data.append(trace if look.is_shown else trace | {"visible": "legendonly"})
    return data


def _from(time: NDArray[np.int64], values: NDArray[np.float64], shown: NDArray[np.int64]) -> tuple[Any, Any]:
    """Rows that are in force from the first shown moment on; the last one's line ends with the last shown."""
    if not len(shown) or not len(time):
        return time[:0], values[:0]
    first = max(int(np.searchsorted(time, shown[0], "right")) - 1, 0)
    last = max(int(np.searchsorted(time, shown[-1], "right")), first + 1)
    times = np.concatenate([np.maximum(time[first:last], shown[0]), shown[-1:]])
    return times, np.concatenate([values[first:last], values[last - 1 : last]])


def _shortest(values: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """The shortest maturity's volatilities that are known, in percent."""
    known = np.flatnonzero(np.isfinite(values).any(axis=0))
    return 100.0 * values[:, known[0]] if len(known) else None


def _entries_and_exits(axis: TimeAxis, view: VolatilityView, filled: Sequence[InstrumentFill]) -> list[dict[str, Any]]:
    """Where trades were opened and closed, at the implied volatility of their expiry that was known last."""
    data = []
    for name, symbol, color in (("entry", "triangle-right", GREEN), ("exit", "x", RED)):
        told = [(one, _own_implied(view, one)) for one in filled if (one.reason == "entry") == (name == "entry")]
        group = [one for one, level in told if np.isfinite(level)]
        if not group:
            continue
        moments = np.array([one.time for one in group], np.int64)
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": name,
                "x": exchange_time(axis.within(moments)),
                "y": plain_numbers(np.array([level for _, level in told if np.isfinite(level)])),
                "text": [
                    f"{time}<br>{one.reason}: {one.quantity:+d} {one.instrument.label}"
                    for time, one in zip(exchange_time(moments), group, strict=True)
                ],
                "hovertemplate": "%{text}<extra></extra>",
                "marker": {"symbol": symbol, "size": 11, "color": color},
            }
        )
    return data


def _own_implied(view: VolatilityView, fill: InstrumentFill) -> float:
    """What the fill's expiry implied last, in percent; before that what it did first, NaN if it never did."""
    column = view.implied_by_expiry[:, view.expiries == fill.instrument.expiry].ravel()
    known = np.flatnonzero(np.isfinite(column))
    if not len(known):
        return float("nan")
    last = int(np.searchsorted(view.implied_time[known], fill.time, "right")) - 1
    return 100.0 * float(column[known[max(last, 0)]])


def _refits(axis: TimeAxis, view: VolatilityView, refitted: NDArray[np.int64]) -> list[dict[str, Any]]:
    """Where newly fitted models began to count, on the forecast that was first made with them."""
    level = _shortest(view.forecast)
    after = np.searchsorted(view.forecast_time, refitted)
    refitted, after = refitted[after < len(view.forecast_time)], after[after < len(view.forecast_time)]
    if level is None or not len(refitted):
        return []
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "name": "models fitted anew",
            "x": exchange_time(axis.within(view.forecast_time[after])),
            "y": plain_numbers(level[after]),
            "text": exchange_time(refitted),
            "hovertemplate": "models fitted anew, in force from %{text}<extra></extra>",
            "marker": {"symbol": "diamond-open", "size": 11, "color": SOFT, "line": {"width": 2}},
        }
    ]
