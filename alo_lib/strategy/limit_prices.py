"""At what price a patient order waits, and what an entry may pay at most.

Whatever is ordered together is one thing that is bought: so many of each instrument to a unit, those that are sold
counted negative. What a unit costs is negative where it brings something. A price is made only of fresh quotes of two
sides that do not cross; the first is at mid, each step goes nearer to the touch.
"""

import math
from collections.abc import Mapping
from decimal import ROUND_FLOOR, Decimal
from typing import Final, NamedTuple

from alo_lib.pricing.quotes import quote_mid
from alo_lib.records import OPTION_MULTIPLIER, SECOND, TICK
from alo_lib.settings import Settings
from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.staleness import is_fresh
from alo_lib.strategy.state import StrategyState
from alo_lib.strategy.trade import Trade

__all__ = ["UnitCost", "limit_of", "most_for", "share_of_way", "unit_cost", "units_of"]

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


def units_of(trade: Trade) -> dict[int, int]:
    """Contracts of each leg to a structure of a trade as it is opened: bought positive, sold negative."""
    return dict(zip(trade.legs, trade.signed_ratios, strict=True))


def most_for(
    state: StrategyState, settings: Settings, trade: Trade, legs: Mapping[int, int], time: int
) -> float | None:
    """The most that some legs of a structure may cost a share, so that entry-edge is left of a trade.

    As the scanner counts an edge: worth at the forecast less what is paid, half of the spread to leave through, and
    fees both ways. The other legs count at their touch. None where the market does not tell.
    """
    underlying, units = state.underlyings[trade.underlying], units_of(trade)
    book = underlying.book
    whole = unit_cost(book, units, settings, time) if all(map(book.lists, units)) else None
    if underlying.valuation is None or whole is None:
        return None
    others = unit_cost(book, {leg: count for leg, count in units.items() if leg not in legs}, settings, time)
    price, vega = underlying.valuation.at_forecast.price, underlying.valuation.at_forecast.vega
    worth = sum(count * float(price[book.row(leg)]) for leg, count in units.items())
    risk = sum(abs(count) * float(vega[book.row(leg)]) for leg, count in units.items())
    fees = 2.0 * sum(map(abs, units.values())) * settings.fee_per_contract / OPTION_MULTIPLIER
    most = worth - whole.half_spread - fees - settings.entry_edge * risk
    return most - others.touch if others is not None and math.isfinite(most) else None
