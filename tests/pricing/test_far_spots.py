"""Cash dividends where volatility times the root of time is large: right values, or a sentence."""

import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

from alo_lib.pricing import ContractStatus, Dividends, PricingError, implied_volatility, implied_with_status, price

RATE, CASH = 0.03, 3.0


def expected(strike: float, volatility: float, years: float, right: int, ex_time: float) -> float:
    """A European option on a spot of 100 with one dividend, as a sum over where the spot is just before it."""
    deviation = volatility * math.sqrt(ex_time)
    z, step = np.linspace(-12.0, 18.0 + deviation, 200_001, retstep=True)
    before = 100.0 * np.exp((RATE - 0.5 * volatility**2) * ex_time + deviation * z)
    left, time = np.maximum(before - CASH, 1e-300), years - ex_time
    d2 = (np.log(left / strike) + (RATE - 0.5 * volatility**2) * time) / (volatility * math.sqrt(time))
    d1, discounted = d2 + volatility * math.sqrt(time), strike * math.exp(-RATE * time)
    after = right * (left * norm.cdf(right * d1) - discounted * norm.cdf(right * d2))
    return float(math.exp(-RATE * ex_time) * np.sum(after * norm.pdf(z)) * step)


@pytest.mark.parametrize("far", [1.4, 1.6, 3.0, 4.9, 5.1, 7.9, 8.1, 10.0, 11.9])
@pytest.mark.parametrize("right", [1, -1])
def test_european_values(far: float, right: int) -> None:
    for years in (0.5, 9.0):
        sigma = far / math.sqrt(years)
        for share in (0.1, 0.5):
            dividends = Dividends([share * years], [CASH])
            found = price(100.0, [50.0, 200.0], RATE, 0.0, sigma, years, right, style="european", dividends=dividends)
            right_values = [expected(strike, sigma, years, right, share * years) for strike in (50.0, 200.0)]
            np.testing.assert_allclose(found, right_values, rtol=0.0, atol=2.5e-3)


@pytest.mark.parametrize("style", ["american", "european"])
def test_volatilities_are_found_again(style: Any) -> None:
    sigma = np.array([0.3, 1.6, 4.0, 5.9])
    given: Any = {"dividends": Dividends([0.4], [CASH]), "style": style}
    for right in (1, -1):
        found = price(100.0, 110.0, RATE, 0.0, sigma, 4.0, right, **given)
        np.testing.assert_allclose(implied_volatility(found, 100.0, 110.0, RATE, 0.0, 4.0, right, **given), sigma, 1e-3)


def test_beyond_the_limit_there_is_a_sentence() -> None:
    given: Any = {"dividends": Dividends([0.4], [CASH])}
    told = "volatility is 6.1 for time_to_expiry=4; allowed with dividends ahead: at most 12 over the root of time, 6"
    with pytest.raises(PricingError, match=told):
        price(100.0, 110.0, RATE, 0.0, [0.2, 6.1], 4.0, 1, **given)
    found = price(100.0, 110.0, RATE, 0.0, [0.2, 6.1], 4.0, 1, invalid="nan", **given)
    assert np.isnan(found).tolist() == [False, True]
    none = implied_with_status([99.9, 1e-9], 100.0, 110.0, RATE, 0.0, 4.0, 1, **given)
    assert np.isnan(none.volatility).all()
    assert [ContractStatus(code) for code in none.status] == [ContractStatus.ABOVE_BOUND, ContractStatus.BELOW_FLOOR]
    with pytest.raises(PricingError, match=r"no volatility up to 6 explains it \(above its bound\)"):
        implied_volatility(99.9, 100.0, 110.0, RATE, 0.0, 4.0, 1, **given)
