"""What all figures are made of, as the plain objects that plotly.js draws.

Colours of text and grid are left to the page, which follows the reader's light or dark mode.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BLUE",
    "GREEN",
    "MAX_POINTS",
    "ORANGE",
    "PALETTE",
    "RED",
    "REGIME_COLORS",
    "SOFT",
    "STROKES",
    "VIOLET",
    "Figure",
    "faint",
    "layout_of",
    "line_trace",
    "plain_numbers",
    "thinned",
]

Figure = dict[str, Any]
"""``data`` and ``layout`` for plotly.js."""

MAX_POINTS: Final = 1500
"""Points of a line beyond which only the extremes of each stretch are drawn."""

BLUE, ORANGE, GREEN, RED, VIOLET, SOFT = "#3b82f6", "#f59e0b", "#10b981", "#ef4444", "#8b5cf6", "#8893a5"
PALETTE: Final = (
    BLUE, ORANGE, GREEN, RED, VIOLET, "#06b6d4", "#84cc16", "#d946ef", SOFT, "#14b8a6", "#eab308", "#f43f5e",
    "#a16207", "#4d7c0f",
)  # fmt: skip
STROKES: Final = tuple(
    (color, dash)
    for dash in ("solid", "dash", "dot")
    for color in (BLUE, ORANGE, GREEN, RED, VIOLET, "#84cc16", "#d946ef")
)
"""Colour and dash of lines that stand together: where there are more than colours that the eye tells apart, dashes."""
REGIME_COLORS: Final = (GREEN, ORANGE, RED, VIOLET, BLUE)
"""Of regimes, the calmest first."""


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


def layout_of(*, height: int, xaxis: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A layout with room for axis titles, and the names of lines above the plot."""
    return {
        "height": height,
        "margin": {"l": 70, "r": 20, "t": 30, "b": 50},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        "xaxis": dict(xaxis),
    } | more


def plain_numbers(values: NDArray[np.float64]) -> list[float | None]:
    """Rounded to what can be seen; plotly.js takes null for a gap."""
    return [float(f"{value:z.10g}") if np.isfinite(value) else None for value in values.tolist()]
