"""Price paths: daily returns from the true GJR-GARCH process, and minutes between the closes they fix."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.market.bars import QUOTE_BAR, TRADE_BAR, Bars
from alo_lib.records.units import CENT

__all__ = ["DayPath", "daily_bar", "equity_quotes", "minute_bars", "walk_day"]

Array = NDArray[np.float64]

STEPS_PER_MINUTE: Final = 4
_OVERNIGHT: Final = 0.25  # of a day's variance
_TICK: Final = float(CENT)


@dataclass(frozen=True)
class DayPath:
    """One session. ``prices`` (minutes, STEPS_PER_MINUTE) raw; ``opening`` the first trade's price."""

    opening: float
    prices: Array


def _activity(minutes: int) -> Array:
    """Each minute's share of a session's variance and volume: busy at the open, and again at the close."""
    at = (np.arange(minutes) + 0.5) / minutes
    weights = 0.6 + 1.8 * np.exp(-at / 0.08) + 1.0 * np.exp((at - 1.0) / 0.05)
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def walk_day(
    start: float, daily_return: float, variance: float, minutes: int, generator: np.random.Generator
) -> DayPath:
    """A session from ``start`` (the last close less a dividend) to exactly ``start * exp(daily_return)``.

    A Brownian bridge: ``variance`` is the day's, a quarter of it overnight, the rest spread by the hour of the day.
    """
    steps = minutes * STEPS_PER_MINUTE
    spread = np.sqrt(_OVERNIGHT * (1.0 - _OVERNIGHT) * variance)
    overnight = _OVERNIGHT * daily_return + spread * generator.standard_normal()
    share = np.repeat(_activity(minutes) / STEPS_PER_MINUTE, STEPS_PER_MINUTE)
    free = np.cumsum(np.sqrt((1.0 - _OVERNIGHT) * variance * share) * generator.standard_normal(steps))
    elapsed = np.cumsum(share)
    bridge = free - elapsed * (free[-1] - (daily_return - overnight))
    prices = start * np.exp(overnight + bridge)
    return DayPath(start * float(np.exp(overnight)), prices.reshape(minutes, STEPS_PER_MINUTE))


def minute_bars(path: DayPath, opening: int, mean_volume: float, generator: np.random.Generator) -> Bars:
    """The session's trade bars in whole cents, from its ``opening`` (ns UTC); volumes sum to about the mean."""
    minutes = len(path.prices)
    bars = np.zeros(minutes, TRADE_BAR)
    cents = np.rint(path.prices / _TICK) * _TICK
    first = np.concatenate([[round(path.opening / _TICK) * _TICK], cents[:-1, -1]])
    bars["time"] = opening + (np.arange(minutes) + 1) * 60_000_000_000
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
