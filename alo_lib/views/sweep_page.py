"""A sweep as one page: how far the best can be trusted in the largest type, then where it is and what is around it."""

import math
from collections.abc import Sequence
from operator import attrgetter
from typing import Final

from alo_lib.records.spelling import spelled
from alo_lib.sweep.options import MEASURES
from alo_lib.sweep.outcomes import PointOutcome, Result, Verdict
from alo_lib.sweep.plan import Sweep
from alo_lib.views import page
from alo_lib.views.page import Html
from alo_lib.views.spoken import DASH, or_dash
from alo_lib.views.sweep import (
    FIGURES,
    FOLD_FIGURES,
    FOLDS,
    bests,
    counted,
    deflated_in_words,
    fold_row,
    overfitted,
    overfitted_in_words,
    point_in_words,
    point_row,
    ranked,
    tone_of_deflated,
    tone_of_overfitted,
    why_none,
)
from alo_lib.views.sweep_figures import line_figure, logits_figure, parallel_figure, surface_figures

__all__ = ["sweep_html"]

_DEFLATED: Final = (
    "Deflated: the probability that a Sharpe ratio is above what the best of as many points without any skill is "
    "expected to have (Bailey and López de Prado 2014). Robust: the mean over a point and two neighbours a setting."
)
_CROSS: Final = (
    "Sessions are cut into blocks, and half of the blocks are taken in every way. What is best in a half is ranked in "
    "the other; the share of halves in which it is there below the median, at it counting half, is the probability of "
    "backtest overfitting (Bailey, Borwein, López de Prado and Zhu 2017)."
)


def sweep_html(sweep: Sweep, found: Verdict, results: Sequence[Result]) -> str:
    """The page of a sweep, which needs nothing beside it."""
    trials = len(results)
    names = ", ".join(spelled(axis.setting) for axis in sweep.axes) or "conditions"
    return page.page(
        f"Sweep of {names}",
        f"{len(found.points):,} points, {trials:,} trials · sampler {sweep.sampler} · {_tried_on(sweep)}",
        _verdicts(sweep, found),
        _cards(found, results),
        *_regions(sweep, found),
        *_shapes(sweep, found),
        *_forward(found),
        *_overfitting(found),
        *_failures(results),
        _provenance(sweep, results),
    )


def _tried_on(sweep: Sweep) -> str:
    """The conditions, in a few words."""
    seeds = {each.seed for each in sweep.conditions} - {None}
    names = list(dict.fromkeys(each.underlyings for each in sweep.conditions))
    windows = [each.window for each in sweep.conditions]
    span = f"{min(each.start for each in windows)} to {max(each.end for each in windows)}"
    markets = f"{len(seeds)} generated market{'' if len(seeds) == 1 else 's'} · " if seeds else ""
    return f"{markets}{' or '.join(names[:4])}{' …' if len(names) > 4 else ''} · {span}"


def _verdicts(sweep: Sweep, found: Verdict) -> Html:
    """How far the bests can be trusted."""
    told = []
    for name, point in bests(sweep, found):
        words = f"{point_in_words(point.point)}: {deflated_in_words(point, found)}"
        tone = tone_of_deflated(point.deflated)
        told.append(page.verdict(f"Deflated Sharpe ratio, {name}", or_dash(point.deflated, "z.1%"), words, tone))
    if found.best is None:
        told.append(page.verdict("No best", DASH, why_none(sweep, found)))
    over, words = overfitted(found.overfitting), overfitted_in_words(found.overfitting)
    tone = tone_of_overfitted(over)
    told.append(page.verdict("Probability of backtest overfitting", or_dash(over, "z.1%"), words, tone))
    return page.verdicts(told)


def _cards(found: Verdict, results: Sequence[Result]) -> Html:
    counts, best = counted(results), found.best
    told = [page.card("trials", f"{len(results):,}"), page.card("ended well", f"{counts['done']:,}")]
    told += [page.card(state, f"{counts[state]:,}", "bad") for state in ("failed", "lost") if counts[state]]
    if found.idle:
        told.append(page.card("points never traded", f"{found.idle:,}"))
    if best is not None:
        tone = "good" if best.profit > 0.0 else "bad"
        told += [
            page.card("net profit of the best", f"{best.profit:z,.0f}", tone),
            page.card("its Sharpe ratio", or_dash(best.sharpe, "z.2f")),
            page.card("robust", or_dash(best.robust, "z,.2f")),
            page.card("sessions", f"{best.sessions:,}"),
        ]
    return page.cards(told)


def _regions(sweep: Sweep, found: Verdict) -> list[Html]:
    """All points, and the most robust ones."""
    if not sweep.axes:
        return []
    columns = (*(spelled(axis.setting) for axis in sweep.axes), *FIGURES)
    numeric = [place for place, axis in enumerate(sweep.axes) if axis.is_number]
    numeric += range(len(sweep.axes), len(columns))
    known = [each for each in found.points if math.isfinite(each.robust)]
    robust = sorted(known, key=attrgetter("robust"), reverse=True)[:10]
    parts = [page.section("Best regions", _table(sweep, robust, columns, numeric), page.note(_DEFLATED))]
    rows = [("", point_row(sweep, each)) for each in ranked(found)[: page.MAX_ROWS]]
    shown = page.sorting_table(columns, rows, numeric, ())
    by = f"By the {MEASURES[sweep.by].meaning}. Points that never traded, or of which a trial failed, have none."
    return [*parts, page.section("All points", shown, page.note(by))]


def _table(sweep: Sweep, points: Sequence[PointOutcome], columns: Sequence[str], numeric: Sequence[int]) -> Html:
    if not points:
        return page.note("No point is a candidate.")
    return page.table(columns, [point_row(sweep, each) for each in points], numeric)


def _shapes(sweep: Sweep, found: Verdict) -> list[Html]:
    """What is judged over the settings."""
    if found.best is None or not sweep.axes:
        return []
    if len(sweep.axes) == 1:
        return [
            page.section(
                f"{MEASURES[sweep.by].name} over {spelled(sweep.axes[0].setting)}".capitalize(),
                page.figure(line_figure(sweep, sweep.axes[0], found)),
            )
        ]
    surfaces = [page.figure(each) for each in surface_figures(sweep, found)]
    return [
        page.section(
            "Parallel coordinates",
            page.figure(parallel_figure(sweep, found)),
            page.note("A line is a point, green where it is good. Drag along an axis to see some alone."),
        ),
        page.section(
            "Surfaces over two settings",
            page.side_by_side(surfaces) if len(surfaces) > 1 else surfaces[0],
            page.note(f"The {MEASURES[sweep.by].name}, the mean over all other settings."),
        ),
    ]


def _forward(found: Verdict) -> list[Html]:
    if not found.folds:
        return []
    made = found.forward
    profit, annual = or_dash(made.profit, "z,.2f"), or_dash(made.sharpe, "z.2f")
    rows = [fold_row(each) for each in found.folds]
    return [
        page.section(
            "Walked forward",
            page.table(FOLDS, rows, FOLD_FIGURES, sentences=(FOLDS.index("chosen"),)),
            page.note(
                f"What was chosen by the sessions before made {profit} in {made.sessions:,} sessions "
                f"that it had not seen, a Sharpe ratio of {annual} a year."
            ),
        )
    ]


def _overfitting(found: Verdict) -> list[Html]:
    over = found.overfitting
    if over is None:
        return []
    lost = f"{(over.outside < 0.0).mean():z.1%}"
    return [
        page.section(
            "What is best in one half, in the other",
            page.figure(logits_figure(over)),
            page.facts(
                [
                    ("ways to halve", f"{len(over.logits):,} of {over.blocks} blocks, {over.rows:,} sessions"),
                    ("below the median (at it: half)", f"{over.probability:z.1%}"),
                    ("below zero in the other half", lost),
                ]
            ),
            page.note(_CROSS),
        )
    ]


def _failures(results: Sequence[Result]) -> list[Html]:
    failed = [each for each in results if each.state != "done"]
    if not failed:
        return []
    rows = [
        (f"{each.trial.number:,}", each.state, point_in_words(each.trial.point), each.why)
        for each in failed[: page.MAX_ROWS]
    ]
    return [
        page.section(
            "Trials that did not end well",
            page.table(("trial", "is", "settings", "why"), rows, (0,), sentences=(2, 3)),
            page.note("Failed: by an error of its own, and so again. Lost: with its worker; the same command runs it."),
        )
    ]


def _provenance(sweep: Sweep, results: Sequence[Result]) -> Html:
    digests = {str(each.provenance["data_digest"]) for each in results if each.state == "done"}
    facts = [
        ("sweep", sweep.digest),
        ("program", sweep.program),
        (
            "data",
            "; ".join(sorted(digests)[:4]) + (f" and {len(digests) - 4} more" if len(digests) > 4 else "") or DASH,
        ),
        ("tried on", _tried_on(sweep)),
        ("all trials with", point_in_words(sweep.base) if sweep.base else "the default settings"),
    ]
    return page.section("Where it comes from", page.facts(facts))
