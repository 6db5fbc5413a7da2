"""What order events, dividends, interest and splits do to what is held: the same in every engine, and in research."""

import numpy as np

from alo_lib.pricing.quotes import quote_mid
from alo_lib.records import ActionKind, DividendKind, Message, OrderReason, OrderStatus, OrderType
from alo_lib.strategy.attribution import (
    attribute_action,
    attribute_dividend,
    attribute_fill,
    attribute_interest,
    attribute_split,
    dividend_by_trade,
)
from alo_lib.strategy.book import CashDividend
from alo_lib.strategy.early_exercise import EXERCISE
from alo_lib.strategy.state import DueDividend, StrategyState
from alo_lib.strategy.trade import Trade

__all__ = [
    "book_dividend",
    "book_interest",
    "book_order_event",
    "book_split",
    "go_ex",
    "priced",
    "warn_of_action",
    "warn_of_split",
]


def priced(state: StrategyState, event: Message) -> Message:
    """An ORDER_EVENT, with what was quoted last for the price of fills that nobody heard of: they are told at 0.

    Booked at that they would be a loss, or a gain, of all that was closed. A settlement's price may be 0.
    """
    rows = event.records
    unheard = (rows["quantity"] != 0) & (rows["price"] == 0.0) & (rows["type"] != OrderType.OPTION_EXERCISE)
    if not unheard.any():
        return event
    rows = rows.copy()
    for place in np.flatnonzero(unheard).tolist():
        rows["price"][place] = _last_quoted(state, int(rows["instrument"][place]))
    return event._replace(records=rows)


def _last_quoted(state: StrategyState, instrument: int) -> float:
    """The spot, or the middle of a contract's last quote; 0 where neither is known."""
    underlying = state.underlyings.get(state.underlying_of.get(instrument, -1))
    if underlying is None:
        return 0.0
    book = underlying.book
    if instrument == book.instrument:
        return max(0.0, book.known_spot)
    if not book.lists(instrument):
        return 0.0
    quote = book.quote_of(instrument)
    price = quote_mid(float(quote["bid"]), float(quote["ask"]))
    return price if price > 0.0 else 0.0


def book_order_event(state: StrategyState, event: np.void, time: int) -> None:
    """Book what an ORDER_EVENT record of ``time`` says: its fill, what it took of the quote, the end of its order.

    Of a trade with a leg that was refused no more is opened; one that the engine traded without an order of ours and
    away from what is wanted undoes its trade. One that expired, was exercised or assigned is why its trade ends.
    """
    instrument, quantity, number = int(event["instrument"]), int(event["quantity"]), int(event["order"])
    order, refused = state.working.get(number), event["status"] == OrderStatus.INVALID
    if order is not None:
        book = state.underlyings[state.underlying_of[order.instrument]].book
        exercises = order.type is OrderType.OPTION_EXERCISE
        side = (order.instrument, EXERCISE if exercises else 1 if order.remaining > 0 else -1)
        if not exercises:
            book.taken[side] = book.taken.get(side, 0) + abs(quantity)
        if refused:
            book.refused.add(side)
    state.account_for(event)
    if quantity:
        attribute_fill(state, event, time)
    trade, why = state.trade_with(instrument) if quantity else None, "was traded by the engine itself"
    if trade is not None:
        trade.fill(instrument, quantity, float(event["price"]))
        if order is None and event["type"] == OrderType.OPTION_EXERCISE:
            trade.settle(_settlement(trade, instrument, quantity, time))
            why = "a leg was settled"
        elif event["type"] != OrderType.OPTION_EXERCISE:  # what the core exercises ends for what it was closed for
            opens = trade.opens(instrument, quantity)
            trade.progress.pay(instrument, quantity, float(event["price"]), float(event["fee"]), opens=opens)
    if order is None and trade is not None and _leads_away(state, trade, instrument, quantity):
        _rebalance(state, instrument, why)
    elif order is not None and refused:
        _stop_opening(state, order.instrument, f"order {number} was refused")


def book_dividend(state: StrategyState, row: np.void, told_at: int) -> None:
    """Book what a DIVIDEND record tells: the money, which hosts pay in cash, and what it means for contracts.

    One that was told before it goes ex counts in equity and in prices from then on (:func:`go_ex`). Regular dividends
    alone are in yields and in their rhythm. With a spin-off or special dividend the contracts listed before are
    adjusted by the exchange, and not by hosts: trades in them end, and daily prices count from what is left.
    """
    number, time, amount = int(row["instrument"]), int(row["time"]), float(row["amount"])
    underlying, kind = state.underlyings[number], DividendKind(row["kind"])
    book, reference = underlying.book, float(row["reference"])
    money = state.portfolio.receive_dividend(number, amount)
    if kind is DividendKind.ORDINARY:
        book.dividends.append(CashDividend(time, amount))
    if kind is not DividendKind.ADJUSTING:
        underlying.due.append(DueDividend(time, amount, money, dividend_by_trade(state, number, amount)))
        go_ex(state, told_at)
        return
    if amount < reference:
        underlying.price_level.distribute(time, 1.0 - amount / reference)
    book.action_at = time
    if state.session is None or time < state.session.open:
        return  # it went ex before what is known of the market
    book.bar_contracts()
    book.distribute(amount)
    underlying.close_before = 0.0
    attribute_action(state, number, amount)
    held = state.contracts_held(number)
    for trade in state.trades_in(number):
        trade.seen = None  # what it had left to gain was seen before
        trade.undo(OrderReason.EXIT_ACTION)
    told = f"{book.ticker}: {amount:.2f} a share was distributed beside dividends; contracts listed before are"
    state.notice(number, f"{told} closed, none of them is opened" if held else f"{told} not traded")


def go_ex(state: StrategyState, time: int) -> None:
    """Let the dividends that were told and have gone ex by ``time`` count.

    A price from before is lowered by the amount: what is held is not worth the dividend twice.
    """
    for number, underlying in state.underlyings.items():
        if not underlying.due:
            continue
        gone = [due for due in underlying.due if due.time <= time]
        underlying.due = [due for due in underlying.due if due.time > time]
        for due in gone:
            attribute_dividend(state, number, due.by_trade)
            if underlying.book.spot_time < due.time:
                underlying.book.distribute(due.amount)
                underlying.close_before = max(underlying.close_before - due.amount, 0.0)


def warn_of_action(state: StrategyState, number: int, action: ActionKind) -> None:
    """Take note that a corporate action changes contracts before the next session."""
    book = state.underlyings[number].book
    book.action_ahead = True
    told = f"{book.ticker} has {action.words} before the next session"
    state.notice(number, f"{told}: options are closed, none is opened")


def book_interest(state: StrategyState, amount: float, underlying: int | None) -> None:
    """Book interest on cash (no ``underlying``), or a fee for its borrowed shares; negative where it is paid."""
    state.portfolio.cash += amount
    attribute_interest(state, amount, underlying)


def warn_of_split(state: StrategyState, underlying: int) -> None:
    """Take note that an underlying splits before the next session."""
    book = state.underlyings[underlying].book
    book.split_pending = True
    state.notice(underlying, f"{book.ticker} splits before the next session: options are closed, none is opened")


def book_split(state: StrategyState, underlying: int, time: int, factor: float) -> None:
    """Book a split at ``time``: shares over ``factor``, prices and the dividends before it times ``factor``.

    Before any price was told, the fraction of a share that is cut off counts as worth nothing.
    """
    book = state.underlyings[underlying].book
    before, price = state.portfolio.quantity(underlying), book.known_spot * factor
    state.portfolio.split(underlying, factor, price)
    attribute_split(state, underlying, factor, before, price)
    book.split(time, factor)
    state.underlyings[underlying].close_before *= factor


def _leads_away(state: StrategyState, trade: Trade, leg: int, filled: int) -> bool:
    """Whether a fill in a leg, booked already, led away from what is wanted; an execution model's leads towards it."""
    held, wanted = state.portfolio.quantity(leg), state.target_quantities.get(leg, trade.wanted(leg))
    return abs(wanted - held) > abs(wanted - (held - filled))


def _settlement(trade: Trade, leg: int, quantity: int, time: int) -> OrderReason:
    """What settled ``quantity`` contracts of a leg, those that were short being bought."""
    if time >= trade.expiry_of(leg):
        return OrderReason.EXPIRED
    return OrderReason.ASSIGNED if quantity > 0 else OrderReason.EXERCISED


def _stop_opening(state: StrategyState, instrument: int, why: str) -> None:
    """Open no more of the trade that has the instrument as a leg: what is refused once is refused again."""
    trade = state.trade_with(instrument)
    if trade is None or trade.undone_by is not None or not trade.progress.may_enter:
        return
    trade.progress.gave_up = True
    state.block_entries(trade.underlying)
    ticker = state.underlyings[trade.underlying].book.ticker
    state.notice(trade.underlying, f"{ticker}: {why}; no more of its trade is opened")


def _rebalance(state: StrategyState, instrument: int, why: str) -> None:
    """Undo the trade that has the instrument as a leg: some legs without the others are not what was wanted."""
    trade = state.trade_with(instrument)
    if trade is None or not trade.undo(OrderReason.REBALANCE):
        return
    state.block_entries(trade.underlying)
    ticker = state.underlyings[trade.underlying].book.ticker
    state.notice(trade.underlying, f"{ticker}: {why}; its trade is undone")
