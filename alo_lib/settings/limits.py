"""What must never be exceeded."""

from typing import Annotated, Final

from pydantic import BaseModel, Field

from alo_lib.settings.units import EQUITY, VEGA, Unit

__all__ = ["LIMITS", "LimitSettings"]


class LimitSettings(BaseModel):
    """Limits of the book."""

    max_vega: Annotated[float, VEGA] = Field(
        0.003, gt=0, le=0.5, description="|vega| of the book: equity per volatility point"
    )
    max_margin: Annotated[float, EQUITY] = Field(
        0.5, gt=0, le=1.0, description="margin by LEAN's rules, naked shorts by short-margin, over equity"
    )
    max_delta: Annotated[float, EQUITY] = Field(
        5.0, gt=0, le=100.0, description="|delta| of the book as worth of shares, hedges included, over equity"
    )
    max_gamma: Annotated[float, EQUITY] = Field(
        1.0, gt=0, le=100.0, description="|change of that delta| for a move of 1 % over equity"
    )
    max_theta: Annotated[float, Unit("share of equity a day")] = Field(
        0.01, gt=0, le=1.0, description="|theta| of the book over equity"
    )
    max_notional: Annotated[float, EQUITY] = Field(
        25.0, gt=0, le=10_000.0, description="worth of the shares that options are on, long and short, over equity"
    )
    max_stress_loss: Annotated[float, EQUITY] = Field(
        0.5,
        gt=0,
        le=10.0,
        description="loss over equity, at its worst for spot ±20 % and volatility ±50 %",
    )
    overnight_gap: Annotated[float, Unit("share of the price")] = Field(
        0.1, gt=0, le=0.9, description="move of all prices at the next open, unhedged, that max-gap-loss is about"
    )
    max_gap_loss: Annotated[float, EQUITY] = Field(
        0.5, gt=0, le=10.0, description="loss by an overnight gap over equity"
    )
    max_book_structures: Annotated[int, Unit("structures")] = Field(
        1000, ge=1, le=100_000, description="structures held at once in all underlyings"
    )
    max_underlying_share: Annotated[float, Unit("share of the limit")] = Field(
        1.0, gt=0, le=1.0, description="share of each of these limits that one underlying may use"
    )
    max_expiry_share: Annotated[float, Unit("share of the limit")] = Field(
        1.0, gt=0, le=1.0, description="share of max-vega that expiries up to 30, 90, 365 days or beyond may each use"
    )
    max_daily_loss: Annotated[float, Unit("share of the last session's equity")] = Field(
        0.1, gt=0, le=1.0, description="loss in a session after which it opens nothing more"
    )
    max_drawdown: Annotated[float, Unit("share of the highest equity")] = Field(
        0.2, gt=0, le=1.0, description="fall from the highest equity that flattens the book"
    )


LIMITS: Final = tuple(name for name in LimitSettings.model_fields if name.startswith("max_"))
"""Those that a smaller value makes tighter: what a person may set while a run goes on."""
