"""How far contracts and structures come in a session on their way to a trade: why there was one, or none."""

from collections.abc import Iterable
from typing import Annotated

import numpy as np

from alo_lib.records import FUNNEL_STAGES, Kind, Records, one_table, records
from alo_lib.strategy.state import StrategyState
from alo_lib.strategy.trade import Trade

__all__ = ["begin_funnels", "count_stops", "count_trades", "take_new_funnels", "widen", "widen_by"]


def begin_funnels(state: StrategyState) -> None:
    """Count anew, from a session's beginning."""
    for number, underlying in state.underlyings.items():
        underlying.funnel = records(Kind.FUNNEL, underlying=number)
        underlying.told_funnel = underlying.funnel.copy()


def widen(state: StrategyState, funnel: Annotated[Records, Kind.FUNNEL]) -> None:
    """Take a frame's counts of an underlying in: of each stage the largest of the session stays."""
    underlying = state.underlyings[int(funnel["underlying"][0])]
    for stage in FUNNEL_STAGES:
        underlying.funnel[stage] = np.maximum(underlying.funnel[stage], funnel[stage])


def widen_by(state: StrategyState, number: int, **counts: int) -> None:
    """Take counts of a frame in that are an underlying's beside those of its own chain, by their stage."""
    funnel = state.underlyings[number].funnel
    for stage, count in counts.items():
        funnel[stage] = np.maximum(funnel[stage], count)


def count_trades(state: StrategyState, proposed: Iterable[Trade], opened: Iterable[Trade]) -> None:
    """Count the trades that a frame proposed, of which again the largest number stays, and those it opened, in all."""
    proposed, opened = list(proposed), list(opened)
    for number, underlying in state.underlyings.items():
        at_once = sum(trade.underlying == number for trade in proposed)
        underlying.funnel["proposed"] = max(at_once, int(underlying.funnel["proposed"][0]))
        underlying.funnel["opened"] += sum(trade.underlying == number for trade in opened)


def count_stops(state: StrategyState, stops: Iterable[tuple[int, str]]) -> None:
    """Count a frame's stops, each the underlying and the one of ENTRY_LIMITS that stopped a structure, once."""
    for number, limit in sorted(set(stops)):
        state.underlyings[number].funnel[limit] += 1


def take_new_funnels(state: StrategyState) -> Annotated[Records, Kind.FUNNEL]:
    """The funnels that changed since they were last taken."""
    changed = [each for each in state.underlyings.values() if each.funnel.tobytes() != each.told_funnel.tobytes()]
    for underlying in changed:
        underlying.told_funnel = underlying.funnel.copy()
    return one_table(Kind.FUNNEL, (underlying.told_funnel for underlying in changed))
