"""How volatility is forecast."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from alo_lib.settings.units import Unit

__all__ = ["ForecastSettings"]


class ForecastSettings(BaseModel):
    """The fits of the volatility models, and what a forecast makes of a chain."""

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
    intraday_forecast: bool = Field(
        False, description="forecast anew within the session, as if it closed at today's move so far and a usual rest"
    )
    fair_smile: Literal["flat", "market"] = Field(
        "market", description="fair volatility of a strike: the forecast, or at the money that and the market's smile"
    )
    skew_reversion: Annotated[float, Unit("share of the way")] = Field(
        0.0,
        ge=0,
        le=1.0,
        description="how far the fair skew of fair-smile market lies from today's to its mean",
    )
