"""Where today's implied volatility stands among those of the past year: rank and percentile, as a LEAN indicator."""

import datetime as dt
import math
from collections import deque
from typing import Any, Final

import numpy as np
from AlgorithmImports import OptionContract, OptionUniverse, PythonIndicator, QCAlgorithm, Symbol

from alo_lib.numerics.standing import percentile_of_last, rank_of_last
from alo_lib.pricing import at_maturity
from alo_lib.pricing.arguments import PricingError
from alo_lib.records import DAYS_A_YEAR
from models.chain_terms import properties_of
from models.option_price_model import AloOptionPriceModel

__all__ = ["AloImpliedVolatilityRank"]

_NEAR_THE_MONEY: Final = 0.1
"""Strikes that far from the spot, in its logarithm, are read: at the money needs its neighbours alone."""
_EXPIRIES: Final = 4
"""That many on each side of the maturity are read, since some have no strikes on both sides of the spot."""


class AloImpliedVolatilityRank(PythonIndicator):
    """The rank of an option's volatility at the money among those of the last closes, 0 to 100.

    ``AloImpliedVolatilityRank(model, option.symbol).follow(self)`` reads the closes of LEAN's universe files, and a new
    one each morning; contracts need not be subscribed to. Volatility is that of ``days`` of calendar, total variance
    linear between expiries, priced by ``model``.

    value: rank, (volatility - lowest) / (highest - lowest), in percent, 0 where all are alike. percentile: the percent
    of the closes before with less. volatility: the last close's, in decimals. closes: how many were read. It is ready
    with ``period`` closes; a day without a volatility of that maturity is left out.

    :raises PricingError: a ValueError, for a symbol that is no option, a period below 2, or days below 1.
    """

    def __new__(cls, *given: Any, **named: Any) -> "AloImpliedVolatilityRank":
        """LEAN's class knows none of the arguments."""
        made: AloImpliedVolatilityRank = super().__new__(cls)
        return made

    def __init__(
        self, model: AloOptionPriceModel, option: Symbol, period: int = 252, days: float = 30.0, *, name: str = ""
    ) -> None:
        super().__init__()
        if not option.has_underlying:
            raise PricingError(f"option is {option.value}; allowed: an option's symbol")
        if period < 2 or not days >= 1.0:
            raise PricingError(f"period is {period} and days is {days}; allowed: at least 2 and at least 1")
        self._model, self._option, self._days = model, option.canonical, days
        self.name = name or f"{type(self).__name__}({option.underlying.value})"
        self.warm_up_period = period
        self._told: deque[float] = deque(maxlen=period)
        self._last = dt.datetime.min
        self.reset()
        self.set_indicator(self)  # LEAN does so when an indicator is registered, and this one is fed by itself

    def reset(self) -> None:
        """Forget all closes."""
        super().reset()
        self._told.clear()
        self._last = dt.datetime.min
        self.value = 0.0

    @property
    def is_ready(self) -> bool:
        """Whether as many closes are known as the period has."""
        return len(self._told) == self._told.maxlen

    @property
    def closes(self) -> int:
        """How many closes with a volatility were read, at most the period."""
        return len(self._told)

    @property
    def volatility(self) -> float:
        """The last close's volatility at the money; NaN before there is one."""
        return self._told[-1] if self._told else float("nan")

    @property
    def percentile(self) -> float:
        """Percent of the closes before whose volatility was below the last one's; 0 where there are none."""
        return 100.0 * percentile_of_last(self._told)

    def follow(self, algorithm: QCAlgorithm) -> "AloImpliedVolatilityRank":
        """Read the closes before now, and each day at midnight the one that was added."""
        self._read(algorithm, self.warm_up_period)
        algorithm.schedule.on(
            algorithm.date_rules.every_day(), algorithm.time_rules.midnight, lambda: self._read(algorithm, 1)
        )
        return self

    def _read(self, algorithm: QCAlgorithm, count: int) -> None:
        for universe in algorithm.history[OptionUniverse](self._option, count):
            super().update(universe)

    def update(self, input: OptionUniverse) -> bool:  # type: ignore[override]  # LEAN's has another overload
        """LEAN's notice of a universe: its contracts at their last close."""
        if input.end_time > self._last:
            self._last = input.end_time
            volatility = self._at_the_money(input)
            if np.isfinite(volatility):
                self._told.append(volatility)
                self.value = 100.0 * rank_of_last(self._told)
        return self.is_ready

    def _at_the_money(self, universe: OptionUniverse) -> float:
        """The volatility of the maturity, NaN where no expiries on both sides of it have one."""
        rows = self._near(universe)
        if not rows:
            return float("nan")
        properties = properties_of(rows[0].symbol)
        chain = self._model.quoted_chain([OptionContract.create(row, properties) for row in rows])
        years = np.unique(chain.contracts.time_to_expiry)
        told = [chain.at_the_money(chain.contracts.time_to_expiry == one) for one in years]
        return at_maturity(years, np.array(told), self._days / DAYS_A_YEAR)

    def _near(self, universe: OptionUniverse) -> list[Any]:
        """Rows near the money of the expiries on either side of the maturity, by strike."""
        rows: list[Any] = list(universe)
        if not rows or universe.underlying is None or not float(universe.underlying.price) > 0.0:
            return []
        spot, wanted = float(universe.underlying.price), universe.end_time + dt.timedelta(days=self._days)
        expiries = sorted({row.symbol.id.date for row in rows})
        place = sum(expiry < wanted for expiry in expiries)
        kept = set(expiries[max(place - _EXPIRIES, 0) : place + _EXPIRIES])
        unit = float(properties_of(rows[0].symbol).strike_multiplier) / spot
        near = []
        for row in rows:
            identity = row.symbol.id
            distance = math.log(float(identity.strike_price) * unit)
            if identity.date in kept and abs(distance) <= _NEAR_THE_MONEY:
                near.append((distance, row))
        return [row for _, row in sorted(near, key=lambda each: each[0])]
