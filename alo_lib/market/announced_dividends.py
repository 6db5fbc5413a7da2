"""Cash dividends that the user's file of dated events announces, as they are known on a day."""

import datetime as dt
import math
from collections.abc import Callable, Iterable

from alo_lib.market.event_files import DatedEvent
from alo_lib.market.expected_dividends import MOST_APART
from alo_lib.records import Session

__all__ = ["announced_dividends"]

Splits = Callable[[dt.date, dt.date], Iterable[tuple[dt.date, float]]]
"""(since, until), both included -> days and factors that a price is multiplied by, 0.5 for two for one."""


def announced_dividends(
    events: Iterable[DatedEvent], day: dt.date, session_from: Callable[[dt.date], Session], splits: Splits
) -> list[tuple[int, float]]:
    """Ex-times, ns UTC ascending, and amounts a share, of what is known before the session of ``day``.

    Those of the last three weeks are among them: what they replaced is not to be expected again. Of one name and date
    that is announced anew what is known last counts; names of one date, such as a dividend and one beside it, add up.
    Amounts are for a share as it is on the day since which they are known, and come back for one of ``day``.
    """
    oldest = day - dt.timedelta(days=MOST_APART)
    last: dict[tuple[dt.date, str], DatedEvent] = {}
    for event in sorted(events, key=lambda event: event.known):
        if not math.isnan(event.cash) and event.known <= day and event.day >= oldest:
            last[event.day, event.name.lower()] = event
    if not last:
        return []
    first = min(event.known for event in last.values())
    factors = list(splits(first + dt.timedelta(days=1), day))
    found: dict[int, list[float]] = {}
    for event in last.values():
        shares = math.prod(factor for split, factor in factors if split > event.known)
        found.setdefault(session_from(event.day).open, []).append(event.cash * shares)
    return [(time, math.fsum(amounts)) for time, amounts in sorted(found.items())]
