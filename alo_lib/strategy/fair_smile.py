"""The volatility that each strike is worth when the forecast is right.

``flat`` takes the forecast of an expiry for all of its strikes: wherever the market has a smile, wings then look dear,
or cheap, that are not. ``market`` takes it for the money alone, and the market's own smile about it: what is left of an
edge is one of the level. A skew that is fairer than today's, moved toward its mean, makes edges of the skew besides.
"""

import numpy as np
from numpy.typing import NDArray

from alo_lib.settings import Settings
from alo_lib.strategy.market_state import fair_skew_change
from alo_lib.strategy.state import Underlying
from alo_lib.strategy.valuation import forward_price

__all__ = ["fair_volatility"]


def fair_volatility(underlying: Underlying, settings: Settings, rate: float, time: int) -> NDArray[np.float64]:
    """The volatility that each row of the chain is valued at; NaN without a forecast, or a smile that is asked for.

    A smile holds by strike over forward and standard deviation, whatever the spot has done since it was looked at.
    """
    forecast = underlying.forecast_rows()
    if settings.fair_smile == "flat":
        return forecast
    book, years = underlying.book, underlying.book.years_to_expiry(time)
    expiries = book.contracts["expiry"]
    change = fair_skew_change(underlying.market_history, settings.skew_reversion)
    fair = np.full(len(forecast), np.nan)
    for expiry, shape in underlying.smiles.items():
        rows = np.flatnonzero((expiries == expiry) & (years > 0.0) & np.isfinite(forecast))
        if len(rows):
            forward = forward_price(book, rate, time, expiries[rows])
            moneyness = np.log(book.contracts["strike"][rows] / forward)
            fair[rows] = forecast[rows] * shape.ratio(moneyness, years[rows], change)
    return fair
