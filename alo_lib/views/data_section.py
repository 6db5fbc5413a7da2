"""The part of a run's page that tells what it was made from, and how far contracts came on their way to a trade."""

from collections.abc import Mapping
from typing import Any, Final

from alo_lib.records import FUNNEL_STAGES, STAGE_MEANINGS
from alo_lib.records.spelling import first_of
from alo_lib.views import page
from alo_lib.views.data import damage
from alo_lib.views.edges import best_edge_in_words, points, stops_in_words
from alo_lib.views.figures import funnel_figure
from alo_lib.views.page import Html
from alo_lib.views.run import Run
from alo_lib.views.spoken import DASH

__all__ = ["data_sections"]

_DAYS_SHOWN: Final = 10


def data_sections(run: Run) -> list[Html]:
    """Coverage of the sessions, the funnel, and what was left out of the data, as far as they were kept."""
    summary = run.summary
    if not run.knows_data:
        return [_funnel(summary)]
    return [_coverage(summary), _funnel(summary), _left_out(run, summary)]


def _coverage(summary: Mapping[str, Any]) -> Html:
    has = ("bars", "quotes", "universes", "daily")
    rows = [
        (ticker, f"{told['sessions']:,}", *(f"{told[name]:,}" for name in has), _days(told["without_quotes"]))
        for ticker, told in summary["coverage"].items()
    ]
    columns = (
        "underlying",
        "sessions asked for",
        "with bars",
        "option quotes",
        "universe",
        "daily bars",
        "no quotes on",
    )
    unquoted = summary["held_without_quotes"]
    held = [(one["date"], one["contract"], f"{one['quantity']:,}") for one in unquoted]
    return page.section(
        "Data: how many sessions have what a run needs",
        page.table(columns, rows, range(1, 6), sentences=(6,)),
        *(page.note(f"Synthetic market: {sentence}.") for sentence in summary.get("market", ())),
        *(page.note(f"{warning[:1].upper()}{warning[1:]}.") for warning in summary["warnings"]),
        *(
            [
                page.note("Held through a session without a quote, so that it could not be closed at any price:"),
                page.table(("session", "contract", "held"), held, (2,)),
            ]
            if held
            else []
        ),
    )


def _funnel(summary: Mapping[str, Any]) -> Html:
    """The most of each stage in any session, and each session's; the best edge, and what stopped structures."""
    told: Mapping[str, Mapping[str, Mapping[str, Any]]] = summary["funnel"]
    total: Mapping[str, Mapping[str, Any]] = summary["funnel_total"]
    most = {ticker: {stage: one[stage] for stage in FUNNEL_STAGES} for ticker, one in total.items()}
    meaning = [
        (stage.replace("_", " "), STAGE_MEANINGS[stage], *(f"{stages[stage]:,}" for stages in most.values()))
        for stage in FUNNEL_STAGES
    ]
    by_session = [
        (ticker, day, *(f"{one[stage]:,}" for stage in FUNNEL_STAGES))
        for ticker, sessions in told.items()
        for day, one in sessions.items()
    ]
    stages = [stage.replace("_", " ") for stage in FUNNEL_STAGES]
    return page.section(
        "Why it traded, or did not",
        *([] if summary["orders"] else [page.note(f"Nothing was traded. {_where_it_ended(most)}")]),
        *(page.note(sentence) for ticker, one in total.items() for sentence in _offered(ticker, one)),
        page.figure(funnel_figure(most)),
        page.table(("stage", "what passes it", *most), meaning, range(2, 2 + len(most))),
        page.note(
            "Each stage's count is the largest of any frame of the session, but that of 'opened' the sum over the "
            "session; above stands the largest of any session."
        ),
        page.table(("underlying", "session", *stages), by_session, range(2, 2 + len(FUNNEL_STAGES))),
        page.note(
            "The best edge of a session after costs, in volatility points, and in how many frames each limit stopped "
            "a structure whose edge sufficed; entry-edge where none's did."
        ),
        _edges(told),
    )


def _edges(told: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Html:
    """The best edge of each session, and what stopped structures in it."""
    rows = [
        (ticker, day, *_best(one["best_edge"]), stops_in_words(one["stopped_by"]) or DASH)
        for ticker, sessions in told.items()
        for day, one in sessions.items()
    ]
    columns = ("underlying", "session", "best edge", "entry-edge", "at", "structure", "side", "stopped by")
    return page.table(columns, rows, (2, 3), sentences=(7,))


def _best(best: Mapping[str, Any] | None) -> tuple[str, ...]:
    if best is None:
        return (DASH,) * 5
    return (*points(best), best["new_york_time"][11:16], best["structure"], best["side"])


def _offered(ticker: str, total: Mapping[str, Any]) -> list[str]:
    """The best edge of an underlying in any session, and what stopped its structures."""
    best, stops = total["best_edge"], stops_in_words(total["stopped_by"])
    told = [f"{ticker}: best edge {points(best)[0]} volatility points {best_edge_in_words(best)}."] if best else []
    return told + ([f"{ticker}: structures were stopped by {stops}."] if stops else [])


def _where_it_ended(most: Mapping[str, Mapping[str, int]]) -> str:
    """Which stage nothing passed, in a sentence an underlying."""
    told = []
    for ticker, stages in most.items():
        ended = next((stage for stage in FUNNEL_STAGES if not stages[stage]), None)
        if ended is not None:
            told.append(f"Of {ticker} nothing came as far as '{ended.replace('_', ' ')}': {STAGE_MEANINGS[ended]}.")
    return " ".join(told)


def _left_out(run: Run, summary: Mapping[str, Any]) -> Html:
    counts, first = damage(summary["skipped"]), run.faults["first"]
    rows = [(kind, f"{count:,}") for kind, count in counts.items()]
    missing = summary["missing_files"]
    return page.section(
        "Data left out",
        page.table(("kind", "rows, entries or files"), [*rows, ("together", f"{summary['left_out']:,}")], (1,))
        if rows
        else page.note("Nothing: every row that was read was used."),
        *([page.note(f"Files missing that a day asked for: {missing:,}.")] if missing else []),
        *([page.table(("the first of each kind",), [(line,) for line in first])] if first else []),
    )


def _days(days: list[str]) -> str:
    return first_of(days, _DAYS_SHOWN) or DASH
