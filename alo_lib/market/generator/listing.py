"""When a made-up stock pays dividends, and which of its options are listed."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Final

from alo_lib.market.calendar import MarketHours
from alo_lib.market.generator.exchange import expiry_of_week
from alo_lib.market.generator.truth import Listing
from alo_lib.records import DAYS_A_YEAR

__all__ = ["LONGEST_OPTION", "ListedStrikes", "dividend_days", "listed_expiries"]

_QUARTER: Final = timedelta(days=91)
_FIRST_EX_DATE: Final = timedelta(days=9)  # after the first day, so that a default market has one
LONGEST_OPTION: Final = timedelta(days=130)
"""From the day that an expiry is listed to it, at most."""
_STRIKE_DIGITS: Final = 2
_NEAR: Final = 45  # days to expiry below which strikes are listed closely
_STRIKE_STEPS: Final = (0.5, 1.0, 2.5, 5.0, 10.0, 25.0)
_STEP_SHARE: Final = 0.025  # of the spot, at most, between near strikes
_BAND_DEVIATIONS: Final = 2.5
_NARROWEST, _WIDEST = 0.06, 0.28


def dividend_days(start: date, first: date, last: date, hours: MarketHours) -> list[date]:
    """The ex-dates from ``first`` to ``last``, a quarter apart, one of them soon after ``start``."""
    anchor = start + _FIRST_EX_DATE
    quarters = range((first - anchor) // _QUARTER, (last - anchor) // _QUARTER + 1)
    days = [hours.next_trading_day(anchor + n * _QUARTER - timedelta(days=1)) for n in quarters]
    return [day for day in days if first <= day <= last]


def listed_expiries(day: date, hours: MarketHours, listing: Listing) -> list[date]:
    """The expiries listed at the end of ``day``: the next weeks', and the third Fridays' of the next months."""
    weeks = [expiry_of_week(day + timedelta(days=7 * n), hours) for n in range(listing.weeklies + 1)]
    months = [divmod(day.year * 12 + day.month - 1 + n, 12) for n in range(listing.monthlies)]
    fifteenths = [date(year, month + 1, 15) for year, month in months]  # the earliest a third Friday can be
    thirds = [expiry_of_week(first + timedelta(days=(4 - first.weekday()) % 7), hours) for first in fifteenths]
    return sorted({expiry for expiry in weeks + thirds if day < expiry <= day + LONGEST_OPTION})


class ListedStrikes:
    """The strikes of each expiry. What was listed once stays listed until it expires."""

    def __init__(self, volatility: float, hours: MarketHours, listing: Listing) -> None:
        self._volatility = volatility
        self._hours = hours
        self._listing = listing
        self._strikes: dict[date, set[float]] = {}

    def update(self, day: date, close: float) -> None:
        """List what is missing around ``close`` at the end of ``day``, and drop what has expired."""
        expiries = listed_expiries(day, self._hours, self._listing)
        kept = {expiry: strikes for expiry, strikes in self._strikes.items() if expiry > day}
        self._strikes = {expiry: kept.get(expiry, set()) for expiry in sorted({*kept, *expiries})}
        for expiry in expiries:
            self._strikes[expiry].update(self._around(close, (expiry - day).days))

    def _around(self, close: float, days: int) -> Sequence[float]:
        near, far = max(
            (pair for pair in pairwise(_STRIKE_STEPS) if pair[0] <= _STEP_SHARE * close), default=_STRIKE_STEPS[:2]
        )
        step = near if days <= _NEAR else far
        band = min(max(_BAND_DEVIATIONS * self._volatility * (days / DAYS_A_YEAR) ** 0.5, _NARROWEST), _WIDEST)
        lowest, highest = close * (1.0 - band), close * (1.0 + band)
        strikes = [step * n for n in range(max(int(lowest / step), 1), int(highest / step) + 2)]
        return sorted(strikes, key=lambda strike: abs(strike - close))[: self._listing.strikes]

    def split(self, ratio: float) -> None:
        """Divide all strikes, as the clearing house adjusts them when each share becomes ``ratio`` shares."""
        self._strikes = {
            expiry: {round(strike / ratio, _STRIKE_DIGITS) for strike in strikes}
            for expiry, strikes in self._strikes.items()
        }

    def contracts(self) -> list[tuple[date, float]]:
        """The (expiry, strike) pairs that are listed, in order; each has a call and a put."""
        return [(expiry, strike) for expiry, strikes in self._strikes.items() for strike in sorted(strikes)]
