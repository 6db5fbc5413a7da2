"""Dividends to be expected from LEAN's own dividend data, for those who have no announcements."""

import datetime as dt
from typing import Final

from AlgorithmImports import QCAlgorithm, Resolution, SecurityType, Split, SplitType, Symbol

from alo_lib.market.distributions import ordinary_dividends
from alo_lib.market.expected_dividends import FIFTY_TWO_WEEKS, dividends_again
from models.chain_terms import Announced
from models.distributions import distributions

__all__ = ["expected_dividends"]

_KEPT: Final = 1000


def expected_dividends(algorithm: QCAlgorithm) -> Announced:
    """What each stock paid in the past year, expected again a year later: ``announced=expected_dividends(self)``.

    Spin-offs and special dividends are left out (:mod:`alo_lib.market.distributions`): they do not come again.
    The rule is :func:`alo_lib.market.expected_dividends.dividends_again`. Nothing is read of the future: LEAN's history
    ends at the time asked for. Indices and futures have none.
    """
    known: dict[tuple[str, dt.date], list[tuple[dt.date, float]]] = {}

    def expected(underlying: Symbol, time: dt.datetime) -> list[tuple[dt.date, float]]:
        if underlying.security_type != SecurityType.EQUITY:
            return []
        key = (str(underlying.id), time.date())
        if key not in known:
            if len(known) >= _KEPT:
                del known[next(iter(known))]
            span = (
                dt.datetime.combine(time, dt.time()) - FIFTY_TWO_WEEKS - dt.timedelta(days=1),
                time,
                Resolution.DAILY,
            )
            told = distributions(algorithm, underlying, *span[:2])
            paid = [(one.ex_date, one.amount) for one in ordinary_dividends(told)]
            splits = [
                (one.end_time.date(), float(one.split_factor))
                for one in algorithm.history[Split](underlying, *span)
                if one.type == SplitType.SPLIT_OCCURRED
            ]
            known[key] = dividends_again(paid, splits, time.date())
        return known[key]

    return expected
