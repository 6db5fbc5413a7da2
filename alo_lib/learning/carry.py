"""What holding shares and money brings on a path: a rate, a yield, and cash dividends, as an account books them.

Interest is booked by night, on the cash after the day's last trades; what a short sale brought in bears none, and who
is short pays the yield and the dividends: :mod:`alo_lib.strategy.interest`, with no spreads on the rate.
"""

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.learning.errors import LearningError
from alo_lib.learning.markets import STEPS_A_DAY
from alo_lib.records import TRADING_DAYS

__all__ = ["NO_CARRY", "Account", "Carry", "CarrySteps", "Holding"]

Array = NDArray[np.float64]

_MOST: Final = 0.15
_LARGEST: Final = 20.0
"""Dividends together, $ on a spot of 100."""


@dataclass(frozen=True)
class Carry:
    """A rate and a yield, continuously compounded, and cash dividends.

    Of each the trading day before whose open it goes ex, from 1 where the first day that is hedged is 0, and $ a share
    where the spot begins at 100.

    :raises LearningError: for numbers out of range.
    """

    rate: float = 0.0
    dividend_yield: float = 0.0
    dividends: tuple[tuple[int, float], ...] = ()

    def __post_init__(self) -> None:
        for name in ("rate", "dividend_yield"):
            if not 0.0 <= (value := getattr(self, name)) <= _MOST:
                raise LearningError(f"{name} is {value:g}; allowed: 0 to {_MOST:g}")
        days, amounts = [day for day, _ in self.dividends], [amount for _, amount in self.dividends]
        if days != sorted(set(days)) or min(days, default=1) < 1:
            raise LearningError(f"dividends go ex before days {days}; allowed: ascending, from 1")
        if not (all(amount > 0.0 for amount in amounts) and sum(amounts) <= _LARGEST):
            raise LearningError(f"dividends are {amounts}; allowed: above 0, together up to {_LARGEST:g}")

    @property
    def name(self) -> str:
        """As tables have it."""
        told = [f"rate {1e2 * self.rate:.3g} %"] if self.rate else []
        told += [f"yield {1e2 * self.dividend_yield:.3g} %"] if self.dividend_yield else []
        return ", ".join(told + [f"$ {amount:g} before day {day}" for day, amount in self.dividends])

    def steps(self, count: int) -> "CarrySteps":
        """Of a path of so many steps, which begins at a close."""
        nights = np.where(np.arange(count) % STEPS_A_DAY == 0, 1.0 / TRADING_DAYS, 0.0)
        paid = tuple((STEPS_A_DAY * day + 1, amount) for day, amount in self.dividends)
        return CarrySteps(self.rate, self.dividend_yield, tuple(each for each in paid if each[0] <= count), nights)


NO_CARRY: Final = Carry()


class CarrySteps(NamedTuple):
    """The same by the steps of a path."""

    rate: float
    dividend_yield: float
    ex: tuple[tuple[int, float], ...]  # the first step whose spot is without a dividend, from 1, and $ a share
    nights: Array  # (steps,) years for which interest is booked between a step and the next

    def ahead(self, step: int, times: Array) -> tuple[Array, Array]:
        """Years to those still to go ex (k,) and their amounts (k,); ``times`` (steps + 1,) are years to expiry."""
        left = [(float(times[step] - times[at]), amount) for at, amount in self.ex if at > step]
        return np.array([years for years, _ in left]), np.array([amount for _, amount in left])

    def worth_ahead(self, step: int, times: Array) -> float:
        """What those are worth at a step."""
        years, amounts = self.ahead(step, times)
        return float(amounts @ np.exp((self.dividend_yield - self.rate) * years))

    def spots(self, spot: float, relative: Array, times: Array) -> Array:
        """Spots (steps + 1, n) of relative moves that are a fair game from 1 (steps + 1, n).

        What the dividends ahead are worth is set aside, and the rest moves: the model that a core has of them.
        """
        growth = np.exp((self.rate - self.dividend_yield) * (times[0] - times))[:, None]
        aside = np.array([self.worth_ahead(step, times) for step in range(len(times))])[:, None]
        return np.asarray((spot - aside[0]) * relative * growth + aside)

    def forward(self, spot: Array, step: int, times: Array) -> Array:
        """Forward prices (n,) of the options' expiry."""
        growth = math.exp((self.rate - self.dividend_yield) * float(times[step]))
        return np.asarray((spot - self.worth_ahead(step, times)) * growth)

    def growth(self) -> Array:
        """What a $ of each step has become by the end, (steps + 1,)."""
        nightly = np.append(1.0 + self.rate * self.nights, 1.0)
        return np.asarray(np.cumprod(nightly[::-1])[::-1])

    def account(self, spots: Array, brought: Array) -> "Account":
        """What of these numbers counts along spots (steps + 1, n)."""
        growth = self.growth()[:, None]
        nightly = spots[:-1] * self.nights[:, None] * growth[1:]  # $ at the end, a night's share of a year each
        paid = self.dividend_yield * nightly
        for step, amount in self.ex:
            paid[step - 1] += amount * growth[step]
        value = growth * spots
        value[1:] += np.cumsum(paid, axis=0)
        return Account(value, growth, Holding(self.rate * nightly, brought))


class Holding(NamedTuple):
    """What holding shares is beside their moves, (steps, n) each."""

    lending: Array  # $ at the end that a share held short costs until the next step: interest that its price bears not
    brought: Array  # shares that exercise by the options' holders brings, free of costs


class Account(NamedTuple):
    """Money of a path as it is at the end, interest included."""

    value: Array  # (steps + 1, n) of a share and of what it has paid since the start, so that moves are what it earns
    growth: Array  # (steps + 1, 1) of a $
    holding: Holding
