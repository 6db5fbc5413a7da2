"""Dividends to be expected from those that were paid: the one rule, for the strategy and for LEAN's models.

What was paid in the last 52 weeks is paid again 52 weeks later, and so on each year. One who has not paid for a year
yet, so that this would leave a hole, goes on in the rhythm, and with the amount, of the last two payments.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Final

__all__ = ["FIFTY_TWO_WEEKS", "days_again", "dividends_again"]

FIFTY_TWO_WEEKS: Final = timedelta(days=364)
"""Whole weeks: companies keep to the day of the week."""
_YEAR: Final = FIFTY_TWO_WEEKS.days
_EARLY: Final = 21  # days: less than the month of those who pay monthly
_MONTH: Final = 28  # days: what is nearer to another payment is no rhythm


def days_again(paid: Iterable[tuple[int, float]], today: int, until: int | None = None) -> list[tuple[int, float]]:
    """Days and amounts to be expected from ``today`` to ``until``, both included; for a year where that is None.

    paid: days, numbered one by one, and amounts for a share as it is now. Each is expected again 52 weeks later, unless
    one went ex up to three weeks before then: this year's, early. What failed to come is not made up for.
    """
    known = sorted(each for each in paid if each[0] <= today)
    recent = [each for each in known if each[0] > today - _YEAR]
    gap = recent[-1][0] - recent[-2][0] if len(recent) > 1 else 0
    if gap >= _MONTH and len(recent) * gap < _YEAR - _EARLY and recent == known:
        last, amount = recent[-1]
        year = [(day, amount) for day in range(last + gap, last + _YEAR + 1, gap) if day >= today]
    else:
        days = [day for day, _ in known]
        year = [
            (day + _YEAR, amount)
            for day, amount in known
            if day + _YEAR >= today and not any(0 <= day + _YEAR - other <= _EARLY for other in days)
        ]
    if until is None:
        return year
    found = [(day + again, amount) for day, amount in year for again in range(0, max(until - day, -1) + 1, _YEAR)]
    return sorted(found)


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
