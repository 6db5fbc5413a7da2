"""What each kind of input changes of the state; the strategy's accounting has its own tests."""

import datetime as dt
import math
from typing import Any

import numpy as np
import pytest

from alo_lib.core.ingest import ingest
from alo_lib.core.state import State
from alo_lib.records import ACCOUNT_CASH, Contract, InstrumentTable, Kind, Message, OrderStatus, Session, records
from alo_lib.settings import Settings
from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.ledger import WorkingOrder
from alo_lib.strategy.portfolio import Portfolio
from alo_lib.strategy.state import StrategyState, Underlying
from alo_lib.strategy.variance_time import ScheduledEvent

NOW = 1_700_000_000 * 10**9
DATE = dt.date(2023, 11, 14)
SETTINGS = Settings()
ONE, OTHER, PUT, CALL = 0, 1, 2, 3


def told() -> State:
    """A state that knows two underlyings and two contracts of the first."""
    state, table = State(SETTINGS, StrategyState(portfolio=Portfolio(1000.0))), InstrumentTable()
    tell(state, Kind.INSTRUMENT, table.add_equity("ONE"))
    tell(state, Kind.INSTRUMENT, table.add_equity("OTHER"))
    expiry = DATE + dt.timedelta(days=30)
    contracts = [Contract(expiry, 10.0, right, NOW + 30 * 86_400 * 10**9) for right in (-1, 1)]
    tell(state, Kind.INSTRUMENT, table.add_contracts("ONE", contracts))
    return state


def tell(state: State, kind: Kind, rows: Any) -> None:
    ingest(state, Message(kind, NOW, rows))


def one(state: State) -> Underlying:
    return state.strategy.underlyings[ONE]


def book(state: State) -> MarketBook:
    return one(state).book


def test_instruments_are_known_by_number_and_listed_in_their_chain() -> None:
    state = told()
    assert {number: each.book.ticker for number, each in state.strategy.underlyings.items()} == {0: "ONE", 1: "OTHER"}
    assert state.strategy.underlying_of == {ONE: ONE, OTHER: OTHER, PUT: ONE, CALL: ONE}
    assert book(state).contracts["instrument"].tolist() == [PUT, CALL]
    assert len(state.strategy.underlyings[OTHER].book.contracts) == 0
    assert (one(state).session_news, state.strategy.underlyings[OTHER].session_news) == (True, False)


def test_a_new_chain_is_valued_anew() -> None:
    state = told()
    one(state).valuation = object()  # type: ignore[assignment]
    one(state).session_news = False
    tell(state, Kind.INSTRUMENT, book(state).contracts[:1])
    assert one(state).valuation is None
    assert one(state).session_news
    assert book(state).contracts["instrument"].tolist() == [PUT]


def test_a_session_begins_for_every_underlying() -> None:
    state = told()
    one(state).session_news = False
    tell(state, Kind.SESSION, records(Kind.SESSION, open=5, close=9, date=20231114))
    assert state.strategy.session == Session(DATE, 5, 9)
    assert all(each.session_begun and each.session_news for each in state.strategy.underlyings.values())


def test_a_calendar_is_of_the_session_before_todays_and_those_ahead_and_told_anew_replaces() -> None:
    state = told()
    tell(state, Kind.SESSION, records(Kind.SESSION, open=5, close=9, date=20231114))
    tell(state, Kind.CALENDAR, records(Kind.CALENDAR, 2, open=[15, 25], close=[19, 29]))
    assert state.strategy.calendar == [(5, 9), (15, 19), (25, 29)]
    tell(state, Kind.SESSION, records(Kind.SESSION, open=15, close=19, date=20231115))
    assert state.strategy.calendar == [(5, 9), (15, 19)]
    for close in (29, 28):
        tell(state, Kind.CALENDAR, records(Kind.CALENDAR, open=25, close=close))
    assert state.strategy.calendar == [(5, 9), (15, 19), (25, 28)]


def test_events_are_of_their_underlying_and_of_a_session() -> None:
    state = told()
    rows = records(Kind.SCHEDULED, 3, time=[7, 8, 7], instrument=[ONE, ONE, OTHER], move=[0.1, np.nan, 0.2])
    rows["name"] = b"earnings"
    for _ in range(2):  # told twice they count once
        tell(state, Kind.SCHEDULED, rows)
    found = one(state).variance_time.events
    assert [(event.time, event.name) for event in found] == [(7, "earnings"), (8, "earnings")]
    assert found[0].move == 0.1
    assert np.isnan(found[1].move)
    assert [event.move for event in state.strategy.underlyings[OTHER].variance_time.events] == [0.2]
    tell(state, Kind.SESSION, records(Kind.SESSION, open=5, close=9, date=20231114))
    assert one(state).variance_time.events == []


def test_announced_dividends_are_of_their_underlying_and_of_a_session_and_follow_a_split() -> None:
    state = told()
    rows = records(Kind.ANNOUNCED, 3, time=[9, 8, 7], instrument=[ONE, ONE, OTHER], amount=[0.1, 0.0, 0.2])
    for _ in range(2):  # told twice they count once
        tell(state, Kind.ANNOUNCED, rows)
    assert [(each.time, each.amount) for each in book(state).announced] == [(8, 0.0), (9, 0.1)]
    tell(state, Kind.SPLIT, records(Kind.SPLIT, time=6, instrument=ONE, factor=0.5))
    assert [each.amount for each in book(state).announced] == [0.0, 0.05]
    assert [each.amount for each in state.strategy.underlyings[OTHER].book.announced] == [0.2]
    tell(state, Kind.SESSION, records(Kind.SESSION, open=5, close=9, date=20231114))
    assert book(state).announced == []


def test_the_rate_is_the_last_that_was_told() -> None:
    state = told()
    for rate in (0.05, 0.04):
        tell(state, Kind.RATE, records(Kind.RATE, rate=rate))
    assert state.strategy.rate == 0.04


def test_closes_and_ranges_of_a_day_make_a_bar_of_their_own_underlying() -> None:
    state = told()
    closes = records(Kind.CLOSE, 3, time=[1, 2, 1], instrument=[ONE, ONE, OTHER], close=[10.0, 11.0, 50.0])
    tell(state, Kind.CLOSE, closes)
    tell(state, Kind.RANGE, records(Kind.RANGE, time=2, instrument=ONE, open=10.5, high=12.0, low=9.5))
    one(state).variance_time.events = [ScheduledEvent(2, "earnings", 0.1)]
    assert one(state).follow_bars() is None
    request = one(state).forecaster.request()
    assert request.held_event == (False, True)
    first, second = request.bars
    assert np.isnan(first[:3]).all()
    assert first[3] == 10.0
    assert second == (10.5, 12.0, 9.5, 11.0)
    other = state.strategy.underlyings[OTHER]
    assert other.follow_bars() is None
    assert other.forecaster.request().bars[0][3] == 50.0
    assert one(state).follow_bars() is None  # nothing more
    assert one(state).forecaster.request().bars == request.bars


def test_dividends_are_paid_and_remembered() -> None:
    state = told()
    state.strategy.portfolio.fill(ONE, 10, 0.0, 1, 0.0)
    tell(state, Kind.DIVIDEND, records(Kind.DIVIDEND, time=7, instrument=ONE, amount=0.5))
    assert state.strategy.portfolio.cash == 1005.0
    assert [(paid.time, paid.amount) for paid in book(state).dividends] == [(7, 0.5)]


def test_what_the_broker_booked_is_cash() -> None:
    state = told()
    rows = records(Kind.INTEREST, 2, instrument=[ACCOUNT_CASH, OTHER], days=3, amount=[20.5, -0.25], rate=0.01)
    tell(state, Kind.INTEREST, rows)
    assert state.strategy.portfolio.cash == 1020.25
    assert state.strategy.holdings == {}


def test_a_split_is_warned_of_and_then_booked() -> None:
    state = told()
    state.strategy.portfolio.fill(ONE, 10, 0.0, 1, 0.0)
    tell(state, Kind.TRADE, records(Kind.TRADE, instrument=ONE, close=100.0))
    tell(state, Kind.SPLIT, records(Kind.SPLIT, time=NOW, instrument=ONE, factor=0.5, warning=1))
    assert book(state).split_pending
    assert state.strategy.portfolio.quantity(ONE) == 10
    assert len(state.strategy.notices) == 1
    tell(state, Kind.SPLIT, records(Kind.SPLIT, time=NOW, instrument=ONE, factor=0.5))
    assert not book(state).split_pending
    assert state.strategy.portfolio.quantity(ONE) == 20
    assert book(state).spot == 50.0


def test_a_trade_is_news_of_its_underlying_alone() -> None:
    state = told()
    book(state).taken = {(ONE, 1): 3, (PUT, 1): 4}
    tell(state, Kind.TRADE, records(Kind.TRADE, instrument=ONE, close=100.0))
    assert (book(state).trade_price, book(state).trade_time) == (100.0, NOW)
    assert book(state).taken == {(PUT, 1): 4}
    assert (one(state).market_news, state.strategy.underlyings[OTHER].market_news) == (True, False)


@pytest.mark.parametrize("instrument", [ONE, PUT, OTHER])
def test_a_quote_is_news_of_its_underlying_alone(instrument: int) -> None:
    state = told()
    own = instrument != OTHER
    quoted = state.strategy.underlyings[ONE if own else OTHER].book
    quoted.refused = {(instrument, 1), (CALL, -1)}
    tell(state, Kind.QUOTE, records(Kind.QUOTE, instrument=instrument, bid=4.0, ask=5.0, bid_size=1, ask_size=2))
    assert (one(state).market_news, state.strategy.underlyings[OTHER].market_news) == (own, not own)
    assert quoted.quote_of(instrument)["ask"] == 5.0
    at = quoted.quote_time[quoted.row(PUT)] if instrument == PUT else quoted.quote_at
    assert at == NOW
    assert book(state).quote_time[book(state).row(CALL)] == -1
    assert quoted.refused == {(CALL, -1)}


def test_quotes_of_several_underlyings_go_each_to_its_own() -> None:
    state = told()
    mixed = records(
        Kind.QUOTE, 4, instrument=[CALL, OTHER, 99, ONE], bid=[1.0, 2.0, 3.0, 4.0], ask=[1.5, 2.5, 3.5, 4.5]
    )
    tell(state, Kind.QUOTE, mixed)  # 99 is an instrument that nobody has told of
    other = state.strategy.underlyings[OTHER].book
    assert [float(book(state).quote_of(number)["bid"]) for number in (CALL, ONE)] == [1.0, 4.0]
    assert math.isnan(float(book(state).quote_of(PUT)["bid"]))
    assert (float(other.quote_of(OTHER)["bid"]), other.spot, book(state).spot) == (2.0, 2.25, 4.25)
    assert [each.market_news for each in state.strategy.underlyings.values()] == [True, True]


def test_order_events_move_what_is_held_and_what_works() -> None:
    state = told()
    state.strategy.working[4] = WorkingOrder(PUT, 3)
    event = records(Kind.ORDER_EVENT, order=4, instrument=PUT, quantity=1, price=2.0, fee=1.0)
    event["status"] = OrderStatus.PARTIALLY_FILLED
    tell(state, Kind.ORDER_EVENT, event)
    assert state.strategy.portfolio.quantity(PUT) == 1
    assert state.strategy.portfolio.cash == 1000.0 - 200.0 - 1.0
    assert state.strategy.working == {4: WorkingOrder(PUT, 2)}


def test_what_is_no_input_is_refused() -> None:
    with pytest.raises(ValueError, match="a message of kind SIGNAL is not an input of the core"):
        tell(told(), Kind.SIGNAL, records(Kind.SIGNAL))


def test_a_calendar_that_is_told_again_takes_the_place_of_the_first() -> None:
    state, hour = told(), 3600 * 10**9
    session = Session(DATE, NOW - hour, NOW + 5 * hour)
    tell(state, Kind.SESSION, session.record())
    today = [(session.open, session.close)]
    for first in (20, 15):  # the second begins within a session of the first
        one(state).session_news = False
        ahead = [(NOW + n * hour, NOW + (n + 6) * hour) for n in (first, first + 24)]
        tell(state, Kind.CALENDAR, np.array(ahead, records(Kind.CALENDAR, 0).dtype))
        assert state.strategy.calendar == [*today, *ahead]
        assert one(state).session_news  # what was forecast without them is not what is forecast with them
