"""Delta hedging on a band."""

import math

from alo_lib.records import OPTION_MULTIPLIER
from alo_lib.strategy.settings import StrategySettings

__all__ = ["shares_wanted"]


def shares_wanted(shares: int, option_delta: float, contracts: int, settings: StrategySettings) -> int:
    """Shares to hold against options of ``option_delta`` (in shares) in ``contracts`` contracts, long and short alike.

    Within the band nothing changes; beyond it the hedge goes to the whole share nearest to neutral. Without options
    nothing is hedged, and where a delta cannot be told the hedge stays.
    """
    if contracts == 0:
        return 0
    if not math.isfinite(option_delta):
        return shares
    band = settings.hedge_band * OPTION_MULTIPLIER * contracts
    return shares if abs(option_delta + shares) <= band else -round(option_delta)
