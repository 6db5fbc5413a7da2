"""What an underlying's options price: the layout of MARKET_STATE records.

Constant maturities of 30, 60 and 90 calendar days, and where today stands among the days before. NaN where it cannot be
told; volatilities are annualized.
"""

from typing import Final

import numpy as np

__all__ = ["MARKET_STATE", "MATURITIES"]

MATURITIES: Final = (30, 60, 90)
"""Calendar days ahead at which MARKET_STATE records tell volatility."""

MARKET_STATE: Final[np.dtype[np.void]] = np.dtype(
    [
        ("underlying", "<i4"),
        ("days", "<i4"),  # sessions that it stands among, this one included
        ("spot", "<f8"),
        *((f"implied_{days}", "<f8") for days in MATURITIES),  # at the money forward
        ("implied_error", "<f8"),  # of 30 days, by the quotes' spreads
        ("skew", "<f8"),  # of 30 days: volatility a standard deviation of strike, puts dearer below zero
        ("skew_error", "<f8"),
        ("curvature", "<f8"),  # of 30 days
        ("term_slope", "<f8"),  # implied volatility of 90 days less that of 30
        *((f"forecast_{days}", "<f8") for days in MATURITIES),  # of the same lives
        *((end, "<f8") for end in ("band_low", "band_high")),  # of the forecast of 30 days, 90 %
        ("realized", "<f8"),  # over the last 20 sessions, about zero
        *((place, "<f8") for place in ("rank", "percentile")),  # of 30 days' volatility, 0 to 1
        *((score, "<f8") for score in ("skew_score", "term_score")),  # in standard deviations of the days before
        ("spread", "<f8"),  # over mid: median of the quotes at the money
        ("size", "<f8"),  # contracts: median of the smaller side of these
        ("open_interest", "<i8"),  # contracts, of all that is looked at
        ("ex_date", "<i8"),  # when the next dividend should go ex; 0 where that is not known
        ("event", "<i8"),  # when the next scheduled event is; 0 without one
        ("events", "<i4"),  # that are scheduled ahead
        ("smiles", "<i4"),  # expiries that have one
    ]
)
