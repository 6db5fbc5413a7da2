"""Volatility: realized estimators and GJR-GARCH, calibrated in batch and filtered in a stream.

Daily returns are logarithmic and in decimals; volatilities are annualized by 252 trading days.
"""

from alo_lib.volatility.calibration import Calibration, Mean, VarianceTargeting
from alo_lib.volatility.errors import CalibrationError, DataError, ParameterError, VolatilityError
from alo_lib.volatility.garch import GjrGarch, GjrPath, GjrState
from alo_lib.volatility.innovations import Distribution
from alo_lib.volatility.parameters import GjrParameters
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
from alo_lib.volatility.returns import TRADING_DAYS, log_returns

__all__ = [
    "TRADING_DAYS",
    "Calibration",
    "CalibrationError",
    "DataError",
    "Distribution",
    "GjrGarch",
    "GjrParameters",
    "GjrPath",
    "GjrState",
    "Mean",
    "ParameterError",
    "VarianceTargeting",
    "VolatilityError",
    "close_to_close",
    "garman_klass",
    "log_returns",
    "parkinson",
    "realized_variance",
    "realized_volatility",
    "rogers_satchell",
    "rolling",
    "yang_zhang",
]
