"""Figures of a fit's standardized residuals: quantiles against those of its density, and autocorrelations."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from alo_lib.views.drawing import BLUE, GREEN, ORANGE, SOFT, Figure, faint, layout_of, line_trace, plain_numbers
from alo_lib.volatility import GjrParameters, autocorrelation
from alo_lib.volatility.innovations import shock_quantile

__all__ = ["autocorrelation_figure", "quantile_figure"]

_LAGS: Final = 30
_POINTS: Final = 400
"""Of the quantiles that are drawn: all in the tails, fewer in between."""
_BAND: Final = (0.025, 0.975)

Floats = NDArray[np.float64]


def quantile_figure(residuals: Floats, parameters: GjrParameters) -> Figure:
    """Residuals (n,) in order against the quantiles that the density has for their ranks, with each rank's 95 %."""
    count = residuals.size
    ranks = _ranks(count)

    def quantiles(probability: Floats) -> Floats:
        return np.array([shock_quantile(each, parameters.nu, parameters.skew) for each in probability.tolist()])

    expected = quantiles((ranks + 0.5) / count)
    low, high = (quantiles(np.asarray(betaincinv(ranks + 1.0, count - ranks, each))) for each in _BAND)
    x, ends = plain_numbers(expected), [float(expected[0]), float(expected[-1])]
    data: list[dict[str, Any]] = [
        _line(x, low, "2.5 %", SOFT, width=0.5, showlegend=False),
        _line(x, high, "95 % where the density is right", SOFT, width=0.5, fill="tonexty"),
        _line(ends, np.array(ends), "as expected", GREEN, width=1.0),
        {
            "type": "scatter",
            "mode": "markers",
            "name": "residuals",
            "x": x,
            "y": plain_numbers(np.sort(residuals)[ranks]),
            "marker": {"size": 4, "color": BLUE},
            "hovertemplate": "expected %{x:.2f}<br>is %{y:.2f}<extra></extra>",
        },
    ]
    layout = layout_of(height=380, xaxis={"title": "quantile of the density"})
    layout["yaxis"] = {"title": "residual, standard deviations"}
    return {"data": data, "layout": layout}


def autocorrelation_figure(residuals: Floats) -> Figure:
    """Autocorrelations of residuals (n,) and of their squares, with what 95 % of white noise stays within."""
    lags = min(_LAGS, residuals.size - 2)
    x = list(range(1, lags + 1))
    edge = 1.959963984540054 / float(np.sqrt(residuals.size))
    bars = [
        {
            "type": "bar",
            "name": name,
            "x": x,
            "y": plain_numbers(autocorrelation(values, lags)),
            "marker": {"color": color},
            "hovertemplate": "lag %{x}<br>%{y:.3f}<extra></extra>",
        }
        for name, values, color in (("residuals", residuals, BLUE), ("squares", np.square(residuals), ORANGE))
    ]
    ends = [0.5, lags + 0.5]
    band = [
        _line(ends, np.full(2, -edge), "low", SOFT, width=0.5, showlegend=False),
        _line(ends, np.full(2, edge), "95 % of white noise", SOFT, width=0.5, fill="tonexty"),
    ]
    layout = layout_of(height=380, xaxis={"title": "lag, trading days"}, barmode="group")
    layout["yaxis"] = {"title": "autocorrelation"}
    return {"data": [*band, *bars], "layout": layout}


def _ranks(count: int) -> NDArray[np.intp]:
    """Places of the ordered residuals that are drawn, ascending."""
    if count <= _POINTS:
        return np.arange(count)
    tail = _POINTS // 4
    middle = np.linspace(tail, count - tail - 1, _POINTS - 2 * tail).round().astype(np.intp)
    ranks: NDArray[np.intp] = np.unique(np.concatenate([np.arange(tail), middle, np.arange(count - tail, count)]))
    return ranks


def _line(x: list[Any], y: Floats, name: str, color: str, **more: Any) -> dict[str, Any]:
    trace = line_trace(x, y, name, color, **more)
    trace["hoverinfo"] = "skip"
    del trace["hovertemplate"]
    return trace | ({"fillcolor": faint(color, 0.2)} if "fill" in more else {})
