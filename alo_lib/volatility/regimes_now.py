"""Bands where hidden regimes tell a history better than GJR-GARCH does.

Under regimes that last for months the volatility of a year has two humps that no GJR-GARCH fitted to it shows. So the
band takes the paths of whichever of the two explains the days seen by more, each parameter counted for one (Akaike
1974).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alo_lib.volatility.errors import ParameterError
from alo_lib.volatility.garch import GjrGarch, GjrState
from alo_lib.volatility.regimes import RegimeModel, RegimeState
from alo_lib.volatility.variance_distribution import Proxy, regime_distribution

__all__ = ["RegimesNow"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class RegimesNow:
    """Hidden Markov regimes, and their filtered probabilities after the last day."""

    model: RegimeModel
    state: RegimeState

    def tell_more_than(self, garch: GjrGarch, state: GjrState) -> bool:
        """Whether they explain the days that both have seen by more than ``garch`` does.

        :raises ParameterError: when the two have seen another number of days.
        """
        if self.state.observations != state.observations:
            raise ParameterError(
                f"regimes and forecast must have seen the same days, but they have seen {self.state.observations} and "
                f"{state.observations}"
            )
        p, regimes = garch.parameters, len(self.model.parameters.variances)
        of_garch = 5 + math.isfinite(p.nu) + (p.skew != 0.0)
        return self.state.log_likelihood - regimes * (regimes + 1) > state.log_likelihood - of_garch

    def log_quantiles(self, trading_days: float, proxy: Proxy) -> Array:
        """Logarithms of the daily variance that is realized over ``trading_days``, at its percentiles: (99,)."""
        p = self.model.parameters
        return regime_distribution(p.variances, p.transition).log_quantiles(
            self.model.mix(self.state, 0), trading_days, proxy
        )
