"""The table of Interactive Brokers' rates, as LEAN has it."""

from decimal import Decimal

import numpy as np
import pytest

from alo_lib.simulation import equity_fee, option_fee
from alo_lib.simulation.fees import OPTION_TIERS, equity_fees, market_order_fee
from tests.simulation.desk import Desk, at, contract


@pytest.mark.parametrize(
    ("contracts", "premium", "monthly", "fee"),
    [
        (1, "2.50", 0, "1"),  # the minimum
        (2, "2.50", 0, "1.30"),
        (-7, "0.10", 0, "4.55"),
        (10, "0.0999", 10_000, "5.0"),
        (10, "0.05", 0, "5.0"),
        (10, "0.04", 0, "2.50"),
        (10, "0", 0, "2.50"),
        (10, "0.05", 10_001, "5.0"),
        (10, "0.04", 50_000, "2.50"),
        (10, "9", 50_001, "2.50"),
        (10, "9", 100_000, "2.50"),
        (10, "9", 100_001, "1.50"),
        (3, "9", 100_001, "1"),
    ],
)
def test_options_are_charged_by_premium_and_volume(contracts: int, premium: str, monthly: int, fee: str) -> None:
    assert option_fee(contracts, Decimal(premium), monthly) == Decimal(fee)


@pytest.mark.parametrize(
    ("shares", "price", "fee"),
    [
        (1, "100", "1"),
        (200, "100", "1.000"),
        (201, "100", "1.005"),
        (-1000, "100", "5.000"),
        (1000, "0.5", "2.5"),  # at most half a percent of the value
        (100, "0.01", "1"),  # yet the minimum stands
    ],
)
def test_shares_are_charged_half_a_cent_within_limits(shares: int, price: str, fee: str) -> None:
    assert equity_fee(shares, Decimal(price)) == Decimal(fee)


def test_many_orders_at_once_are_charged_as_one_by_one() -> None:
    shares = np.array([1.0, -7.0, 199.0, 200.0, 201.0, -1000.0, 40_000.0])[:, None]
    prices = np.array([0.01, 0.5, 0.99, 1.0, 37.25, 412.0])
    charged = equity_fees(shares, prices)
    for (row, column), fee in np.ndenumerate(charged):
        assert fee == pytest.approx(float(equity_fee(int(shares[row, 0]), Decimal(str(prices[column])))))
    assert equity_fees(np.zeros(3), np.array([1.0, 50.0, 400.0])).tolist() == [0.0, 0.0, 0.0]


def test_fees_are_exact_decimals() -> None:
    assert float(option_fee(3, Decimal(1))) == 1.95
    assert 3 * 0.65 != 1.95  # what floats would have made of it


def test_tiers_are_complete_and_ordered() -> None:
    volumes = [tier.volume for tier in OPTION_TIERS]
    assert volumes == sorted(volumes)
    assert volumes[-1] == Decimal("Infinity")
    for tier in OPTION_TIERS:
        least = [premium for premium, _ in tier.rates]
        assert least == sorted(least, reverse=True)
        assert least[-1] == Decimal("-Infinity")


def test_a_purchase_counts_the_bid_as_premium_and_a_sale_the_ask() -> None:
    desk = Desk(contract(100.0, +1))
    desk.trade(at(10), 100.0)
    desk.quote(at(10), 1, bid=0.08, ask=0.12)
    option = desk.listing[1]
    assert market_order_fee(option, 10, desk.prices) == Decimal("5.0")
    assert market_order_fee(option, -10, desk.prices) == Decimal("6.5")
    assert market_order_fee(desk.listing[0], 400, desk.prices) == Decimal("2.0")
