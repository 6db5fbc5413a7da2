"""What a book says of its underlying's price."""

import math

import pytest

from alo_lib.strategy.book import MarketBook


@pytest.mark.parametrize("price", [math.nan, math.inf, 0.0, -1.0])
def test_a_price_that_is_none_is_known_as_zero(price: float) -> None:
    assert MarketBook(0, "TEST", trade_price=price, trade_time=1).known_spot == 0.0
    assert MarketBook(0, "TEST", trade_price=100.5, trade_time=1).known_spot == 100.5
