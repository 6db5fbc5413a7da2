"""A sweep as tables for a terminal: how far the best can be trusted first."""

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from rich.table import Table
from rich.text import Text

from alo_lib.records.spelling import spelled
from alo_lib.sweep.outcomes import PointOutcome, Result, Verdict
from alo_lib.sweep.plan import Sweep
from alo_lib.views.spoken import or_dash
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

__all__ = ["sweep_tables"]

_SHOWN: Final = 12
_COLORS: Final = {"good": "bold green", "bad": "bold red", "": "bold"}


def sweep_tables(sweep: Sweep, found: Verdict, results: Sequence[Result]) -> Iterator[Table]:
    """The verdict, the first points, the steps forward, and why trials failed."""
    yield _verdict(sweep, found, results)
    if sweep.axes:
        yield _points(sweep, found)
    if found.folds:
        yield _plain(FOLDS, [fold_row(each) for each in found.folds], FOLD_FIGURES)
    if failed := [each for each in results if each.state != "done"]:
        rows = [
            (str(each.trial.number), each.state, point_in_words(each.trial.point), each.why) for each in failed[:_SHOWN]
        ]
        yield _plain(("trial", "is", "settings", "why"), rows, (0,))


def _verdict(sweep: Sweep, found: Verdict, results: Sequence[Result]) -> Table:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim")
    if found.best is None:
        table.add_row("Best", "none", why_none(sweep, found))
    for name, point in bests(sweep, found):
        _best(table, f"{name[:1].upper()}{name[1:]}", point, found)
    over = overfitted(found.overfitting)
    shown = Text(or_dash(over, "z.1%"), _COLORS[tone_of_overfitted(over)])
    table.add_row("Probability of overfitting", shown, overfitted_in_words(found.overfitting))
    if found.folds:
        made = found.forward
        words = f"Sharpe {or_dash(made.sharpe, 'z.2f')}; {made.sessions:,} sessions"
        table.add_row("Walked forward", or_dash(made.profit, "z,.2f"), words)
    counts = counted(results)
    failed = "".join(f", {counts[state]:,} {state}" for state in ("failed", "lost") if counts[state])
    idle = f"; {found.idle:,} points never traded" if found.idle else ""
    table.add_row("Trials", f"{len(results):,}", f"{counts['done']:,} ended well{failed}{idle}")
    return table


def _best(table: Table, title: str, point: PointOutcome, found: Verdict) -> None:
    table.add_row(title, "", Text(point_in_words(point.point), "default"))
    shown = Text(or_dash(point.deflated, "z.1%"), _COLORS[tone_of_deflated(point.deflated)])
    table.add_row("Deflated Sharpe ratio", shown, deflated_in_words(point, found))
    table.add_row("Net profit", or_dash(point.profit, "z,.2f"), "mean of its trials")


def _points(sweep: Sweep, found: Verdict) -> Table:
    columns = (*(spelled(axis.setting) for axis in sweep.axes), *FIGURES)
    rows = [point_row(sweep, each) for each in ranked(found)[:_SHOWN]]
    table = _plain(columns, rows, range(len(columns)))
    if len(found.points) > _SHOWN:
        table.caption = f"the first {_SHOWN} of {len(found.points):,} points"
    return table


def _plain(columns: Sequence[str], rows: Sequence[Sequence[str]], right: Collection[int]) -> Table:
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for place, title in enumerate(columns):
        table.add_column(title, justify="right" if place in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    return table
