"""What a run was made from, and what it lacked: coverage, rows left out, positions without quotes, and the funnel."""

import datetime as dt
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from alo_lib.market import DataFindings, FaultKind, FaultLog
from alo_lib.records import ENTRY_LIMITS, FUNNEL_STAGES, HostEvent, Kind, Session
from alo_lib.records.spelling import spelled
from alo_lib.views.edges import LIMITS, edges_by_session, edges_in_total
from alo_lib.views.run import Run

__all__ = [
    "Unquoted",
    "damage",
    "data_account",
    "data_warnings",
    "funnel",
    "funnel_total",
    "held_without_quotes",
    "refusal_warnings",
    "stated_funnel",
]

_LOUD_SHARE: Final = 0.01
"""Rows left out, as a share of those read, from which a run says so above all else."""

_WHOLE: Final = (FaultKind.CORRUPT_ARCHIVE, FaultKind.CORRUPT_ENTRY, FaultKind.CORRUPT_FILE)


class Unquoted(NamedTuple):
    """A contract that was held through a session in which it had no quote: it could not be closed at any price."""

    day: dt.date
    symbol: str
    quantity: int


def data_account(findings: DataFindings, faults: FaultLog) -> dict[str, Any]:
    """Coverage, rows and warnings as a run's folder and programs have them."""
    return {
        "coverage": {each.ticker: each.told() for each in findings.coverage},
        "rows": {"read": faults.rows, "left_out": faults.rows_left_out},
        "left_out": faults.damaged,
        "missing_files": len(faults) - faults.damaged,
        "warnings": [*findings.warnings, *data_warnings(faults)],
    }


def damage(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts by kind of what is there and was left out; files that are not there are counted apart."""
    return {kind: count for kind, count in counts.items() if kind != FaultKind.MISSING_FILE}


def data_warnings(faults: FaultLog) -> list[str]:
    """What people must not overlook of what was left out."""
    warnings = []
    if faults.rows_left_out >= _LOUD_SHARE * max(faults.rows, 1):
        share = faults.rows_left_out / max(faults.rows, 1)
        warnings.append(f"of {faults.rows:,} rows {faults.rows_left_out:,} could not be used ({share:z.1%})")
    for kind in _WHOLE:
        if count := faults.counts.get(kind, 0):
            first = next(fault for fault in faults if fault.kind is kind)
            warnings.append(f"{first}" + (f", and {count - 1:,} more like it" if count > 1 else ""))
    return warnings


def refusal_warnings(run: Run) -> list[str]:
    """What people must not overlook of inputs that the core did not let in."""
    events = run.table(Kind.EVENT).records
    told = events[events["event"] == HostEvent.REFUSED]
    if not len(told):
        return []
    many = int(told["quantity"].sum())
    first = told["text"][0].decode(errors="backslashreplace")
    return [f"{many:,} records of inputs were refused; the first: {first}"]


def held_without_quotes(run: Run) -> list[Unquoted]:
    """Contracts that were held at a session's open and had no quote in it, day by day, from the journal alone."""
    found: list[Unquoted] = []
    held: dict[int, int] = defaultdict(int)
    day: dt.date | None = None
    opening: dict[int, int] = {}
    quoted: set[int] = set()

    def end_session() -> None:
        if day is not None:
            found.extend(
                Unquoted(day, run.instruments[number].label, quantity)
                for number, quantity in sorted(opening.items())
                if number not in quoted
            )

    for message in run.journal.messages:
        if message.kind is Kind.SESSION:
            end_session()
            day = Session.of_record(message.records[0]).day
            opening, quoted = {number: quantity for number, quantity in held.items() if quantity}, set()
        elif message.kind is Kind.QUOTE:
            if opening:
                quoted.update(message.records["instrument"].tolist())
        elif message.kind is Kind.ORDER_EVENT:
            for row in message.records:
                number = int(row["instrument"])
                if row["quantity"] and run.instruments[number].is_option:
                    held[number] += int(row["quantity"])
    end_session()
    return found


def funnel(run: Run) -> dict[str, dict[str, dict[str, Any]]]:
    """What became of what a session offered, by underlying and session.

    The counts of each stage in their order; ``best_edge`` of all structures that were ranked, as
    :func:`alo_lib.views.edges.edges_by_session` tells it; and ``stopped_by``: in how many frames each limit stopped
    one, for ``entry-edge`` every one.
    """
    opens, days = [session.open for session in run.sessions], [str(session.day) for session in run.sessions]
    told = {
        ticker: {day: dict.fromkeys(FUNNEL_STAGES, 0) | offered for day, offered in zip(days, sessions, strict=True)}
        for ticker, sessions in edges_by_session(run).items()
    }
    table = run.table(Kind.FUNNEL)
    for time, row in zip(table.time.tolist(), table.records, strict=True):
        session = bisect_right(opens, time) - 1
        one = told[run.instruments[int(row["underlying"])].symbol][days[max(session, 0)]]
        one.update({stage: int(row[stage]) for stage in FUNNEL_STAGES})
        stops = one["stopped_by"] | {spelled(limit): int(row[limit]) for limit in ENTRY_LIMITS}
        one["stopped_by"] = {limit: stops[limit] for limit in LIMITS if stops.get(limit)}
    return told


def funnel_total(told: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> dict[str, dict[str, Any]]:
    """By underlying, of what :func:`funnel` tells: the most of each stage in any session, best edge and limits."""
    return {
        ticker: {
            **{stage: max((one[stage] for one in sessions.values()), default=0) for stage in FUNNEL_STAGES},
            **edges_in_total(sessions.values()),
        }
        for ticker, sessions in told.items()
    }


def stated_funnel(run: Run) -> dict[str, Any]:
    """What a summary says of it: by session, and in total."""
    told = funnel(run)
    return {"funnel": told, "funnel_total": funnel_total(told)}
