"""Taking messages into the state: one small function a kind."""

from collections.abc import Callable
from typing import Final

import numpy as np

from alo_lib.core import overruling
from alo_lib.core.state import State
from alo_lib.records import ACCOUNT_CASH, ActionKind, InstrumentKind, Kind, Message, Session
from alo_lib.strategy.accounting import (
    book_dividend,
    book_interest,
    book_order_event,
    book_split,
    go_ex,
    priced,
    warn_of_action,
    warn_of_split,
)
from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.forecast import VolatilityForecaster
from alo_lib.strategy.funnel import begin_funnels
from alo_lib.strategy.halts import begin_day, take_halts
from alo_lib.strategy.operating import take_command
from alo_lib.strategy.state import Underlying
from alo_lib.strategy.takeover import take_over
from alo_lib.strategy.variance_time import ScheduledEvent

__all__ = ["ingest"]


def ingest(state: State, message: Message) -> None:
    """Apply one input to the state.

    :raises ValueError: for a kind that is not an input.
    """
    try:
        handler = _HANDLERS[message.kind]
    except KeyError:
        raise ValueError(f"a message of kind {message.kind.name} is not an input of the core") from None
    state.strategy.date_facts(message)
    go_ex(state.strategy, message.time)  # before a price of the ex-date is told
    handler(state, message)


def _instruments(state: State, message: Message) -> None:
    rows, strategy = message.records, state.strategy
    strategy.list_instruments(rows)
    for row in rows[rows["kind"] == InstrumentKind.EQUITY]:
        number = int(row["instrument"])
        book = MarketBook(number, row["symbol"].decode())
        strategy.underlyings[number] = Underlying(book, VolatilityForecaster(state.run_settings))
    options = rows[rows["kind"] == InstrumentKind.OPTION]
    for number in np.unique(options["underlying"]).tolist():
        underlying = strategy.underlyings[number]
        told = options[options["underlying"] == number]
        underlying.book.list_contracts(told.copy(), keep=strategy.contracts_open(number))
        if strategy.session is not None and underlying.book.action_at >= strategy.session.open:
            underlying.book.bar_contracts()  # those of the day are listed since before it
        underlying.valuation = None
        underlying.session_news = True


def _session(state: State, message: Message) -> None:
    strategy, session = state.strategy, Session.of_record(message.records[0])
    before, strategy.session = strategy.session, session
    strategy.calendar = [(session.open, session.close)]
    if before is not None and before.close < session.open:
        strategy.calendar.insert(0, (before.open, before.close))
    for underlying in strategy.underlyings.values():
        underlying.session_begun = underlying.session_news = True
        underlying.close_before = underlying.book.known_spot if before is not None else 0.0
        underlying.book.begin_session()
        underlying.variance_time.begin_session()
    begin_funnels(strategy)
    if before is None or before.day != session.day:
        begin_day(strategy)


def _calendar(state: State, message: Message) -> None:
    opens, closes = message.records["open"].tolist(), message.records["close"].tolist()
    today = state.strategy.session
    known = [] if today is None else [each for each in state.strategy.calendar if each[0] <= today.open]
    state.strategy.calendar = [*known, *zip(opens, closes, strict=True)]
    for underlying in state.strategy.underlyings.values():
        underlying.session_news = True


def _scheduled(state: State, message: Message) -> None:
    rows = message.records
    for number in np.unique(rows["instrument"]).tolist():
        state.strategy.underlyings[number].variance_time.events = [
            ScheduledEvent(int(row["time"]), row["name"].decode(), float(row["move"]))
            for row in rows[rows["instrument"] == number]
        ]
        state.strategy.underlyings[number].session_news = True


def _halts(state: State, message: Message) -> None:
    take_halts(state.strategy, message.records)


def _operator(state: State, message: Message) -> None:
    for row in message.records:
        take_command(state.strategy, row, state.run_settings)


def _takeover(state: State, message: Message) -> None:
    take_over(state.strategy, message.records, message.time)


def _rate(state: State, message: Message) -> None:
    state.strategy.rate = float(message.records["rate"][0])


def _curve(state: State, message: Message) -> None:
    for underlying in state.strategy.underlyings.values():
        underlying.book.take_rates(message.records)
        underlying.session_news = True


def _closes(state: State, message: Message) -> None:
    for row in message.records:
        told = int(row["time"]), float(row["close"])
        state.strategy.underlyings[int(row["instrument"])].new_closes.append(told)


def _ranges(state: State, message: Message) -> None:
    for row in message.records:
        prices = float(row["open"]), float(row["high"]), float(row["low"])
        state.strategy.underlyings[int(row["instrument"])].new_ranges[int(row["time"])] = prices


def _dividends(state: State, message: Message) -> None:
    for row in message.records:
        book_dividend(state.strategy, row, message.time)


def _announced(state: State, message: Message) -> None:
    for number in np.unique(message.records["instrument"]).tolist():
        state.strategy.underlyings[number].book.announce(message.records)
        state.strategy.underlyings[number].session_news = True


def _actions(state: State, message: Message) -> None:
    for row in message.records:
        warn_of_action(state.strategy, int(row["instrument"]), ActionKind(row["action"]))


def _policy(state: State, message: Message) -> None:
    state.strategy.policy_told = message.records.copy()


def _splits(state: State, message: Message) -> None:
    for row in message.records:
        if row["warning"]:
            warn_of_split(state.strategy, int(row["instrument"]))
        else:
            book_split(state.strategy, int(row["instrument"]), int(row["time"]), float(row["factor"]))


def _interest(state: State, message: Message) -> None:
    for row in message.records:
        instrument = int(row["instrument"])
        underlying = None if instrument == ACCOUNT_CASH else instrument
        book_interest(state.strategy, float(row["amount"]), underlying)


def _trades(state: State, message: Message) -> None:
    for row in message.records:
        underlying = state.strategy.underlyings[int(row["instrument"])]
        underlying.book.take_trade(float(row["close"]), message.time)
        underlying.market_news = True


def _quotes(state: State, message: Message) -> None:
    for underlying, rows in state.strategy.by_underlying(message.records):
        if underlying.book.take_quotes(rows, message.time):
            underlying.market_news = True


def _order_events(state: State, message: Message) -> None:
    for row in priced(state.strategy, message).records:  # an earlier program's journal has fills without a price
        book_order_event(state.strategy, row, message.time)


_HANDLERS: Final[dict[Kind, Callable[[State, Message], None]]] = {
    Kind.INSTRUMENT: _instruments,
    Kind.SESSION: _session,
    Kind.CALENDAR: _calendar,
    Kind.SCHEDULED: _scheduled,
    Kind.CLOSE: _closes,
    Kind.RANGE: _ranges,
    Kind.RATE: _rate,
    Kind.CURVE: _curve,
    Kind.DIVIDEND: _dividends,
    Kind.ACTION: _actions,
    Kind.ANNOUNCED: _announced,
    Kind.POLICY: _policy,
    Kind.SPLIT: _splits,
    Kind.INTEREST: _interest,
    Kind.TRADE: _trades,
    Kind.QUOTE: _quotes,
    Kind.ORDER_EVENT: _order_events,
    Kind.HALT: _halts,
    Kind.OPERATOR: _operator,
    Kind.TAKEOVER: _takeover,
    Kind.EXTERNAL_STAGE: overruling.take_stages,
    Kind.EXTERNAL_INSIGHT: overruling.take_insights,
    Kind.EXTERNAL_TARGET: overruling.take_targets,
}
