"""A page on one fitted GARCH model: conditional volatility, parameters, and what its residuals show."""

import numpy as np

from alo_lib.records import TRADING_DAYS
from alo_lib.views import page
from alo_lib.views.drawing import BLUE, Figure, layout_of, line_trace, thinned
from alo_lib.views.volatility_sections import fit_section, residual_section
from alo_lib.volatility import DailyHistory, GjrGarch

__all__ = ["fit_html"]


def fit_html(model: GjrGarch, history: DailyHistory, title: str) -> str:
    """One self-contained page on a model and the history that it was fitted to.

    :raises ObservationError: for returns that cannot be filtered, or too few of them to be tested.
    """
    summary = model.summary(history)
    span = f"{summary.start} to {summary.end} · " if summary.start else ""
    return page.page(
        title,
        f"{span}{summary.observations:,} returns · volatilities are annualized",
        page.section("Conditional volatility", page.figure(_conditional_figure(model, history))),
        fit_section(summary, model.parameters),
        residual_section(summary, model.parameters),
    )


def _conditional_figure(model: GjrGarch, history: DailyHistory) -> Figure:
    percent = 100.0 * np.sqrt(TRADING_DAYS * model.filter(history).conditional_variance)
    rows = thinned(percent)
    days = rows.tolist() if history.dates is None else np.datetime_as_string(history.dates[rows]).tolist()
    axis = {"title": "day"} if history.dates is None else {"type": "date", "title": "trading day"}
    layout = layout_of(height=360, xaxis=axis, showlegend=False)
    layout["yaxis"] = {"title": "volatility, % a year", "rangemode": "tozero"}
    return {
        "data": [line_trace(days, percent[rows], "conditional", BLUE, hover="%{x}<br>%{y:.1f} %", width=1.3)],
        "layout": layout,
    }
