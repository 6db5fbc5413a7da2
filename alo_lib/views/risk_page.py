"""The risk of a book as tables for people, and as one page."""

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.records.spelling import spelled
from alo_lib.strategy.limits import LIMITS
from alo_lib.views import page
from alo_lib.views.drawing import Figure, layout_of, plain_numbers
from alo_lib.views.risk_ladder import LADDER_DAYS, SPOT_MOVES, VOLATILITY_MOVES, LimitRow, RiskView
from alo_lib.views.run import exchange_moment
from alo_lib.views.spoken import DASH, money
from alo_lib.views.units import PEOPLES

__all__ = [
    "DELIVERY_COLUMNS",
    "GREEK_COLUMNS",
    "LADDER_COLUMNS",
    "LIMIT_COLUMNS",
    "day_in_words",
    "delivery_cells",
    "facts_of",
    "greek_cells",
    "ladder_rows",
    "limit_cells",
    "limit_rows",
    "risk_html",
]

Floats = NDArray[np.float64]

LIMIT_COLUMNS: Final = ("limit", "of", "used", "allowed", "share")
GREEK_COLUMNS: Final = ("underlying", "expiry", "held", "delta", "gamma", "vega/pt", "theta/day")
DELIVERY_COLUMNS: Final = ("option", "exercised", "held", "shares", "in the money", "time value", "chance")
LADDER_COLUMNS: Final = ("volatility", *(f"{move:+z.0%}" for move in SPOT_MOVES.tolist()))
_COUNTED: Final = {limit.name for limit in LIMITS if limit.counts}


def facts_of(view: RiskView) -> list[tuple[str, str]]:
    """What stands above the tables."""
    spots = ", ".join(f"{ticker} {spot:z,.10g}" for ticker, spot in view.spots.items())
    halts = f" ({', '.join(cause.name.lower().replace('_', ' ') for cause in view.halts)})" if view.halts else ""
    return [
        ("Time", f"{exchange_moment(view.time)[:19]} New York"),
        ("Mode", view.mode.words + halts),
        ("Equity", money(view.equity)),
        ("Spot", spots),
        ("Stress loss", f"{_loss(view.stress.worst, view)} at spot ±20%, volatility ±50%{_alone(view)}"),
        ("Gap loss", f"{_loss(view.gap.worst, view)} at the next open, spot ±{view.gap_move:z.0%}"),
    ]


def _loss(value: float, view: RiskView) -> str:
    return DASH if math.isnan(value) else f"{money(value)} ({value / view.equity:z.2%} of equity)"


def _alone(view: RiskView) -> str:
    """Beside what all lose together what each loses alone, where there are several."""
    if len(view.stress.alone) < 2:
        return ""
    alone = ", ".join(f"{view.tickers[number]} {_money(each)}" for number, each in view.stress.alone.items())
    return f"; all together {_money(view.stress.together)}, alone {alone}"


def _money(value: float) -> str:
    return DASH if math.isnan(value) else money(value)


def limit_rows(view: RiskView, *, whole: bool) -> list[tuple[str, ...]]:
    """Limits as LIMIT_COLUMNS; not ``whole`` only those of the book, and of parts that use some of theirs."""
    return [limit_cells(row) for row in view.limits if whole or row.part == "book" or row.used]


def limit_cells(row: LimitRow) -> tuple[str, ...]:
    """One limit as LIMIT_COLUMNS."""
    form = "z,.0f" if row.limit in _COUNTED else "z,.2f"
    if math.isnan(row.used):
        return spelled(row.limit), row.part, DASH, format(row.allowed, form), DASH
    share = f"{row.used / row.allowed:z.1%}" if row.allowed > 0.0 else DASH
    return spelled(row.limit), row.part, format(row.used, form), format(row.allowed, form), share


def greek_cells(view: RiskView) -> list[tuple[str, ...]]:
    """Greeks as GREEK_COLUMNS, in people's units."""
    return [
        (
            row.ticker,
            row.expiry,
            f"{row.quantity:,}",
            f"{row.delta:z,.1f}",
            f"{row.gamma:z,.2f}",
            f"{row.vega * PEOPLES['vega'].scale:z,.2f}",
            f"{row.theta * PEOPLES['theta'].scale:z,.2f}",
        )
        for row in view.greeks
    ]


def delivery_cells(view: RiskView) -> list[tuple[str, ...]]:
    """Options as DELIVERY_COLUMNS."""
    return [
        (
            row.option,
            row.exercised or ("pinned" if row.pinned else DASH),
            f"{row.quantity:+,}",
            f"{row.shares:+,}",
            f"{row.in_the_money:+z,.2f}",
            f"{row.time_value:z,.2f}",
            f"{row.chance:z.0%}",
        )
        for row in view.deliveries
    ]


def ladder_rows(profit: Floats) -> list[tuple[str, ...]]:
    """Profit (volatility, spot) as LADDER_COLUMNS, the highest volatility first."""
    return [
        (f"{move:+z.0%}", *(DASH if math.isnan(each) else f"{each:+z,.0f}" for each in row))
        for move, row in zip(VOLATILITY_MOVES[::-1].tolist(), profit[::-1].tolist(), strict=True)
    ]


def day_in_words(days: float) -> str:
    """When a day of the ladder is."""
    return "at once" if days == 0.0 else f"after {days:z.0f} day{'' if days == 1.0 else 's'}"


def risk_html(view: RiskView, name: str) -> str:
    """The risk of a book as one self-contained HTML page."""
    worst = max((row.used / row.allowed for row in view.limits if row.allowed > 0.0), default=0.0)
    parts = [
        page.section(
            "Limits, used of allowed",
            page.table(LIMIT_COLUMNS, limit_rows(view, whole=True), range(2, 5)),
            page.note("Money, but for the number of structures. What would exceed a limit is cut to what it leaves."),
        ),
        page.section(
            "Greeks by underlying and expiry",
            page.table(GREEK_COLUMNS, greek_cells(view), range(2, 7)),
            page.note("Delta in shares, gamma in shares for $1 of spot, vega for a volatility point, theta for a day."),
        ),
        page.section("Profit over spot and volatility", *_ladder(view.together), page.note(_MEANING)),
    ]
    if view.deliveries:
        table = page.table(DELIVERY_COLUMNS, delivery_cells(view), range(2, 7))
        parts.insert(2, page.section("Exercise and assignment", table, page.note(_DELIVERY)))
    if len(view.ladders) > 1:
        parts += [page.section(f"{ticker} alone", *_ladder(profit)) for ticker, profit in view.ladders.items()]
    if view.left_out:
        told = f"Left out, for no volatility explains their quotes: {', '.join(view.left_out)}."
        parts.insert(0, page.section("What is not in it", page.note(told)))
    return page.page(
        f"Risk of {name}",
        f"{exchange_moment(view.time)[:19]} New York · {view.mode.words} · "
        + ", ".join(f"{ticker} at {spot:z,.10g}" for ticker, spot in view.spots.items()),
        page.cards(
            [
                page.card("equity", money(view.equity)),
                page.card("stress loss", _money(view.stress.worst)),
                page.card("loss by a gap", _money(view.gap.worst)),
                page.card("most used limit", f"{worst:z.1%}", "bad" if worst > 1.0 else ""),
                page.card("mode", view.mode.words),
            ]
        ),
        *parts,
    )


_MEANING: Final = (
    "Against the book's worth now, all underlyings moving together; moves of spot and volatility are relative, and "
    "nothing is hedged on the way. Each contract moves from its own implied volatility."
)


_DELIVERY: Final = (
    "Who holds an option exercises it now where it is worth no more than that, or a call before an ex-date where the "
    "dividend is more than what is given up; what is held short is assigned then. Shares are what comes or goes, and "
    "chance is that of ending in the money; pinned is what expires within 5 days and may end on either side."
)


def _ladder(profit: Floats) -> list[page.Html]:
    figures = [page.figure(ladder_figure(profit, place)) for place in range(len(LADDER_DAYS))]
    return [
        page.side_by_side(figures),
        page.table(LADDER_COLUMNS, ladder_rows(profit[0]), range(len(LADDER_COLUMNS))),
    ]


def ladder_figure(profit: Floats, place: int) -> Figure:
    """Profit over spot and volatility after one of the ladder's days."""
    cells: Sequence[Any] = [plain_numbers(np.round(row, 2)) for row in profit[place]]
    trace = {
        "type": "heatmap",
        "x": plain_numbers(100.0 * SPOT_MOVES),
        "y": plain_numbers(100.0 * VOLATILITY_MOVES),
        "z": cells,
        "colorscale": [[0.0, "#ef4444"], [0.5, "#8893a522"], [1.0, "#10b981"]],
        "zmid": 0.0,
        "colorbar": {"thickness": 12, "tickformat": ",.0f"},
        "hovertemplate": "spot %{x:+.0f} %<br>volatility %{y:+.0f} %<br>$%{z:,.0f}<extra></extra>",
    }
    xaxis = {"title": f"move of the spot {day_in_words(float(LADDER_DAYS[place]))}, %"}
    layout = layout_of(height=280, xaxis=xaxis, hovermode="closest", showlegend=False)
    layout["yaxis"] = {"title": "volatility, %"}
    return {"data": [trace], "layout": layout}
