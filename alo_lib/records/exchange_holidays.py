"""Holidays and early closes of the American stock exchanges by rule.

NYSE Rule 7.2, and Juneteenth from 2022 on; closures for one occasion are not rules.
"""

from datetime import date, timedelta
from typing import Final

__all__ = ["EARLY_CLOSE", "early_closes", "holidays"]

EARLY_CLOSE: Final = timedelta(hours=13)
"""When trading ends on a day that ends early, after midnight."""
_MONDAY, _THURSDAY, _FRIDAY, _SATURDAY, _SUNDAY = 0, 3, 4, 5, 6


def _nth(year: int, month: int, weekday: int, n: int) -> date:
    """The ``n``-th ``weekday`` of a month."""
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))


def _observed(day: date) -> date:
    """A Saturday's holiday is kept on Friday, a Sunday's on Monday."""
    shift = {_SATURDAY: -1, _SUNDAY: 1}.get(day.weekday(), 0)
    return day + timedelta(days=shift)


def _easter(year: int) -> date:
    """Easter Sunday (anonymous Gregorian algorithm, Meeus 1991)."""
    a, b, c = year % 19, year // 100, year % 100
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    k = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    m = (a + 11 * h + 22 * k) // 451
    month, day = divmod(h + k - 7 * m + 114, 31)
    return date(year, month, day + 1)


def holidays(year: int) -> list[date]:
    """The days of ``year`` on which the exchanges stay closed."""
    new_year = date(year, 1, 1)
    memorial_day = _nth(year, 5, _MONDAY, 5)
    days = [
        _nth(year, 1, _MONDAY, 3),
        _nth(year, 2, _MONDAY, 3),
        _easter(year) - timedelta(days=2),
        memorial_day if memorial_day.month == 5 else memorial_day - timedelta(days=7),
        _observed(date(year, 7, 4)),
        _nth(year, 9, _MONDAY, 1),
        _nth(year, 11, _THURSDAY, 4),
        _observed(date(year, 12, 25)),
    ]
    # New Year's Day on a Saturday is not made up for: the Friday before ends the old year's books.
    if new_year.weekday() != _SATURDAY:
        days.append(_observed(new_year))
    if year >= 2022:
        days.append(_observed(date(year, 6, 19)))
    return sorted(days)


def early_closes(year: int) -> dict[date, timedelta]:
    """The days of ``year`` on which trading ends at 13:00: around Independence Day, Thanksgiving and Christmas."""
    candidates = [date(year, 7, 3), _nth(year, 11, _THURSDAY, 4) + timedelta(days=1), date(year, 12, 24)]
    closed = set(holidays(year))
    return {day: EARLY_CLOSE for day in candidates if day.weekday() <= _FRIDAY and day not in closed}
