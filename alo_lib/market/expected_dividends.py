"""Dividends to be expected from those that were paid."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Final

__all__ = ["FIFTY_TWO_WEEKS", "dividends_again"]

FIFTY_TWO_WEEKS: Final = timedelta(days=364)
"""Whole weeks: companies keep to the day of the week."""
_EARLY: Final = timedelta(days=21)  # less than the month of those who pay monthly


def dividends_again(
    paid: Iterable[tuple[date, float]], splits: Iterable[tuple[date, float]], today: date
) -> list[tuple[date, float]]:
    """Ex-dates and amounts that last year's payments make one expect from ``today`` on, today included.

    paid: ex-dates and amounts a share as they were paid. splits: days and factors that a price was multiplied by, 0.5
    for two for one. Each payment is expected again 52 weeks later, its amount adjusted for the splits since, unless one
    went ex up to three weeks before then: this year's, early.
    """
    payments, factors = list(paid), list(splits)
    expected = []
    for day, amount in payments:
        again = day + FIFTY_TWO_WEEKS
        early = any(timedelta() <= again - other <= _EARLY for other, _ in payments)
        if again < today or early:
            continue
        for split, factor in factors:
            if split > day:
                amount *= factor
        expected.append((again, amount))
    return sorted(expected)
