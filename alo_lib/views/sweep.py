"""A sweep in figures and words, as its table, its page and programs are told them."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from alo_lib.records.spelling import spelled
from alo_lib.records.units import LEAST_SESSIONS
from alo_lib.sweep.options import MEASURES
from alo_lib.sweep.outcomes import Fold, PointOutcome, Result, Verdict
from alo_lib.sweep.overfitting import FEWEST_SESSIONS, Overfitting
from alo_lib.sweep.plan import Sweep
from alo_lib.views.spoken import DASH, cents, or_dash, or_none

__all__ = [
    "FIGURES",
    "FOLDS",
    "FOLD_FIGURES",
    "bests",
    "counted",
    "deflated_in_words",
    "fold_row",
    "overfitted",
    "overfitted_in_words",
    "point_in_words",
    "point_row",
    "ranked",
    "stated_verdict",
    "tone_of_deflated",
    "tone_of_overfitted",
    "why_none",
]

Tone = Literal["good", "bad", ""]

FIGURES: Final = ("net profit", "Sharpe", "deflated", "robust", "orders", "sessions")
"""Titles of a point's figures, behind its settings."""
FOLDS: Final = (
    "fold",
    "chosen by",
    "chosen",
    "Sharpe",
    "deflated",
    "overfitted",
    "tried on",
    "net profit",
    "Sharpe then",
)
"""Titles of a step forward: its days, what was chosen and how good it was, then what it made."""
FOLD_FIGURES: Final = tuple(map(FOLDS.index, ("Sharpe", "deflated", "overfitted", "net profit", "Sharpe then")))
"""Which of them are figures."""

_SURE: Final = 0.95
_LUCK: Final = 0.5


def point_in_words(point: Mapping[str, str]) -> str:
    """The settings of a point."""
    return ", ".join(f"{spelled(name)} {value}" for name, value in point.items()) or "the settings as they are"


def counted(results: Sequence[Result]) -> dict[str, int]:
    """How many trials ended well, failed, or were lost."""
    return {state: sum(each.state == state for each in results) for state in ("done", "failed", "lost")}


def ranked(found: Verdict) -> list[PointOutcome]:
    """Points, the best first; those that are no candidates last, as they were tried."""
    return sorted(found.points, key=lambda each: -math.inf if math.isnan(each.score) else each.score, reverse=True)


def why_none(sweep: Sweep, found: Verdict) -> str:
    """Why there is no best."""
    if not any(each.complete for each in found.points):
        return "no point has ended well under all of its conditions"
    if found.idle == sum(each.complete for each in found.points):
        return "no point traded anything"
    sessions = max(each.sessions for each in found.points)
    if sweep.by == "sharpe" and sessions < LEAST_SESSIONS:
        counted = f"{sessions} session{'' if sessions == 1 else 's'}"
        return f"points have {counted}, and below {LEAST_SESSIONS} there is no Sharpe ratio; use --by net-profit"
    return "no point has a Sharpe ratio: no interest rate was told, or returns do not vary"


def deflated_in_words(point: PointOutcome | None, found: Verdict) -> str:
    """What the deflated Sharpe ratio of a point says."""
    if point is None or math.isnan(point.deflated):
        return "there is no Sharpe ratio"
    tried = sum(math.isfinite(each.ratio) for each in found.points)
    return (
        f"Sharpe ratio {point.sharpe:z.2f} a year, against {found.expected_sharpe:z.2f} "
        f"for the best of {tried:,} without skill"
    )


def overfitted_in_words(found: Overfitting | None) -> str:
    """What the probability of overfitting is of."""
    if found is None:
        return f"it takes two candidates that differ, and {FEWEST_SESSIONS} sessions that all have"
    return f"{len(found.logits):,} ways to halve {found.rows:,} sessions; 50 % is what noise has"


def tone_of_deflated(probability: float) -> Tone:
    """Whether a deflated Sharpe ratio is good or bad news: empty where it is neither, or there is none."""
    return "good" if probability >= _SURE else "bad" if probability < _LUCK else ""


def tone_of_overfitted(probability: float) -> Tone:
    """Likewise of a probability of overfitting."""
    return "good" if probability <= 1.0 - _SURE else "bad" if probability >= _LUCK else ""


def overfitted(found: Overfitting | None) -> float:
    """The probability of overfitting; NaN where there is none."""
    return math.nan if found is None else found.probability


def bests(sweep: Sweep, found: Verdict) -> list[tuple[str, PointOutcome]]:
    """The best, and the most robust point where it is another, with what they are called."""
    called = [(f"best by {MEASURES[sweep.by].name}", found.best)]
    if found.most_robust is not found.best:
        called.append(("most robust", found.most_robust))
    return [(name, point) for name, point in called if point is not None]


def point_row(sweep: Sweep, point: PointOutcome) -> tuple[str, ...]:
    """A point: its settings, then :data:`FIGURES`."""
    form = "z,.2f"
    return (
        *(point.point[axis.setting] for axis in sweep.axes),
        or_dash(point.profit, form),
        or_dash(point.sharpe, form),
        or_dash(point.deflated, "z.1%"),
        or_dash(point.robust, form),
        f"{point.orders:,}",
        f"{point.sessions:,}" if point.complete else f"{point.sessions:,}, not all",
    )


def fold_row(fold: Fold) -> tuple[str, ...]:
    """A step forward, as :data:`FOLDS`."""
    chosen = fold.chosen
    return (
        str(fold.number),
        f"{fold.train.window.start} to {fold.train.window.end}",
        DASH if chosen is None else point_in_words(chosen.point),
        DASH if chosen is None else or_dash(chosen.sharpe, "z.2f"),
        DASH if chosen is None else or_dash(chosen.deflated, "z.1%"),
        or_dash(overfitted(fold.overfitting), "z.1%"),
        f"{fold.test.window.start} to {fold.test.window.end}",
        or_dash(fold.profit, "z,.2f"),
        or_dash(fold.sharpe, "z.2f"),
    )


def stated_verdict(sweep: Sweep, found: Verdict, results: Sequence[Result]) -> dict[str, Any]:
    """All of it for programs; ratios are a year."""
    over = found.overfitting
    return {
        "counts": counted(results),
        "best": None if found.best is None else _stated(found.best),
        "most_robust": None if found.most_robust is None else _stated(found.most_robust),
        "why_no_best": why_none(sweep, found) if found.best is None else None,
        "expected_best_sharpe": found.expected_sharpe,
        "overfitting": None if over is None else _overfitted(over),
        "idle_points": found.idle,
        "points": [_stated(each) for each in found.points],
        "walk_forward": {
            "folds": [_fold(each) for each in found.folds],
            "net_profit": or_none(found.forward.profit),
            "sessions": found.forward.sessions,
            "sharpe": or_none(found.forward.sharpe),
        }
        if found.folds
        else None,
    }


def _stated(point: PointOutcome) -> dict[str, Any]:
    return {
        "point": {spelled(name): value for name, value in point.point.items()},
        "trials": list(point.trials),
        "complete": point.complete,
        "orders": point.orders,
        "net_profit": None if math.isnan(point.profit) else float(cents(point.profit)),
        "sessions": point.sessions,
        "sharpe": or_none(point.sharpe),
        "deflated_sharpe": or_none(point.deflated),
        "robust": or_none(point.robust),
        "score": or_none(point.score),
    }


def _overfitted(over: Overfitting) -> dict[str, Any]:
    return {
        "probability": over.probability,
        "halvings": len(over.logits),
        "blocks": over.blocks,
        "sessions": over.rows,
        "loss_outside": float((over.outside < 0.0).mean()),
    }


def _fold(fold: Fold) -> dict[str, Any]:
    return {
        "fold": fold.number,
        "train": [str(fold.train.window.start), str(fold.train.window.end)],
        "test": [str(fold.test.window.start), str(fold.test.window.end)],
        "chosen": None if fold.chosen is None else _stated(fold.chosen),
        "overfitting": None if fold.overfitting is None else _overfitted(fold.overfitting),
        "net_profit": or_none(fold.profit),
        "sessions": fold.sessions,
        "sharpe": or_none(fold.sharpe),
    }
