"""How much of a dispersion is traded: all of its straddles, or none."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.records import VOLATILITY_POINT, Records, sides_of
from alo_lib.settings import Settings
from alo_lib.strategy.basket_scan import basket_vegas
from alo_lib.strategy.entries import new_trade, stopped_by
from alo_lib.strategy.exposure import equity
from alo_lib.strategy.funnel import count_stops
from alo_lib.strategy.sizing import displayed
from alo_lib.strategy.state import StrategyState
from alo_lib.strategy.trade import Trade

__all__ = ["basket_quantities", "basket_trades", "proposed_basket", "wanted_quantities"]

_MOST_STRUCTURES: Final = 1_000_000

Floats = NDArray[np.float64]


def proposed_basket(
    state: StrategyState, settings: Settings, signals: Records, time: int, proposed: Sequence[Trade]
) -> list[Trade]:
    """The trades of the dispersion that SIGNAL records tell of, beside those that are ``proposed``; none, or all.

    What stopped one whose edge suffices is counted. Limits of the book have not been asked yet.
    """
    quantities = wanted_quantities(state, settings, signals, time, proposed)
    return [] if quantities is None else basket_trades(state, signals, quantities, time)


def wanted_quantities(
    state: StrategyState, settings: Settings, signals: Records, time: int, proposed: Sequence[Trade] = ()
) -> tuple[int, ...] | None:
    """Structures of each of a dispersion's SIGNAL records, as many as budget and displayed sizes allow; None for none.

    What stopped one whose edge suffices is counted.
    """
    basket = settings.traded_basket
    if basket is None or not len(signals) or signals["edge_volatility"][0] < settings.entry_edge:
        return None
    index = int(signals["underlying"][0])
    for signal in signals:
        if (stop := stopped_by(state, settings, signal, time, proposed)) is not None:
            count_stops(state, [(index, stop)])
            return None
    vegas = basket_vegas(signals["implied_volatility"], np.array(list(basket.weights.values())))
    budget = settings.vega_budget * equity(state) / VOLATILITY_POINT
    affordable = basket_quantities(vegas, signals["vega"], budget, [_MOST_STRUCTURES] * len(signals))
    quantities = basket_quantities(vegas, signals["vega"], budget, [_shown(state, settings, each) for each in signals])
    if quantities is None:
        count_stops(state, [(index, "vega_budget" if affordable is None else "participation")])
    return quantities


def basket_trades(state: StrategyState, signals: Records, quantities: Sequence[int], time: int) -> list[Trade]:
    """The trades of a dispersion's SIGNAL records, as one."""
    trades = [new_trade(state, signal, count, time) for signal, count in zip(signals, quantities, strict=True)]
    for trade in trades:
        trade.basket = state.last_basket + 1
    return trades


def basket_quantities(vegas: Floats, vega: Floats, budget: float, most: Sequence[int]) -> tuple[int, ...] | None:
    """Structures (n,) whose vegas are in the ratio of ``vegas`` (n,), each of a gross ``vega`` (n,), rounded to whole.

    As many as the ``budget`` of gross vega pays for and as there are at ``most`` of each; None where that leaves one
    without a structure.
    """
    exact = vegas / vega / float(np.sum(vegas)) * budget
    if not np.isfinite(exact).all():
        return None
    top = float(exact.max())
    shown = float(np.min((np.asarray(most) + 0.5) / exact)) * top  # beyond it one is rounded to more than there are
    for size in range(math.floor(min(top, shown, _MOST_STRUCTURES)), 0, -1):
        counts = np.rint(exact * (size / top)).astype(np.int64)
        if counts.min() < 1:
            return None
        if np.all(counts <= most) and float(counts @ vega) <= budget:
            return tuple(counts.tolist())
    return None


def _shown(state: StrategyState, settings: Settings, signal: np.void) -> int:
    """Structures that all legs of a signal display at their touch."""
    book = state.underlyings[int(signal["underlying"])].book
    sides = sides_of(signal).items()
    return min(displayed(book, leg, 1 if count > 0 else -1, settings) // abs(count) for leg, count in sides)
