"""The page of a chain before an ex-date: what exercise gains by strike, and each call's figures."""

from typing import Any, Final

import numpy as np

from alo_lib.records import OPTION_MULTIPLIER
from alo_lib.views import page
from alo_lib.views.drawing import Figure
from alo_lib.views.exercise import ExerciseView
from alo_lib.views.run import exchange_moment
from alo_lib.views.spoken import DASH

__all__ = ["COLUMNS", "MOMENTS", "WORDS", "cell", "exercise_html", "gain_figure"]

COLUMNS: Final = {
    "expiry": ("expiry", ""),
    "strike": ("strike", "g"),
    "verdict": ("verdict", ""),
    "lost": ("lost_per_contract", "z,.2f"),
    "of value": ("share_lost", "z.2%"),
    "chance": ("probability", "z.1%"),
    "critical": ("critical_spot", "z.2f"),
    "exercised": ("exercise_value", "z.3f"),
    "held": ("held_value", "z.3f"),
    "bid": ("bid", "z.2f"),
    "ask": ("ask", "z.2f"),
    "IV": ("volatility", "z.2%"),
    "open int.": ("open_interest", "z,.0f"),
    "first ex-date": ("first_ex_date", ""),
}
"""Titles of a table of calls, what of a row is there, and how it is shown."""
WORDS: Final = ("expiry", "verdict", "first ex-date")
"""Columns that are not figures."""
_TITLES: Final = tuple(title for title in COLUMNS if title != "exercised")
"""The page's columns: all but spot less strike, so that they stand side by side in its width."""
MOMENTS: Final = (
    "Lost is a contract's; critical spot and first ex-date are of the ex-time, the verdict of the evening before it."
)
"""What is said with a table of calls."""


def exercise_html(view: ExerciseView) -> str:
    """The calls before an ex-date as one self-contained HTML page."""
    snapshot, ex_date, rows = view.chain.snapshot, view.ex_date, list(view.rows_told())
    counts = [sum(row["verdict"] == word for row in rows) for word in ("exercise", "in danger")]
    parts = [page.table(_TITLES, [_cells(row) for row in rows[: page.MAX_ROWS]], _numeric())]
    parts.append(page.note(MOMENTS))
    if len(rows) > page.MAX_ROWS:
        parts.append(page.note(f"The first {page.MAX_ROWS:,} of {len(rows):,} calls; --json has all."))
    return page.page(
        f"{snapshot.ticker} before its ex-date of {ex_date.day}",
        f"{exchange_moment(snapshot.time)[:16]} New York · {snapshot.resolution} bars · "
        f"spot is the {snapshot.spot_from}",
        page.cards(
            [
                page.card("spot", f"{snapshot.spot:z,.10g}"),
                page.card("goes ex", f"{ex_date.day}"),
                page.card("dividend", f"{ex_date.cash:z.4g}"),
                page.card("last evening", "tonight" if ex_date.tonight else f"{ex_date.evening}"),
                page.card("to be exercised", f"{counts[0]:,}"),
                page.card("in danger of assignment", f"{counts[1]:,}"),
            ]
        ),
        page.section(
            "What exercise gains",
            page.figure(gain_figure(view)),
            page.note(
                "What exercise gives more than holding the call through the ex-date, a contract: "
                + ("now" if ex_date.tonight else f"on {ex_date.evening}, if spot keeps to its forward")
                + ". Above zero a holder exercises, and a short call is assigned. Click an expiry to hide it, twice to "
                "see it alone."
            ),
        ),
        page.section("Calls", *parts),
    )


def gain_figure(view: ExerciseView) -> Figure:
    """What exercise gains a contract over the strike, a line an expiry."""
    columns = view.chain.snapshot.contracts[view.rows]
    gain, data = OPTION_MULTIPLIER * view.gain, []
    for expiry in np.unique(columns["expiry"]):
        # Far out of the money a call loses all that it is worth; that would flatten what is to be seen.
        of_it = (columns["expiry"] == expiry) & (gain > -2.0 * OPTION_MULTIPLIER * view.ex_date.cash)
        if of_it.any():
            data.append(
                {
                    "type": "scatter",
                    "mode": "lines+markers",
                    "name": str(expiry),
                    "x": columns["strike"][of_it].tolist(),
                    "y": [float(f"{value:z.6g}") for value in gain[of_it].tolist()],
                    "hovertemplate": "%{x}<br>%{y:,.2f}<extra>" + str(expiry) + "</extra>",
                    "line": {"width": 1.2},
                    "marker": {"size": 4},
                }
            )
    layout: dict[str, Any] = {
        "height": 420,
        "margin": {"l": 60, "r": 20, "t": 20, "b": 45},
        "hovermode": "closest",
        "showlegend": True,
        "xaxis": {"title": "strike"},
        "yaxis": {"title": "gain of exercise, a contract", "zeroline": True},
    }
    return {"data": data, "layout": layout}


def cell(row: dict[str, Any], title: str) -> str:
    """A row's figure under a title, a dash where there is none."""
    name, form = COLUMNS[title]
    return DASH if row[name] is None else format(row[name], form)


def _cells(row: dict[str, Any]) -> list[str]:
    return [cell(row, title) for title in _TITLES]


def _numeric() -> list[int]:
    return [index for index, title in enumerate(_TITLES) if title not in WORDS]
