"""LEAN volatility model: the strategy's forecast over the next month."""

import datetime as dt
from typing import Final

from AlgorithmImports import (
    BaseData,
    DataNormalizationMode,
    HistoryRequest,
    QCAlgorithm,
    Resolution,
    Security,
    Symbol,
    TradeBar,
)

from alo_lib.records import DividendKind
from alo_lib.settings import Settings
from alo_lib.strategy.daily_bars import DailyBar, PriceLevel
from alo_lib.strategy.forecast import VolatilityForecaster
from models.distributions import distributions

__all__ = ["AloVolatilityModel", "split_adjusted_bars"]

_MONTH_IN_YEARS: Final = 1.0 / 12.0


def split_adjusted_bars(algorithm: QCAlgorithm, symbol: Symbol, count: int) -> list[tuple[dt.datetime, DailyBar]]:
    """The last ``count`` daily bars, oldest first, with the time of each close in New York."""
    bars = algorithm.history[TradeBar](
        symbol, count, Resolution.DAILY, data_normalization_mode=DataNormalizationMode.SPLIT_ADJUSTED
    )
    return [(bar.end_time, (_price(bar.open), _price(bar.high), _price(bar.low), _price(bar.close))) for bar in bars]


def _price(value: object) -> float:
    return round(float(value), 6)  # type: ignore[arg-type]


class AloVolatilityModel:
    """``equity.set_volatility_model(AloVolatilityModel(self))``: annualized, in decimals, 0 while there is none.

    The bars come from LEAN's split-adjusted history and not from the data stream, so a split leaves no jump, nor
    does a spin-off, which is told apart from dividends. The
    model is calibrated when the volatility is first read, then as the settings say.
    """

    def __init__(self, algorithm: QCAlgorithm, settings: Settings | None = None) -> None:
        self._algorithm = algorithm
        self._settings = settings or Settings()
        self._forecaster = VolatilityForecaster(self._settings)
        self._symbol: Symbol | None = None
        self._last_close = dt.datetime.min
        self._asked_on = dt.date.min
        self._note = ""
        self._level = PriceLevel()

    @property
    def volatility(self) -> float:
        """The forecast, as of the last session's close."""
        if self._symbol is not None and self._algorithm.time.date() > self._asked_on:
            self._asked_on = self._algorithm.time.date()
            bars = split_adjusted_bars(self._algorithm, self._symbol, self._settings.garch_history + 1)
            fresh = [(time, prices) for time, prices in bars if time > self._last_close]
            if fresh:
                followed = self._without_spin_offs(self._symbol, fresh)
                self._last_close = fresh[-1][0]
                problems = self._forecaster.follow(followed), self._forecaster.calibrate_now()
                for sentence in "\n".join(filter(None, (*problems, self._new_note()))).splitlines():
                    self._algorithm.debug(f"volatility of {self._symbol.value}: {sentence}")
        return self._forecaster.volatility(_MONTH_IN_YEARS) if self._forecaster.ready else 0.0

    def _without_spin_offs(self, symbol: Symbol, fresh: list[tuple[dt.datetime, DailyBar]]) -> list[DailyBar]:
        """Bars that were not followed yet, as if nothing had been distributed beside regular dividends."""
        since = max(self._last_close, fresh[0][0] - dt.timedelta(days=1))
        for each in distributions(self._algorithm, symbol, since, fresh[-1][0]):
            if each.kind is DividendKind.ADJUSTING and each.ex_date > since.date():
                self._level.distribute(each.ex_date.toordinal(), each.kept)
        return [self._level.follow(time.date().toordinal(), prices) for time, prices in fresh]

    def _new_note(self) -> str:
        """How the model in force had to be fitted, once."""
        note = "" if self._forecaster.model is None else self._forecaster.model.garch_note
        told, self._note = self._note, note
        return note if note != told else ""

    def update(self, security: Security, data: BaseData) -> None:
        """LEAN's notice of new data; it tells the model which security it serves."""
        self._symbol = security.symbol

    def get_history_requirements(self, security: Security, utc_time: dt.datetime) -> list[HistoryRequest]:
        """None: the model asks for its history itself."""
        self._symbol = security.symbol
        return []
