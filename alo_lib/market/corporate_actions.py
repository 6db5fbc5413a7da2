"""What the user's file of dated events says of corporate actions and distributions."""

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Final

from alo_lib.market.event_files import DatedEvent, When, is_dividend
from alo_lib.records import CALENDAR_DAY, ActionKind, DividendKind, Session

__all__ = ["action_days", "action_of", "is_of_distribution", "named_kinds"]

_NAMES: Final = {
    "spin-off": ActionKind.SPIN_OFF,
    "spinoff": ActionKind.SPIN_OFF,
    "special dividend": ActionKind.SPECIAL_DIVIDEND,
    "merger": ActionKind.MERGER,
}


def action_of(name: str) -> ActionKind | None:
    """The corporate action that a dated event's name begins with, whatever its case; None for any other event."""
    lowered = name.lower()
    return next((kind for word, kind in _NAMES.items() if lowered.startswith(word)), None)


def is_of_distribution(name: str) -> bool:
    """Whether a dated event of this name tells of a distribution or an action, and not of a move to be expected."""
    return action_of(name) is not None or is_dividend(name)


def action_days(events: Iterable[DatedEvent], session_from: Callable[[dt.date], Session]) -> dict[dt.date, ActionKind]:
    """The corporate actions among dated events by the session in which contracts are first changed.

    What comes after a session changes those of the next one.
    """
    found = {}
    for event in events:
        if (action := action_of(event.name)) is not None:
            day = event.day + (CALENDAR_DAY if event.when is When.AFTER else dt.timedelta())
            found[session_from(day).day] = action
    return found


def named_kinds(
    events: Iterable[DatedEvent], session_from: Callable[[dt.date], Session]
) -> dict[dt.date, DividendKind]:
    """What a user's dated events say of the distributions of a day: those named as an action change contracts.

    One whose name begins with ``dividend`` is ordinary, whatever its size.
    """
    known = list(events)
    named = {event.day: DividendKind.ORDINARY for event in known if is_dividend(event.name)}
    return named | dict.fromkeys(action_days(known, session_from), DividendKind.ADJUSTING)
