"""Volatility: realized estimators, GJR-GARCH, regimes, change detection and the hybrid forecast; batch and stream.

Daily returns are logarithmic and in decimals; volatilities are annualized by 252 trading days.
"""

from alo_lib.volatility.analysis import ConePoint, VolatilityAnalysis, analyse
from alo_lib.volatility.calibration import Calibration, Mean, VarianceTargeting
from alo_lib.volatility.changes import ChangeDetector, ChangeState
from alo_lib.volatility.errors import CalibrationError, DataError, ParameterError, VolatilityError
from alo_lib.volatility.garch import GjrGarch, GjrPath, GjrState
from alo_lib.volatility.har import HarModel, har_features
from alo_lib.volatility.hybrid import HybridForecast, HybridState
from alo_lib.volatility.innovations import Distribution
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
from alo_lib.volatility.returns import TRADING_DAYS, log_returns
from alo_lib.volatility.walk import Walk, walk_forward

__all__ = [
    "TRADING_DAYS",
    "Calibration",
    "CalibrationError",
    "ChangeDetector",
    "ChangeState",
    "ConePoint",
    "DataError",
    "Distribution",
    "GjrGarch",
    "GjrParameters",
    "GjrPath",
    "GjrState",
    "HarModel",
    "HybridForecast",
    "HybridState",
    "Mean",
    "ParameterError",
    "RegimeModel",
    "RegimeParameters",
    "RegimePath",
    "RegimeState",
    "VarianceTargeting",
    "VolatilityAnalysis",
    "VolatilityError",
    "Walk",
    "analyse",
    "close_to_close",
    "garman_klass",
    "har_features",
    "log_returns",
    "parkinson",
    "range_variance",
    "realized_variance",
    "realized_volatility",
    "rogers_satchell",
    "rolling",
    "walk_forward",
    "yang_zhang",
]
