"""Markets whose numbers are allowed one by one, and together none that options can be priced at, or counted with."""

import math
from typing import Any

import pytest

from alo_lib.records import Kind, OrderStatus, records
from alo_lib.runtime import replay
from alo_lib.settings import Settings
from alo_lib.strategy.sizing import affordable
from tests.core.script import FIRST, Script, at, script, tell_order_event


def traded() -> Script:
    """A market in which a trade has been opened and hedged."""
    market = script()
    for hour in (10, 10.1):
        market.bar(hour, volatility=0.35)
    assert market.core.holdings[0]
    return market


def goes_on(market: Script) -> None:
    """A frame is decided, and again."""
    assert market.core.open_frame(max(market.core.last_frame, at(FIRST, 10.5)) + 1)
    market.core.run()
    assert math.isfinite(market.core.cash)
    assert replay(market.journal).divergence is None


def goes_on_after_bar(market: Script) -> None:
    """The same once another trade was told of."""
    market.tell(at(FIRST, 10.4), Kind.TRADE, records(Kind.TRADE, close=100.0))
    goes_on(market)


@pytest.mark.parametrize("amount", [200.0, 1e7])
def test_a_dividend_of_more_than_the_share_is_worth(amount: float) -> None:
    market = traded()
    market.tell(at(FIRST, 10.2), Kind.DIVIDEND, records(Kind.DIVIDEND, time=at(FIRST, 10.2), amount=amount))
    market.bar(10.3)
    goes_on_after_bar(market)


@pytest.mark.parametrize("factor", [1e-4, 1e4])
def test_splits_until_a_share_is_worth_nothing_or_anything(factor: float) -> None:
    market = traded()
    for _ in range(5):
        market.tell(at(FIRST, 10.2), Kind.SPLIT, records(Kind.SPLIT, time=at(FIRST, 10.2), factor=factor))
    assert abs(market.core.holdings.get(0, 0)) <= 10**12
    goes_on(market)
    market.bar(10.6)
    goes_on_after_bar(market)


def test_more_shares_than_can_be_counted_are_refused() -> None:
    market = script()
    tell_order_event(market, 9.6, instrument=0, quantity=10**8, price=1.0, status=OrderStatus.FILLED)
    twice = records(Kind.SPLIT, 2, time=at(FIRST, 9.7), factor=1e-4)
    market.tell(at(FIRST, 9.7), Kind.SPLIT, twice)
    assert market.core.holdings == {0: 10**12}
    assert market.core.refusals.count == 1
    assert not market.core.wants_reconciliation
    tell_order_event(market, 9.8, instrument=0, quantity=1, price=1.0, status=OrderStatus.FILLED)
    assert market.core.holdings == {0: 10**12}
    assert market.core.wants_reconciliation
    goes_on(market)


def test_part_of_a_share_that_has_no_price_yet_is_worth_nothing() -> None:
    market = script()
    cash = market.core.cash
    tell_order_event(market, 9.6, instrument=0, quantity=3, price=1.0, status=OrderStatus.FILLED)
    market.tell(at(FIRST, 9.7), Kind.SPLIT, records(Kind.SPLIT, time=at(FIRST, 9.7), factor=2.0))
    goes_on(market)
    assert market.core.holdings == {0: 1}
    assert market.core.cash == cash - 3


@pytest.mark.parametrize("quote", [{"bid": 5e-324, "ask": 5e-324}, {"bid": 1e-13, "ask": 1e-13}])
def test_a_quote_of_less_than_any_price_is_passed_over(quote: dict[str, Any]) -> None:
    market = traded()
    market.tell(at(FIRST, 10.2), Kind.QUOTE, records(Kind.QUOTE, **quote, bid_size=1, ask_size=1))
    goes_on(market)


@pytest.mark.parametrize("vega", [5e-324, 1e-300, 1e-6])
def test_a_pair_that_hardly_has_vega_is_affordable_in_no_infinite_number(vega: float) -> None:
    (signal,) = records(Kind.SIGNAL, vega=vega)
    assert affordable(signal, Settings(), 1e6) == 10**9


@pytest.mark.parametrize("low", [1e-6, 1e-3])
def test_closes_that_no_option_can_be_priced_by(low: float) -> None:
    """Daily closes between the ends of what a price may be: a volatility beyond any that options are priced at."""
    market = Script()
    path = [1e7 if day % 2 else low for day in range(400)]
    market.session(new_closes=path)
    market.bar(10)
    market.bar(10.1)
    goes_on_after_bar(market)
