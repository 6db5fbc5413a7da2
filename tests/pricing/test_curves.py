"""Rates by time to expiry."""

import math

import numpy as np
import pytest

from alo_lib.pricing import Curve, PricingError

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


def test_a_curve_cannot_be_changed() -> None:
    times = np.array(TIMES)
    curve = Curve(times, RATES)
    times[0] = 9.0
    assert curve.times[0] == 0.25
    with pytest.raises(ValueError, match="read-only"):
        curve.rates[0] = 1.0
