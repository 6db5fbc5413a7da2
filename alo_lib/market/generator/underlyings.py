"""What a made-up underlying is: its price, its true volatility, its dividends, and how its options are listed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Final

from alo_lib.market.calendar import MarketHours
from alo_lib.market.generator.exchange import expiry_of_week
from alo_lib.records import DAYS_A_YEAR, TRADING_DAYS
from alo_lib.records.spelling import check_ticker
from alo_lib.volatility import GjrParameters

__all__ = ["UNDERLYINGS", "ListedStrikes", "MarketUnderlying", "dividend_days", "listed_expiries"]

_QUARTER: Final = timedelta(days=91)
_FIRST_EX_DATE: Final = timedelta(days=9)  # after the first day, so that a default market has one
_WEEKLIES: Final = 6
_MONTHLIES: Final = 5
_LONGEST: Final = timedelta(days=130)
_NEAR: Final = 45  # days to expiry below which strikes are listed closely
_STRIKE_STEPS: Final = (0.5, 1.0, 2.5, 5.0, 10.0, 25.0)
_STEP_SHARE: Final = 0.025  # of the spot, at most, between near strikes
_BAND_DEVIATIONS: Final = 2.5
_NARROWEST, _WIDEST = 0.06, 0.28


@dataclass(frozen=True)
class MarketUnderlying:
    """A stock that pays ``dividend`` a share each quarter; ``volatility`` is the true process of its daily returns."""

    ticker: str
    first_close: float
    volatility: GjrParameters
    dividend: float = 0.0

    def __post_init__(self) -> None:
        check_ticker(self.ticker)
        if not self.first_close > 1.0 or not 0.0 <= self.dividend < 0.05 * self.first_close:
            raise ValueError(
                f"{self.ticker}: first close {self.first_close} must be above 1, and the dividend {self.dividend} "
                "not negative and below a twentieth of it"
            )


def _gjr(volatility: float, alpha: float, gamma: float, beta: float) -> GjrParameters:
    """Parameters with this long-run annual volatility, fat tails and a small drift."""
    variance = volatility**2 / TRADING_DAYS
    nu = 8.0
    omega = variance * (1.0 - alpha - 0.5 * gamma - beta)
    return GjrParameters(omega=omega, alpha=alpha, gamma=gamma, beta=beta, backcast=variance, mu=0.0003, nu=nu)


UNDERLYINGS: Final = (
    MarketUnderlying("ALFA", 140.0, _gjr(0.24, 0.03, 0.10, 0.88), dividend=0.72),
    MarketUnderlying("BRVO", 75.0, _gjr(0.36, 0.05, 0.08, 0.86)),
)
"""Two fictional stocks: one that pays dividends, and a more volatile one that pays none."""


def dividend_days(underlying: MarketUnderlying, start: date, first: date, last: date, hours: MarketHours) -> list[date]:
    """The ex-dates from ``first`` to ``last``, a quarter apart, one of them soon after ``start``."""
    if underlying.dividend == 0.0:
        return []
    anchor = start + _FIRST_EX_DATE
    quarters = range((first - anchor) // _QUARTER, (last - anchor) // _QUARTER + 1)
    days = [hours.next_trading_day(anchor + n * _QUARTER - timedelta(days=1)) for n in quarters]
    return [day for day in days if first <= day <= last]


def listed_expiries(day: date, hours: MarketHours) -> list[date]:
    """The expiries listed at the end of ``day``: the next weeks', and the third Fridays' of the next months."""
    weeks = [expiry_of_week(day + timedelta(days=7 * n), hours) for n in range(_WEEKLIES + 1)]
    months = [divmod(day.year * 12 + day.month - 1 + n, 12) for n in range(_MONTHLIES)]
    fifteenths = [date(year, month + 1, 15) for year, month in months]  # the earliest a third Friday can be
    thirds = [expiry_of_week(first + timedelta(days=(4 - first.weekday()) % 7), hours) for first in fifteenths]
    return sorted({expiry for expiry in weeks + thirds if day < expiry <= day + _LONGEST})


class ListedStrikes:
    """The strikes of each expiry. What was listed once stays listed until it expires."""

    def __init__(self, volatility: float, hours: MarketHours) -> None:
        self._volatility = volatility
        self._hours = hours
        self._strikes: dict[date, set[float]] = {}

    def update(self, day: date, close: float) -> None:
        """List what is missing around ``close`` at the end of ``day``, and drop what has expired."""
        expiries = listed_expiries(day, self._hours)
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
        return [step * n for n in range(max(int(lowest / step), 1), int(highest / step) + 2)]

    def contracts(self) -> list[tuple[date, float]]:
        """The (expiry, strike) pairs that are listed, in order; each has a call and a put."""
        return [(expiry, strike) for expiry, strikes in self._strikes.items() for strike in sorted(strikes)]
