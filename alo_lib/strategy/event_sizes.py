"""What options say of events whose size neither their own past nor anybody else tells."""

import math
from collections.abc import Mapping

import numpy as np

from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.valuation import quote_volatility
from alo_lib.strategy.variance_time import ScheduledEvent, VarianceTime
from alo_lib.volatility import implied_event_variance, move_of_variance

__all__ = ["events_told", "imply_events", "imply_from"]

_NAMED = 2


def imply_events(variance_time: VarianceTime, book: MarketBook, rate: float, time: int) -> None:
    """Take the variance of each event ahead that is of unknown size from the quotes of a book, where those tell."""
    if _unsized(variance_time, time) and book.spot > 0.0:
        imply_from(variance_time, _at_the_money(book, rate, time), time)


def imply_from(variance_time: VarianceTime, volatility: Mapping[int, float], time: int) -> None:
    """The same from implied ``volatility`` at the money by expiry, each known and after ``time``, ns UTC.

    Expiries from the event before, or now, until the one after are asked: what holds another event tells of both.
    """
    unsized = _unsized(variance_time, time)
    times = [event.time for event in variance_time.ahead(time)]
    for event in unsized:
        before = max((each for each in times if each < event.time), default=time)
        after = min((each for each in times if each > event.time), default=None)
        near = [each for each in volatility if before < each and (after is None or each < after)]
        by_expiry = {each: variance_time.life(time, each) for each in near}
        expiries = [each for each, life in by_expiry.items() if life.trading_days > 0.0]
        lives = [by_expiry[each] for each in expiries]
        # An event before this one, whose size is known, is in all of these lives.
        earlier = math.fsum(variance_time.added(each) for each in variance_time.ahead(time) if each.time < event.time)
        implied = [
            math.sqrt(max(volatility[each] ** 2 - earlier / life.years, 0.0))
            for each, life in zip(expiries, lives, strict=True)
        ]
        variance_time.implied[event.time] = implied_event_variance(
            implied,
            [life.years for life in lives],
            [life.trading_days for life in lives],
            [each >= event.time for each in expiries],
        )


def _unsized(variance_time: VarianceTime, time: int) -> list[ScheduledEvent]:
    return [event for event in variance_time.ahead(time) if math.isnan(variance_time.sized(event))]


def _at_the_money(book: MarketBook, rate: float, time: int) -> dict[int, float]:
    """By expiry to come, the mean implied volatility of call and put at the strike nearest the spot; NaN without."""
    contracts = book.contracts
    found = {}
    for expiry in np.unique(contracts["expiry"]).tolist():
        rows = np.flatnonzero(contracts["expiry"] == expiry)
        if expiry > time and len(rows):
            distance = np.abs(contracts["strike"][rows] - book.spot)
            found[expiry] = rows[distance == distance.min()]
    if not found:
        return {}
    every = np.sort(np.concatenate(list(found.values())))
    volatility = dict(zip(every.tolist(), quote_volatility(book, every, rate, time).tolist(), strict=True))
    told = {expiry: [volatility[row] for row in rows.tolist()] for expiry, rows in found.items()}
    known = {expiry: [each for each in both if math.isfinite(each)] for expiry, both in told.items()}
    return {expiry: math.fsum(both) / len(both) for expiry, both in known.items() if both}


def events_told(variance_time: VarianceTime, time: int) -> str:
    """The next events as people read them, with the move that each is taken to make; empty without any."""
    ahead = variance_time.ahead(time)
    texts = [
        f"{event.name} by {np.datetime64(event.time, 'ns').astype('datetime64[D]')}"
        f" ({_size(variance_time.added(event))})"
        for event in ahead[:_NAMED]
    ]
    more = len(ahead) - _NAMED
    return ", ".join(texts) + (f" and {more:,} more" if more > 0 else "")


def _size(variance: float) -> str:
    """A variance as the mean absolute move of a normal one."""
    return "of unknown size" if math.isnan(variance) else f"{move_of_variance(variance):.1%}"
