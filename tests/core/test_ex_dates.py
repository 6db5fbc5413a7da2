"""What a regular dividend does to equity when it goes ex: nothing, whenever it, and prices without it, are told."""

import numpy as np
import pytest

from alo_lib.core import CoreState
from alo_lib.core.snapshot import pack, unpack
from alo_lib.records import Kind, OrderStatus, records
from alo_lib.runtime import replay
from tests.core.script import NEXT, Script, at, script
from tests.core.test_attribution import closes_to_the_cent, profit, total

DIVIDEND = 2.0
SHARES = 5_000


def holding(shares: int, **settings: object) -> Script:
    """A market in which shares are held, and stay: their orders are refused."""
    market = script(**{"entry_edge": 0.9, "max_drawdown": 0.005, "max_daily_loss": 0.005, **settings})
    market.refuse = {"TEST"}
    market.bar(10, spot=100.0)
    bought = records(Kind.ORDER_EVENT, instrument=0, quantity=shares, price=100.0, status=OrderStatus.FILLED)
    market.tell(at(market.date, 10.1), Kind.ORDER_EVENT, bought)
    market.bar(15, spot=100.0)
    return market


def tell_dividend(market: Script, hour: float = 9) -> None:
    paid = records(Kind.DIVIDEND, time=at(NEXT, 9.5), amount=DIVIDEND, reference=100.0)
    market.tell(at(NEXT, hour), Kind.DIVIDEND, paid)


def options_alone(market: Script, hour: float) -> None:
    """A bar in which the underlying has no price, and its options have the quotes that they had."""
    rows = market.quotes[market.quotes["instrument"] != 0]
    market.tell(at(NEXT, hour), Kind.QUOTE, rows)
    market.frames(at(NEXT, hour))


def equities(market: Script) -> list[float]:
    return [float(row["equity"]) for table in market.decisions(Kind.EXPOSURE) for row in table]


def halts_of(market: Script) -> set[object]:
    return set(market.core.snapshot().state.strategy.halts)


@pytest.mark.parametrize("shares", [SHARES, -SHARES])
def test_equity_has_no_jump_on_an_ex_date(shares: int) -> None:
    market = holding(shares)
    before = equities(market)[-1]
    count = len(equities(market))
    tell_dividend(market)
    market.session(NEXT, [100.0])  # a frame before the open, in which the dividend is in cash and not ex
    strategy = market.core.snapshot().state.strategy
    assert strategy.portfolio.cash == 1e6 - shares * 100.0 + shares * DIVIDEND
    assert market.core.cash == strategy.portfolio.cash  # as the host says
    options_alone(market, 9.6)
    assert market.core.snapshot().state.strategy.underlyings[0].book.spot == pytest.approx(98.0)
    market.bar(9.7, spot=98.0)
    told = equities(market)[count:]
    assert len(told) >= 3
    assert told == pytest.approx([before] * len(told), abs=1e-6)
    market.bar(10, spot=98.5)
    after = equities(market)[-1]
    assert after == pytest.approx(before + shares * 0.5, abs=1e-6)
    strategy = market.core.snapshot().state.strategy
    assert strategy.peak_equity == pytest.approx(max(before, after), abs=1e-6)
    assert strategy.day_equity == pytest.approx(before, abs=1e-6)
    assert halts_of(market) == set()
    assert total(market)["dividends"] == pytest.approx(shares * DIVIDEND)
    assert sum(total(market).values()) == pytest.approx(profit(market), abs=1e-6)
    closes_to_the_cent(market)
    assert replay(market.journal).divergence is None


def test_a_dividend_that_is_told_after_prices_without_it_counts_at_once() -> None:
    market = holding(SHARES)
    market.session(NEXT, [100.0])
    market.bar(9.7, spot=99.5)
    tell_dividend(market, 9.8)
    market.bar(10, spot=99.5)
    assert equities(market)[-1] == pytest.approx(1e6 - 0.5 * SHARES + DIVIDEND * SHARES, abs=1e-6)


def test_a_market_that_falls_by_more_than_its_dividend_has_lost_the_rest_alone() -> None:
    market = holding(SHARES, max_daily_loss=0.0101, max_drawdown=0.5)
    tell_dividend(market)
    market.session(NEXT, [100.0])
    market.bar(9.7, spot=96.0)  # lost are 2 a share, 1 %
    assert halts_of(market) == set()
    market.bar(9.8, spot=95.9)
    assert halts_of(market) != set()


def test_a_dividend_that_is_due_is_kept_in_a_snapshot() -> None:
    market = holding(SHARES)
    tell_dividend(market)
    market.session(NEXT, [100.0])
    kept = market.core.snapshot()
    assert [(due.time, due.amount) for due in kept.state.strategy.underlyings[0].due] == [(at(NEXT, 9.5), DIVIDEND)]
    again = unpack(CoreState, pack(kept), settings=market.settings)
    assert again.state.strategy.underlyings[0].due == kept.state.strategy.underlyings[0].due


def test_the_price_before_an_ex_date_is_the_middle_of_the_quote_less_the_dividend() -> None:
    market = holding(SHARES)
    quote = records(Kind.QUOTE, instrument=0, bid=100.38, ask=100.42, bid_size=100, ask_size=100)
    market.tell(at(market.date, 15.5), Kind.QUOTE, quote)  # while the last trade was at 100
    market.frames(at(market.date, 15.5))
    before = equities(market)[-1]
    assert before == pytest.approx(1e6 + 0.4 * SHARES)
    tell_dividend(market)
    market.session(NEXT, [100.0])
    options_alone(market, 9.6)
    assert equities(market)[-1] == pytest.approx(before, abs=1e-6)
    assert np.isnan(market.core.snapshot().state.strategy.underlyings[0].book.quote["bid"][0])
