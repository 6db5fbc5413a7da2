"""The position wanted in each instrument."""

from collections.abc import Iterable
from typing import NamedTuple

from alo_lib.records import OrderReason
from alo_lib.settings import Settings
from alo_lib.strategy.hedging import hedge_wanted
from alo_lib.strategy.state import StrategyState
from alo_lib.strategy.trade import Trade

__all__ = ["Target", "closed_targets", "latest_targets", "wanted_targets"]


class Target(NamedTuple):
    """A signed quantity wanted in an instrument, and why."""

    instrument: int
    quantity: int
    reason: OrderReason


def wanted_targets(state: StrategyState, settings: Settings, proposals: Iterable[Trade]) -> list[Target]:
    """What trades and proposals want of their legs, then the shares that hedge what is held."""
    targets = [
        Target(leg, trade.wanted(leg), trade.reason) for trade in [*state.trades, *proposals] for leg in trade.legs
    ]
    targets += [
        Target(number, hedge_wanted(state, settings, number), OrderReason.HEDGE)
        for number in state.underlyings
        if state.portfolio.quantity(number) or state.contracts_held(number)
    ]
    return targets


def latest_targets(targets: Iterable[Target]) -> dict[int, Target]:
    """The target of each instrument that counts, which is its last, by instrument."""
    return {target.instrument: target for target in targets}


def closed_targets(trades: Iterable[Trade]) -> list[Target]:
    """Nothing, in the legs of trades that risk does not allow."""
    return [Target(leg, 0, OrderReason.EXIT_RISK) for trade in trades for leg in trade.legs]
