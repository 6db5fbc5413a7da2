"""Volatility: realized estimators, models under one contract and by name, change detection, the hybrid forecast.

Daily returns are logarithmic and in decimals; volatilities are annualized by 252 trading days.
"""

from alo_lib.records import TRADING_DAYS
from alo_lib.volatility.calibration import Calibration, VarianceTargeting
from alo_lib.volatility.change_detection import ChangeDetector, ChangeState
from alo_lib.volatility.dates import trading_days_until
from alo_lib.volatility.errors import CalibrationError, ObservationError, ParameterError, VolatilityError
from alo_lib.volatility.gaps import DatedReturns, dated_returns
from alo_lib.volatility.garch import GjrGarch, GjrPath, GjrState
from alo_lib.volatility.garch_by_regime import GarchByRegime, GarchByRegimePath, GarchByRegimeState
from alo_lib.volatility.har import HarModel, HarPath, HarState, har_features
from alo_lib.volatility.history import (
    BarState,
    DailyHistory,
    DailyObservation,
    IntradayState,
    observe,
    observe_intraday,
)
from alo_lib.volatility.horizons import HORIZONS
from alo_lib.volatility.hybrid import HybridForecast, HybridPath, HybridState
from alo_lib.volatility.innovations import Distribution
from alo_lib.volatility.intraday import intraday_variance, joined_measures
from alo_lib.volatility.jumps import Conditioned, condition
from alo_lib.volatility.likelihood_problem import Mean
from alo_lib.volatility.model import VolatilityModel
from alo_lib.volatility.parameters import GjrParameters
from alo_lib.volatility.ranges import range_variance
from alo_lib.volatility.realized import (
    close_to_close,
    garman_klass,
    parkinson,
    realized_variance,
    realized_volatility,
    rogers_satchell,
    rolling,
    yang_zhang,
)
from alo_lib.volatility.regimes import RegimeModel, RegimeParameters, RegimePath, RegimeState
from alo_lib.volatility.regimes_now import RegimesNow
from alo_lib.volatility.registry import MODELS, model_from_dict, model_named
from alo_lib.volatility.report import ConePoint, VolatilityReport, report_volatility
from alo_lib.volatility.residual_tests import ResidualTest, arch_lm, autocorrelation, jarque_bera, ljung_box
from alo_lib.volatility.returns import log_returns
from alo_lib.volatility.scheduled_events import (
    event_mask,
    implied_event_variance,
    move_of_variance,
    past_event_variance,
    variance_of_move,
)
from alo_lib.volatility.summary import FitSummary, FittedParameter
from alo_lib.volatility.uncertainty import Profile, Uncertainty
from alo_lib.volatility.variance_clock import (
    PRIOR_WEIGHTS,
    NightState,
    NightWeights,
    VarianceClock,
    calendar_volatility,
    follow_nights,
    session_share,
)
from alo_lib.volatility.variance_distribution import Proxy
from alo_lib.volatility.verification import HorizonCheck, level_interval, verify_forecasts, verify_walk
from alo_lib.volatility.walk_forward import Walk, walk_forward

__all__ = [
    "HORIZONS",
    "MODELS",
    "PRIOR_WEIGHTS",
    "TRADING_DAYS",
    "BarState",
    "Calibration",
    "CalibrationError",
    "ChangeDetector",
    "ChangeState",
    "Conditioned",
    "ConePoint",
    "DailyHistory",
    "DailyObservation",
    "DatedReturns",
    "Distribution",
    "FitSummary",
    "FittedParameter",
    "GarchByRegime",
    "GarchByRegimePath",
    "GarchByRegimeState",
    "GjrGarch",
    "GjrParameters",
    "GjrPath",
    "GjrState",
    "HarModel",
    "HarPath",
    "HarState",
    "HorizonCheck",
    "HybridForecast",
    "HybridPath",
    "HybridState",
    "IntradayState",
    "Mean",
    "NightState",
    "NightWeights",
    "ObservationError",
    "ParameterError",
    "Profile",
    "Proxy",
    "RegimeModel",
    "RegimeParameters",
    "RegimePath",
    "RegimeState",
    "RegimesNow",
    "ResidualTest",
    "Uncertainty",
    "VarianceClock",
    "VarianceTargeting",
    "VolatilityError",
    "VolatilityModel",
    "VolatilityReport",
    "Walk",
    "arch_lm",
    "autocorrelation",
    "calendar_volatility",
    "close_to_close",
    "condition",
    "dated_returns",
    "event_mask",
    "follow_nights",
    "garman_klass",
    "har_features",
    "implied_event_variance",
    "intraday_variance",
    "jarque_bera",
    "joined_measures",
    "level_interval",
    "ljung_box",
    "log_returns",
    "model_from_dict",
    "model_named",
    "move_of_variance",
    "observe",
    "observe_intraday",
    "parkinson",
    "past_event_variance",
    "range_variance",
    "realized_variance",
    "realized_volatility",
    "report_volatility",
    "rogers_satchell",
    "rolling",
    "session_share",
    "trading_days_until",
    "variance_of_move",
    "verify_forecasts",
    "verify_walk",
    "walk_forward",
    "yang_zhang",
]
