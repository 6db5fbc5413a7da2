"""At what price a patient order waits, and what an entry may pay at most.

Whatever is ordered together is one thing that is bought: so many of each instrument to a unit, those that are sold
counted negative. What a unit costs is negative where it brings something. A price is made only of fresh quotes of two
sides that do not cross; the first is at mid, each step goes nearer to the touch.
"""

import math
from collections.abc import Mapping
from decimal import ROUND_FLOOR, Decimal
from typing import Final, NamedTuple

import numpy as np

from alo_lib.pricing.quotes import quote_mid
from alo_lib.records import OPTION_MULTIPLIER, SECOND, TICK
from alo_lib.settings import Settings
from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.edge_costs import Moment, edge_costs
from alo_lib.strategy.edges import net_edges
from alo_lib.strategy.exposure import equity
from alo_lib.strategy.staleness import is_fresh
from alo_lib.strategy.state import StrategyState
from alo_lib.strategy.trade import Trade

__all__ = ["UnitCost", "limit_of", "most_for", "share_of_way", "unit_cost"]

_DUST: Final = 1e-9
"""Of sums of prices, which are none of ticks by it."""


class UnitCost(NamedTuple):
    """What a unit costs a share, by its instruments' quotes."""

    mid: float
    half_spread: float

    @property
    def touch(self) -> float:
        """Cost at the touch."""
        return self.mid + self.half_spread


def unit_cost(book: MarketBook, unit: Mapping[int, int], settings: Settings, time: int) -> UnitCost | None:
    """What a unit costs now; None where a quote is stale, crossed or lacks a side."""
    mid = half_spread = 0.0
    for instrument, count in unit.items():
        quote = book.quote_of(instrument)
        quoted_at = book.quote_at if instrument == book.instrument else int(book.quote_time[book.row(instrument)])
        bid, ask = float(quote["bid"]), float(quote["ask"])
        middle = quote_mid(bid, ask)
        if not (is_fresh(quoted_at, settings, time) and middle > 0.0 and 0.0 < bid <= ask):
            return None
        mid += count * middle
        half_spread += abs(count) * 0.5 * (ask - bid)
    return UnitCost(mid, half_spread)


def share_of_way(sent_at: int, settings: Settings, time: int) -> float:
    """How far from mid to the touch an order has come that was sent then: a whole number of steps; 1 at the touch."""
    elapsed = (time - sent_at) / SECOND / settings.limit_patience
    return min(math.floor(elapsed * settings.limit_steps + _DUST) / settings.limit_steps, 1.0)


def limit_of(cost: UnitCost, share: float, most: float, direction: int) -> float | None:
    """The limit of an order that has come a share of the way, and pays no more than ``most`` for a unit.

    A price a share for an order by itself, which buys (+1) or sells (-1); for a combination, which is bought, its cost.
    None where no price is left: a sale's would be none.
    """
    wanted = min(cost.mid + share * cost.half_spread, most)
    if not math.isfinite(wanted):
        return None
    ticks = (Decimal(repr(round(wanted + _DUST, 6))) / TICK).to_integral_value(ROUND_FLOOR)
    price = direction * ticks * TICK
    return float(price) if price else None


def most_for(
    state: StrategyState, settings: Settings, trade: Trade, unit: Mapping[int, int], time: int
) -> float | None:
    """The most that a unit of some of a trade's legs may cost a share, so that entry-edge is left of the trade.

    That is its cost at the touch and what a structure's edge, as the scanner counts it now, has beyond entry-edge, for
    each structure that a unit opens or completes; of one that lacks edge the unit has to make up for it. Infinite where
    nothing is opened, and of a trade that an insight of the host backs. None where the market does not tell.
    """
    each, book = trade.unit, state.underlyings[trade.underlying].book
    structures = max(count / each[leg] for leg, count in unit.items())
    if structures <= 0.0 or state.external.backs(trade.legs, time):
        return math.inf
    spare = _edge_to_spare(state, settings, trade, time)
    cost = None if spare is None else unit_cost(book, unit, settings, time)
    return None if spare is None or cost is None else cost.touch + structures * spare


def _edge_to_spare(state: StrategyState, settings: Settings, trade: Trade, time: int) -> float | None:
    """What a structure's edge has now beyond entry-edge, money a share; negative where it lacks some.

    The structures of a basket share what all of them have.
    """
    if not trade.basket:
        return _own_edge_to_spare(state, settings, trade, time)
    together = state.together(trade)
    spares = [_own_edge_to_spare(state, settings, each, time) for each in together]
    told = [spare for spare in spares if spare is not None]
    if len(told) < len(spares):
        return None
    quantities = [each.quantity for each in together]
    return sum(quantity * spare for quantity, spare in zip(quantities, told, strict=True)) / sum(quantities)


def _own_edge_to_spare(state: StrategyState, settings: Settings, trade: Trade, time: int) -> float | None:
    underlying = state.underlyings[trade.underlying]
    book, valuation = underlying.book, underlying.valuation
    if valuation is None or not all(map(book.lists, trade.legs)):
        return None
    if unit_cost(book, trade.unit, settings, time) is None:
        return None
    ratios, rows = np.array(trade.ratios, np.float64), np.array([[book.row(leg) for leg in trade.legs]], np.intp)
    moment = Moment(time, state.rate, underlying.band, state.learned, equity(state))
    costs = edge_costs(book, valuation, ratios, rows, settings, moment)
    edges = net_edges(book, valuation, ratios, rows, trade.direction, costs)
    spare = float(edges.money[0] - settings.entry_edge * edges.vega[0]) / OPTION_MULTIPLIER
    return spare if math.isfinite(spare) else None
