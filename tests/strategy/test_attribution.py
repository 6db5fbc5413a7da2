"""What is booked and measured, by trade and by cause, counted by hand; whole runs are in the core's tests."""

import numpy as np
import pytest

from alo_lib.records import Kind, OrderStatus, records
from alo_lib.strategy.accounting import book_interest, book_order_event, book_split
from alo_lib.strategy.exposure import equity, measure
from alo_lib.strategy.profit import TradeProfit
from alo_lib.strategy.state import StrategyState
from tests.strategy.kit import CALLS, HOUR, NOW, SETTINGS, hold, state_of


def hedged(state: StrategyState, *shares: float) -> list[TradeProfit]:
    """Trades numbered from 1 whose hedges are ``shares``, which the account holds."""
    state.portfolio.fill(0, round(sum(shares)), 0.0, 1, 0.0)
    trades = [state.underlyings[0].profit.trade(number) for number in range(1, len(shares) + 1)]
    for trade, each in zip(trades, shares, strict=True):
        trade.shares = each
    return trades


def test_interest_is_the_accounts_own() -> None:
    state = state_of(cash=1000.0)
    book_interest(state, 12.5, None)
    book_interest(state, -2.0, None)
    assert state.portfolio.cash == 1010.5
    assert state.account_profit.parts.interest == 10.5
    assert state.account_profit.changed
    assert not state.underlyings[0].profit.trades[0].changed


def test_a_borrow_fee_goes_to_trades_by_what_their_hedges_are_short() -> None:
    state = state_of(cash=1000.0)
    one, other, long = hedged(state, -30.0, -10.0, 50.0)
    book_interest(state, -6.0, 0)
    assert state.portfolio.cash == 994.0
    assert [trade.parts.borrow for trade in (one, other, long)] == [-4.5, -1.5, 0.0]
    assert [trade.changed for trade in (one, other, long)] == [True, True, False]
    assert not state.account_profit.changed


def test_a_borrow_fee_that_is_no_trades_is_trade_zeros() -> None:
    state = state_of()
    (long,) = hedged(state, 50.0)
    book_interest(state, -6.0, 0)
    none = state.underlyings[0].profit.trades[0]
    assert (none.parts.borrow, none.changed, long.changed) == (-6.0, True, False)


def test_a_split_makes_no_profit_and_every_hedge_gives_its_part_of_the_fraction() -> None:
    state = state_of(cash=0.0)
    book, profit = state.underlyings[0].book, state.underlyings[0].profit
    book.take_trade(100.0, NOW + 1)
    one, other = hedged(state, 9.0, 6.0)
    measure(state, SETTINGS, NOW + 1)
    before, known = equity(state), sum(sum(trade.parts.values) for trade in profit.trades.values())
    book_split(state, 0, NOW + 2, 2.0)  # one for two: seven and a half shares, the half one sold at 200
    assert (one.shares, other.shares) == pytest.approx((4.5 - 0.5 * 9 / 15, 3.0 - 0.5 * 6 / 15))
    assert one.changed
    assert other.changed
    measure(state, SETTINGS, NOW + 3)
    assert equity(state) == before
    assert sum(sum(trade.parts.values) for trade in profit.trades.values()) == pytest.approx(known)
    book.take_trade(210.0, NOW + 4)
    measure(state, SETTINGS, NOW + 4)
    assert one.parts.delta == pytest.approx(one.shares * 10.0)
    assert equity(state) - before == pytest.approx(70.0)


def test_a_fill_that_was_not_measured_before_a_split_is_restated_by_it() -> None:
    state = state_of(cash=0.0)
    book = state.underlyings[0].book
    book.take_trade(100.0, NOW + 1)
    event = records(Kind.ORDER_EVENT, instrument=0, quantity=10, price=101.0, status=OrderStatus.FILLED)
    book_order_event(state, event[0], NOW + 1)
    book_split(state, 0, NOW + 2, 2.0)
    book.take_trade(210.0, NOW + 3)
    measure(state, SETTINGS, NOW + 3)
    parts = state.underlyings[0].profit.trades[0].parts
    assert (parts.slippage, parts.delta) == pytest.approx((-10.0, 50.0))  # of five shares: 202 at 200, which are 210
    assert equity(state) == pytest.approx(40.0)


def test_a_leg_that_was_closed_and_is_not_listed_any_more_ends_at_its_last_mark() -> None:
    state = state_of()
    trade = hold(state)
    trade.number = 1
    measure(state, SETTINGS, NOW)
    start, underlying = equity(state), state.underlyings[0]
    mark = {leg: held.mark.mark for leg, held in underlying.profit.legs.items() if held.mark is not None}
    for leg in trade.legs:
        event = records(Kind.ORDER_EVENT, instrument=leg, quantity=5, price=1.0, status=OrderStatus.FILLED)
        book_order_event(state, event[0], NOW + 1)
    underlying.book.list_contracts(underlying.book.contracts[:0])
    measure(state, SETTINGS, NOW + 2)
    parts = underlying.profit.trade(1).parts
    assert parts.spread == pytest.approx(sum(500.0 * (each - 1.0) for each in mark.values()))
    assert sum(parts.values) == pytest.approx(equity(state) - start)
    assert underlying.profit.legs == {}


def test_what_is_bought_where_nobody_knows_a_spot_is_unexplained_beyond_its_spread() -> None:
    state = state_of(cash=10_000.0)
    underlying = state.underlyings[0]
    underlying.book.quote["bid"] = np.nan
    underlying.market_news = False
    mid = float(underlying.book.mid()[underlying.book.row(CALLS[2])])
    event = records(Kind.ORDER_EVENT, instrument=CALLS[2], quantity=3, price=4.0, status=OrderStatus.FILLED)
    book_order_event(state, event[0], NOW)
    measure(state, SETTINGS, NOW)
    parts = underlying.profit.trades[0].parts
    assert (parts.spread, parts.unexplained) == pytest.approx((300.0 * (mid - 4.0), -300.0 * mid))
    assert equity(state) == 10_000.0 - 1_200.0  # it counts nothing yet


def test_a_measure_without_news_explains_nothing() -> None:
    """A quote that nobody has seen again has not decayed: its time comes with the next one."""
    state = state_of()
    hold(state).number = 1
    measure(state, SETTINGS, NOW)
    underlying = state.underlyings[0]
    known = underlying.profit.trade(1).parts.values
    underlying.profit.trade(1).changed = underlying.market_news = False
    measure(state, SETTINGS, NOW + HOUR)
    assert underlying.profit.trade(1).parts.values == known
    assert not underlying.profit.trade(1).changed
    underlying.market_news = True
    measure(state, SETTINGS, NOW + HOUR)
    theta = underlying.profit.trade(1).parts.theta
    assert theta == pytest.approx(-5 * 100 * _theta(state) / (365 * 24), rel=0.01)  # sold: it earns it


def _theta(state: StrategyState) -> float:
    legs = state.underlyings[0].profit.legs.values()
    return sum(leg.mark.theta for leg in legs if leg.mark is not None)


def test_shares_are_divided_anew_once_after_trades_came() -> None:
    state = state_of()
    for number, strike in enumerate((1, 3), 1):
        hold(state, strike=strike).number = number
    state.portfolio.fill(0, 40, 100.0, 1, 0.0)
    underlying = state.underlyings[0]
    for minute in range(2):  # the first one sees the trades, and no fill of shares follows until the second
        measure(state, SETTINGS, NOW + minute)
    one, other = (underlying.profit.trade(number) for number in (1, 2))
    assert one.shares + other.shares == pytest.approx(40.0)
    assert one.shares + one.delta == pytest.approx(other.shares + other.delta)
    shares, delta = (one.shares, other.shares), one.delta
    quote = records(Kind.QUOTE, instrument=0, bid=101.99, ask=102.01, bid_size=500, ask_size=400)
    underlying.book.take_quotes(quote, NOW + 2)
    measure(state, SETTINGS, NOW + 2)
    assert one.delta != pytest.approx(delta, rel=0.01)
    assert (one.shares, other.shares) == shares  # nobody has traded


def test_rows_are_parted_by_the_underlying_of_their_instruments() -> None:
    state = state_of()
    other = state_of().underlyings[0]
    other.book.instrument = 11
    state.underlyings[11] = other
    state.underlying_of |= {11: 11, 12: 11}
    rows = records(Kind.QUOTE, 5, instrument=np.array([12, 3, 99, 11, 0]))
    found = [(each.book.instrument, part["instrument"].tolist()) for each, part in state.by_underlying(rows)]
    assert found == [(0, [3, 0]), (11, [12, 11])]  # what nobody was told of is nobody's
    state.underlying_of[13] = 0  # told since
    rows = records(Kind.QUOTE, 1, instrument=13)
    assert [each.book.instrument for each, _ in state.by_underlying(rows)] == [0]
