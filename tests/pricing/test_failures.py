"""What happens to the rare option whose exercise boundary cannot be solved."""

import numpy as np
import pytest

from alo_lib.pricing import Chain, PricingError, price

# A yield far below zero and decades to go: the fast scheme's few nodes are not enough for Newton's method.
HARD = (100.0, 100.0, 0.00734720324800896, -0.9364716292528249, 1.0627533903286617, 41.268622848745146, -1.0)


def test_one_such_option_is_named() -> None:
    with pytest.raises(PricingError, match=r"no exercise boundary was found for spot=100, .*scheme='high_precision'"):
        price(*HARD, scheme="fast")


def test_among_others_it_is_nan_and_they_are_priced() -> None:
    rates, yields, volatilities, times = (
        np.array([HARD[i], other]) for i, other in ((2, 0.05), (3, 0.0), (4, 0.25), (5, 1.0))
    )
    values = price(100.0, 100.0, rates, yields, volatilities, times, -1, scheme="fast", invalid="nan")
    chain = Chain(100.0 * np.ones(2), times, -np.ones(2), scheme="fast").greeks(100.0, rates, yields, volatilities)
    for prices in (values, chain.price):
        assert np.isnan(prices).tolist() == [True, False]
        assert prices[1] == pytest.approx(7.974482342265, abs=1e-3)
    assert all(np.isnan(column[0]) for column in chain)
