"""What happens to the rare option whose exercise boundary cannot be solved."""

import numpy as np
import pytest

from alo_lib.pricing import Chain, PricingError, price

# Rates next to zero, a volatility above one and decades to go: few nodes are not enough for Newton's method.
HARD = (100.0, 100.0, 4.549283345078592e-06, 8.954514096451952e-06, 1.0791519972863357, 28.352785429285117, -1.0)
FEW = (4, 10, 14, 32)


def test_one_such_option_is_named() -> None:
    with pytest.raises(PricingError, match=r"no exercise boundary was found for spot=100, .*scheme='high_precision'"):
        price(*HARD, scheme=FEW)


def test_among_others_it_is_nan_and_they_are_priced() -> None:
    rates, yields, volatilities, times = (
        np.array([HARD[i], other]) for i, other in ((2, 0.05), (3, 0.0), (4, 0.25), (5, 1.0))
    )
    prices = price(100.0, 100.0, rates, yields, volatilities, times, -1, scheme=FEW, invalid="nan")
    assert np.isnan(prices).tolist() == [True, False]
    assert prices[1] == pytest.approx(7.974482342265, abs=1e-5)


def test_more_nodes_price_it() -> None:
    precise = price(*HARD, scheme="high_precision")
    assert price(*HARD) == pytest.approx(precise, abs=1e-5)
    chain = Chain(HARD[1], HARD[5], [HARD[6]])
    assert chain.price(HARD[0], HARD[2], HARD[3], HARD[4])[0] == pytest.approx(precise, abs=1e-3)
