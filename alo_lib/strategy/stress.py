"""What a book would make if spot, volatility and time moved at once, by our own pricer.

Moves of spot and of volatility are relative: 0.2 is a fifth more. All that is held stays as it is: nothing is hedged
on the way. Each contract is priced anew in each scenario, so that a book's profit is a sum over its contracts, and many
books of the same contracts cost one pricing.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.pricing import DOMAINS
from alo_lib.records import DAY
from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.valuation import scenario_prices

__all__ = [
    "SHOCKS",
    "Scenarios",
    "StressLoss",
    "gaps",
    "grid",
    "joined",
    "loss_of",
    "scenario_profits",
]

FloatArray = NDArray[np.float64]
Rows = NDArray[np.intp]

_LEAST_SPOT, _MOST_SPOT = DOMAINS["spot"]
_LEAST_VOLATILITY: Final = 1e-4
_MOST_VOLATILITY: Final = DOMAINS["volatility"][1]


class Scenarios(NamedTuple):
    """Moves, one element a scenario."""

    spot: FloatArray  # relative
    volatility: FloatArray  # relative, of each contract's own
    days: FloatArray  # calendar days from now


@dataclass(frozen=True)
class StressLoss:
    """The worst loss of a book over scenarios, money; NaN where a price cannot be told."""

    together: float  # all underlyings move by the same scenario: correlation one
    alone: dict[int, float]  # by underlying, each in its own worst

    @property
    def worst(self) -> float:
        """The greater of what all lose together and what one loses alone, which a gain of another may hide."""
        return float(np.max([self.together, *self.alone.values()]))  # NaN stays


def joined(*parts: Scenarios) -> Scenarios:
    """The scenarios of all parts, in their order."""
    return Scenarios(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def grid(spot: FloatArray, volatility: FloatArray, days: FloatArray) -> Scenarios:
    """Every combination, days first, then volatility, then spot: reshape profits to (days, volatility, spot)."""
    each = np.meshgrid(days, volatility, spot, indexing="ij")
    return Scenarios(each[2].ravel(), each[1].ravel(), each[0].ravel())


SHOCKS: Final = grid(np.linspace(-0.2, 0.2, 9), np.array([-0.5, 0.0, 0.5]), np.zeros(1))
"""What the limit on stress is held against: spot -20 % to 20 %, volatility half, as it is, and half more, at once."""


def gaps(move: float) -> Scenarios:
    """The next day's open, spot ``move`` down, where it was and ``move`` up, and volatility as it is."""
    return grid(np.array([-move, 0.0, move]), np.zeros(1), np.ones(1))


def scenario_profits(
    book: MarketBook, rows: Rows, volatility: FloatArray, rate: float, time: int, scenarios: Scenarios
) -> FloatArray:
    """Profit a share (k, n) of the given rows in k scenarios against their worth now at ``volatility`` (n,).

    NaN for a row without a volatility, or one that has no price there, and for all without a spot.
    """
    profits = np.full((len(scenarios.spot), len(rows)), np.nan)
    known = np.flatnonzero(np.isfinite(volatility) & (volatility >= 0.0))
    if not len(known) or not book.known_spot:
        return profits
    spots = np.clip(book.known_spot * (1.0 + np.append(0.0, scenarios.spot)), _LEAST_SPOT, _MOST_SPOT)
    own = np.clip(volatility[known], _LEAST_VOLATILITY, _MOST_VOLATILITY)
    moved = np.clip(own * (1.0 + np.append(0.0, scenarios.volatility)[:, None]), _LEAST_VOLATILITY, _MOST_VOLATILITY)
    times = time + np.rint(np.append(0.0, scenarios.days) * DAY).astype(np.int64)
    prices = scenario_prices(book, rows[known], rate, times, spots, moved)
    profits[:, known] = prices[1:] - prices[0]
    return profits


def _worst_loss(profit: FloatArray) -> float:
    """The largest loss over scenarios (k,), 0 where none loses; NaN where one cannot be told."""
    return float(np.max(-profit, initial=0.0))


def loss_of(profits: dict[int, FloatArray]) -> StressLoss:
    """The worst loss of a book from each underlying's profits (k,) in the same scenarios, money."""
    together = np.sum(list(profits.values()), axis=0) if profits else np.zeros(0)
    return StressLoss(_worst_loss(together), {number: _worst_loss(each) for number, each in profits.items()})
