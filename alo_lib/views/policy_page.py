"""A learned policy on one page: how it learned, where it hedges differently from its rule, and what that pays."""

import math
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.learning.differences import VOLATILITIES, Difference, differences
from alo_lib.learning.outcomes import Outcome
from alo_lib.strategy.hedging_policy import HedgingPolicy
from alo_lib.strategy.policy_format import policy_digest
from alo_lib.views import page
from alo_lib.views.drawing import PALETTE, Figure, layout_of, line_trace, plain_numbers

__all__ = ["policy_html"]

Array = NDArray[np.float64]

_OUTCOME_COLUMNS: Final = (
    "scenario",
    "CVaR, rule",
    "policy",
    "less",
    "costs, rule",
    "policy",
    "unhedged, rule",
    "policy",
)
_MONEYNESS: Final = tuple(np.linspace(-2.0, 2.0, 17).tolist())
_DAYS: Final = (1, 2, 3, 5, 8, 12, 16, 20)
_SHOWN: Final = (("short straddle", 0.0005), ("short straddle", 0.0020), ("short iron condor", 0.0010))

_WHY: Final = (
    "On fresh paths of what policies learn from, $ for a share's worth of one structure on a spot of 100: the mean of "
    "the worst twentieth of losses (CVaR at 95 %), what of the losses is spreads and fees on the mean, and the "
    "standard deviation of the rest, which is what was left unhedged. A policy pays where it buys a smaller tail: by "
    "trading less where that leaves little unhedged, and more where it leaves much."
)
_WHERE: Final = (
    "Bands of a position at a spot so many standard deviations to expiry from the strike. Left: by how many deltas a "
    "contract the policy shifts the centre, blue where it holds fewer shares. Right: times how much the band is wide, "
    "blue where it is narrower and so trades more. Empty where the policy was not trained: there the rule hedges."
)


def policy_html(policy: HedgingPolicy, told: Sequence[Outcome], curves: dict[str, Array]) -> str:
    """The page; ``curves`` (m, 3) of each training by its name have iteration, and CVaR over the rule's less 1."""
    less = np.array([each.less for each in told])
    parts = [_curves(curves)] if curves else []
    parts += [_place(policy, position, half_spread) for position, half_spread in _SHOWN]
    parts.append(page.note(_WHERE))
    why = page.table(_OUTCOME_COLUMNS, map(_outcome_cells, told), range(1, len(_OUTCOME_COLUMNS)))
    return page.page(
        "A learned hedging policy",
        f"SHA-256 {policy_digest(policy)}",
        page.cards(
            [
                page.card("less CVaR than its rule, on the mean", f"{np.mean(less):z.1%}"),
                page.card("scenarios in which it is less", f"{np.count_nonzero(less > 0.0)} of {len(less)}"),
                page.card("risk-aversion of the rule", f"{policy.risk_aversion:z,g}"),
                page.card("skew-stickiness", f"{policy.stickiness:z,g}"),
            ]
        ),
        page.section("Why that pays", why, page.note(_WHY)),
        *parts,
    )


def _outcome_cells(told: Outcome) -> tuple[str, ...]:
    """One scenario as _OUTCOME_COLUMNS."""
    rule, policy = told.rule, told.policy
    pairs = ((rule.cvar, policy.cvar), (rule.costs, policy.costs), (rule.deviation, policy.deviation))
    cvar, costs, left = ([f"{each:z.3f}" for each in pair] for pair in pairs)
    return told.scenario, *cvar, f"{told.less:+z.1%}", *costs, *left


def _curves(curves: dict[str, Array]) -> page.Html:
    traces = [
        line_trace(curve[:, 0].tolist(), 100.0 * curve[:, 2], name, PALETTE[number % len(PALETTE)])
        for number, (name, curve) in enumerate(curves.items())
    ]
    layout = layout_of(height=280, xaxis={"title": "iteration"})
    layout["yaxis"] = {"title": "CVaR over the rule's, less 1, %"}
    note = page.note(
        "On paths that are kept apart, the mean over scenarios; below 0 the policy leaves the smaller tail."
    )
    return page.section("How it learned", page.figure({"data": traces, "layout": layout}), note)


def _place(policy: HedgingPolicy, position: str, half_spread: float) -> page.Html:
    found = differences(policy, position, half_spread, moneyness=_MONEYNESS, days=_DAYS)
    shown = []
    for volatility in VOLATILITIES:
        cells = [each for each in found if each.volatility == volatility]
        at = f"volatility {volatility:z.0%}"
        shown += [
            page.figure(_map(cells, lambda each: each.shift, f"{at}: shift of the centre, deltas", 0.0, 3)),
            page.figure(_map(cells, lambda each: each.ratio, f"{at}: width over the rule's", 1.0, 2)),
        ]
    title = f"Where it hedges differently: {position}, half a spread of {half_spread * 1e4:z.0f} bp"
    return page.section(title, page.side_by_side(shown))


def _map(
    cells: Sequence[Difference], of: Callable[[Difference], float], title: str, middle: float, decimals: int
) -> Figure:
    values = np.array([of(each) for each in cells]).reshape(len(_DAYS), len(_MONEYNESS))
    trace = {
        "type": "heatmap",
        "x": plain_numbers(np.array(_MONEYNESS)),
        "y": [str(day) for day in _DAYS],
        "z": [[None if math.isnan(each) else round(each, 4) for each in row] for row in values.tolist()],
        "colorscale": [[0.0, "#3b82f6"], [0.5, "#8893a522"], [1.0, "#f59e0b"]],
        "zmid": middle,
        "colorbar": {"thickness": 12, "tickformat": f".{decimals}f"},
        "hovertemplate": f"%{{x:+.2f}} deviations<br>%{{y}} days<br>%{{z:.{decimals}f}}<extra></extra>",
    }
    layout = layout_of(
        height=280, xaxis={"title": "spot over the strike, deviations"}, hovermode="closest", showlegend=False
    )
    layout["yaxis"] = {"title": "trading days to expiry", "type": "category"}
    layout["title"] = {"text": title, "font": {"size": 13}}
    return {"data": [trace], "layout": layout}
