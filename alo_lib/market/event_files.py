"""Dated events of an underlying, such as earnings, from a file that its user keeps: one event a line.

    # date, before | during | after the session, name, expected move, known since
    2015-10-22, after, earnings, 0.06
    2016-01-28, after, earnings, , 2016-01-07

The expected move is the mean absolute return, in decimals or as ``6%``; the day since which the date is known keeps a
backtest from knowing it sooner. Either may be left out.

    2016-02-12, before, dividend, 0.55, 2016-01-07

A name that begins with ``dividend`` tells of a regular one. With an amount in the place of the move it announces cash a
share, for a share as there is on the day since which it is known; 0 says that none is paid.
"""

import datetime as dt
import math
from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple

from alo_lib.market.faults import DataError
from alo_lib.market.text_files import day_of, kept_lines, read_kept
from alo_lib.records import CALENDAR_DAY, EVENT_NAME, FIRST_DAY, Session
from alo_lib.records.spelling import check_ticker, number_of

__all__ = [
    "DatedEvent",
    "When",
    "event_store_key",
    "event_time",
    "events_file",
    "events_of",
    "is_dividend",
    "read_events",
    "scheduled_moves",
]

_FOLDER: Final = ("alternative", "alo", "events")
_WHAT: Final = "events"
_COLUMNS: Final = range(3, 6)
_MOST_MOVE: Final = 2.0
_MOST_CASH: Final = 1e6
_DIVIDEND: Final = "dividend"
_MOST_BYTES: Final = 1 << 20
_MOST_EVENTS: Final = 1_000


class When(StrEnum):
    """When on its day an event moves the price."""

    BEFORE = "before"
    DURING = "during"
    AFTER = "after"


class DatedEvent(NamedTuple):
    """One event."""

    day: dt.date
    when: When
    name: str
    move: float = math.nan
    """Mean absolute return expected of it; NaN where nobody says."""
    known: dt.date = FIRST_DAY
    """The day before whose session its date is known."""
    cash: float = math.nan
    """A share, of a dividend that is announced; NaN for what is none."""


def is_dividend(name: str) -> bool:
    """Whether an event of this name is a regular dividend."""
    return name.lower().startswith(_DIVIDEND)


def event_time(event: DatedEvent, session_from: Callable[[dt.date], Session]) -> int:
    """When an event moves the price, ns UTC: at an open, or at the close of the session during which it comes.

    ``session_from`` gives the first session on a day or after it. What comes on a day without a session does so before
    the next one.
    """
    on = session_from(event.day)
    if event.when is When.DURING and on.day == event.day:
        return on.close
    passed = event.when is not When.BEFORE and on.day == event.day
    return session_from(event.day + CALENDAR_DAY).open if passed else on.open


def scheduled_moves(
    events: Iterable[DatedEvent], session_from: Callable[[dt.date], Session]
) -> list[tuple[int, str, float]]:
    """When events move the price, ns UTC ascending, their names, and the mean absolute move expected.

    Those of one time are one event: their names together, and the root of their squared moves where all are known. One
    name counts once.
    """
    together: dict[int, dict[str, float]] = {}
    for event in events:
        moves = together.setdefault(event_time(event, session_from), {})
        if math.isnan(moves.get(event.name, math.nan)):
            moves[event.name] = event.move
    return [
        (
            time,
            " + ".join(sorted(moves))[:EVENT_NAME].strip(),
            min(math.sqrt(math.fsum(move * move for move in moves.values())), _MOST_MOVE),
        )
        for time, moves in sorted(together.items())
    ]


def events_file(root: Path, ticker: str) -> Path:
    """Where a LEAN data folder keeps the events of an underlying."""
    return root.joinpath(*_FOLDER, f"{check_ticker(ticker).lower()}.csv")


def event_store_key(ticker: str) -> str:
    """The key of the same text in LEAN's object store, which allows one dot."""
    return f"alo-events-{check_ticker(ticker).lower().replace('.', '-')}.csv"


def read_events(path: Path) -> tuple[DatedEvent, ...]:
    """The events of a file, none where there is no such file.

    :raises DataError: for a file that is there and cannot be read.
    """
    content = read_kept(path, _WHAT, _MOST_BYTES)
    return () if content is None else events_of(content, str(path))


def events_of(content: bytes, place: str) -> tuple[DatedEvent, ...]:
    """The events that a text tells, in the order of their days.

    :raises DataError: naming ``place`` and the first line that is none, or a text that is too long.
    """
    found: list[DatedEvent] = []
    announced: dict[tuple[dt.date, str, dt.date], float] = {}
    for number, text in kept_lines(content, place, _WHAT, _MOST_BYTES):
        try:
            found.append(_event(text))
            _refuse_another_amount(found[-1], announced)
        except ValueError as error:
            raise DataError(f"{place}:{number}: {error}") from None
    if len(found) > _MOST_EVENTS:
        raise DataError(f"the events in {place} are {len(found):,}, but {_MOST_EVENTS:,} are allowed")
    return tuple(sorted(found, key=lambda event: (event.day, list(When).index(event.when), event.name)))


def _event(text: str) -> DatedEvent:
    cells = [cell.strip() for cell in text.split(",")]
    if len(cells) not in _COLUMNS:
        raise ValueError(
            f"{text!r:.80} must be date,when,name and may go on with the expected move and a day of knowing"
        )
    day, when, name, move, known = [*cells, *[""] * (_COLUMNS[-1] - len(cells))]
    if when.lower() not in list(When):
        raise ValueError(f"{when!r:.80} must be {', '.join(When)}")
    if not (name.isascii() and name.isprintable() and 0 < len(name) <= EVENT_NAME):
        raise ValueError(f"the name {name!r:.80} must be of 1 to {EVENT_NAME} printable ASCII characters")
    on, at, since = day_of(day), When(when.lower()), day_of(known) if known else FIRST_DAY
    if is_dividend(name) and move:
        return _announced(DatedEvent(on, at, name, known=since), cash=move, known=known)
    return DatedEvent(on, at, name, _move(move), since)


def _announced(event: DatedEvent, *, cash: str, known: str) -> DatedEvent:
    """A dividend with its amount. Were it known since ever, a run would know what comes."""
    if event.when is not When.BEFORE:
        raise ValueError(f"{event.when.value!r} must be {When.BEFORE}: a dividend that is announced goes ex at an open")
    if not known or event.known > event.day:
        said = repr(known) if known else "missing"
        raise ValueError(f"since when the dividend {cash:.80} is known is {said}; it must be a day up to {event.day}")
    amount = math.nan if "%" in cash else number_of(cash)
    if not 0.0 <= amount <= _MOST_CASH:
        raise ValueError(f"the dividend {cash!r:.80} must be money a share from 0 to {_MOST_CASH:,.0f}")
    return event._replace(cash=amount)


def _refuse_another_amount(event: DatedEvent, announced: dict[tuple[dt.date, str, dt.date], float]) -> None:
    """Of one announcement there is one amount; what is announced anew is known since a later day."""
    if not math.isnan(event.cash):
        before = announced.setdefault((event.day, event.name.lower(), event.known), event.cash)
        if before != event.cash:
            raise ValueError(
                f"{event.cash:g} must be the {before:g} of {event.name!r} of {event.day} above, or known since later"
            )


def _move(text: str) -> float:
    if not text:
        return math.nan
    move = number_of(text)
    if not (isinstance(move, (int, float)) and 0.0 < move <= _MOST_MOVE):
        raise ValueError(
            f"the expected move {text!r:.80} must be above 0 and up to {_MOST_MOVE:g}, or {_MOST_MOVE:.0%}"
        )
    return float(move)
