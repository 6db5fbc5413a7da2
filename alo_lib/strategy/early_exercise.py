"""What is closed by exercise instead of a sale: a long option whose bid is below what exercise gives.

Exercise costs no fee and no spread of the option, and the shares that it brings or takes end the hedge, which is to be
traded back otherwise: so it is the better way out where nobody pays parity.
"""

import math
from collections.abc import Container, Mapping
from typing import Final

from alo_lib.records import OPTION_MULTIPLIER, OrderType
from alo_lib.settings import Settings
from alo_lib.strategy.staleness import is_fresh
from alo_lib.strategy.state import StrategyState

__all__ = ["EXERCISE", "contracts_exercised", "shares_brought", "shares_coming"]

EXERCISE: Final = 0
"""In the place of an order's direction, where an exercise was refused."""


def contracts_exercised(
    state: StrategyState,
    settings: Settings,
    instrument: int,
    distance: int,
    busy: Container[int],
    brought: Mapping[int, int],
    time: int,
) -> int:
    """Of ``distance``, the signed contracts that are to leave a position, those to exercise; 0 where it is sold.

    Its quote, the shares' and their last trade are known and fresh; its bid, if there is one, is below what exercise
    gives at that trade and at the side of the shares' quote that is worse for it; and no more shares are held
    afterwards than before, of either sign: they are worth parity because they end a hedge. No order works in the
    shares; ``brought`` are those, by underlying, that other exercises bring: of this moment, or still working.
    """
    number = state.underlying_of[instrument]
    book, shares = state.underlyings[number].book, state.portfolio.quantity(number) + brought.get(number, 0)
    if settings.exercise == "never" or number in busy or not book.lists(instrument):
        return 0
    row = book.row(instrument)
    contract, quote = book.contracts[row], book.quotes[row]
    told_at = int(book.quote_time[row]), book.quote_at, book.trade_time
    fresh = all(is_fresh(each, settings, time) for each in told_at)
    closes = state.portfolio.quantity(instrument) >= -distance > 0
    if not (fresh and closes and contract["american"]) or (instrument, EXERCISE) in book.refused:
        return 0
    right, bid = int(contract["right"]), float(quote["bid"])
    spots = (float(book.quote["bid" if right > 0 else "ask"][0]), book.trade_price)
    if not all(map(math.isfinite, spots)):
        return 0
    parity = min(right * (spot - float(contract["strike"])) for spot in spots)  # hosts go by the last trade
    if not parity > (bid if math.isfinite(bid) else 0.0) or shares * right >= 0:
        return 0
    return -min(-distance, 2 * abs(shares) // OPTION_MULTIPLIER)


def shares_brought(state: StrategyState, instrument: int, contracts: int) -> int:
    """Signed shares that exercise of ``contracts``, below zero as they leave, brings."""
    book = state.underlyings[state.underlying_of[instrument]].book
    return -contracts * OPTION_MULTIPLIER * int(book.contracts[book.row(instrument)]["right"])


def shares_coming(state: StrategyState) -> dict[int, int]:
    """Signed shares, by underlying, that the exercises that work are to bring.

    One in a contract that the chain holds no more was sent, as all are, to end a hedge: it counts against the shares.
    """
    coming: dict[int, int] = {}
    for order in state.working.values():
        if order.type is OrderType.OPTION_EXERCISE:
            underlying = state.underlying_of[order.instrument]
            if state.underlyings[underlying].book.lists(order.instrument):
                brought = shares_brought(state, order.instrument, order.remaining)
            else:
                held = state.portfolio.quantity(underlying)
                brought = int(math.copysign(order.remaining * OPTION_MULTIPLIER, -held))
            coming[underlying] = coming.get(underlying, 0) + brought
    return coming
