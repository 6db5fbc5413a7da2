"""What must never be exceeded."""

from typing import Annotated

from pydantic import BaseModel, Field

from alo_lib.settings.units import VEGA, Unit

__all__ = ["LimitSettings"]


class LimitSettings(BaseModel):
    """Limits of the book."""

    max_vega: Annotated[float, VEGA] = Field(
        0.003, gt=0, le=0.5, description="|vega| of the book: equity per volatility point"
    )
    max_margin: Annotated[float, Unit("share of equity")] = Field(
        0.5, gt=0, le=1.0, description="estimated margin over equity"
    )
    max_drawdown: Annotated[float, Unit("share of the highest equity")] = Field(
        0.2, gt=0, le=1.0, description="fall from the highest equity that flattens the book"
    )
