"""Which orders the market can fill now, which wait for a better price, and what becomes of those that wait.

With ``order-type`` market all is ordered at the touch. Otherwise a trade's legs, its patient exits and its hedges are
limit orders: at mid first, nearer to the touch with each step, off fresh quotes alone. An entry never pays more than
leaves ``entry-edge``. Once its patience is over, or the session nearly, an order is canceled; what is left of an entry
is then taken at the touch where that leaves the edge, and given up where it does not
(:mod:`alo_lib.strategy.commands`); what is left of an exit is taken at the touch. A hedge waits within twice its band
and is taken beyond. What is urgent never waits: exits other than for edge or time, and what a model of the host wants.
"""

import math
from collections.abc import Iterable, Mapping
from enum import Enum, auto
from typing import Final

from alo_lib.records import SECOND, BookMode, OrderReason, OrderType
from alo_lib.settings import Settings
from alo_lib.strategy.commands import may_enter
from alo_lib.strategy.early_exercise import contracts_exercised, shares_brought, shares_coming
from alo_lib.strategy.ledger import WorkingOrder
from alo_lib.strategy.limit_prices import UnitCost, limit_of, most_for, share_of_way, unit_cost
from alo_lib.strategy.near_close import closes_soon
from alo_lib.strategy.sending import Amendment, Order
from alo_lib.strategy.sizing import displayed
from alo_lib.strategy.staleness import is_fresh
from alo_lib.strategy.state import StrategyState
from alo_lib.strategy.targets import Target, hedge_band, latest_targets, leads_away
from alo_lib.strategy.trade import PATIENT_EXITS

__all__ = ["adds_risk", "all_canceled", "changes_wanted", "fillable", "orders_toward"]

_PATIENT: Final = (OrderReason.ENTRY, OrderReason.HEDGE, *PATIENT_EXITS)
_URGENT_BANDS: Final = 2.0
_ANSWER: Final = 10 * SECOND
"""After which a change that was not answered is asked for again."""


def orders_toward(state: StrategyState, settings: Settings, targets: Iterable[Target], time: int) -> list[Order]:
    """Orders for the distance between what is held and what is wanted, as far as they can be filled or wait now.

    Nothing is ordered outside the session or in a halted book, nor while an order works in the instrument, nor what
    adds risk unless the book is in its normal mode. Options go first. The hedge of an underlying whose options are
    traded now waits for the next time, which their fills bring: it would be sized for a position that is about to
    change.
    """
    if state.session is None or not state.session.is_open(time) or state.mode is BookMode.HALTED:
        return []
    wanted = latest_targets(targets)
    busy = state.instruments_working()
    traded: set[int] = set()  # underlyings whose options are
    brought = shares_coming(state)  # and what the exercises of now bring besides, by underlying
    orders = _combinations(state, settings, wanted, busy, time)
    busy |= {order.instrument for order in orders}
    traded |= {state.underlying_of[order.instrument] for order in orders}
    for instrument in sorted(wanted, key=lambda number: (number in state.underlyings, number)):
        if instrument in busy or instrument in traded:
            continue
        if state.mode is not BookMode.NORMAL and adds_risk(state, wanted[instrument]):
            continue
        if wanted[instrument].reason is OrderReason.ENTRY and not may_enter(state, instrument):
            continue
        distance = wanted[instrument].quantity - state.portfolio.quantity(instrument)
        if gone := contracts_exercised(state, settings, instrument, distance, busy, brought, time):
            underlying = state.underlying_of[instrument]
            orders.append(Order(instrument, gone, wanted[instrument].reason, OrderType.OPTION_EXERCISE))
            brought[underlying] = brought.get(underlying, 0) + shares_brought(state, instrument, gone)
            traded.add(underlying)
        elif size := fillable(state, settings, instrument, distance, time):
            order = _order(state, settings, wanted[instrument], size, time)
            if order is not None:
                orders.append(order)
                traded.add(state.underlying_of[instrument])
    return orders


def changes_wanted(state: StrategyState, settings: Settings, targets: Iterable[Target], time: int) -> list[Amendment]:
    """New limits of the orders that wait, and the end of those that nobody wants to wait any more.

    A combination is changed by the lowest number of its orders that work, and canceled where not all of it is filled
    alike: its limit is one for whole units. What was asked for and not answered yet is not asked for again.
    """
    if state.session is None or not state.session.is_open(time):
        return []
    wanted = latest_targets(targets)
    for instrument, direction in list(state.impatient.items()):
        target = wanted.get(instrument)
        left = 0 if target is None else target.quantity - state.portfolio.quantity(instrument)
        if left * direction <= 0:  # it has come, or is not wanted any more
            del state.impatient[instrument]
    changes = []
    for number, order in state.working.items():
        if not state.leads(number) or (order.asked_at >= 0 and time - order.asked_at < _ANSWER):
            continue
        if not order.type.has_limit:
            if _opens_in_vain(state, order):
                changes.append(Amendment(number))
            continue
        together = state.group_of(number)
        if not (state.is_whole(number) and _may_wait(state, settings, wanted, together, time)):
            changes.append(Amendment(number))
            continue
        limit = _limit(state, settings, wanted[order.instrument], _unit(together), time, order.sent_at)
        if limit is not None and limit != order.limit:
            changes.append(Amendment(number, limit))
    return changes


def all_canceled(state: StrategyState) -> list[Amendment]:
    """The end of every order that works, whatever it waits for."""
    return [Amendment(number) for number in state.working if state.leads(number)]


def adds_risk(state: StrategyState, target: Target) -> bool:
    """Whether a target leads away from holding nothing, or beyond it; a hedge's does not count."""
    held = state.portfolio.quantity(target.instrument)
    return target.reason is not OrderReason.HEDGE and leads_away(held, target.quantity)


def fillable(state: StrategyState, settings: Settings, instrument: int, distance: int, time: int) -> int:
    """The signed part of ``distance`` that the last quote can fill now."""
    if distance == 0:
        return 0
    direction = 1 if distance > 0 else -1
    book = state.underlyings[state.underlying_of[instrument]].book
    if (instrument, direction) in book.refused:
        return 0
    if instrument != book.instrument:
        if not book.lists(instrument):
            return 0
        quoted_at = int(book.quote_time[book.row(instrument)])
    elif book.quote_at < book.trade_time:  # bars of trades alone show no size
        return distance if is_fresh(book.trade_time, settings, time) else 0
    else:
        quoted_at = book.quote_at
    if not is_fresh(quoted_at, settings, time):
        return 0
    return direction * min(abs(distance), displayed(book, instrument, direction, settings))


# How ------------------------------------------------------------------------------------------------------------------


class _Manner(Enum):
    """How what is wanted is ordered."""

    AT_ONCE = auto()  # at the touch, whatever it costs
    WITHIN_EDGE = auto()  # at the touch, where that leaves an entry its edge
    PATIENT = auto()  # a limit order


def _order(state: StrategyState, settings: Settings, target: Target, size: int, time: int) -> Order | None:
    """The order for a signed size of a target; None where an entry has to wait, or has no edge left."""
    price = _price(state, settings, target, {target.instrument: 1 if size > 0 else -1}, time)
    if price is None and target.reason is OrderReason.ENTRY:
        return None
    if price is None or math.isinf(price):  # without a price to wait at what is no entry is done as it can be
        return Order(target.instrument, size, target.reason)
    return Order(target.instrument, size, target.reason, OrderType.LIMIT, price)


def _combinations(
    state: StrategyState, settings: Settings, wanted: Mapping[int, Target], busy: set[int], time: int
) -> list[Order]:
    """Orders of trades whose legs are traded together for one reason: as many units as every leg displays."""
    orders: list[Order] = []
    for place, trade in enumerate(state.trades if settings.order_type == "combo" else (), 1):
        legs = {leg: wanted[leg].quantity - state.portfolio.quantity(leg) for leg in trade.legs if leg in wanted}
        legs = {leg: distance for leg, distance in legs.items() if distance}
        if len(legs) < 2 or len({wanted[leg].reason for leg in legs}) > 1 or not busy.isdisjoint(trade.legs):
            continue
        first = wanted[next(iter(legs))]
        if first.reason is OrderReason.ENTRY and not may_enter(state, first.instrument):
            continue
        if state.mode is not BookMode.NORMAL and any(adds_risk(state, wanted[leg]) for leg in legs):
            continue
        units = math.gcd(*legs.values())
        unit = {leg: distance // units for leg, distance in legs.items()}
        shown = (abs(fillable(state, settings, leg, each, time)) // abs(unit[leg]) for leg, each in legs.items())
        units = min(units, *shown)
        price = _price(state, settings, first, unit, time) if units >= 1 else None
        if price is None:
            continue
        type_, limit = (OrderType.COMBO_MARKET, None) if math.isinf(price) else (OrderType.COMBO_LIMIT, price)
        orders += [
            Order(leg, units * count, first.reason, type_, limit, combination=place) for leg, count in unit.items()
        ]
    return orders


def _price(
    state: StrategyState, settings: Settings, target: Target, unit: Mapping[int, int], time: int
) -> float | None:
    """The limit at which a unit waits now, infinite where it is taken at the touch; None where it is neither."""
    manner = _manner(state, settings, target, unit, time)
    if manner is _Manner.PATIENT:
        return _limit(state, settings, target, unit, time, time)
    return math.inf if manner is _Manner.AT_ONCE or _leaves_edge(state, settings, target, unit, time) else None


def _manner(state: StrategyState, settings: Settings, target: Target, unit: Mapping[int, int], time: int) -> _Manner:
    """How a unit of what is wanted, with the reason of ``target``, is ordered now."""
    if settings.order_type == "market" or target.reason not in _PATIENT:
        return _Manner.AT_ONCE
    if target.reason is OrderReason.HEDGE:
        patient = not _is_far_from_neutral(state, settings, target.instrument)
    else:
        patient = not any(state.impatient.get(leg, 0) * count > 0 for leg, count in unit.items())
    if patient and not closes_soon(state, settings, time, settings.limit_patience):
        return _Manner.PATIENT
    return _Manner.WITHIN_EDGE if target.reason is OrderReason.ENTRY else _Manner.AT_ONCE


def _is_far_from_neutral(state: StrategyState, settings: Settings, underlying: int) -> bool:
    """Whether the shares held are beyond twice the band that nothing is hedged in, or that cannot be told."""
    band = hedge_band(state, settings, underlying)
    if band is None:
        return True
    beyond = abs(state.portfolio.quantity(underlying) - float(band.centre))
    return not beyond <= _URGENT_BANDS * float(band.half_width)


def _hedge_slack(state: StrategyState, settings: Settings, underlying: int) -> float:
    """Shares by which a hedge that waits may differ from the one that is wanted now."""
    band = hedge_band(state, settings, underlying)
    return 0.0 if band is None else float(band.half_width)


def _may_wait(
    state: StrategyState,
    settings: Settings,
    wanted: Mapping[int, Target],
    together: list[WorkingOrder],
    time: int,
) -> bool:
    """Whether an order, or a combination, goes on waiting; where its patience is over, what is left is not patient."""
    if state.mode is BookMode.HALTED:
        return False
    trade = state.trade_with(together[0].instrument)
    for order in together:
        target = wanted.get(order.instrument)
        if _opens_in_vain(state, order):
            return False
        if target is None or state.trade_with(order.instrument) is not trade:
            return False
        if _manner(state, settings, target, {order.instrument: order.remaining}, time) is not _Manner.PATIENT:
            return False
        distance = target.quantity - state.portfolio.quantity(order.instrument)
        beyond = abs(order.remaining) - abs(distance) if distance * order.remaining > 0 else abs(order.remaining)
        slack = _hedge_slack(state, settings, order.instrument) if target.reason is OrderReason.HEDGE else 0.0
        if beyond > slack or (state.mode is not BookMode.NORMAL and adds_risk(state, target)):
            return False
    if time - min(order.sent_at for order in together) < settings.limit_patience * SECOND:
        return True
    for order in together:
        if wanted[order.instrument].reason is not OrderReason.HEDGE:
            state.impatient[order.instrument] = 1 if order.remaining > 0 else -1
    return False


def _opens_in_vain(state: StrategyState, order: WorkingOrder) -> bool:
    """Whether an order would open more of a trade of which no more is to be opened."""
    trade = state.trade_with(order.instrument)
    if trade is None or may_enter(state, order.instrument):
        return False
    return trade.opens(order.instrument, order.remaining)


def _unit(together: list[WorkingOrder]) -> dict[int, int]:
    """What is bought of each instrument to a unit of an order or a combination."""
    units = math.gcd(*(order.remaining for order in together))
    return {order.instrument: order.remaining // units for order in together}


def _limit(
    state: StrategyState, settings: Settings, target: Target, unit: Mapping[int, int], time: int, sent_at: int
) -> float | None:
    """The limit now of what was sent then; None where the market, or an entry's edge, leaves no price."""
    cost, most = _cost(state, settings, unit, time), _most(state, settings, target, unit, time)
    if cost is None or most is None:
        return None
    direction = next(iter(unit.values())) if len(unit) == 1 else 1
    return limit_of(cost, share_of_way(sent_at, settings, time), most, direction)


def _leaves_edge(state: StrategyState, settings: Settings, target: Target, unit: Mapping[int, int], time: int) -> bool:
    """Whether a unit costs no more at the touch than it may; not where the market does not tell."""
    cost, most = _cost(state, settings, unit, time), _most(state, settings, target, unit, time)
    return cost is not None and most is not None and cost.touch <= most


def _cost(state: StrategyState, settings: Settings, unit: Mapping[int, int], time: int) -> UnitCost | None:
    """What a unit of what is listed costs now."""
    book = state.underlyings[state.underlying_of[next(iter(unit))]].book
    if not all(number == book.instrument or book.lists(number) for number in unit):
        return None
    return unit_cost(book, unit, settings, time)


def _most(state: StrategyState, settings: Settings, target: Target, unit: Mapping[int, int], time: int) -> float | None:
    """The most that a unit may cost: of an entry what leaves its edge, of all else anything."""
    trade = state.trade_with(target.instrument)
    if target.reason is not OrderReason.ENTRY or trade is None:
        return math.inf
    return most_for(state, settings, trade, unit, time)
