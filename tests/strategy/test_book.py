"""What a book says of its underlying's price, its quotes and its carry."""

import math
from itertools import product

import numpy as np
import pytest

from alo_lib.pricing import market_price
from alo_lib.records import Kind, records
from alo_lib.strategy.book import CarryLooks, MarketBook


@pytest.mark.parametrize("price", [math.nan, math.inf, 0.0, -1.0])
def test_a_price_that_is_none_is_known_as_zero(price: float) -> None:
    assert MarketBook(0, "TEST", trade_price=price, trade_time=1).known_spot == 0.0
    assert MarketBook(0, "TEST", trade_price=100.5, trade_time=1).known_spot == 100.5


def test_mids_are_those_of_pricing() -> None:
    odd = (math.nan, -1.0, 0.0, 0.01, 2.5, 2.51, 1e7, math.inf)
    bid, ask = np.array(list(product(odd, odd))).T
    book = MarketBook(0, "TEST", quotes=records(Kind.QUOTE, len(bid), bid=bid, ask=ask))
    expected, _ = market_price(bid, ask, np.nan)
    rows = np.array([63, 5, 28, 28, 0])
    np.testing.assert_array_equal(book.mid(), expected)
    np.testing.assert_array_equal(book.mid(rows), expected[rows])


def test_a_carry_counts_from_the_look_that_makes_it_known() -> None:
    book, expiries = MarketBook(0, "TEST"), np.array([5, 15, 20, 25])
    book.carry[10] = CarryLooks.told(1, 0.01)
    assert book.dividend_yield(expiries).tolist() == [0.01] * 4
    looks = book.carry.setdefault(20, CarryLooks())
    for seen in (0.05, 0.03):
        looks.take(2, seen)
    assert book.dividend_yield(expiries).tolist() == [0.01] * 4  # two looks are not believed
    looks.take(3, 0.04)
    assert book.dividend_yield(expiries).tolist() == [0.01, 0.04, 0.04, 0.04]
    book.carry = {20: looks}
    assert book.dividend_yield(expiries).tolist() == [0.04] * 4
    book.carry = {}
    assert book.dividend_yield(expiries).tolist() == [0.0] * 4
