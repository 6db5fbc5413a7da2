"""Overnight moves of a raw price that no split or dividend explains: the mark of a corporate event that is not told."""

import datetime as dt
import math
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from alo_lib.market import CorporateEvents, DataError

__all__ = ["check_moves"]

_LONGEST_NIGHT: Final = dt.timedelta(days=10)
"""Over longer gaps in the data a price may go anywhere."""

OpenClose = tuple[float, float]


class _Night(NamedTuple):
    """A close, the next open, and their days."""

    before: dt.date
    close: float
    day: dt.date
    open: float


def check_moves(
    ticker: str,
    daily: Mapping[dt.date, OpenClose],
    sessions: Mapping[dt.date, OpenClose],
    events: CorporateEvents,
    *,
    limit: float,
    source: str,
) -> None:
    """Raise DataError for the first open that lies further than ``limit`` from what the close before and events say.

    ``daily`` has the raw open and close of daily bars, ``sessions`` those of a run's own bars, both by ascending days;
    a session is compared with the daily close before it, or where there is none with the session before. A move is
    the larger price over the smaller one, less one: 6 where a split of seven for one is not told. ``source`` names
    where events come from.
    """
    for night in (*_nights(daily, daily), *_nights(sessions, {**sessions, **daily})):
        splits = [each.factor for each in events.splits if night.before < each.day <= night.day]
        paid = sum(each.amount for each in events.dividends if night.before < each.ex_date <= night.day)
        expected = night.close * math.prod(splits) - paid
        if min(night.open, expected) <= 0.0:
            continue
        move = max(night.open / expected, expected / night.open) - 1.0
        if move > limit:
            raise DataError(
                f"{ticker} closed at {night.close:g} on {night.before} and opened at {night.open:g} on {night.day}, "
                f"which no split or dividend of {source} explains; put the file right, or where prices did move so "
                f"add --set max-unexplained-move={math.ceil(move)}"
            )


def _nights(opens: Mapping[dt.date, OpenClose], closes: Mapping[dt.date, OpenClose]) -> Iterator[_Night]:
    """Each open with the last close before it, where that is near."""
    days = sorted(closes)
    before = dict(zip(days[1:], days, strict=False))
    for day, (open_, _) in opens.items():
        last = before.get(day)
        if last is not None and day - last <= _LONGEST_NIGHT:
            yield _Night(last, closes[last][1], day, open_)
