"""Where a policy hedges differently from the rule that it adjusts: over moneyness, time and volatility."""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.learning.positions import POSITIONS, SPOT, Costs, along
from alo_lib.learning.smile import Smile
from alo_lib.records import TRADING_DAYS
from alo_lib.strategy.hedging_policy import HedgingPolicy

__all__ = ["DAYS", "MONEYNESS", "VOLATILITIES", "Difference", "differences"]

Array = NDArray[np.float64]

MONEYNESS: Final = (-1.5, -0.75, 0.0, 0.75, 1.5)
"""Of the spot over the strike, standard deviations to expiry."""
DAYS: Final = (1, 5, 15)
"""Trading days to expiry."""
VOLATILITIES: Final = (0.15, 0.30)
_SLOPE: Final = -0.08
"""Of implied volatility over that at the money, a standard deviation of ln(strike): as in the middle of Heston's."""


class Difference(NamedTuple):
    """A band, deltas a contract, at one place; NaN of the policy where it was not trained, and is the rule."""

    moneyness: float  # of the spot over the strike, standard deviations to expiry
    days: int  # trading days to expiry
    volatility: float
    centre: float  # of the rule
    half_width: float
    shift: float  # by the policy
    ratio: float  # of its width


def differences(
    policy: HedgingPolicy,
    position: str = "short straddle",
    half_spread: float = 0.0010,
    *,
    moneyness: Sequence[float] = MONEYNESS,
    days: Sequence[int] = DAYS,
) -> list[Difference]:
    """The bands of a position that the environment knows, at a half spread, and what the policy makes of them."""
    made = []
    costs = Costs(half_spread)
    for day in days:
        for volatility in VOLATILITIES:
            years = day / TRADING_DAYS
            smile = Smile(np.array([volatility**2]), np.array([[[1.0, _SLOPE, 0.0]]]))
            spots = SPOT * np.exp(np.array(moneyness) * volatility * math.sqrt(years))
            variances = np.full((2, len(spots)), volatility**2)
            shown = along(POSITIONS[position], smile, np.tile(spots, (2, 1)), variances, np.array([years, 0.0]))
            held = shown.costing(costs)
            band = policy.base.band(held)
            centre, half_width, _ = np.broadcast_arrays(*band)
            shift, log_ratio = (np.asarray(each) for each in policy.adjustment(held, band))
            known = policy.knows(held)
            units = float(np.asarray(held.units))
            for n, place in enumerate(moneyness):
                rule = (float(centre[0, n]) / units, float(half_width[0, n]) / units)
                learned = (float(shift[0, n]), math.exp(float(log_ratio[0, n])))
                if not known[0, n]:
                    learned = (math.nan, math.nan)
                made.append(Difference(place, day, volatility, *rule, *learned))
    return made
