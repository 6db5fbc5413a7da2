"""When a structure of two expiries ends by itself: the spot has left its strike, and its vega with it."""

import math
from collections.abc import Sequence
from typing import Final

from alo_lib.records import years_between
from alo_lib.settings import Settings
from alo_lib.strategy.book import MarketBook

__all__ = ["has_left_the_strike"]

_BEYOND_ENTRY: Final = 2.0
"""Of ``max_moneyness``, within which the legs of a calendar lie as it is opened."""


def has_left_the_strike(
    book: MarketBook, legs: Sequence[int], volatility: float, settings: Settings, time: int
) -> bool:
    """Whether the spot is further from the first leg's strike than twice ``max_moneyness``.

    In standard deviations to that leg's expiry, at the forecast ``volatility``; False where that is NaN.
    """
    near = book.contracts[book.row(legs[0])]
    years = max(float(years_between(time, near["expiry"])), 0.0)
    distance = abs(math.log(float(near["strike"]) / book.spot))
    return distance > _BEYOND_ENTRY * settings.max_moneyness * volatility * math.sqrt(years)
