"""Delta hedging on a band."""

import math

from alo_lib.records import OPTION_MULTIPLIER
from alo_lib.settings import Settings
from alo_lib.strategy.state import StrategyState

__all__ = ["hedge_wanted", "shares_wanted"]


def hedge_wanted(state: StrategyState, settings: Settings, underlying: int) -> int:
    """Shares of an underlying to hold against its options, by its exposure as last measured."""
    portfolio = state.portfolio
    contracts = sum(abs(portfolio.quantity(instrument)) for instrument in state.contracts_held(underlying))
    shares = portfolio.quantity(underlying)
    option_delta = float(state.underlyings[underlying].exposure["delta"][0]) - shares
    return shares_wanted(shares, option_delta, contracts, settings)


def shares_wanted(shares: int, option_delta: float, contracts: int, settings: Settings) -> int:
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
