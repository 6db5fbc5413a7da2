"""Volatility between expiries."""

import math

import numpy as np
import pytest

from alo_lib.pricing import at_maturity


def test_variance_is_linear_between_expiries_and_there_is_none_beyond() -> None:
    years, volatility = np.array([0.1, 0.2]), np.array([0.2, 0.3])
    middle = math.sqrt((0.2**2 * 0.1 + 0.3**2 * 0.2) / 2 / 0.15)
    assert at_maturity(years, volatility, 0.15) == pytest.approx(middle)
    assert at_maturity(years, volatility, 0.2) == pytest.approx(0.3)
    assert math.isnan(at_maturity(years, volatility, 0.09))
    assert math.isnan(at_maturity(years, volatility, 0.21))
    assert math.isnan(at_maturity(years, np.array([0.2, np.nan]), 0.15))
