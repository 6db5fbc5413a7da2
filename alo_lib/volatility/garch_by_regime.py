"""GJR-GARCH brought to the level that each hidden Markov regime has left it to.

The GARCH forecast of each horizon is multiplied by the mean of realized over forecast variance in each regime, averaged
with the day's filtered probabilities.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alo_lib.volatility.errors import ParameterError
from alo_lib.volatility.garch import GjrGarch, GjrPath, GjrState
from alo_lib.volatility.har import LAGS, dot_rows, realized_means
from alo_lib.volatility.history import DailyHistory, DailyObservation
from alo_lib.volatility.horizons import HORIZONS, check_horizons, check_trading_days
from alo_lib.volatility.innovations import Distribution
from alo_lib.volatility.model import VolatilityModel
from alo_lib.volatility.paths import paths_of_part
from alo_lib.volatility.ranges import MEMORY
from alo_lib.volatility.regimes import RegimeModel, RegimePath, RegimeState
from alo_lib.volatility.registry import register
from alo_lib.volatility.returns import MIN_OBSERVATIONS
from alo_lib.volatility.variance_distribution import Proxy

__all__ = ["GarchByRegime", "GarchByRegimePath", "GarchByRegimeState"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GarchByRegimeState:
    """The states of both models."""

    garch: GjrState
    regimes: RegimeState

    def to_dict(self) -> dict[str, Any]:
        """Fields for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class GarchByRegimePath:
    """What both models saw."""

    garch: GjrPath
    regimes: RegimePath

    @property
    def state(self) -> GarchByRegimeState:
        """After the last day."""
        return GarchByRegimeState(self.garch.state, self.regimes.state)


@register
@dataclass(frozen=True)
class GarchByRegime(VolatilityModel[GarchByRegimeState, GarchByRegimePath]):
    """Two fitted models and the levels; a fit needs returns and measures, a filter the returns alone."""

    name: ClassVar[str] = "GARCH by regime"

    garch: GjrGarch
    regimes: RegimeModel
    horizons: tuple[int, ...]
    levels: tuple[tuple[float, ...], ...]
    """Realized over forecast variance of GJR-GARCH in each regime, a row a horizon."""

    def __post_init__(self) -> None:
        check_horizons(self.horizons)
        shape = [len(self.regimes.parameters.variances)] * len(self.horizons)
        if [len(row) for row in self.levels] != shape or not all(
            0.0 < x < math.inf for row in self.levels for x in row
        ):
            raise ParameterError(
                f"levels must be finite and positive, one a regime for each of the horizons {self.horizons}, but they "
                f"are {self.levels!r:.80}"
            )

    @classmethod
    def fit(
        cls,
        history: DailyHistory,
        *,
        horizons: tuple[int, ...] = HORIZONS,
        warm_start: Self | None = None,
        min_observations: int = MIN_OBSERVATIONS,
        distribution: Distribution = "skewt",
        regimes: int = 2,
        seed: int = 0,
    ) -> Self:
        """Fit both models, then the levels, on the days whose future is complete.

        A regime that holds less than a quarter of a year of them is left at one.

        :raises ObservationError: as :meth:`GjrGarch.fit` and :func:`~alo_lib.volatility.har.realized_means`.
        :raises ParameterError: for fewer than two regimes, or horizons that are not ascending and positive.
        :raises CalibrationError: when one of the models cannot be fitted.
        """
        check_horizons(horizons)
        garch = GjrGarch.fit(
            history,
            warm_start=None if warm_start is None else warm_start.garch,
            min_observations=min_observations,
            distribution=distribution,
        )
        hidden = RegimeModel.fit(history, min_observations=min_observations, regimes=regimes, seed=seed)
        forecasts = garch.forecast_path(garch.filter(history), horizons)[LAGS[-1] - 1 :]
        probabilities = hidden.filter(history).probabilities[LAGS[-1] - 1 :]
        rows = []
        for k, target in enumerate(realized_means(history, horizons)):
            weights, forecast = probabilities[: target.size], forecasts[: target.size, k]
            rows.append(
                tuple(
                    float(np.sum(w * target) / np.sum(w * forecast)) if float(np.sum(w)) >= MEMORY else 1.0
                    for w in weights.T
                )
            )
        return cls(garch, hidden, tuple(horizons), tuple(rows))

    def start(self) -> GarchByRegimeState:
        """As the contract says."""
        return GarchByRegimeState(self.garch.start(), self.regimes.start())

    def update(self, state: GarchByRegimeState, observation: DailyObservation) -> GarchByRegimeState:
        """As the contract says."""
        return GarchByRegimeState(
            self.garch.update(state.garch, observation), self.regimes.update(state.regimes, observation)
        )

    def filter(self, history: DailyHistory, state: GarchByRegimeState | None = None) -> GarchByRegimePath:
        """As the contract says."""
        begin = self.start() if state is None else state
        return GarchByRegimePath(self.garch.filter(history, begin.garch), self.regimes.filter(history, begin.regimes))

    def forecast(self, state: GarchByRegimeState, trading_days: ArrayLike) -> Array:
        """As the contract says; between fitted horizons the levels are linear, beyond the last its own hold."""
        days = check_trading_days(trading_days)
        factors = self._factors(self.regimes.mix(state.regimes, 0)[None, :], days.reshape(-1))
        return np.asarray(self.garch.forecast(state.garch, days) * factors[0].reshape(days.shape))

    def forecast_path(self, path: GarchByRegimePath, trading_days: ArrayLike) -> Array:
        """As the contract says; every day has a forecast."""
        days = check_trading_days(trading_days)
        return self.garch.forecast_path(path.garch, days) * self._factors(path.regimes.probabilities, days)

    def log_share(self, state: GarchByRegimeState, trading_days: float) -> float:
        """As the contract says: that of GJR-GARCH, for the level is known."""
        return self.garch.log_share(state.garch, trading_days)

    def log_quantiles(self, state: GarchByRegimeState, trading_days: float, proxy: Proxy = "returns") -> Array:
        """As the contract says: those of GJR-GARCH, for the level is known."""
        return self.garch.log_quantiles(state.garch, trading_days, proxy)

    def restore(self, values: Mapping[str, Any]) -> GarchByRegimeState:
        """As the contract says."""
        if not isinstance(values, Mapping) or sorted(values) != ["garch", "regimes"]:
            raise ParameterError(f"a state of GARCH by regime is garch and regimes, but it is {values!r:.80}")
        return GarchByRegimeState(self.garch.restore(values["garch"]), self.regimes.restore(values["regimes"]))

    def simulate_paths(self, state: GarchByRegimeState, days: int, *, paths: int, seed: int) -> Array:
        """As the contract says: paths of GJR-GARCH, brought to this forecast day by day."""
        return paths_of_part(self, state, self.garch, state.garch, days, paths, seed)

    def _factors(self, probabilities: Array, days: Array) -> Array:
        """Level of the GARCH forecast over ``days`` (h,) after days of ``probabilities`` (n, r): shape (n, h)."""
        levels = np.stack([np.interp(days, self.horizons, column) for column in np.array(self.levels).T])
        factors = np.empty((probabilities.shape[0], days.size))
        for i, level in enumerate(levels.T):
            factors[:, i] = dot_rows(probabilities, level)
        return factors
