"""A market to learn in: one underlying of known volatility, and options whose implied one wanders about it."""

import datetime as dt
import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.market.generator.surface import option_quotes
from alo_lib.pricing import Chain
from alo_lib.records import (
    DAY,
    HOUR,
    SECOND,
    TRADING_DAYS,
    YEAR,
    Contract,
    InstrumentTable,
    Kind,
    Records,
    Session,
    records,
    years_between,
)
from alo_lib.volatility import GjrGarch, GjrParameters, GjrState, NightState

__all__ = ["EVEN_NIGHTS", "RANGES", "RATE", "TICKER", "TRADING_DAY", "UNDERLYING", "LearningMarket", "MarketTraits"]

Array = NDArray[np.float64]

TRADING_DAY: Final = YEAR // TRADING_DAYS
"""A trading day in ns: they are spread evenly over the year, so that no weekend lies between two of them."""
_MANY: Final = 1e15
EVEN_NIGHTS: Final = NightState(
    days=_MANY,
    sessions=_MANY,
    session_variance=_MANY,
    nights=_MANY,
    night_variance=0.5 * _MANY,
    closed_nights=_MANY,
    closed_variance=0.5 * _MANY,
)
"""What the nights of this market have had: all alike, so that from each day to the next there is one trading day."""
RATE: Final = 0.03
TICKER: Final = "LEARN"
UNDERLYING: Final = 0
"""The instrument number of the underlying."""

RANGES: Final[dict[str, tuple[float, float]]] = {
    "volatility": (0.15, 0.45),
    "alpha": (0.02, 0.07),
    "gamma": (0.02, 0.12),
    "persistence": (0.955, 0.985),
    "degrees_of_freedom": (5.0, 12.0),
    "premium": (0.0, 0.08),
    "deviation": (0.05, 0.15),
    "half_life": (3.0, 10.0),
}
"""From where to where each trait of a market is drawn, evenly."""

_FIRST_TIME: Final = YEAR  # a year after the epoch: no frame of a core lies before that
_FIRST_SPOT: Final = 100.0
_STRIKE_STEP: Final = 2.5
_EXPIRY_STEP: Final = 21  # trading days between two expiries
_OWN_DEVIATION: Final = 0.04
_OWN_HALF_LIFE: Final = 2.0
_DAMPING: Final = 0.75  # years over which the common deviation fades along the term structure
_OPEN_INTEREST: Final = 1000
_HALF_SESSION: Final = 13 * HOUR // 4
_SHARE_HALF_SPREAD: Final = 0.01
_SHARES_SHOWN: Final = 100_000


@dataclass(frozen=True)
class MarketTraits:
    """What a market is like.

    ``volatility`` to ``degrees_of_freedom`` make the GJR-GARCH process of its daily returns (long-run, annualized).
    The logarithm of implied over true volatility reverts to ``premium``, from which it strays by ``deviation``, within
    ``half_life`` trading days.
    """

    volatility: float
    alpha: float
    gamma: float
    persistence: float
    degrees_of_freedom: float
    premium: float
    deviation: float
    half_life: float

    @classmethod
    def draw(cls, generator: np.random.Generator) -> "MarketTraits":
        """One of the markets in :data:`RANGES`."""
        return cls(**{name: float(generator.uniform(low, high)) for name, (low, high) in RANGES.items()})

    @property
    def process(self) -> GjrParameters:
        """The process of daily returns."""
        variance = self.volatility**2 / TRADING_DAYS
        return GjrParameters(
            omega=variance * (1.0 - self.persistence),
            alpha=self.alpha,
            gamma=self.gamma,
            beta=self.persistence - self.alpha - 0.5 * self.gamma,
            backcast=variance,
            nu=self.degrees_of_freedom,
        )


class LearningMarket:
    """One seeded market over ``days`` trading days, with ``history`` daily closes before the first of them.

    Days count from 0; everything is known to be quoted at a day's :meth:`time`. Implied volatility is the mean of the
    true one until expiry, which an option at the money is worth and the strategy forecasts, times the exponential of a
    deviation common to all expiries and one of each; it has no smile. Quotes are as wide, and as large, as those of the
    synthetic market that backtests run on.
    """

    def __init__(self, seed: int, days: int, history: int) -> None:
        generator = np.random.default_rng(seed)
        self.traits = MarketTraits.draw(generator)
        self._model = GjrGarch(self.traits.process)
        # The return of a day leads to its close, and one more variance is what the last day's options look ahead to.
        returns, variances = self._model.simulate(history + days + 1, int(generator.integers(1 << 62)))
        path = np.cumsum(returns[:-1])
        closes = _FIRST_SPOT * np.exp(path - path[history - 1])
        self._history = closes[: history - 1]
        self._closes = closes[history - 1 :]
        self._next_variance = variances[history:]
        self._first_expiry = int(generator.integers(_EXPIRY_STEP))
        expiries = days // _EXPIRY_STEP + 2 + TRADING_DAYS // _EXPIRY_STEP
        self._common = self.traits.premium + _wander(
            generator, (days + 1, 1), self.traits.deviation, self.traits.half_life
        )
        self._own = _wander(generator, (days + 1, expiries), _OWN_DEVIATION, _OWN_HALF_LIFE)
        self._quoting = generator
        self._instruments = InstrumentTable()
        self.underlying: Final = self._instruments.add_equity(TICKER)
        """The INSTRUMENT record of the underlying."""

    def time(self, day: int) -> int:
        """When a day is quoted, ns."""
        return _FIRST_TIME + day * TRADING_DAY

    def session(self, day: int) -> Session:
        """The session that a day's quotes lie in the middle of."""
        time = self.time(day)
        return Session(_date(time), time - _HALF_SESSION, time + _HALF_SESSION)

    def calendar(self, day: int) -> list[tuple[int, int]]:
        """Open and close of each session from a day's on, until after the last expiry."""
        last = int((self._expiry_times()[-1] - _FIRST_TIME) // TRADING_DAY) + 1
        return [self.session(each)[1:] for each in range(day, last + 1)]

    def spot(self, day: int) -> float:
        """The underlying's price on a day."""
        return float(self._closes[day])

    def closes_before(self, day: int) -> list[float]:
        """The closes that a day's session is told: all of the history before the first day, one before the others."""
        return [self.spot(day - 1)] if day else self._history.tolist()

    def listed(self, day: int, least_days: float, most_days: float) -> Records:
        """The at-the-money straddle of each expiry with ``least_days`` to ``most_days`` left, as INSTRUMENT records."""
        left = (self._expiry_times() - self.time(day)) / DAY
        step = max(round(self.spot(day) / _STRIKE_STEP), 1)
        expiries = np.flatnonzero((left >= least_days) & (left <= most_days))
        return self._instruments.add_contracts(
            TICKER,
            (
                Contract(_date(time), step * _STRIKE_STEP, right, time, _OPEN_INTEREST)
                for time in self._expiry_times()[expiries].tolist()
                for right in (-1, 1)
            ),
        )

    def share_quote(self, day: int) -> Records:
        """The QUOTE record of the underlying on a day: a cent to either side of its price."""
        quote = records(Kind.QUOTE, instrument=UNDERLYING, bid_size=_SHARES_SHOWN, ask_size=_SHARES_SHOWN)
        quote["bid"], quote["ask"] = self.spot(day) - _SHARE_HALF_SPREAD, self.spot(day) + _SHARE_HALF_SPREAD
        return quote

    def quotes(self, day: int, contracts: Records) -> Records:
        """QUOTE records of ``contracts`` on a day; call it once a day, for sizes are drawn from the market's seed."""
        quotes = records(Kind.QUOTE, len(contracts), instrument=contracts["instrument"])
        if len(contracts):
            years = years_between(self.time(day), contracts["expiry"])
            chain = Chain(contracts["strike"], years, contracts["right"], scheme="fast")
            fair = chain.greeks(self.spot(day), RATE, 0.0, self._implied(day, contracts["expiry"], years))
            now = np.array([self.time(day)], np.int64)
            bars = option_quotes(fair.price[None, :], fair.vega[None, :], now, self._quoting)[0]
            for side in ("bid", "ask"):
                quotes[side], quotes[f"{side}_size"] = bars[f"{side}_close"], bars[f"{side}_size"]
        return quotes

    def _expiry_times(self) -> NDArray[np.int64]:
        steps = self._first_expiry + _EXPIRY_STEP * np.arange(self._own.shape[1], dtype=np.int64)
        return _FIRST_TIME + steps * TRADING_DAY

    def _implied(self, day: int, expiries: NDArray[np.int64], years: Array) -> Array:
        number = np.searchsorted(self._expiry_times(), expiries)
        state = GjrState(float(self._next_variance[day]), 0.0, 1)
        true = self._model.expected_volatility(state, np.maximum(years * TRADING_DAYS, 1.0))
        deviation = self._common[day, 0] * np.exp(-years / _DAMPING) + self._own[day, number]
        return np.asarray(true * np.exp(deviation))


def _date(time: int) -> dt.date:
    return dt.datetime.fromtimestamp(time // SECOND, dt.UTC).date()


def _wander(generator: np.random.Generator, shape: tuple[int, int], deviation: float, half_life: float) -> Array:
    """Stationary first-order autoregressions down the columns of an array (days, series), about zero."""
    keep = 0.5 ** (1.0 / half_life)
    path = deviation * generator.standard_normal(shape)
    fresh = math.sqrt(1.0 - keep * keep)
    for day in range(1, len(path)):
        path[day] = keep * path[day - 1] + fresh * path[day]
    return path
