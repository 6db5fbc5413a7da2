"""What a data folder holds, as rows of a table and as a page."""

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any, Final

from alo_lib.market import FaultLog, Resolution
from alo_lib.market.holdings import UNIVERSES, Holding
from alo_lib.records.spelling import first_of
from alo_lib.views import page
from alo_lib.views.drawing import Figure
from alo_lib.views.spoken import DASH

__all__ = ["COLUMNS", "NUMERIC", "contracts_figure", "holdings_html", "table_rows"]

COLUMNS: Final = ("type", "ticker", "bars", "kind", "sessions", "first", "last", "missing", "contracts", "rows")
NUMERIC: Final = (4, 7, 8, 9)
"""Columns of figures."""

_GAPS: Final = 5
_FAULTS: Final = 50


def table_rows(holdings: Iterable[Holding]) -> list[tuple[str, ...]]:
    """A row for each kind of file of each security."""
    return [
        (
            str(each.security),
            each.ticker,
            DASH if each.kind == UNIVERSES else str(each.resolution),
            str(each.kind),
            f"{len(each.days):,}",
            str(each.days[0]) if each.days else DASH,
            str(each.days[-1]) if each.days else DASH,
            f"{sum(gap.sessions for gap in each.gaps):,}",
            f"{median(each.contracts):z,.0f}" if each.contracts else DASH,
            f"{each.rows:,}",
        )
        for each in holdings
    ]


def contracts_figure(holdings: Sequence[Holding]) -> Figure:
    """How many contracts each session has quotes of, a line a root; sessions that are missing are left open."""
    data = []
    for each in holdings:
        counts: dict[Any, int | None] = dict(zip(each.days, each.contracts, strict=True))
        for gap in each.gaps:
            counts |= {gap.first: None, gap.last: None}
        days = sorted(counts)
        data.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": each.ticker,
                "x": [str(day) for day in days],
                "y": [counts[day] for day in days],
                "connectgaps": False,
                "hovertemplate": "%{x}<br>%{y:,}<extra>" + each.ticker + "</extra>",
                "line": {"width": 1.2},
                "marker": {"size": 4},
            }
        )
    layout: dict[str, Any] = {
        "height": 360,
        "margin": {"l": 60, "r": 20, "t": 20, "b": 45},
        "hovermode": "closest",
        "showlegend": True,
        "xaxis": {"title": "session", "type": "date"},
        "yaxis": {"title": "contracts with quotes", "rangemode": "tozero"},
    }
    return {"data": data, "layout": layout}


def holdings_html(place: str, holdings: Sequence[Holding], faults: FaultLog) -> str:
    """A folder's holdings as one self-contained HTML page."""
    quoted = [each for each in holdings if each.contracts and each.kind == "quote"]
    finest = [each for each in quoted if each.resolution is Resolution.MINUTE] or quoted
    days = sorted({day for each in holdings for day in each.days})
    return page.page(
        "What the data folder holds",
        place,
        page.cards(
            [
                page.card("securities", f"{len({(each.security, each.ticker) for each in holdings}):,}"),
                page.card("first day", str(days[0]) if days else DASH),
                page.card("last day", str(days[-1]) if days else DASH),
                page.card("rows", f"{sum(each.rows for each in holdings):,}"),
                page.card("faults", f"{len(faults):,}"),
            ]
        ),
        page.section(
            "Sessions",
            page.table(COLUMNS, table_rows(holdings), NUMERIC),
            page.note(
                "Missing are sessions between the first and the last of a kind; contracts are a session's median."
            ),
        ),
        *([page.section("Contracts", page.figure(contracts_figure(finest)))] if finest else []),
        _gaps(holdings),
        _faults(faults),
    )


def _gaps(holdings: Sequence[Holding]) -> page.Html:
    rows = [
        (
            f"{each.security} {each.ticker} {each.kind}",
            DASH if each.kind == UNIVERSES else str(each.resolution),
            f"{sum(gap.sessions for gap in each.gaps):,}",
            first_of([str(gap) for gap in each.gaps], _GAPS),
        )
        for each in holdings
        if each.gaps
    ]
    if not rows:
        return page.section(
            "Gaps", page.note("None: of every kind each session between the first and the last is there.")
        )
    return page.section("Gaps", page.table(("of", "bars", "sessions", "which"), rows, (2,), sentences=(3,)))


def _faults(faults: FaultLog) -> page.Html:
    if not faults:
        return page.section("Faults", page.note("None: every row of every file can be used."))
    counts = [(str(kind), f"{count:,}") for kind, count in faults.counts.items()]
    first = [(str(fault),) for fault in list(faults)[:_FAULTS]]
    return page.section(
        "Faults",
        page.table(("kind", "rows, entries or files"), counts, (1,)),
        page.table((f"the first {len(first):,}",), first, sentences=(0,)),
    )
