"""The volatility that each strike is worth when the forecast is right.

``flat`` takes the forecast of an expiry for all of its strikes: wherever the market has a smile, wings then look dear,
or cheap, that are not. ``market`` takes it for the money alone, and the market's own smile about it: what is left of an
edge is one of the level. A skew that is fairer than today's, moved toward its mean, makes edges of the skew besides.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.settings import Settings
from alo_lib.strategy.market_state import fair_skew_change
from alo_lib.strategy.quoted_smiles import SmileShape, smile_ratios
from alo_lib.strategy.state import Underlying
from alo_lib.strategy.valuation import forward_price

__all__ = ["fair_volatility"]

_UNKNOWN: Final = SmileShape(*[np.nan] * len(SmileShape._fields))


def fair_volatility(underlying: Underlying, settings: Settings, rate: float, time: int) -> NDArray[np.float64]:
    """The volatility that each row of the chain is valued at; NaN without a forecast, or a smile that is asked for.

    A smile holds by strike over forward and standard deviation, whatever the spot has done since it was looked at.
    """
    forecast = underlying.forecast_rows()
    if settings.fair_smile == "flat":
        return forecast
    book, expiries = underlying.book, underlying.book.expiries
    fair = np.full(len(forecast), np.nan)
    if not len(fair):
        return fair
    # Of each expiry, which quotes tell a shape of, or NaN.
    shapes = np.array([underlying.smiles.get(each, _UNKNOWN) for each in expiries.time.tolist()]).T
    forward = forward_price(book, rate, time, np.maximum(expiries.time, time))
    years, told = book.years_to_expiry(time), np.isfinite(shapes[0])[expiries.of_row]
    rows = np.flatnonzero(told & (years > 0.0) & np.isfinite(forecast))
    places = expiries.of_row[rows]
    moneyness = np.log(book.contracts["strike"][rows] / forward[places])
    change = fair_skew_change(underlying.market_history, settings.skew_reversion)
    fair[rows] = forecast[rows] * smile_ratios(shapes[:, places], moneyness, years[rows], change)
    return fair
