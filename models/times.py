"""LEAN's times, naive and in the exchange's zone or UTC, and nanoseconds since the epoch."""

import datetime as dt
from typing import Final
from zoneinfo import ZoneInfo

from AlgorithmImports import SecurityExchangeHours

from alo_lib.records import MICROSECOND

__all__ = ["nanoseconds_of_ticks", "utc_datetime", "utc_nanoseconds", "utc_of"]

_EPOCH: Final = dt.datetime(1970, 1, 1)
_EPOCH_TICKS: Final = (_EPOCH - dt.datetime(1, 1, 1)) // dt.timedelta(microseconds=1) * 10


def utc_nanoseconds(time: dt.datetime) -> int:
    """Nanoseconds since the epoch of a UTC time, exact to its microseconds; LEAN gives some of them a zone."""
    return (time.replace(tzinfo=None) - _EPOCH) // dt.timedelta(microseconds=1) * MICROSECOND


def nanoseconds_of_ticks(ticks: int) -> int:
    """Nanoseconds since the epoch of a UTC time as .NET counts it; to the microsecond, as :func:`utc_nanoseconds`."""
    return (ticks - _EPOCH_TICKS) // 10 * MICROSECOND


def utc_datetime(time: int) -> dt.datetime:
    """The naive UTC time of nanoseconds since the epoch, exact to microseconds."""
    return _EPOCH + dt.timedelta(microseconds=time // MICROSECOND)


def utc_of(hours: SecurityExchangeHours, local: dt.datetime) -> int:
    """Nanoseconds since the epoch of an exchange's naive local time."""
    zone = ZoneInfo(str(hours.time_zone.id))
    return utc_nanoseconds(local.replace(tzinfo=zone).astimezone(dt.UTC))
