"""Volatility between expiries."""

import math

import numpy as np
import pytest

from alo_lib.pricing import at_maturity
from alo_lib.pricing.constant_maturity import linear_at_maturity


def test_variance_is_linear_between_expiries_and_there_is_none_beyond() -> None:
    years, volatility = np.array([0.1, 0.2]), np.array([0.2, 0.3])
    middle = math.sqrt((0.2**2 * 0.1 + 0.3**2 * 0.2) / 2 / 0.15)
    assert at_maturity(years, volatility, 0.15) == pytest.approx(middle)
    assert at_maturity(years, volatility, 0.2) == pytest.approx(0.3)
    assert math.isnan(at_maturity(years, volatility, 0.09))
    assert math.isnan(at_maturity(years, volatility, 0.21))
    assert math.isnan(at_maturity(years, np.array([0.2, np.nan]), 0.15))


def test_the_first_and_the_last_stand_for_maturities_within_reach() -> None:
    years, volatility = np.array([0.1, 0.2]), np.array([0.2, 0.3])
    assert at_maturity(years, volatility, 0.07, reach=1.5) == pytest.approx(0.2)
    assert at_maturity(years, volatility, 0.3, reach=1.5) == pytest.approx(0.3)
    assert math.isnan(at_maturity(years, volatility, 0.066, reach=1.5))
    assert math.isnan(at_maturity(years, volatility, 0.301, reach=1.5))
    assert math.isnan(at_maturity(np.zeros(0), np.zeros(0), 0.1, reach=1.5))


def test_other_values_are_linear_themselves() -> None:
    years, skew = np.array([0.0, 0.1, 0.2]), np.array([9.0, -0.02, -0.04])
    assert linear_at_maturity(years, skew, 0.15) == pytest.approx(-0.03)
    assert linear_at_maturity(years, skew, 0.08, reach=1.5) == pytest.approx(-0.02)
    assert math.isnan(linear_at_maturity(years, skew, 0.08))
    assert math.isnan(linear_at_maturity(years, np.full(3, np.nan), 0.15))
