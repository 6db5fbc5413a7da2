"""What the volatility room raises: one family of ``ValueError``, since data or settings are at fault."""

__all__ = ["CalibrationError", "ObservationError", "ParameterError", "VolatilityError"]


class VolatilityError(ValueError):
    """Any error of the volatility room."""


class ObservationError(VolatilityError):
    """Prices or returns that cannot be used: NaN, not positive, too few, constant, or far outliers."""


class ParameterError(VolatilityError):
    """Model parameters or settings outside their domain, among them non-stationary ones."""


class CalibrationError(VolatilityError):
    """A fit that did not converge, or that ended where no forecast can be trusted."""
