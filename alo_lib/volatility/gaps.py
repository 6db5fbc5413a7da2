"""Closes by their dates: days told twice, sessions that are missing, days that are none of the exchange's.

A return over missing sessions is not a day's, and arrays without dates do not show it. Here it is known by its date and
by the number of sessions that it covers.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alo_lib.volatility.by_content import ByContent
from alo_lib.volatility.dates import Dates, read_days
from alo_lib.volatility.errors import ObservationError
from alo_lib.volatility.returns import check_prices, log_returns

__all__ = ["DatedReturns", "dated_returns"]

_HOLIDAYS: Final = 3
"""Weekdays in a row that may be holidays where no calendar is given: Christmas with the days around it, a Chinese new
year less its weekend. More are a gap."""
_REACH: Final = np.timedelta64(6, "D")
"""Days at either end that a calendar need not hold: holidays on which there is a close none the less."""
_NAMED: Final = 3
"""Days of a kind that a note names; of more it gives the number."""


@dataclass(frozen=True, eq=False)
class DatedReturns(ByContent):
    """Logarithmic returns between n closes of different days, oldest first, and what is odd about their dates."""

    dates: Dates
    """Of each return's later close, shape (n - 1,), to the day."""
    returns: NDArray[np.float64]
    sessions: NDArray[np.int64]
    """How many sessions each return covers, shape (n - 1,); 1 is a day's."""
    kept: NDArray[np.int64]
    """Which of the rows given the n closes are, shape (n,), ascending."""
    missing: Dates
    """Sessions without a close, ascending, to the day: those that returns of several sessions cover besides their own.
    """
    closed: Dates
    """Days with a close that are no session of the calendar; none without one."""
    repeated: Dates
    """Days with more than one close."""
    notes: tuple[str, ...]
    """A sentence for each kind of oddity; empty where there is none."""


def dated_returns(dates: ArrayLike, closes: ArrayLike, *, calendar: ArrayLike | None = None) -> DatedReturns:
    """Returns of split-adjusted ``closes`` (m,) on ``dates`` (m,), ascending, of any type that NumPy reads as dates.

    ``calendar`` are the dates of an exchange's sessions; a close on another day is kept, and noted. Without one every
    weekday is a session, every day where weekends are among the dates, and up to three in a row may be holidays. Of
    closes on one day the last counts.

    :raises ObservationError: for shapes that differ, a bad close, dates that are none or that go back, fewer than two
        days, or a calendar that does not reach over them.
    """
    days, prices = read_days("dates", dates), check_prices("closes", closes)
    if days.shape != prices.shape:
        raise ObservationError(f"dates and closes must be as many, but are {days.shape} and {prices.shape}")
    back = np.flatnonzero(np.diff(days) < np.timedelta64(0, "D"))
    if back.size:
        at = int(back[0])
        raise ObservationError(f"dates must ascend, but {days[at + 1]} follows {days[at]} at {at + 1}")
    kept = np.flatnonzero(np.append(days[1:] != days[:-1], np.ones(min(days.size, 1), np.bool_)))
    if kept.size < 2:
        raise ObservationError(f"closes of at least 2 days make a return, but there are {kept.size}")
    own = days[kept]
    sessions, holidays = (_own_sessions(own), _HOLIDAYS) if calendar is None else (_calendar(calendar, own), 0)
    covered = _covered(own, sessions, holidays)
    closed = own[:0] if calendar is None else own[~np.isin(own, sessions)]
    notes = (*_twice(days, prices), *_missing(own, covered), *_strange(closed))
    return DatedReturns(
        own[1:],
        log_returns(prices[kept]),
        covered,
        kept,
        _uncovered(own, sessions, covered),
        closed,
        np.unique(days[1:][days[1:] == days[:-1]]),
        notes,
    )


def _calendar(calendar: ArrayLike, days: Dates) -> Dates:
    """The sessions of an exchange, ascending, that reach over all ``days``."""
    sessions = np.unique(read_days("calendar", calendar))
    if not sessions.size or sessions[0] > days[0] + _REACH or sessions[-1] < days[-1] - _REACH:
        reach = f"from {sessions[0]} to {sessions[-1]}" if sessions.size else "over no day"
        raise ObservationError(f"the calendar must reach from {days[0]} to {days[-1]}, but it reaches {reach}")
    return sessions


def _own_sessions(days: Dates) -> Dates:
    """Each day from the first to the last that can be a session: weekdays, or all where weekends are traded."""
    every: Dates = np.arange(days[0], days[-1] + np.timedelta64(1, "D"))
    return every if np.any(~np.is_busday(days)) else every[np.is_busday(every)]


def _covered(days: Dates, sessions: Dates, holidays: int) -> NDArray[np.int64]:
    """Sessions from each day, itself not counted, to the next; up to so many ``holidays`` in between are none."""
    after, upto = np.searchsorted(sessions, days, "right"), np.searchsorted(sessions, days, "left")
    missing = (upto[1:] - after[:-1]).astype(np.int64)
    return np.where(missing <= holidays, 1, 1 + missing)


def _uncovered(days: Dates, sessions: Dates, covered: NDArray[np.int64]) -> Dates:
    """The sessions in the gaps between ``days``."""
    without = sessions[~np.isin(sessions, days)]
    after = np.searchsorted(days, without) - 1
    between = (after >= 0) & (after < covered.size)
    found: Dates = without[between][covered[after[between]] > 1]
    return found


def _twice(days: Dates, prices: NDArray[np.float64]) -> Iterator[str]:
    repeated = np.flatnonzero(days[1:] == days[:-1])
    if repeated.size:
        differ = int(np.count_nonzero(prices[1:][repeated] != prices[:-1][repeated]))
        which = f"{differ} of them at another close, of which the last counts" if differ else "all at the same close"
        yield f"{_count(repeated.size, 'close')} on a day that has one already, {which}: {_named(days[repeated])}"


def _missing(days: Dates, covered: NDArray[np.int64]) -> Iterator[str]:
    gaps = np.flatnonzero(covered > 1)
    if gaps.size:
        longest = gaps[np.argsort(-covered[gaps], kind="stable")][:_NAMED]
        told = ", ".join(f"{covered[i] - 1} after {days[i]}" for i in np.sort(longest))
        more = " and more" if gaps.size > _NAMED else ""
        total = int(np.sum(covered[gaps] - 1))
        yield (
            f"{_count(total, 'session')} missing in {_count(gaps.size, 'gap')}, over each of which one return stands "
            f"for several days: {told}{more}"
        )


def _strange(closed: Dates) -> Iterator[str]:
    if closed.size:
        yield f"{_count(closed.size, 'close')} on a day that is no session of the calendar: {_named(closed)}"


def _count(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _named(days: Any) -> str:
    return ", ".join(map(str, days[:_NAMED])) + (" and more" if len(days) > _NAMED else "")
