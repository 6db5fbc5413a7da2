"""Dividends to be expected from those that were paid: the one rule, for the strategy and for LEAN's models.

What was paid in the last 52 weeks is paid again 52 weeks later, and so on each year. One who has not paid for a year
yet, so that this would leave a hole, goes on in the rhythm, and with the amount, of the last two payments.

What is announced takes the place of the expected one that is nearest to it, if that is at most three weeks away.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Final

__all__ = ["FIFTY_TWO_WEEKS", "MOST_APART", "days_again", "dividends_again", "replaced_days"]

FIFTY_TWO_WEEKS: Final = timedelta(days=364)
"""Whole weeks: companies keep to the day of the week."""
_YEAR: Final = FIFTY_TWO_WEEKS.days
MOST_APART: Final = 21
"""Days from an expected dividend to the one that it becomes: less than the month of those who pay monthly."""
_MONTH: Final = 28  # days: what is nearer to another payment is no rhythm


def days_again(
    paid: Iterable[tuple[int, float]],
    today: int,
    until: int | None = None,
    announced: Iterable[tuple[int, float]] = (),
) -> list[tuple[int, float]]:
    """Days and amounts to be expected from ``today`` to ``until``, both included; for a year where that is None.

    paid: days, numbered one by one, and amounts for a share as it is now. Each is expected again 52 weeks later, unless
    one went ex up to three weeks before then: this year's, early. What failed to come is not made up for.
    announced: days and amounts that are known, those of the last three weeks among them. Each replaces the expected one
    nearest to it, at most :data:`MOST_APART` days away; an amount of 0 takes that one's place, and is told as such.
    """
    told = sorted(announced)
    year = _year_again(paid, today, min([today, *(day - MOST_APART for day, _ in told)]))
    expected = [each for each in year if each[0] >= today]
    if until is not None:
        last = until + (MOST_APART if told else 0)  # one that is announced sooner is asked for, too
        expected = sorted(
            (day + again, amount) for day, amount in expected for again in range(0, max(last - day, -1) + 1, _YEAR)
        )
    if not told:
        return expected
    replaced = replaced_days([day for day, _ in (*year, *expected)], [day for day, _ in told])
    last = today + _YEAR if until is None else until
    return sorted(
        (day, amount)
        for day, amount in (*(each for each in expected if each[0] not in replaced), *told)
        if today <= day <= last
    )


def replaced_days(days: Sequence[int], announced: Iterable[int]) -> set[int]:
    """Of some ``days`` with a dividend those whose place an announced one takes: the nearest to it, if near enough."""
    nearest = ((one, min(days, key=lambda day: (abs(day - one), day), default=one)) for one in announced)
    return {day for one, day in nearest if abs(day - one) <= MOST_APART}


def _year_again(paid: Iterable[tuple[int, float]], today: int, first: int) -> list[tuple[int, float]]:
    """What payments that are known ``today`` make one expect in a year, from a day on that is not later."""
    known = sorted(each for each in paid if each[0] <= today)
    recent = [each for each in known if each[0] > today - _YEAR]
    gap = recent[-1][0] - recent[-2][0] if len(recent) > 1 else 0
    if gap >= _MONTH and len(recent) * gap < _YEAR - MOST_APART and recent == known:
        day, amount = recent[-1]
        return [(each, amount) for each in range(day + gap, day + _YEAR + 1, gap) if each >= first]
    days = [day for day, _ in known]
    return [
        (day + _YEAR, amount)
        for day, amount in known
        if day + _YEAR >= first and not any(0 <= day + _YEAR - other <= MOST_APART for other in days)
    ]


def dividends_again(
    paid: Iterable[tuple[date, float]], splits: Iterable[tuple[date, float]], today: date
) -> list[tuple[date, float]]:
    """Ex-dates and amounts that payments make one expect in the year from ``today`` on, today included.

    paid: ex-dates and amounts a share as they were paid. splits: days and factors that a price was multiplied by, 0.5
    for two for one.
    """
    factors, now = list(splits), []
    for day, amount in paid:
        for split, factor in factors:
            if split > day:
                amount *= factor
        now.append((day.toordinal(), amount))
    return sorted((date.fromordinal(day), amount) for day, amount in days_again(now, today.toordinal()))
