"""The report's figures, as the plain objects that plotly.js draws.

Colours of text and grid are left to the page, which follows the reader's light or dark mode.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.records import DAY, NEW_YORK, SECOND, Kind
from alo_lib.views.attribution import AttributionSeries
from alo_lib.views.blotter import InstrumentFill
from alo_lib.views.margin import MarginSeries
from alo_lib.views.performance import EquityCurve, drawdowns
from alo_lib.views.risk import GREEKS, ExposureSeries
from alo_lib.views.run import InstrumentRecord, Run, exchange_time
from alo_lib.views.volatility import split_adjusted

__all__ = [
    "BLUE",
    "GREEN",
    "ORANGE",
    "RED",
    "VIOLET",
    "Figure",
    "attribution_figure",
    "equity_figure",
    "exposure_figures",
    "faint",
    "layout_of",
    "line_trace",
    "plain_numbers",
    "thinned",
    "trades_figure",
    "waterfall_figure",
]

Figure = dict[str, Any]
"""``data`` and ``layout`` for plotly.js."""

MAX_POINTS: Final = 1500
"""Points of a line beyond which only the extremes of each stretch are drawn."""

BLUE, ORANGE, GREEN, RED, VIOLET = "#3b82f6", "#f59e0b", "#10b981", "#ef4444", "#8b5cf6"
_PARTS: Final = (
    BLUE, ORANGE, GREEN, RED, VIOLET, "#06b6d4", "#84cc16", "#d946ef", "#8893a5", "#14b8a6", "#eab308", "#f43f5e",
    "#a16207", "#4d7c0f",
)  # fmt: skip
_LINES: Final = (BLUE, ORANGE, GREEN, VIOLET, RED)
_HOUR_IN_MILLISECONDS: Final = 3_600_000
_OPEN, _CLOSE = 9.5, 16.02  # hours on the axis; the session's last bar stays in sight
_NIGHT: Final = {"bounds": [_CLOSE, _OPEN], "pattern": "hour"}


def thinned(values: NDArray[np.float64], limit: int = MAX_POINTS) -> NDArray[np.intp]:
    """Indices that keep a line's look: first, last, and the lowest and highest of each of ``limit / 2`` stretches."""
    if len(values) <= limit:
        return np.arange(len(values))
    filled = np.nan_to_num(values)
    edges = np.linspace(0, len(values), limit // 2 + 1).astype(int)
    kept = {0, len(values) - 1}
    for low, high in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        kept |= {low + int(filled[low:high].argmin()), low + int(filled[low:high].argmax())}
    return np.array(sorted(kept), np.intp)


def equity_figure(curve: EquityCurve, margin: MarginSeries, closes: NDArray[np.int64]) -> Figure:
    """Equity above, drawdown and margin below; ``closes`` are those of the sessions (ns UTC)."""
    rows = thinned(curve.equity)
    moments = _in_session(curve.time, closes)
    time = exchange_time(moments[rows])
    fall = 100.0 * drawdowns(curve.equity)[rows]
    hover = "%{x}<br>$%{y:,.2f}"
    data = [
        line_trace(time, curve.equity[rows], "equity", BLUE, hover=hover, shape="hv"),
        line_trace(time, fall, "drawdown", RED, hover="%{x}<br>%{y:.3f} %", shape="hv", yaxis="y2", fill="tozeroy"),
        line_trace(
            exchange_time(margin.time),
            margin.margin,
            "margin",
            VIOLET,
            hover=hover,
            shape="hv",
            yaxis="y3",
            fill="tozeroy",
        ),
    ]
    layout = layout_of(moments, height=540, showlegend=False)
    layout["yaxis"] = {"title": "equity, $", "domain": [0.52, 1.0], "tickformat": ",.0f"}
    layout["yaxis2"] = {"title": "drawdown, %", "domain": [0.27, 0.47], "rangemode": "tozero"}
    layout["yaxis3"] = {"title": "margin, $", "domain": [0.0, 0.2], "rangemode": "tozero", "tickformat": ",.0f"}
    layout["xaxis"]["anchor"] = "y3"
    return {"data": data, "layout": layout}


def trades_figure(run: Run, underlying: InstrumentRecord, fills: Sequence[InstrumentFill]) -> Figure:
    """The underlying's closes, with what was traded in it and in its options marked where it happened."""
    time, closes = split_adjusted(run, underlying)
    splits = run.table(Kind.SPLIT).records
    is_adjusted = bool(((splits["instrument"] == underlying.number) & (splits["warning"] == 0)).any())
    rows = thinned(closes)
    data = [line_trace(exchange_time(time[rows]), closes[rows], underlying.symbol, BLUE, hover="%{x}<br>$%{y:,.2f}")]
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
                "x": exchange_time(moments),
                "y": plain_numbers(level),
                "text": [
                    f"{fill.reason}: {fill.quantity:+d} {fill.instrument.label} at {fill.price:z.2f}" for fill in group
                ],
                "hovertemplate": "%{x}<br>%{text}<extra></extra>",
                "marker": {
                    "symbol": "triangle-up" if is_buy else "triangle-down",
                    "size": 14 if is_option else 8,
                    "color": GREEN if is_buy else RED,
                },
            }
        )
    layout = layout_of(time, height=380)
    layout["yaxis"] = {"title": f"{underlying.symbol}, ${' (split-adjusted)' if is_adjusted else ''}"}
    return {"data": data, "layout": layout}


def exposure_figures(series: Mapping[str, ExposureSeries]) -> list[Figure]:
    """A figure a greek, with a line an underlying."""
    every = [one.time for one in series.values()]
    span = np.concatenate(every) if every else np.zeros(0, np.int64)
    figures = []
    for greek in GREEKS:
        data = []
        for number, (ticker, one) in enumerate(series.items()):
            rows = thinned(one.values[greek.name])
            line = line_trace(
                exchange_time(one.time[rows]),
                one.values[greek.name][rows],
                ticker,
                _LINES[number % len(_LINES)],
                shape="hv",
            )
            data.append(line)
        layout = layout_of(span, height=260)
        layout["yaxis"] = {"title": f"{greek.title.lower()}, {greek.unit}"}
        figures.append({"data": data, "layout": layout})
    return figures


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
    layout = layout_of(np.zeros(0, np.int64), height=340, hovermode="closest", showlegend=False)
    layout["xaxis"] = {"type": "category", "title": "part of the profit"}
    layout["yaxis"] = {"title": "profit, $", "tickformat": ",.0f", "zeroline": True}
    return {"data": [trace], "layout": layout}


def attribution_figure(series: AttributionSeries) -> Figure:
    """What each part of the profit came to over time."""
    rows = thinned(sum(series.parts.values(), np.zeros(len(series.time))), MAX_POINTS // 3)  # there are many lines
    time = exchange_time(series.time[rows])
    told = {name: values for name, values in series.parts.items() if values.any()}
    data = [
        line_trace(
            time, values[rows], name, _PARTS[number % len(_PARTS)], hover="%{x}<br>$%{y:,.2f}", shape="hv", width=1.3
        )
        for number, (name, values) in enumerate(told.items())
    ]
    layout = layout_of(series.time, height=380)
    layout["yaxis"] = {"title": "profit so far, $", "tickformat": ",.0f"}
    return {"data": data, "layout": layout}


def _in_session(time: NDArray[np.int64], closes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Times of the night, where LEAN takes its daily samples, as the close before them, so that they stay in sight.

    A half day ends at its own close. Samples before the first session become the session's day's first open.
    """
    last = np.searchsorted(closes, time, "right") - 1
    ended = closes[np.maximum(last, 0)] if len(closes) else time
    is_night = np.array([not "09:30:00.000" <= text[11:] <= "16:00:00.000" for text in exchange_time(time)], np.bool_)
    is_over = np.array([text[:10] for text in exchange_time(time)]) == [text[:10] for text in exchange_time(ended)]
    moved = np.where((last >= 0) & (is_night | is_over), ended, time)
    first = (last < 0) & is_night
    opens = [f"{text[:10]} 09:30" for text in exchange_time(time[first])]
    moved[first] = [
        int(dt.datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).timestamp()) * SECOND for text in opens
    ]
    return moved


def line_trace(
    time: Sequence[str] | Sequence[int] | Sequence[float],
    values: NDArray[np.float64],
    name: str,
    color: str,
    *,
    hover: str = "%{x}<br>%{y:,.4g}",
    width: float = 1.6,
    shape: str = "linear",
    **more: Any,
) -> dict[str, Any]:
    """A line of one colour; ``more`` goes to plotly.js as it is. A gap in ``values`` is drawn over."""
    trace = {
        "type": "scatter",
        "mode": "lines",
        "connectgaps": True,
        "name": name,
        "x": list(time),
        "y": plain_numbers(values),
        "line": {"width": width, "color": color, "shape": shape},
        "hovertemplate": f"{hover}<extra>{name}</extra>",
    }
    if "fill" in more:
        trace["fillcolor"] = faint(color)
    return trace | more


def faint(color: str, share: float = 0.15) -> str:
    """The colour of an area that lets the grid through."""
    red, green, blue = (int(color[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red},{green},{blue},{share:g})"


def layout_of(time: NDArray[np.int64], *, height: int, **more: Any) -> dict[str, Any]:
    """A layout with a time axis; where ``time`` (ns UTC) spans more than a day, only sessions take room on it."""
    axis: dict[str, Any] = {"type": "date", "hoverformat": "%Y-%m-%d %H:%M:%S", "title": "New York time"}
    if len(time) and int(time.max()) - int(time.min()) > DAY:
        axis["rangebreaks"] = [{"bounds": ["sat", "mon"]}, _NIGHT]
        if holidays := _without_session(time):
            # From open to close: where breaks overlap, as a whole day and its nights do, plotly.js draws backwards.
            opens = [f"{day} 09:30" for day in holidays]
            axis["rangebreaks"].append({"values": opens, "dvalue": round((_CLOSE - _OPEN) * _HOUR_IN_MILLISECONDS)})
    return {
        "height": height,
        "margin": {"l": 70, "r": 20, "t": 30, "b": 50},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        "xaxis": axis,
    } | more


def _without_session(time: NDArray[np.int64]) -> list[str]:
    """Weekdays between the first and the last time on which nothing lies in the session: holidays."""
    texts = exchange_time(np.unique(time))
    days = {text[:10] for text in texts if "09:30:00.000" <= text[11:] <= "16:00:00.000"}
    every = np.arange(np.datetime64(texts[0][:10], "D"), np.datetime64(texts[-1][:10], "D"))
    return [str(day) for day in every[np.is_busday(every)] if str(day) not in days]


def plain_numbers(values: NDArray[np.float64]) -> list[float | None]:
    """Rounded to what can be seen; plotly.js takes null for a gap."""
    return [float(f"{value:z.10g}") if np.isfinite(value) else None for value in values.tolist()]
