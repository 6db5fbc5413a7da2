"""Hourly bars of an equity wherever a data folder has any: from files of hours, else from files of minutes."""

from datetime import date

import numpy as np

from alo_lib.market.bars import BAR_DTYPES, Bars, session_days
from alo_lib.market.folder import DataFolder
from alo_lib.market.layout import DataKind, Resolution
from alo_lib.records import HOUR

__all__ = ["by_the_hour", "hourly_bars"]


def hourly_bars(folder: DataFolder, ticker: str, start: date, end: date) -> Bars:
    """Split-adjusted hourly trade bars, dtype TRADE_BAR, in time order; none on days without a file.

    Minutes count on days that no file of hours has; they are summed by the clock, as LEAN's hours are, so that days of
    either kind are measured alike.
    """
    hours = _read(folder, ticker, start, end, Resolution.HOUR)
    minutes = _read(folder, ticker, start, end, Resolution.MINUTE)
    of_minutes = by_the_hour(minutes[~np.isin(session_days(minutes), np.unique(session_days(hours)))])
    both: Bars = np.concatenate([hours, of_minutes])
    both.sort(order="time", kind="stable")
    return both


def by_the_hour(minutes: Bars) -> Bars:
    """Bars (n,) of a minute each, in time order, summed by the hour of the clock that they end in."""
    # A bar that ends on the hour is its hour's last; New York is whole hours from UTC.
    hour = (minutes["time"] - 1) // HOUR
    first = np.flatnonzero(np.append(True, hour[1:] != hour[:-1])[: len(minutes)])
    if not len(first):
        return minutes
    bars: Bars = minutes[np.append(first[1:], len(minutes)) - 1]
    bars["open"] = minutes["open"][first]
    bars["high"] = np.maximum.reduceat(minutes["high"], first)
    bars["low"] = np.minimum.reduceat(minutes["low"], first)
    bars["volume"] = np.add.reduceat(minutes["volume"], first)
    return bars


def _read(folder: DataFolder, ticker: str, start: date, end: date, resolution: Resolution) -> Bars:
    spans = folder.spans_with_bars(ticker, start, end, resolution)
    none = np.zeros(0, BAR_DTYPES[DataKind.TRADE])
    return np.concatenate([none, *(folder.split_adjusted_bars(ticker, *span, resolution) for span in spans)])
