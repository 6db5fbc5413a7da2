"""The hours of the American stock exchanges by rule, for markets made without a market-hours database."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from alo_lib.market.calendar import HoursSegment, MarketHours
from alo_lib.records import NEW_YORK
from alo_lib.records.exchange_holidays import EARLY_CLOSE, early_closes, holidays

__all__ = ["equity_hours", "expiry_of_week", "index_hours", "option_hours"]

_OPEN: Final = timedelta(hours=9, minutes=30)
_CLOSE: Final = timedelta(hours=16)
_CHICAGO: Final = ZoneInfo("America/Chicago")
_FRIDAY: Final = 4


def _hours(
    first_year: int, last_year: int, zone: ZoneInfo, segments: tuple[HoursSegment, ...], early: Iterable[date] = ()
) -> MarketHours:
    years = range(first_year, last_year + 1)
    closes = {day: time for year in years for day, time in early_closes(year).items()} | dict.fromkeys(
        early, EARLY_CLOSE
    )
    shift = timedelta(hours=1) if zone is _CHICAGO else timedelta(0)
    return MarketHours(
        exchange_zone=zone,
        data_zone=zone,
        week=(segments,) * 5 + ((), ()),
        holidays=frozenset(day for year in years for day in holidays(year)),
        early_closes={day: time - shift for day, time in closes.items()},
    )


def equity_hours(first_year: int, last_year: int, early: Iterable[date] = ()) -> MarketHours:
    """The hours of American equities, with holidays of these years; the days ``early`` end at 13:00 besides."""
    premarket = HoursSegment(timedelta(hours=4), _OPEN, "premarket")
    postmarket = HoursSegment(_CLOSE, timedelta(hours=20), "postmarket")
    return _hours(first_year, last_year, NEW_YORK, (premarket, HoursSegment(_OPEN, _CLOSE), postmarket), early)


def option_hours(first_year: int, last_year: int, early: Iterable[date] = ()) -> MarketHours:
    """The hours of American equity options: the regular session; ``early`` as for equities."""
    return _hours(first_year, last_year, NEW_YORK, (HoursSegment(_OPEN, _CLOSE),), early)


def index_hours(first_year: int, last_year: int) -> MarketHours:
    """The hours of American indices and their options, in Chicago's time."""
    session = HoursSegment(timedelta(hours=8, minutes=30), timedelta(hours=15, minutes=15))
    return _hours(first_year, last_year, _CHICAGO, (session,))


def expiry_of_week(day: date, hours: MarketHours) -> date:
    """When the options of ``day``'s week expire: on its Friday, or the last trading day before a Friday holiday."""
    friday = day + timedelta(days=_FRIDAY - day.weekday())
    return friday if hours.is_trading_day(friday) else hours.previous_trading_day(friday)
