"""Rates by time to expiry."""

import math

import numpy as np
import pytest

from alo_lib.pricing import (
    Chain,
    Contracts,
    Curve,
    Greeks,
    MarketTerms,
    PricingError,
    QuotedChain,
    exercise_boundary,
    greeks,
    implied_volatility,
    price,
)

TIMES, RATES = [0.25, 1.0, 2.0], [0.05, 0.03, 0.04]


def test_a_rate_that_is_told_is_had_and_beyond_the_ends_the_nearest() -> None:
    curve = Curve(TIMES, RATES)
    np.testing.assert_array_equal(curve.at(TIMES), RATES)
    np.testing.assert_array_equal(curve.at([[0.0, 0.1], [2.5, 90.0]]), [[0.05, 0.05], [0.04, 0.04]])
    assert math.isnan(float(curve.at(math.nan)))
    assert float(Curve(0.5, 0.02).at(7.0)) == 0.02


def test_between_two_times_the_same_is_earned_every_day() -> None:
    """From a quarter to a year, 1 x 3 % less a quarter of 5 %: 1.75 % over three quarters of a year."""
    curve = Curve(TIMES, RATES)
    forward = 0.0175 / 0.75
    for time in (0.3, 0.5, 0.999):
        assert float(curve.at(time)) * time == pytest.approx(0.0125 + forward * (time - 0.25), rel=1e-14)


@pytest.mark.parametrize(
    ("times", "rates", "why"),
    [
        ([1.0, 2.0], [0.1], r"shapes \(2,\) and \(1,\)"),
        ([], [], r"shapes \(0,\)"),
        ([[1.0]], [[0.1]], "shapes"),
        ([0.0, 1.0], [0.1, 0.1], "time is 0; allowed: above 0"),
        ([1.0, math.nan], [0.1, 0.1], "time is nan"),
        ([1.0, 101.0], [0.1, 0.1], "time is 101; allowed: above 0, to 100 years"),
        ([2.0, 1.0], [0.1, 0.1], "time 1 follows 2; allowed: ascending"),
        ([1.0, 1.0], [0.1, 0.1], "time 1 follows 1"),
        ([1.0], [1.5], "rate is 1.5; allowed: -1 to 1"),
        ([1.0], [math.inf], "rate is inf"),
    ],
)
def test_what_is_no_curve_is_refused(times: list[float], rates: list[float], why: str) -> None:
    with pytest.raises(PricingError, match=why):
        Curve(times, rates)


def test_every_function_reads_a_curve_at_each_expiry() -> None:
    rate, dividend_yield = Curve(TIMES, RATES), Curve([0.5, 1.5], [0.01, 0.02])
    years, right = np.array([0.1, 0.25, 0.7, 1.9]), np.array([-1.0, 1.0, -1.0, 1.0])
    numbers = rate.at(years), dividend_yield.at(years)
    plain = greeks(100.0, 105.0, numbers[0], numbers[1], 0.3, years, right)
    curved = greeks(100.0, 105.0, rate, dividend_yield, 0.3, years, right)
    for name in Greeks._fields:
        np.testing.assert_array_equal(getattr(curved, name), getattr(plain, name))
    np.testing.assert_array_equal(price(100.0, 105.0, rate, dividend_yield, 0.3, years, right), plain.price)
    implied = implied_volatility(plain.price, 100.0, 105.0, rate, dividend_yield, years, right)
    np.testing.assert_allclose(implied, 0.3, rtol=1e-9)
    chain = Chain(105.0, years, right)
    np.testing.assert_array_equal(
        chain.price(100.0, rate, dividend_yield, 0.3),
        Chain(105.0, years, right).price(100.0, numbers[0], numbers[1], 0.3),
    )
    np.testing.assert_allclose(chain.implied_volatility(plain.price, 100.0, rate, dividend_yield), 0.3, rtol=1e-5)
    contracts, status = Contracts(np.full(4, 105.0), years, right), np.zeros(4, np.int8)
    quoted = QuotedChain(contracts, MarketTerms(100.0, rate, dividend_yield).check(), plain.price, status)
    np.testing.assert_array_equal(quoted.rate, numbers[0])
    np.testing.assert_allclose(quoted.forward, 100.0 * np.exp((numbers[0] - numbers[1]) * years), rtol=1e-14)
    upper = exercise_boundary(105.0, rate, dividend_yield, 0.3, 0.7, -1).upper
    at_07 = exercise_boundary(105.0, float(numbers[0][2]), float(numbers[1][2]), 0.3, 0.7, -1)
    np.testing.assert_array_equal(upper, at_07.upper)


def test_a_curve_cannot_be_changed() -> None:
    times = np.array(TIMES)
    curve = Curve(times, RATES)
    times[0] = 9.0
    assert curve.times[0] == 0.25
    with pytest.raises(ValueError, match="read-only"):
        curve.rates[0] = 1.0
