"""The contract of all volatility models: (state, observation) to state, and state to forecast. Nothing is mutated.

A model is fitted parameters. What it has seen of the past is a state of its own kind, so that one model may serve any
number of filters: a stream updates it day by day, a batch filters a history, and both arrive at the same bits. Where
it starts, and what it was told on the way, is all that a forecast rests on.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alo_lib.records import TRADING_DAYS
from alo_lib.volatility.history import DailyHistory, DailyObservation
from alo_lib.volatility.horizons import HORIZONS, check_trading_days
from alo_lib.volatility.paths import check_paths, day_by_day
from alo_lib.volatility.returns import MIN_OBSERVATIONS
from alo_lib.volatility.saving import model_of, plain_model
from alo_lib.volatility.variance_distribution import Proxy, band_edges, lognormal_measured

__all__ = ["FilterPath", "FilterState", "VolatilityModel"]

Array = NDArray[np.float64]


class FilterState(Protocol):
    """What a model keeps of the past: plain numbers."""

    def to_dict(self) -> dict[str, Any]:
        """Fields for JSON, which :meth:`VolatilityModel.restore` reads back to the last bit."""


State = TypeVar("State", bound=FilterState)
PathState = TypeVar("PathState", bound=FilterState, covariant=True)


class FilterPath(Protocol[PathState]):
    """What a filter saw on each day of a history, knowing nothing later."""

    @property
    def state(self) -> PathState:
        """After the last day."""


Path = TypeVar("Path", bound=FilterPath[Any])


class VolatilityModel(ABC, Generic[State, Path]):
    """Known parameters of one kind of model; variances are daily, of returns in decimals."""

    name: ClassVar[str]
    """In the registry, in notes and in tables."""

    @classmethod
    @abstractmethod
    def fit(
        cls,
        history: DailyHistory,
        *,
        horizons: tuple[int, ...] = HORIZONS,
        warm_start: Self | None = None,
        min_observations: int = MIN_OBSERVATIONS,
    ) -> Self:
        """Fit to a history; the same arguments give the same bits. A kind of model may take further keywords.

        ``horizons`` are those that are to be forecast best; a recursion that forecasts all alike has no use for them.
        ``warm_start`` is an earlier fit, from which a search may begin; a fit without a search has no use for it.

        :raises ObservationError: for a history that cannot be used, or is shorter than ``min_observations``.
        :raises ParameterError: for settings outside their domain.
        :raises CalibrationError: when the data do not tell the parameters.
        """

    @abstractmethod
    def start(self) -> State:
        """State before any day is seen."""

    @abstractmethod
    def update(self, state: State, observation: DailyObservation) -> State:
        """State after one more day, at a cost that does not grow; the same bits as :meth:`filter` over all of them.

        :raises ObservationError: for a day that cannot be used; the state stays what it was.
        """

    @abstractmethod
    def filter(self, history: DailyHistory, state: State | None = None) -> Path:
        """All days of a history, from ``state`` or from the start, and the state after; errors as :meth:`update`."""

    @abstractmethod
    def forecast(self, state: State, trading_days: ArrayLike) -> Array:
        """Mean expected daily variance over the next ``trading_days``, of any shape, fractions allowed.

        :raises ObservationError: for a state that has seen too few days.
        :raises ParameterError: for a horizon that is not finite and positive.
        """

    @abstractmethod
    def forecast_path(self, path: Path, trading_days: ArrayLike) -> Array:
        """What :meth:`forecast` says after each of n days over ``trading_days`` (k,): shape (n, k).

        NaN after a day on which too few had been seen.

        :raises ParameterError: for a horizon that is not finite and positive.
        """

    @abstractmethod
    def restore(self, values: Mapping[str, Any]) -> State:
        """The state whose ``to_dict`` gave ``values``, to the last bit.

        :raises ParameterError: for missing or unknown names, or values outside their domain.
        """

    def to_dict(self) -> dict[str, Any]:
        """The model and how it was fitted for JSON, which :meth:`from_dict` reads back to the last bit."""
        return plain_model(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The model whose :meth:`to_dict` gave ``values``, which need not be trusted.

        :raises ParameterError: for missing or unknown names, values of another type, or outside their domain.
        """
        model = model_of({cls.name: cls}, values)
        assert isinstance(model, cls)
        return model

    def simulate_paths(self, state: State, days: int, *, paths: int, seed: int) -> Array:
        """Daily logarithmic returns of the next ``days``, shape (paths, days); the same seed gives the same bits.

        A model that does not say otherwise is asked day by day: a return is normal with the variance that is forecast
        for it, and then seen.

        :raises ParameterError: for fewer than one day or path.
        :raises ObservationError: for a state that has seen too few days.
        """
        check_paths(days, paths, seed)
        shocks = np.random.default_rng(seed).standard_normal((paths, days))
        return day_by_day(self, state, days, shocks)

    @overload
    def forecast_volatility(self, state: State, trading_days: float) -> float: ...

    @overload
    def forecast_volatility(self, state: State, trading_days: Array) -> Array: ...

    def forecast_volatility(self, state: State, trading_days: float | Array) -> float | Array:
        """Annualized volatility expected over the next ``trading_days``, a number or an array, fractions allowed.

        The root of 252 times :meth:`forecast`, with its errors.
        """
        volatility = np.sqrt(TRADING_DAYS * self.forecast(state, trading_days))
        return float(volatility) if np.ndim(trading_days) == 0 else np.asarray(volatility, dtype=np.float64)

    @abstractmethod
    def log_share(self, state: State, trading_days: float) -> float:
        """Logarithm of the mean of volatility over the root of mean variance over the next ``trading_days``; 0 or less.

        Volatility is the root of the mean daily variance over the horizon, as the model's own variance is distributed.
        The first call for a model may take some 60 ms, the others microseconds.

        :raises ObservationError: for a state that has seen too few days.
        """

    def log_quantiles(self, state: State, trading_days: float, proxy: Proxy = "returns") -> Array:
        """Logarithms of realized over expected mean variance over the next ``trading_days``, shape (99,).

        They are at :data:`~alo_lib.volatility.variance_distribution.LEVELS`, as the model's own process has them,
        wider by what a fit leaves unknown of it where that is known. The range is at the level of squared returns. A
        model that does not say otherwise has a lognormal variance, as uncertain as :meth:`log_share` says, of Brownian
        days that do not move it.

        :raises ParameterError: for a horizon that is not finite and positive.
        :raises ObservationError: for a state that has seen too few days.
        """
        days = float(check_trading_days(float(trading_days)))
        variance = max(-8.0 * self.log_share(state, days), 0.0)  # of a lognormal one the share is minus an eighth of it
        return lognormal_measured(variance, days, proxy)

    def forecast_band(
        self, state: State, trading_days: float, level: float = 0.9, *, proxy: Proxy = "returns"
    ) -> tuple[float, float]:
        """Lower and upper annualized volatility between which realized volatility falls with probability ``level``.

        Realized volatility is the root of the mean squared daily return, no mean removed, or that of the mean range
        measure at the level of squared returns.

        :raises ParameterError: for a level outside [0.1, 0.98], or a horizon that is not finite and positive.
        :raises ObservationError: for a state that has seen too few days.
        """
        centre = self.forecast_volatility(state, float(trading_days))
        low, high = band_edges(self.log_quantiles(state, float(trading_days), proxy), level)
        return centre * low, centre * high

    @overload
    def expected_volatility(self, state: State, trading_days: float) -> float: ...

    @overload
    def expected_volatility(self, state: State, trading_days: Array) -> Array: ...

    def expected_volatility(self, state: State, trading_days: float | Array) -> float | Array:
        """Annualized mean of the volatility over the next ``trading_days``: what an option at the money is priced at.

        It lies below :meth:`forecast_volatility`, the root of mean variance, whose arguments and errors it has.
        """
        return self._with_share(state, trading_days, self.forecast_volatility(state, trading_days))

    def _with_share(self, state: State, trading_days: float | Array, volatility: float | Array) -> float | Array:
        """The mean of volatility for each root of mean variance."""
        if isinstance(volatility, float):
            return volatility * math.exp(self.log_share(state, float(trading_days)))
        shares = [math.exp(self.log_share(state, day)) for day in np.ravel(trading_days).tolist()]
        return np.asarray(volatility * np.reshape(shares, volatility.shape), dtype=np.float64)
