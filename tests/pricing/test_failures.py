"""What happens to the rare option whose exercise boundary cannot be solved."""

import numpy as np
import pytest

from alo_lib.pricing import Chain, PricingError, price

# Rates next to zero, a volatility above one and decades to go.
HARD = (100.0, 100.0, 4.549283345078592e-06, 8.954514096451952e-06, 1.0791519972863357, 28.352785429285117, -1.0)


def test_one_such_option_is_named() -> None:
    with pytest.raises(PricingError, match=r"no exercise boundary was found for spot=100, .*scheme='high_precision'"):
        price(*HARD)


def test_among_others_it_is_nan_and_they_are_priced() -> None:
    rates, yields, volatilities, times = (
        np.array([HARD[i], other]) for i, other in ((2, 0.05), (3, 0.0), (4, 0.25), (5, 1.0))
    )
    values = price(100.0, 100.0, rates, yields, volatilities, times, -1, invalid="nan")
    chain = Chain(100.0 * np.ones(2), times, -np.ones(2)).greeks(100.0, rates, yields, volatilities)
    for prices in (values, chain.price):
        assert np.isnan(prices).tolist() == [True, False]
        assert prices[1] == pytest.approx(7.974482342265, abs=1e-5)
    assert all(np.isnan(column[0]) for column in chain)
