"""Price paths: the minutes of a session whose variance is given, and the bars and quotes of the stock."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.market.bars import QUOTE_BAR, TRADE_BAR, Bars
from alo_lib.records.units import CENT

__all__ = ["STEPS_PER_MINUTE", "DayPath", "daily_bar", "equity_quotes", "minute_bars", "walk_day"]

Array = NDArray[np.float64]

STEPS_PER_MINUTE: Final = 4
_TICK: Final = float(CENT)


@dataclass(frozen=True)
class DayPath:
    """One session's logarithms of price over the close before, carry aside: a martingale on every step.

    ``opening`` is that of the first trade, ``logs`` (minutes, STEPS_PER_MINUTE) those after it. At the end of each
    minute ``shock`` (minutes,) is how far the day's normal move has come, and ``left`` the variance still to come.
    """

    opening: float
    logs: Array
    shock: Array
    left: Array


def _activity(minutes: int) -> Array:
    """Each minute's share of a session's variance and volume: busy at the open, and again at the close."""
    at = (np.arange(minutes) + 0.5) / minutes
    weights = 0.6 + 1.8 * np.exp(-at / 0.08) + 1.0 * np.exp((at - 1.0) / 0.05)
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def walk_day(variance: float, overnight: float, minutes: int, normals: Array) -> DayPath:
    """A Brownian path of the day's ``variance``, the share ``overnight`` of it before the open.

    ``normals`` (1 + minutes STEPS_PER_MINUTE,) are standard; the first is the night's.
    """
    share = np.repeat(_activity(minutes) / STEPS_PER_MINUTE, STEPS_PER_MINUTE)
    variances = variance * np.concatenate([[overnight], (1.0 - overnight) * share])
    shocks = np.cumsum(np.sqrt(variances) * normals)
    passed = np.cumsum(variances)
    logs = shocks - 0.5 * passed
    ends = slice(STEPS_PER_MINUTE, None, STEPS_PER_MINUTE)
    left = variance - passed[ends]
    left[-1] = 0.0
    return DayPath(float(logs[0]), logs[1:].reshape(minutes, STEPS_PER_MINUTE), shocks[ends], np.maximum(left, 0.0))


def minute_bars(opening: float, prices: Array, time: int, mean_volume: float, generator: np.random.Generator) -> Bars:
    """The session's trade bars in whole cents, from its open at ``time`` (ns UTC); volumes sum to about the mean.

    ``prices`` (minutes, STEPS_PER_MINUTE) follow the first, ``opening``.
    """
    minutes = len(prices)
    bars = np.zeros(minutes, TRADE_BAR)
    cents = np.rint(prices / _TICK) * _TICK
    first = np.concatenate([[round(opening / _TICK) * _TICK], cents[:-1, -1]])
    bars["time"] = time + (np.arange(minutes) + 1) * 60_000_000_000
    bars["open"] = first
    bars["close"] = cents[:, -1]
    bars["high"] = np.maximum(first, cents.max(axis=1))
    bars["low"] = np.minimum(first, cents.min(axis=1))
    bars["volume"] = np.maximum(mean_volume * _activity(minutes) * generator.lognormal(-0.08, 0.4, minutes), 1.0)
    return bars


def daily_bar(bars: Bars) -> tuple[float, float, float, float, int]:
    """Open, high, low, close and volume of a session's minute bars."""
    return (
        float(bars["open"][0]),
        float(bars["high"].max()),
        float(bars["low"].min()),
        float(bars["close"][-1]),
        int(bars["volume"].sum()),
    )


def equity_quotes(bars: Bars, generator: np.random.Generator) -> Bars:
    """Quote bars around trade bars: one or two cents wide, in round lots."""
    quotes = np.zeros(len(bars), QUOTE_BAR)
    quotes["time"] = bars["time"]
    below = _TICK * generator.integers(0, 2, len(bars))
    for name in ("open", "high", "low", "close"):
        quotes[f"bid_{name}"] = bars[name] - below
        quotes[f"ask_{name}"] = bars[name] + _TICK
    for side in ("bid", "ask"):
        quotes[f"{side}_size"] = 100 * generator.integers(1, 30, len(bars))
    return quotes
