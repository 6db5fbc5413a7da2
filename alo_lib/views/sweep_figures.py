"""Figures of a sweep: parallel coordinates, surfaces over two settings, and how what is best in one half does then."""

import itertools
import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.records.spelling import number_of, spelled
from alo_lib.sweep.options import MEASURES
from alo_lib.sweep.outcomes import PointOutcome, Verdict
from alo_lib.sweep.overfitting import Overfitting
from alo_lib.sweep.plan import Sweep
from alo_lib.sweep.space import Axis
from alo_lib.views.drawing import BLUE, GREEN, ORANGE, Figure, layout_of, plain_numbers

__all__ = ["line_figure", "logits_figure", "parallel_figure", "surface_figures"]

Array = NDArray[np.float64]

_SCALE: Final = [[0.0, "#ef4444"], [0.5, "#d1b95a"], [1.0, "#10b981"]]
_MOST_BINS: Final = 8
"""Of a range that was drawn from, in a surface."""
_MOST_SURFACES: Final = 10
_MOST_LABEL: Final = 14
_LOGIT_BINS: Final = 24


def _position(axis: Axis, points: Sequence[PointOutcome]) -> Array:
    """Where points lie on an axis: its number, or the place of its value."""
    values = [each.point[axis.setting] for each in points]
    if axis.is_number:
        return np.array([number_of(value) for value in values])
    return np.array([axis.values.index(value) for value in values], np.float64)


def _known(found: Verdict) -> list[PointOutcome]:
    """Points that have a score."""
    return [each for each in found.points if math.isfinite(each.score)]


def parallel_figure(sweep: Sweep, found: Verdict) -> Figure:
    """A line a point through its settings to what it is judged by; drag along an axis to see some alone."""
    points = _known(found)
    scores = np.array([each.score for each in points])
    columns: list[dict[str, Any]] = []
    for axis in sweep.axes:
        column: dict[str, Any] = {
            "label": spelled(axis.setting),
            "values": plain_numbers(_position(axis, points)),
        }
        if axis.values:
            places = [number_of(value) for value in axis.values] if axis.is_number else range(len(axis.values))
            column |= {"tickvals": list(places), "ticktext": [value[:_MOST_LABEL] for value in axis.values]}
        columns.append(column)
    robust = np.array([each.robust for each in points])
    for name, values in ((MEASURES[sweep.by].name, scores), ("robust", robust)):
        columns.append({"label": name, "values": plain_numbers(values), "tickformat": ",.3~g"})
    trace = {
        "type": "parcoords",
        "dimensions": columns,
        "line": {"color": plain_numbers(scores), "colorscale": _SCALE, "showscale": False},
        "labelangle": -20,
    }
    layout = layout_of(height=420, xaxis={}, showlegend=False)
    layout["margin"] = {"l": 60, "r": 50, "t": 80, "b": 30}
    return {"data": [trace], "layout": layout}


def line_figure(sweep: Sweep, axis: Axis, found: Verdict) -> Figure:
    """What points are judged by over the one setting that is varied."""
    points = _known(found)
    where = _position(axis, points)
    order = np.argsort(where, kind="stable")
    lines = (("itself", "score", BLUE), ("robust", "robust", ORANGE))
    data = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": name,
            "x": plain_numbers(where[order]),
            "y": plain_numbers(np.array([getattr(points[place], of) for place in order.tolist()])),
            "line": {"color": color, "width": 1.6},
        }
        for name, of, color in lines
    ]
    layout = layout_of(height=340, xaxis={"title": spelled(axis.setting), **_ticks(axis)})
    layout["yaxis"] = {"title": MEASURES[sweep.by].name}
    return {"data": data, "layout": layout}


def _ticks(axis: Axis) -> dict[str, Any]:
    if axis.is_number:
        return {}
    return {"tickvals": list(range(len(axis.values))), "ticktext": [value[:_MOST_LABEL] for value in axis.values]}


def surface_figures(sweep: Sweep, found: Verdict) -> list[Figure]:
    """Of each pair of settings, what points are judged by: the mean over all others."""
    points = _known(found)
    pairs = list(itertools.combinations(sweep.axes, 2))[:_MOST_SURFACES]
    return [_surface(sweep, points, *pair) for pair in pairs] if points else []


def _surface(sweep: Sweep, points: Sequence[PointOutcome], across: Axis, up: Axis) -> Figure:
    (names_x, at_x), (names_y, at_y) = _cells(across, points, sweep), _cells(up, points, sweep)
    sums, counts = np.zeros((len(names_y), len(names_x))), np.zeros((len(names_y), len(names_x)))
    np.add.at(sums, (at_y, at_x), [each.score for each in points])
    np.add.at(counts, (at_y, at_x), 1.0)
    with np.errstate(invalid="ignore"):
        means = sums / counts
    trace = {
        "type": "heatmap",
        "x": names_x,
        "y": names_y,
        "z": [plain_numbers(row) for row in means],
        "text": [[f"{int(count)}" for count in row] for row in counts.tolist()],
        "colorscale": _SCALE,
        "colorbar": {"thickness": 12},
        "hoverongaps": False,
        "hovertemplate": f"{spelled(across.setting)} %{{x}}<br>{spelled(up.setting)} %{{y}}<br>"
        f"{MEASURES[sweep.by].name} %{{z:,.2f}}, mean of %{{text}}<extra></extra>",
    }
    layout = layout_of(height=320, xaxis={"title": spelled(across.setting), "type": "category"}, showlegend=False)
    layout["yaxis"] = {"title": spelled(up.setting), "type": "category"}
    return {"data": [trace], "layout": layout}


def _cells(axis: Axis, points: Sequence[PointOutcome], sweep: Sweep) -> tuple[list[str], NDArray[np.intp]]:
    """Names of an axis' cells, and the cell of each point: its values, or parts of its range."""
    values = [each.point[axis.setting] for each in points]
    if axis.values or sweep.sampler == "grid":
        steps = axis.steps(sweep.points)
        return [step[:_MOST_LABEL] for step in steps], np.array([steps.index(value) for value in values], np.intp)
    bins = min(max(round(math.sqrt(len(points))), 2), axis.discrete or _MOST_BINS, _MOST_BINS)
    edges = np.linspace(axis.low, axis.high, bins + 1)
    cell = np.clip(np.searchsorted(edges, [number_of(value) for value in values], "right") - 1, 0, bins - 1)
    return [f"{low:z.3g} to {high:z.3g}" for low, high in itertools.pairwise(edges.tolist())], cell


def logits_figure(over: Overfitting) -> Figure:
    """How what is best in one half ranks in the other, over all ways to halve."""
    counts, edges = np.histogram(over.logits, _LOGIT_BINS)
    middles = 0.5 * (edges[1:] + edges[:-1])
    trace = {
        "type": "bar",
        "x": plain_numbers(middles),
        "y": plain_numbers(100.0 * counts / counts.sum()),
        "marker": {"color": [ORANGE if middle <= 0.0 else GREEN for middle in middles.tolist()]},
        "hovertemplate": "logit %{x:.2f}<br>%{y:.1f} % of halvings<extra></extra>",
    }
    xaxis = {"title": "logit of its rank in the other half; 0 is the median"}
    layout = layout_of(height=280, xaxis=xaxis, showlegend=False, bargap=0.05)
    layout["yaxis"] = {"title": "% of halvings"}
    return {"data": [trace], "layout": layout}
