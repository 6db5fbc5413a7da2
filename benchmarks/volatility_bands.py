"""How often the 90 % bands hold on made-up markets, a day to a year ahead: GJR-GARCH with t shocks, and two regimes.

Bands are the hybrid's, with regimes given and without, and each model's own.

A forecast is made after 1,250 days of each market, as the strategy makes it, and of half as many after 2,500, as the
command does; 200 futures of each go on from its true state. Days are Brownian within the session, with three tenths of
the variance at night, so that ranges are what a path of 78 steps has.
"""

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.records import TRADING_DAYS
from alo_lib.volatility import (
    DailyHistory,
    GjrGarch,
    HarModel,
    HybridForecast,
    ObservationError,
    RegimeModel,
    RegimesNow,
    range_variance,
)
from alo_lib.volatility.ranges import MEMORY
from alo_lib.volatility.registry import AnyModel
from alo_lib.volatility.variance_distribution import PROXIES, Proxy
from benchmarks.harness import Row

__all__ = ["judge_bands"]

Array = NDArray[np.float64]
Draws = tuple[Array, Array]
"""Days (paths, n, 4) of open, high, low and close in logarithms from the close before, and the states after."""

_DAYS: Final = (1, 5, 21, 63, 126, 252)
_FUTURES = 200
_PASTS: Final = {1250: 1.0, 2500: 0.5}
"""Days of the past, and the share of markets that have so many."""
_NIGHT, _STEPS = 0.3, 78
_HOLDS: Final = (88.0, 92.0)
_GIVEN, _WITHOUT = "", ", without regimes"
_ALONE: Final = {name: f", of {name} alone" for name in (GjrGarch.name, HarModel.name, RegimeModel.name)}
_OWN_MARKET: Final = {"GJR-GARCH, t": GjrGarch.name}
"""Whose process a market is; all others are of regimes."""


def _brownian_days(count: int = 20_000) -> Array:
    generator = np.random.default_rng(0)
    night = math.sqrt(_NIGHT) * generator.standard_normal(count)
    steps = generator.standard_normal((count, _STEPS)) * math.sqrt((1.0 - _NIGHT) / _STEPS)
    path = np.cumsum(steps, axis=1)
    high, low = np.maximum(path.max(axis=1), 0.0), np.minimum(path.min(axis=1), 0.0)
    return np.stack([night, night + high, night + low, night + path[:, -1]], axis=1)


_UNIT: Final = _brownian_days()
"""Days of variance one."""


def _days(generator: np.random.Generator, variance: Array) -> Array:
    return np.asarray(_UNIT[generator.integers(0, len(_UNIT), variance.size)] * np.sqrt(variance)[:, None])


def _garch(generator: np.random.Generator, paths: int, count: int, begin: float | None) -> Draws:
    alpha, gamma, beta, nu = 0.02, 0.10, 0.90, 8.0
    omega = 1e-4 * (1.0 - alpha - 0.5 * gamma - beta)
    variance = np.full(paths, 1e-4 if begin is None else begin)
    days = np.empty((paths, count, 4))
    for t in range(count):
        days[:, t] = _days(generator, variance * (nu - 2.0) / generator.chisquare(nu, paths))
        close = days[:, t, 3]
        variance = omega + np.where(close < 0.0, alpha + gamma, alpha) * np.square(close) + beta * variance
    return days, variance


@dataclass(frozen=True)
class _TwoRegimes:
    stay: tuple[float, float]
    deviation: tuple[float, float]

    def __call__(self, generator: np.random.Generator, paths: int, count: int, begin: float | None) -> Draws:
        regime = np.full(paths, 0 if begin is None else int(begin))
        days = np.empty((paths, count, 4))
        for t in range(count):
            regime = np.where(generator.random(paths) < np.array(self.stay)[regime], regime, 1 - regime)
            days[:, t] = _days(generator, np.square(self.deviation)[regime])
        return days, regime.astype(np.float64)


_MARKETS: Final[dict[str, Callable[[np.random.Generator, int, int, float | None], Draws]]] = {
    "GJR-GARCH, t": _garch,
    "regimes of 100 and 33 days": _TwoRegimes((0.99, 0.97), (0.0075, 0.02)),
    "regimes of 200 and 100 days": _TwoRegimes((0.995, 0.99), (0.0075, 0.018)),
}


def _prices(first: float, days: Array) -> Array:
    """Bars (n, 4) from logarithmic days (n, 4), the close before the first at ``first``."""
    closes = math.log(first) + np.cumsum(days[:, 3])
    before = np.append(math.log(first), closes[:-1])
    o, h, lo, c = np.exp(np.stack([*(before + days[:, column] for column in range(3)), closes]))
    return np.stack([o, np.maximum(h, np.maximum(o, c)), np.minimum(lo, np.minimum(o, c)), c], axis=1)


def _held(market: str, seed: int, past: int) -> dict[tuple[Proxy, str], list[float]]:
    """Shares of futures inside the band by proxy and by whose it is, one a horizon."""
    draw = _MARKETS[market]
    generator = np.random.default_rng([seed, 21, past])
    days_past, after = draw(generator, 1, past + 1, None)
    bars = _prices(100.0, days_past[0])
    history = DailyHistory.from_bars(*bars.T)
    hybrid, regimes = HybridForecast.fit(history), RegimeModel.fit(history)
    state, now = hybrid.filter(history).state, RegimesNow(regimes, regimes.filter(history).state)
    futures, _ = draw(generator, _FUTURES, _DAYS[-1], float(after[0]))
    recent = bars[-MEMORY - 2 :]
    ranges = [
        range_variance(*np.vstack([recent, _prices(float(bars[-1, 3]), days)]).T)[-_DAYS[-1] :] for days in futures
    ]
    came: dict[Proxy, Array] = {
        "returns": np.square(futures[:, :, 3]),
        "range": hybrid.range_scale * np.stack(ranges),
    }
    bands: dict[str, Callable[[float, Proxy], tuple[float, float]]] = {
        _GIVEN: lambda days, proxy: hybrid.forecast_band(state, days, proxy=proxy, regimes=now),
        _WITHOUT: lambda days, proxy: hybrid.forecast_band(state, days, proxy=proxy),
    }
    for model in (hybrid.parts[GjrGarch.name], hybrid.parts[HarModel.name], regimes):
        own = model.filter(history).state
        bands[_ALONE[model.name]] = partial(_band_of, model, own)
    held: dict[tuple[Proxy, str], list[float]] = {}
    for proxy, (whose, band), days in itertools.product(PROXIES, bands.items(), _DAYS):
        low, high = band(float(days), proxy)
        volatility = np.sqrt(TRADING_DAYS * came[proxy][:, :days].mean(axis=1))
        held.setdefault((proxy, whose), []).append(float(np.mean((low <= volatility) & (volatility <= high))))
    return held


def _band_of(model: AnyModel, state: Any, days: float, proxy: Proxy) -> tuple[float, float]:
    return model.forecast_band(state, days, proxy=proxy)


def judge_bands(markets: int) -> Iterator[Row]:
    """Coverage on so many markets of each kind; it holds from 88 to 92 %, give or take two of its standard errors.

    That is wanted where regimes are given, and of a model alone on a market of its own kind: without regimes a band
    knows none that last for months.
    """
    for (past, share), name in itertools.product(_PASTS.items(), _MARKETS):
        held = []
        for seed in range(math.ceil(share * markets)):
            try:
                held.append(_held(name, seed, past))
            except ObservationError:  # a made-up return that no model bears
                continue
        wanted = (_GIVEN, _ALONE[_OWN_MARKET.get(name, RegimeModel.name)])
        for proxy, whose in itertools.product(PROXIES, (_GIVEN, _WITHOUT, *_ALONE.values())):
            shares = 100.0 * np.array([one[proxy, whose] for one in held])
            for days, column in zip(_DAYS, shares.T, strict=True):
                mean, error = float(np.mean(column)), float(np.std(column)) / math.sqrt(len(column))
                met = _HOLDS[0] - 2.0 * error <= mean <= _HOLDS[1] + 2.0 * error
                what = f"{name}, {past:,} days: {'close-to-close' if proxy == 'returns' else 'range'} volatility over"
                what += f" {days} d inside the band{whose}"
                judged = whose in wanted
                yield Row(what, mean, "%", None, "88 to 92" if judged else "", met if judged else None)
                yield Row(f"{what}: standard error of that", error, "%")
