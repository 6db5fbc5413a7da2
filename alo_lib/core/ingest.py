"""Taking messages into the state: one small function a kind."""

from collections.abc import Callable
from typing import Final

import numpy as np

from alo_lib.core import external
from alo_lib.core.state import State, Underlying, WorkingOrder
from alo_lib.records import InstrumentKind, Kind, Message, OrderReason, OrderStatus
from alo_lib.strategy.book import CashDividend, MarketBook, TradingSession
from alo_lib.strategy.forecast import VolatilityForecaster

__all__ = ["ingest"]


def ingest(state: State, message: Message) -> None:
    """Apply one input to the state. Raises ValueError for a kind that is not an input."""
    try:
        handler = _HANDLERS[message.kind]
    except KeyError:
        raise ValueError(f"a message of kind {message.kind.name} is not an input of the core") from None
    handler(state, message)


def _instruments(state: State, message: Message) -> None:
    rows = message.records
    state.underlying_of.update(zip(rows["instrument"].tolist(), rows["underlying"].tolist(), strict=True))
    for row in rows[rows["kind"] == InstrumentKind.EQUITY]:
        number = int(row["instrument"])
        book = MarketBook(number, row["symbol"].decode())
        state.underlyings[number] = Underlying(book, VolatilityForecaster(state.settings))
    options = rows[rows["kind"] == InstrumentKind.OPTION]
    for number in np.unique(options["underlying"]).tolist():
        underlying = state.underlyings[number]
        underlying.book.list_contracts(options[options["underlying"] == number].copy())
        underlying.valuation = None
        underlying.session_news = True


def _session(state: State, message: Message) -> None:
    row = message.records[0]
    state.session = TradingSession(int(row["open"]), int(row["close"]), int(row["date"]))
    for underlying in state.underlyings.values():
        underlying.session_begun = underlying.session_news = True


def _rate(state: State, message: Message) -> None:
    state.rate = float(message.records["rate"][0])


def _closes(state: State, message: Message) -> None:
    for row in message.records:
        state.underlyings[int(row["instrument"])].new_closes.append((int(row["time"]), float(row["close"])))


def _ranges(state: State, message: Message) -> None:
    for row in message.records:
        prices = float(row["open"]), float(row["high"]), float(row["low"])
        state.underlyings[int(row["instrument"])].new_ranges[int(row["time"])] = prices


def _dividends(state: State, message: Message) -> None:
    for row in message.records:
        number = int(row["instrument"])
        state.underlyings[number].book.dividends.append(CashDividend(int(row["time"]), float(row["amount"])))
        state.portfolio.receive_dividend(number, float(row["amount"]))


def _splits(state: State, message: Message) -> None:
    for row in message.records:
        number, factor = int(row["instrument"]), float(row["factor"])
        book = state.underlyings[number].book
        book.split_pending = bool(row["warning"])
        if book.split_pending:
            state.notice(number, f"{book.ticker} splits before the next session: options are closed, none is opened")
            continue
        state.portfolio.split(number, factor, book.spot * factor)
        book.trade_price *= factor
        book.quote["bid"], book.quote["ask"] = np.nan, np.nan
        for dividend in book.dividends:
            if dividend.time < row["time"]:
                dividend.amount *= factor


def _trades(state: State, message: Message) -> None:
    for row in message.records:
        underlying = state.underlyings[int(row["instrument"])]
        underlying.book.trade_price, underlying.book.trade_time = float(row["close"]), message.time
        underlying.book.forget_orders({underlying.book.instrument})
        underlying.market_news = True


def _quotes(state: State, message: Message) -> None:
    rows = message.records
    quoted = set(rows["instrument"].tolist())
    for number, underlying in state.underlyings.items():
        book = underlying.book
        book.forget_orders(quoted)
        own = rows[rows["instrument"] == number]
        if len(own):
            book.quote, book.quote_at = own[-1:].copy(), message.time
            underlying.market_news = True
        _, chain_rows, quote_rows = np.intersect1d(
            book.contracts["instrument"], rows["instrument"], assume_unique=True, return_indices=True
        )
        if len(chain_rows):
            book.quotes[chain_rows] = rows[quote_rows]
            book.quote_time[chain_rows] = message.time
            underlying.market_news = True


def _order_events(state: State, message: Message) -> None:
    for row in message.records:
        instrument, quantity = int(row["instrument"]), int(row["quantity"])
        status = OrderStatus(row["status"])
        if quantity:
            price, fee = float(row["price"]), float(row["fee"])
            state.portfolio.fill(instrument, quantity, price, state.multiplier(instrument), fee)
            if trade := state.trade_with(instrument):
                trade.fill(quantity, price)
        if order := state.working.get(int(row["order"])):
            _follow_order(state, int(row["order"]), order, quantity, status)
        elif quantity and _leads_away(state, instrument, quantity):
            _rebalance(state, instrument, "was traded by the engine itself")


def _leads_away(state: State, instrument: int, filled: int) -> bool:
    """Whether a fill that the engine made led away from what is wanted; an execution model's leads towards it."""
    held, wanted = state.portfolio.quantity(instrument), state.wanted.get(instrument, 0)
    return abs(wanted - held) > abs(wanted - (held - filled))


def _follow_order(state: State, number: int, order: WorkingOrder, quantity: int, status: OrderStatus) -> None:
    """Account for what an order of ours took of its quote, and for its end."""
    book = state.underlyings[state.underlying_of[order.instrument]].book
    side = (order.instrument, 1 if order.remaining > 0 else -1)
    book.taken[side] = book.taken.get(side, 0) + abs(quantity)
    if status is OrderStatus.INVALID:
        book.refused.add(side)
        _rebalance(state, order.instrument, f"order {number} was refused")
    order.remaining -= quantity
    if status in (OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.INVALID):
        del state.working[number]


def _rebalance(state: State, instrument: int, why: str) -> None:
    """Undo the trade that has the instrument as a leg: one leg without the other is not what was wanted."""
    trade = state.trade_with(instrument)
    if trade is None or trade.undone_by is not None:
        return
    trade.undo(OrderReason.REBALANCE)
    book = state.underlyings[trade.underlying].book
    if state.session is not None:
        book.blocked_until = state.session.close
    state.notice(trade.underlying, f"{book.ticker}: {why}; its trade is undone")


_HANDLERS: Final[dict[Kind, Callable[[State, Message], None]]] = {
    Kind.INSTRUMENT: _instruments,
    Kind.SESSION: _session,
    Kind.CLOSE: _closes,
    Kind.RANGE: _ranges,
    Kind.RATE: _rate,
    Kind.DIVIDEND: _dividends,
    Kind.SPLIT: _splits,
    Kind.TRADE: _trades,
    Kind.QUOTE: _quotes,
    Kind.ORDER_EVENT: _order_events,
    Kind.EXTERNAL_STAGE: external.take_stages,
    Kind.EXTERNAL_INSIGHT: external.take_insights,
    Kind.EXTERNAL_TARGET: external.take_targets,
}
