"""Dividends to be expected from LEAN's own dividend data, for those who have no announcements."""

import datetime as dt
from typing import Final

from AlgorithmImports import Dividend, QCAlgorithm, Resolution, SecurityType, Split, SplitType, Symbol

from models.chain_terms import Announced

__all__ = ["expected_dividends"]

_A_YEAR: Final = dt.timedelta(days=364)  # whole weeks: companies keep to the day of the week
_SAME_DIVIDEND: Final = dt.timedelta(days=21)
_KEPT: Final = 1000


def expected_dividends(algorithm: QCAlgorithm) -> Announced:
    """What each stock paid in the past year, expected again a year later: ``announced=expected_dividends(self)``.

    Ex-dates fall 52 weeks after last year's, amounts are last year's, adjusted for splits since. One that went ex up
    to three weeks early is not expected again. Nothing is read of the future: LEAN's history ends at the time asked
    for. Indices and futures have none.
    """
    known: dict[tuple[str, dt.date], list[tuple[dt.date, float]]] = {}

    def expected(underlying: Symbol, time: dt.datetime) -> list[tuple[dt.date, float]]:
        if underlying.security_type != SecurityType.EQUITY:
            return []
        key = (str(underlying.id), time.date())
        if key not in known:
            if len(known) >= _KEPT:
                del known[next(iter(known))]
            known[key] = _a_year_later(algorithm, underlying, time)
        return known[key]

    return expected


def _a_year_later(algorithm: QCAlgorithm, underlying: Symbol, time: dt.datetime) -> list[tuple[dt.date, float]]:
    today = dt.datetime.combine(time, dt.time())
    span = (today - _A_YEAR - _SAME_DIVIDEND, time, Resolution.DAILY)
    occurred = SplitType.SPLIT_OCCURRED
    splits = [split for split in algorithm.history[Split](underlying, *span) if split.type == occurred]
    paid = []
    for dividend in algorithm.history[Dividend](underlying, *span):
        amount = float(dividend.distribution)
        for split in splits:
            if split.end_time > dividend.end_time:
                amount *= float(split.split_factor)
        paid.append((dividend.end_time.date(), amount))
    days = [day for day, _ in paid]
    again = [(day + _A_YEAR, amount) for day, amount in paid if day + _A_YEAR >= today.date()]
    return [
        (day, amount) for day, amount in again if not any(dt.timedelta() <= day - one <= _SAME_DIVIDEND for one in days)
    ]
