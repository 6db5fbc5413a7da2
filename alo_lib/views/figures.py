"""Figures of what a run did: money over time, trades, where the profit came from, and how far structures came."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.records import Kind
from alo_lib.views.attribution import AttributionSeries
from alo_lib.views.blotter import InstrumentFill
from alo_lib.views.drawing import (
    BLUE,
    GREEN,
    MAX_POINTS,
    ORANGE,
    PALETTE,
    RED,
    STROKES,
    VIOLET,
    Figure,
    layout_of,
    line_trace,
    plain_numbers,
    thinned,
)
from alo_lib.views.margin import MarginSeries
from alo_lib.views.performance import EquityCurve, RollingFigures, drawdowns
from alo_lib.views.run import InstrumentRecord, Run, exchange_time
from alo_lib.views.time_axis import TimeAxis
from alo_lib.views.volatility import split_adjusted

__all__ = [
    "attribution_figure",
    "equity_figure",
    "funnel_figure",
    "rolling_figure",
    "trades_figure",
    "waterfall_figure",
]

_MONEY: Final = "%{x}<br>$%{y:,.2f}"


def equity_figure(axis: TimeAxis, curve: EquityCurve, margin: MarginSeries) -> Figure:
    """Equity above, drawdown and margin below."""
    rows = thinned(curve.equity)
    time = exchange_time(_in_session(axis, curve.time)[rows])
    fall = 100.0 * drawdowns(curve.equity)[rows]
    below: dict[str, Any] = {"shape": "hv", "fill": "tozeroy"}
    data = [
        line_trace(time, curve.equity[rows], "equity", BLUE, hover=_MONEY, shape="hv"),
        line_trace(time, fall, "drawdown", RED, hover="%{x}<br>%{y:.3f} %", yaxis="y2", **below),
        line_trace(
            exchange_time(axis.within(margin.time)), margin.margin, "margin", VIOLET, hover=_MONEY, yaxis="y3", **below
        ),
    ]
    layout = layout_of(height=540, xaxis=axis.layout() | {"anchor": "y3"}, showlegend=False)
    layout["yaxis"] = {"title": "equity, $", "domain": [0.52, 1.0], "tickformat": ",.0f"}
    layout["yaxis2"] = {"title": "drawdown, %", "domain": [0.27, 0.47], "rangemode": "tozero"}
    layout["yaxis3"] = {"title": "margin, $", "domain": [0.0, 0.2], "rangemode": "tozero", "tickformat": ",.0f"}
    return {"data": data, "layout": layout}


def rolling_figure(axis: TimeAxis, rolling: RollingFigures) -> Figure:
    """Volatility and Sharpe ratio of as many sessions as the figures are over, at each session's close."""
    time = axis.close[np.isin(axis.date, np.datetime_as_string(rolling.date))]
    hover = "%{x}<br>%{y:.2f}"
    data = [
        axis.line(time, 100.0 * rolling.volatility, "volatility", BLUE, hover=hover),
        axis.line(time, rolling.sharpe, "Sharpe ratio", ORANGE, hover=hover, yaxis="y2"),
    ]
    for trace in data:
        trace["mode"] = "lines+markers"
    layout = layout_of(height=380, xaxis=axis.layout() | {"anchor": "y2"}, showlegend=False)
    layout["yaxis"] = {"title": "volatility, % a year", "domain": [0.55, 1.0], "rangemode": "tozero"}
    layout["yaxis2"] = {"title": "Sharpe ratio", "domain": [0.0, 0.45]}
    return {"data": data, "layout": layout}


def trades_figure(axis: TimeAxis, run: Run, underlying: InstrumentRecord, fills: Sequence[InstrumentFill]) -> Figure:
    """The underlying's closes, with what was traded in it and in its options marked where it happened."""
    time, closes = split_adjusted(run, underlying)
    splits = run.table(Kind.SPLIT).records
    is_adjusted = bool(((splits["instrument"] == underlying.number) & (splits["warning"] == 0)).any())
    data = [axis.line(time, closes, underlying.symbol, BLUE, hover=_MONEY)]
    groups: dict[tuple[bool, bool], list[InstrumentFill]] = {}
    for fill in fills:
        if fill.instrument.underlying == underlying.number and len(time):
            groups.setdefault((fill.instrument.is_option, fill.quantity > 0), []).append(fill)
    for (is_option, is_buy), group in sorted(groups.items(), reverse=True):
        moments = np.array([fill.time for fill in group], np.int64)
        level = closes[np.maximum(np.searchsorted(time, moments, "right") - 1, 0)]
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": f"{'bought' if is_buy else 'sold'} {'options' if is_option else 'shares'}",
                "x": exchange_time(axis.within(moments)),
                "y": plain_numbers(level),
                "text": [
                    f"{time}<br>{fill.reason}: {fill.quantity:+d} {fill.instrument.label} at {fill.price:z.2f}"
                    for time, fill in zip(exchange_time(moments), group, strict=True)
                ],
                "hovertemplate": "%{text}<extra></extra>",
                "marker": {
                    "symbol": "triangle-up" if is_buy else "triangle-down",
                    "size": 14 if is_option else 8,
                    "color": GREEN if is_buy else RED,
                },
            }
        )
    layout = layout_of(height=380, xaxis=axis.layout())
    layout["yaxis"] = {"title": f"{underlying.symbol}, ${' (split-adjusted)' if is_adjusted else ''}"}
    return {"data": data, "layout": layout}


def waterfall_figure(parts: Mapping[str, float]) -> Figure:
    """The parts of the profit, money, one after the other, and their sum."""
    shown = {name: round(money, 2) for name, money in parts.items() if money}
    trace = {
        "type": "waterfall",
        "x": [*shown, "total"],
        "y": [*shown.values(), None],
        "measure": [*("relative" for _ in shown), "total"],
        "increasing": {"marker": {"color": GREEN}},
        "decreasing": {"marker": {"color": RED}},
        "totals": {"marker": {"color": BLUE}},
        "connector": {"line": {"width": 0.5, "color": VIOLET}},
        "hovertemplate": "%{x}: $%{delta:,.2f}<extra></extra>",
    }
    layout = layout_of(
        height=340,
        xaxis={"type": "category", "title": "part of the profit"},
        hovermode="closest",
        showlegend=False,
    )
    layout["yaxis"] = {"title": "profit, $", "tickformat": ",.0f", "zeroline": True}
    return {"data": [trace], "layout": layout}


def attribution_figure(axis: TimeAxis, series: AttributionSeries) -> Figure:
    """What each part of the profit came to over time."""
    rows = thinned(sum(series.parts.values(), np.zeros(len(series.time))), MAX_POINTS // 3)  # there are many lines
    time = exchange_time(axis.within(series.time[rows]))
    data = []
    for number, (name, values) in enumerate(series.parts.items()):
        if values.any():
            color, dash = STROKES[number]
            data.append(line_trace(time, values[rows], name, color, hover=_MONEY, shape="hv", width=1.5))
            data[-1]["line"]["dash"] = dash
    layout = layout_of(height=380, xaxis=axis.layout())
    layout["yaxis"] = {"title": "profit so far, $", "tickformat": ",.0f"}
    return {"data": data, "layout": layout}


def funnel_figure(most: Mapping[str, Mapping[str, int]]) -> Figure:
    """How many contracts and structures came to each stage on their way to a trade; ``most`` by ticker and stage."""
    data = [
        {
            "type": "bar",
            "orientation": "h",
            "name": ticker,
            "y": [stage.replace("_", " ") for stage in stages],
            "x": list(stages.values()),
            "text": [f"{count:,}" for count in stages.values()],
            "textposition": "outside",
            "cliponaxis": False,
            "marker": {"color": PALETTE[number % len(PALETTE)]},
            "hovertemplate": "%{y}: %{x:,}<extra>" + ticker + "</extra>",
        }
        for number, (ticker, stages) in enumerate(most.items())
    ]
    # Counts fall by orders of magnitude; what is zero has no bar, and stands in the table.
    largest = max((count for stages in most.values() for count in stages.values()), default=1)
    span = [-0.3, float(np.log10(max(largest, 10))) + 0.7]
    xaxis = {"title": "contracts, then structures", "type": "log", "range": span, "dtick": 1}
    layout = layout_of(height=250 + 60 * len(most), xaxis=xaxis, hovermode="closest", barmode="group")
    layout["yaxis"] = {"title": "stage passed", "autorange": "reversed"}
    return {"data": data, "layout": layout}


def _in_session(axis: TimeAxis, time: NDArray[np.int64]) -> NDArray[np.int64]:
    """Times outside of sessions, as LEAN takes its daily samples, as the close before them, so that they stay in sight.

    Those before the first session become its open.
    """
    if not len(axis.open):
        return time
    before = np.searchsorted(axis.close, time, "right") - 1  # the last session that is over
    is_open = axis.open[np.minimum(before + 1, len(axis.open) - 1)] <= time
    is_open &= before + 1 < len(axis.open)
    ended = np.where(before >= 0, axis.close[np.maximum(before, 0)], axis.open[0])
    return np.where(is_open, time, ended)
