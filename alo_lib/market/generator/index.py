"""A made-up index that is worth its members: its path is theirs, and its options are worth what that comes to.

It holds so many shares of each member that these have the weights of the truth as the market begins. Members are
lognormal, with one correlation for each pair, so an index is a sum of lognormals: its options are priced by the
lognormal of the same two moments (Levy, 1992, "Pricing European average rate currency options", Journal of
International Money and Finance 11), which for volatilities and lives such as these is what the sum prices, nearly.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alo_lib.market.generator.dynamics import Constant
from alo_lib.market.generator.fair import Smile, flat_smile
from alo_lib.market.generator.paths import minute_bars
from alo_lib.market.generator.stock import MEAN_VOLUME, Day
from alo_lib.market.generator.truth import MarketTruth, NameTruth
from alo_lib.records import TRADING_DAYS

__all__ = ["IndexDay", "IndexFair", "covariance_of", "index_days", "with_own_volatility"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class IndexDay(Day):
    """One session of an index; ``left`` is the share of a day's variance that is to come."""

    weights: Array
    """Shares of the index's value at the end of each minute: (minutes, members)."""


class IndexFair:
    """The fair smile of an index: flat, where its members' are."""

    def __init__(self, covariance: Array) -> None:
        self._covariance = covariance

    def smile_of(self, day: Day, at: NDArray[np.int64], days: NDArray[np.int64], event_variance: Array) -> Smile:
        """The smile of expiries, trading ``days`` (n,) after a day, at the ends of some minutes (times,) of it."""
        if not isinstance(day, IndexDay):
            raise TypeError(f"{day.session.day} is no day of an index")
        return flat_smile(self.variance(day.weights[at], day.left[at][:, None] + days))

    def variance(self, weights: Array, days: Array) -> Array:
        """Of the logarithm of an index of some weights (times, members) over as many days (times, n)."""
        moments = np.exp(self._covariance * days[:, :, None, None])
        second = np.einsum("ti,tj,tnij->tn", weights, weights, moments)
        return np.asarray(np.maximum(np.log(second), 0.0))  # at the end of a life rounding leaves a little less


def covariance_of(truth: MarketTruth, index: NameTruth) -> Array:
    """The covariance (n, n) of a day's logarithmic moves of an index's members."""
    known = {name.ticker: name for name in truth.names}
    members = [known[ticker] for ticker in index.members]
    deviation = np.sqrt([member.dynamics.long_run for member in members])
    loading = np.array([member.correlation for member in members])
    correlation = np.outer(loading, loading)
    np.fill_diagonal(correlation, 1.0)
    return np.asarray(correlation * np.outer(deviation, deviation))


def with_own_volatility(truth: MarketTruth, index: NameTruth) -> NameTruth:
    """An index with the constant dynamics that it nearly has as the market begins, by which strikes are listed."""
    weights = np.array(list(index.members.values()))
    weights /= weights.sum()
    volatility = float(np.sqrt(weights @ covariance_of(truth, index) @ weights * TRADING_DAYS))
    return index.model_copy(update={"dynamics": Constant(volatility=volatility)})


def index_days(
    index: NameTruth, members: Sequence[Sequence[Day]], before: int, volumes: np.random.SeedSequence
) -> list[Day]:
    """All sessions of an index of members, whose days they are; the market begins after the first ``before`` days.

    Its price is that of the truth at the close before the market, where it has the truth's weights.
    """
    generator = np.random.default_rng(volumes)
    weights = np.array(list(index.members.values()))
    closes = np.array([days[before - 1].spot for days in members])
    shares = index.price * weights / weights.sum() / closes
    return [_day(shares, each, generator) for each in zip(*members, strict=True)]


def _day(shares: Array, members: Sequence[Day], generator: np.random.Generator) -> IndexDay:
    first = members[0]
    worth = shares[:, None, None] * np.stack([day.prices for day in members])
    opening, prices = float(shares @ np.array([day.opening for day in members])), np.asarray(worth.sum(axis=0))
    ends = worth[:, :, -1].T
    return IndexDay(
        session=first.session,
        bars=minute_bars(opening, prices, first.session.open, MEAN_VOLUME, generator),
        opening=opening,
        prices=prices,
        unit=1.0,
        variance=first.variance,
        scale=1.0,
        shock=np.zeros(len(prices)),
        left=first.left / first.variance,
        weights=np.asarray(ends / ends.sum(axis=1, keepdims=True)),
    )
