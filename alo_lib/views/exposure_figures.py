"""Figures of what the book was exposed to: by greek, and by greek and expiry."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from alo_lib.views.drawing import PALETTE, SOFT, Figure, layout_of, plain_numbers
from alo_lib.views.risk import GREEKS, SHARES, ExpiryExposures, ExposureSeries
from alo_lib.views.run import exchange_time
from alo_lib.views.time_axis import TimeAxis

__all__ = ["expiry_figures", "exposure_figures"]

_POINTS: Final = 700
"""Of a line; the figures stand two beside each other."""
_POINTS_BY_EXPIRY: Final = 100
"""The same where there is a line an expiry."""
_LINES: Final = tuple(color for color in PALETTE if color != SOFT)


def exposure_figures(axis: TimeAxis, series: Mapping[str, ExposureSeries]) -> list[Figure]:
    """A figure a greek, with a line an underlying of what was held, and dots of what a hedge then changed."""
    figures = []
    for greek in GREEKS:
        data = []
        for number, (ticker, one) in enumerate(series.items()):
            values, color = one.values[greek.name], _LINES[number % len(_LINES)]
            data.append(axis.line(one.time[one.is_held], values[one.is_held], ticker, color, limit=_POINTS, shape="hv"))
            passing = ~one.is_held & (values != 0.0)
            if passing.any():
                data.append(
                    {
                        "type": "scatter",
                        "mode": "markers",
                        "name": f"{ticker}, in passing",
                        "x": exchange_time(one.time[passing]),
                        "y": plain_numbers(values[passing]),
                        "marker": {"color": color, "size": 4, "symbol": "circle-open"},
                        "hovertemplate": "%{x}<br>%{y:,.4g}<extra>before the hedge</extra>",
                        "visible": "legendonly",
                    }
                )
        layout = layout_of(height=280, xaxis=axis.layout())
        layout["yaxis"] = {"title": f"{greek.title.lower()}, {greek.unit}"}
        figures.append({"data": data, "layout": layout})
    return figures


def expiry_figures(axis: TimeAxis, one: ExpiryExposures) -> list[Figure]:
    """A figure a greek, with a line an expiry and in delta's one of the shares."""
    figures = []
    for greek in GREEKS:
        data = []
        for column, expiry in enumerate(one.expiries):
            values = one.values[greek.name][:, column]
            if expiry == SHARES and not np.any(values):
                continue  # shares have no greek but delta
            color = SOFT if expiry == SHARES else _LINES[column % len(_LINES)]
            data.append(axis.line(one.time, values, expiry, color, limit=_POINTS_BY_EXPIRY, shape="hv", width=1.3))
        layout = layout_of(height=300, xaxis=axis.layout())
        layout["yaxis"] = {"title": f"{greek.title.lower()}, {greek.unit}"}
        figures.append({"data": data, "layout": layout})
    return figures
