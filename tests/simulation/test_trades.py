"""Excursions of closed trades, worked out by hand from when LEAN looks at prices."""

from decimal import Decimal

import pytest

from alo_lib.records import Kind, records
from alo_lib.simulation import ClosedTrade, TradeBuilder
from tests.simulation.desk import MINUTE, Desk, at, contract

NOW = at(10)


class Followed:
    """A contract that is bought at 1.20 where it is worth 1.10, its bars, and the trade when it is sold."""

    def __init__(self) -> None:
        self.desk = Desk(contract(100.0, +1))
        self.trades = TradeBuilder(self.desk.listing)
        self.time = NOW
        self.desk.trade(NOW, 100.0)
        self.desk.quote(NOW, 1, bid=1.0, ask=1.2)

    def buy(self) -> None:
        self.trades.fill(self.desk.order(1, 1, self.time)[-1])

    def bar(self, *, trade: float | None = None, quote: tuple[float, float] | None = None) -> None:
        """A minute's bars, taken as the engine takes them."""
        self.time += MINUTE
        if trade is not None:
            row = records(Kind.TRADE, instrument=1, close=trade, volume=1)
            self.desk.prices.option_trade(self.time, row)
        self.trades.follow_traded_options(self.desk.prices)
        if quote is not None:
            self.desk.quote(self.time, 1, *quote)
        self.trades.follow(self.desk.prices)

    def sell(self) -> ClosedTrade:
        self.trades.fill(self.desk.order(1, -1, self.time)[-1])
        return self.trades.closed[-1]


@pytest.mark.parametrize(("traded", "worst"), [(False, 0), (True, -10)])
def test_an_option_that_has_traded_is_looked_at_once_more_before_a_new_quote(traded: bool, worst: int) -> None:
    run = Followed()
    run.bar(trade=1.1 if traded else None, quote=(1.0, 1.2))
    run.buy()
    run.bar(quote=(1.5, 1.7))  # where it has traded, LEAN sees the 1.10 of before first
    sold = run.sell()
    assert (sold.profit, sold.worst, sold.best) == (30, worst, 40)


def test_a_trade_between_quotes_is_an_excursion() -> None:
    run = Followed()
    run.buy()
    run.bar(trade=2.0, quote=(1.2, 1.4))
    run.bar(quote=(1.2, 1.4))
    sold = run.sell()
    assert (sold.profit, sold.worst, sold.best, sold.drawdown) == (0, 0, 80, 80)


def test_an_options_trade_is_its_price_until_the_next_quote() -> None:
    run = Followed()
    prices = run.desk.prices
    run.bar(trade=2.0)
    assert prices.price(1) == 2
    run.bar(trade=3.0, quote=(1.2, 1.5))
    assert prices.price(1) == Decimal("1.35")
    assert (prices.bid(1), prices.ask(1)) == (Decimal("1.2"), Decimal("1.5"))


def test_what_was_opened_first_is_closed_first_and_what_is_left_turns_the_position() -> None:
    desk = Desk(contract(100.0, +1))
    trades, fees = TradeBuilder(desk.listing), list[Decimal]()
    desk.trade(NOW, 100.0)
    for minute, (quantity, bid, ask) in enumerate(
        ((2, 1.0, 1.2), (3, 1.4, 1.6), (-4, 2.0, 2.2), (-3, 1.0, 1.1), (2, 1.0, 1.1))
    ):
        time = NOW + minute * MINUTE
        desk.quote(time, 1, bid, ask)
        event = desk.order(1, quantity, time)[-1]
        fees.append(event.fee)
        trades.fill(event)
    found = [
        (each.direction, each.quantity, float(each.entry_price), float(each.exit_price), each.profit, each.fees)
        for each in trades.closed
    ]
    assert found == [
        (+1, 2, 1.2, 2.0, 160, fees[0] + fees[2]),  # each order's fee counts once
        (+1, 2, 1.6, 2.0, 80, fees[1]),
        (+1, 1, 1.6, 1.0, -60, fees[3]),
        (-1, 2, 1.0, 1.1, -20, fees[4]),
    ]
    assert [(each.entry_time - NOW) // MINUTE for each in trades.closed] == [0, 1, 1, 3]
    assert [(each.exit_time - NOW) // MINUTE for each in trades.closed] == [2, 2, 3, 4]
    assert [each.is_win for each in trades.closed] == [True, True, False, False]
