"""The position wanted in each instrument."""

from collections.abc import Iterable
from typing import NamedTuple

from alo_lib.records import OrderReason
from alo_lib.settings import Settings
from alo_lib.strategy.hedging import Band, hedging_rule, shares_wanted
from alo_lib.strategy.state import StrategyState
from alo_lib.strategy.trade import Trade

__all__ = [
    "Target",
    "closed_targets",
    "hedge_band",
    "hedge_wanted",
    "latest_targets",
    "leads_away",
    "trade_targets",
    "wanted_targets",
]


class Target(NamedTuple):
    """A signed quantity wanted in an instrument, and why."""

    instrument: int
    quantity: int
    reason: OrderReason


def wanted_targets(state: StrategyState, settings: Settings, proposals: Iterable[Trade]) -> list[Target]:
    """What trades and proposals want of their legs, then the shares that hedge what is held."""
    targets = trade_targets([*state.trades, *proposals])
    targets += [
        Target(number, hedge_wanted(state, settings, number), OrderReason.HEDGE)
        for number in state.underlyings
        if state.portfolio.quantity(number) or state.contracts_held(number)
    ]
    return targets


def trade_targets(trades: Iterable[Trade]) -> list[Target]:
    """What trades want of their legs."""
    return [Target(leg, trade.wanted(leg), trade.reason) for trade in trades for leg in trade.legs]


def latest_targets(targets: Iterable[Target]) -> dict[int, Target]:
    """The target of each instrument that counts, which is its last, by instrument."""
    return {target.instrument: target for target in targets}


def leads_away(held: int, wanted: int) -> bool:
    """Whether what is wanted leads away from holding nothing, or beyond it, from what is held."""
    return not min(held, 0) <= wanted <= max(held, 0)


def hedge_wanted(state: StrategyState, settings: Settings, underlying: int) -> int:
    """Shares of an underlying to hold against its options, as they were last measured; without options none.

    Where nothing of what is held could be measured the hedge stays.
    """
    shares, hedged = state.portfolio.quantity(underlying), state.underlyings[underlying].hedged
    if not state.contracts_held(underlying):
        return 0
    return shares if hedged is None else int(shares_wanted(shares, hedged, hedging_rule(settings, state.learned)))


def hedge_band(state: StrategyState, settings: Settings, underlying: int) -> Band | None:
    """Shares within which nothing is hedged, by what is held as it was last measured; None where that is nothing."""
    hedged = state.underlyings[underlying].hedged
    return None if hedged is None else hedging_rule(settings, state.learned).band(hedged)


def closed_targets(trades: Iterable[Trade]) -> list[Target]:
    """Nothing, in the legs of trades that risk does not allow."""
    return [Target(leg, 0, OrderReason.EXIT_RISK) for trade in trades for leg in trade.legs]
