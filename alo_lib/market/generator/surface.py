"""What options cost in a made-up market: implied volatilities that wander around the true one, and quotes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.market.bars import QUOTE_BAR, Bars
from alo_lib.pricing import price
from alo_lib.records import MINUTE, TRADING_DAYS, YEAR
from alo_lib.volatility import GjrGarch, GjrState

__all__ = ["Mispricing", "Smile", "expected_volatility", "fair_values", "option_quotes", "smile_volatility"]

Array = NDArray[np.float64]

_STEPS_PER_DAY: Final = 78
_SMALLEST_TIME: Final = MINUTE / YEAR  # a minute, in years
_LOWEST_VOLATILITY: Final = 0.05
_NICKEL_FROM: Final = 3.0  # options above tick in nickels, below in cents
_HALF_SPREAD_VOLATILITY: Final = 0.003
_HALF_SPREAD_FIXED: Final = 0.004
_HALF_SPREAD_SHARE: Final = 0.002
_EXPIRY_DAMPING: Final = 0.75  # years over which a mispricing of the level fades along the term structure
_CURVATURE: Final = 0.015
_WINGS: Final = 3.0  # standard deviations beyond which the smile is flat


@dataclass(frozen=True)
class _Reversion:
    """A mean-reverting series in units of days: stationary mean and deviation, and half-life."""

    mean: float
    deviation: float
    half_life: float

    def start(self, shape: tuple[int, ...], generator: np.random.Generator) -> Array:
        return np.asarray(self.mean + self.deviation * generator.standard_normal(shape))

    def walk(self, state: Array, steps: int, generator: np.random.Generator) -> Array:
        """The next ``steps`` states, shape (steps, *state.shape)."""
        keep = 0.5 ** (1.0 / (self.half_life * _STEPS_PER_DAY))
        shocks = self.deviation * np.sqrt(1.0 - keep * keep) * generator.standard_normal((steps, *state.shape))
        path = np.empty_like(shocks)
        for step in range(steps):
            path[step] = state = self.mean + keep * (state - self.mean) + shocks[step]
        return np.asarray(path, dtype=np.float64)


@dataclass(frozen=True)
class Smile:
    """The state of the surface at each of some times: log ratio of implied to true level by expiry, and the skew.

    ``level`` (times, expiries), ``skew`` (times,).
    """

    level: Array
    skew: Array


class Mispricing:
    """How far the market's volatility is from the true one: a level for all expiries, one an expiry, and a skew.

    The level's mean is a few percent above the truth, as sellers of options want to be paid.
    """

    LEVEL = _Reversion(mean=0.04, deviation=0.12, half_life=5.0)
    EXPIRY = _Reversion(mean=0.0, deviation=0.04, half_life=2.0)
    SKEW = _Reversion(mean=-0.07, deviation=0.015, half_life=5.0)

    def __init__(self, generator: np.random.Generator) -> None:
        self._generator = generator
        self._level = self.LEVEL.start((), generator)
        self._skew = self.SKEW.start((), generator)
        self._expiries: dict[date, Array] = {}

    def walk(self, expiries: Sequence[date], times: Array, steps: int) -> Smile:
        """The next ``steps`` states for ``expiries``, whose times to expiry are ``times`` (expiries,), in years."""
        for expiry in expiries:
            if expiry not in self._expiries:
                self._expiries[expiry] = self.EXPIRY.start((), self._generator)
        state = np.array([self._expiries[expiry] for expiry in expiries])
        level = self.LEVEL.walk(self._level, steps, self._generator)
        own = self.EXPIRY.walk(state, steps, self._generator)
        skew = self.SKEW.walk(self._skew, steps, self._generator)
        self._level, self._skew = level[-1], skew[-1]
        self._expiries = dict(zip(expiries, own[-1], strict=True))
        return Smile(level[:, None] * np.exp(-times / _EXPIRY_DAMPING) + own, skew)


def expected_volatility(model: GjrGarch, today: float, returns: Array, elapsed: Array, days_after: Array) -> Array:
    """The mean of the true annual volatility until each expiry, shape (times, expiries): what an option is worth.

    ``today`` is the variance of the running day; at each of some times ``elapsed`` (times,) of it is over and has
    brought the logarithmic ``returns`` (times,). ``days_after`` (expiries,) trading days follow it until expiry.
    """
    p = model.parameters
    residual = returns - p.mu
    shock = residual * residual + (1.0 - elapsed) * today
    tomorrow = p.omega + np.where(residual < 0.0, p.alpha + p.gamma, p.alpha) * shock + p.beta * today
    later = days_after > 0.0
    rest = 1.0 - elapsed
    total = np.repeat((TRADING_DAYS * rest * today)[:, None], len(days_after), axis=1)
    for at, variance in enumerate(tomorrow.tolist()):
        forecast = model.expected_volatility(GjrState(variance, 0.0, 1), days_after[later])
        total[at, later] += days_after[later] * forecast**2
    horizon = rest[:, None] + days_after
    # At the very end nothing is left to expect; the day's own volatility stands in for it.
    ended = horizon <= 0.0
    return np.asarray(np.sqrt(np.where(ended, TRADING_DAYS * today, total / np.where(ended, 1.0, horizon))))


def smile_volatility(at_the_money: Array, skew: Array, log_moneyness: Array, time: Array) -> Array:
    """Implied volatility by standardized log-moneyness ln(K / F), all arguments broadcast."""
    deviations = log_moneyness / (at_the_money * np.sqrt(np.maximum(time, _SMALLEST_TIME)))
    z = np.clip(deviations, -_WINGS, _WINGS)
    return np.asarray(np.maximum(at_the_money * (1.0 + skew * z + _CURVATURE * z * z), _LOWEST_VOLATILITY))


def fair_values(
    spot: Array, dividends: Array, strike: Array, rate: float, volatility: Array, time: Array, right: Array
) -> Array:
    """American prices where ``dividends``, the present value of what is paid until expiry, are set aside from ``spot``.

    All arguments broadcast. Not below what exercise at once would bring.
    """
    value = price(spot - dividends, strike, rate, 0.0, volatility, time, right, scheme="fast")
    return np.asarray(np.maximum(value, right * (spot - strike)))


def option_quotes(fair: Array, vega: Array, ends: NDArray[np.int64], generator: np.random.Generator) -> Bars:
    """Quote bars about ``fair`` prices at ``ends`` (times,): shape (times, contracts), as ``fair`` and ``vega``.

    A bid below one tick is missing. Each bar opens at the quote before it.
    """
    half = _HALF_SPREAD_FIXED + _HALF_SPREAD_VOLATILITY * vega + _HALF_SPREAD_SHARE * fair
    cents = np.where(fair >= _NICKEL_FROM, 5.0, 1.0)
    quotes = np.zeros(fair.shape, QUOTE_BAR)
    quotes["time"] = ends[:, None]
    for side, close in (
        ("bid", np.floor((fair - half) * 100.0 / cents) * cents / 100.0),
        ("ask", np.ceil((fair + half) * 100.0 / cents) * cents / 100.0),
    ):
        close = np.where(close >= 0.01, close, np.nan)
        before = np.concatenate([close[:1], close[:-1]])
        before = np.where(np.isnan(before) | np.isnan(close), close, before)
        quotes[f"{side}_open"], quotes[f"{side}_close"] = before, close
        quotes[f"{side}_high"], quotes[f"{side}_low"] = np.maximum(before, close), np.minimum(before, close)
        sizes = np.minimum(1.0 + generator.lognormal(3.2, 0.8, fair.shape), 2000.0).astype(np.int64)
        quotes[f"{side}_size"] = np.where(np.isnan(close), 0, sizes)
    return quotes
