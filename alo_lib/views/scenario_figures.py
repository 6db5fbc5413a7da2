"""Figures of what a book would make if the market moved."""

import numpy as np

from alo_lib.views.drawing import BLUE, GREEN, ORANGE, Figure, layout_of, line_trace, plain_numbers
from alo_lib.views.scenario import Scenario

__all__ = ["grid_figure", "payoff_figure"]


def payoff_figure(found: Scenario) -> Figure:
    """Profit over the spot at today's volatilities: at once, half-way, and at the first expiry."""
    spots = found.spot * (1.0 + found.spot_moves)
    still = int(np.abs(found.volatility_moves).argmin())
    data = [
        line_trace(
            np.round(spots, 4).tolist(), found.profit[row, still], name, color, hover="spot $%{x:,.2f}<br>$%{y:,.0f}"
        )
        for row, (name, color) in enumerate(
            (("at once", BLUE), (_after(found, 1), ORANGE), (f"first expiry, {_after(found, 2)}", GREEN))
        )
    ]
    layout = layout_of(height=380, xaxis={"title": "spot, $"})
    layout["yaxis"] = {"title": "profit, $", "tickformat": ",.0f", "zeroline": True}
    return {"data": data, "layout": layout}


def grid_figure(found: Scenario, row: int) -> Figure:
    """Profit over spot and volatility after one of the scenario's times."""
    trace = {
        "type": "heatmap",
        "x": plain_numbers(100.0 * found.spot_moves),
        "y": plain_numbers(100.0 * found.volatility_moves),
        "z": [plain_numbers(np.round(values, 2)) for values in found.profit[row]],
        "colorscale": [[0.0, "#ef4444"], [0.5, "#8893a522"], [1.0, "#10b981"]],
        "zmid": 0.0,
        "colorbar": {"title": {"text": "profit, $"}, "thickness": 12, "tickformat": ",.0f"},
        "hovertemplate": "spot %{x:+.0f} %<br>volatility %{y:+.0f} points<br>$%{z:,.0f}<extra></extra>",
    }
    when = "at once" if row == 0 else _after(found, row)
    xaxis = {"title": f"move of the spot {when}, %"}
    layout = layout_of(height=300, xaxis=xaxis, hovermode="closest", showlegend=False)
    layout["yaxis"] = {"title": "volatility, points"}
    return {"data": [trace], "layout": layout}


def _after(found: Scenario, row: int) -> str:
    return f"after {found.days[row]:z.1f} days"
