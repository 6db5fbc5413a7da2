"""How volatility is forecast."""

from typing import Annotated

from pydantic import BaseModel, Field

from alo_lib.settings.units import Unit

__all__ = ["ForecastSettings"]


class ForecastSettings(BaseModel):
    """The fits of the volatility models."""

    garch_history: Annotated[int, Unit("daily closes")] = Field(
        1250, ge=260, le=5000, description="daily closes that a calibration looks back on"
    )
    garch_minimum: Annotated[int, Unit("daily returns")] = Field(
        250, ge=100, le=5000, description="daily returns without which nothing is forecast"
    )
    garch_refit_sessions: Annotated[int, Unit("sessions")] = Field(
        21, ge=1, le=252, description="sessions between two calibrations"
    )
    refit_on_change: bool = Field(True, description="calibrate when the model's scale stops fitting, too")
    hybrid_minimum: Annotated[int, Unit("daily returns")] = Field(
        750, ge=350, le=5000, description="daily returns below which GJR-GARCH forecasts without the hybrid"
    )
