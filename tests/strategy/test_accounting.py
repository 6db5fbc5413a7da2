"""What order events, dividends and splits do to what is held."""

import numpy as np
import pytest

from alo_lib.records import DAY, Kind, OrderReason, OrderStatus, OrderType, Records, records
from alo_lib.strategy.accounting import book_dividend, book_order_event, book_split, warn_of_split
from alo_lib.strategy.book import CashDividend
from alo_lib.strategy.commands import follow_commands
from alo_lib.strategy.exits import view_of
from alo_lib.strategy.ledger import WorkingOrder
from alo_lib.strategy.reports import reports
from alo_lib.strategy.state import StrategyState
from tests.strategy.kit import CALLS, NOW, PUTS, SETTINGS, hold, state_of

CALL = CALLS[2]


def tell(state: StrategyState, status: OrderStatus, quantity: int = 0, order: int = 1, instrument: int = CALL) -> None:
    event: Records = records(
        Kind.ORDER_EVENT, order=order, instrument=instrument, quantity=quantity, price=2.0, fee=1.5, status=status
    )
    book_order_event(state, event[0], NOW)


def test_a_fill_moves_cash_the_trade_the_order_and_what_the_quote_shows() -> None:
    state = state_of()
    trade = hold(state)
    number = state.new_order(CALL, 5)
    cash, premium = state.portfolio.cash, trade.premium
    tell(state, OrderStatus.PARTIALLY_FILLED, 2, number)
    assert state.portfolio.cash == cash - 400.0 - 1.5
    assert state.portfolio.quantity(CALL) == -3
    assert (trade.premium, trade.proceeds) == (premium, -400.0)
    assert state.working[number] == WorkingOrder(CALL, 3)
    assert state.underlyings[0].book.taken == {(CALL, 1): 2}
    tell(state, OrderStatus.FILLED, 3, number)
    assert state.working == {}
    assert state.underlyings[0].book.taken == {(CALL, 1): 5}
    assert trade.undone_by is None


def test_a_fill_of_shares_counts_each_share_once() -> None:
    state = state_of(cash=1000.0)
    tell(state, OrderStatus.FILLED, -10, state.new_order(0, -10), instrument=0)
    assert state.portfolio.cash == 1000.0 + 20.0 - 1.5
    assert state.portfolio.quantity(0) == -10


def test_of_a_trade_with_a_refusal_no_more_is_opened_and_it_is_remembered_until_the_next_quote() -> None:
    state = state_of()
    trade, number = hold(state, quantity=4), state.new_order(CALL, -1)
    trade.quantity = 5
    tell(state, OrderStatus.INVALID, order=number)
    book = state.underlyings[0].book
    assert (trade.undone_by, trade.progress.may_enter) == (None, False)
    assert state.session is not None
    assert book.blocked_until == state.session.close
    assert book.refused == {(CALL, -1)}
    assert state.working == {}
    follow_commands(state, SETTINGS, NOW)
    assert (trade.quantity, trade.reason) == (4, OrderReason.REBALANCE)
    assert [text for _, text in state.notices] == [
        f"TEST: order {number} was refused; no more of its trade is opened",
        "TEST: trade 0 is cut from 5 to 4: legs were not filled",
    ]


def test_what_the_engine_trades_by_itself_undoes_the_trade_once() -> None:
    state = state_of()
    trade = hold(state)
    tell(state, OrderStatus.FILLED, 5, order=0)
    assert trade.undone_by is OrderReason.REBALANCE
    trade.undone_by = OrderReason.EXIT_STOP
    tell(state, OrderStatus.FILLED, 1, order=0)
    assert trade.undone_by is OrderReason.EXIT_STOP
    assert [text for _, text in state.notices] == ["TEST: was traded by the engine itself; its trade is undone"]


def test_what_the_engine_trades_by_itself_of_what_waits_to_be_closed_is_closed_at_once() -> None:
    state = state_of()
    trade = hold(state)
    trade.undo(OrderReason.EXIT_EDGE)
    tell(state, OrderStatus.FILLED, -1, order=0)
    assert trade.undone_by is OrderReason.REBALANCE


@pytest.mark.parametrize(
    ("direction", "days", "reason"),
    [
        (-1, 10, OrderReason.ASSIGNED),
        (+1, 10, OrderReason.EXERCISED),
        (-1, 45, OrderReason.EXPIRED),  # worth something or nothing
        (+1, 45, OrderReason.EXPIRED),
    ],
)
def test_a_settlement_is_why_a_trade_ended_and_its_other_leg_is_closed_as_before(
    direction: int, days: int, reason: OrderReason
) -> None:
    state = state_of()
    trade = hold(state, direction)
    trade.seen = view_of(state, SETTINGS, trade, NOW)
    assert trade.seen is not None
    trade.undo(OrderReason.EXIT_EXPIRY)  # in vain: nobody quotes it
    for leg, settled in ((CALL, days), (PUTS[2], 45)):
        book_order_event(state, settlement(leg, -5 * direction), NOW + settled * DAY)
    assert (trade.reason, trade.ended_by) == (OrderReason.EXIT_EXPIRY, reason)
    assert trade.finished(state.portfolio)
    state.drop_trades([trade])
    exits = dict(reports(state))[Kind.EXIT]
    assert exits["reason"].tolist() == [reason]
    for name in ("implied_volatility", "forecast_volatility", "gain", "edge_volatility"):
        assert np.isnan(exits[name]).all()


def test_a_leg_that_is_settled_undoes_the_trade_and_says_so() -> None:
    state = state_of()
    trade = hold(state)
    book_order_event(state, settlement(CALL, 5), NOW)
    assert (trade.undone_by, trade.ended_by) == (OrderReason.REBALANCE, OrderReason.ASSIGNED)
    assert [text for _, text in state.notices] == ["TEST: a leg was settled; its trade is undone"]


def settlement(instrument: int, quantity: int) -> np.void:
    event: Records = records(
        Kind.ORDER_EVENT,
        instrument=instrument,
        quantity=quantity,
        status=OrderStatus.FILLED,
        type=OrderType.OPTION_EXERCISE,
    )
    row: np.void = event[0]
    return row


def test_a_fill_of_the_engine_towards_what_is_wanted_leaves_the_trade() -> None:
    state = state_of()
    trade = hold(state)  # 5 sold of each leg
    state.target_quantities = {CALL: -2}  # as a model of the host caps it
    tell(state, OrderStatus.FILLED, 3, order=0)
    assert trade.undone_by is None
    tell(state, OrderStatus.FILLED, 1, order=0)
    assert trade.undone_by is OrderReason.REBALANCE


@pytest.mark.parametrize("status", list(OrderStatus))
def test_an_order_works_until_it_is_done(status: OrderStatus) -> None:
    state = state_of()
    number = state.new_order(CALL, 1)
    tell(state, status, order=number)
    assert (number in state.working) is (status not in (OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.INVALID))


def test_a_dividend_is_paid_on_what_is_held() -> None:
    state = state_of(cash=0.0)
    state.portfolio.fill(0, -20, 0.0, 1, 0.0)
    book_dividend(state, records(Kind.DIVIDEND, time=NOW, amount=0.25)[0], NOW)
    assert state.portfolio.cash == -5.0
    assert state.underlyings[0].book.dividends == [CashDividend(NOW, 0.25)]


def test_a_split_restates_shares_prices_and_the_dividends_before_it() -> None:
    state = state_of(cash=0.0)
    book = state.underlyings[0].book
    book.take_trade(100.0, NOW + 1)
    book.dividends = [CashDividend(NOW - 1, 1.0), CashDividend(NOW, 1.0)]
    state.portfolio.fill(0, 15, 0.0, 1, 0.0)
    warn_of_split(state, 0)
    assert book.split_pending
    assert "TEST splits before the next session" in state.notices[0][1]
    book_split(state, 0, NOW, 2.0)  # one for two
    assert (state.portfolio.quantity(0), state.portfolio.cash) == (7, 0.5 * 200.0)
    assert not book.split_pending
    assert [dividend.amount for dividend in book.dividends] == [2.0, 1.0]
    assert book.trade_price == book.spot == 200.0
    assert np.isnan(book.quote["bid"]).all()
    assert np.isnan(book.quote["ask"]).all()
