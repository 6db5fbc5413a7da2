"""The forecast that the strategy trades on: GJR-GARCH over an option's remaining life."""

import numpy as np

from alo_lib.strategy.settings import StrategySettings
from alo_lib.volatility import TRADING_DAYS, GjrGarch, GjrState, VolatilityError, log_returns

__all__ = ["VolatilityForecaster"]


class VolatilityForecaster:
    """Holds one underlying's closes, its calibrated model and the model's filtered state.

    Closes come once a session. Every ``garch_refit_sessions`` sessions the model is calibrated again on the last
    ``garch_history`` returns; in between, its state follows the new returns.
    """

    def __init__(self, settings: StrategySettings) -> None:
        self._settings = settings
        self._closes: list[float] = []
        self._model: GjrGarch | None = None
        self._state: GjrState | None = None
        self._sessions = 0

    @property
    def ready(self) -> bool:
        """Whether there is a forecast to be had."""
        return self._state is not None

    def update(self, closes: list[float]) -> str | None:
        """Take the closes since the last update, oldest first.

        Returns None, or one sentence when a calibration that was due, or a new return, could not be used: the last
        good model and state stay in force, and there is no forecast where there never was one.
        """
        known = len(self._closes)
        self._closes.extend(closes)
        self._sessions += 1
        try:
            if self._model is None or self._sessions > self._settings.garch_refit_sessions:
                self._calibrate()
            elif closes and self._state is not None:
                self._state = self._model.filter(log_returns(self._closes[known - 1 :]), self._state)
        except VolatilityError as error:
            return str(error)
        finally:
            del self._closes[: -(self._settings.garch_history + 1)]
        return None

    def volatility(self, years: float) -> float:
        """Annualized volatility expected over the next ``years`` of calendar time; NaN while not ready."""
        if self._model is None or self._state is None:
            return float(np.nan)
        return self._model.forecast_volatility(self._state, max(years * TRADING_DAYS, 1.0))

    def _calibrate(self) -> None:
        returns = log_returns(self._closes[-(self._settings.garch_history + 1) :])
        warm = None if self._model is None else self._model.parameters
        model = GjrGarch.calibrate(returns, warm_start=warm, min_observations=self._settings.garch_minimum)
        self._model, self._state = model, model.filter(returns)
        self._sessions = 1
