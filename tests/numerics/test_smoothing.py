"""Smoothing splines against SciPy's, at their limits, and against what least squares says."""

import numpy as np
import pytest
from scipy.interpolate import make_smoothing_spline

from alo_lib.numerics.smoothing import smoothing_spline

RANDOM = np.random.default_rng(5)
X = np.sort(RANDOM.uniform(-2.0, 3.0, 40))
Y = np.sin(X) + RANDOM.normal(0.0, 0.1, X.size)
ERROR = RANDOM.uniform(0.02, 0.5, X.size)


@pytest.mark.parametrize("bend", [0.03, 0.3, 3.0])
def test_it_is_scipys(bend: float) -> None:
    right = make_smoothing_spline(X, Y, ERROR**-2.0, bend**-2.0)(X)
    assert smoothing_spline(X, Y, ERROR, bend) == pytest.approx(right, rel=1e-7, abs=1e-9)


def test_what_may_not_bend_is_the_line_of_least_squares_and_what_may_is_kept() -> None:
    line = np.polynomial.Polynomial.fit(X, Y, 1, w=1.0 / ERROR)(X)
    assert smoothing_spline(X, Y, ERROR, 1e-5) == pytest.approx(line, abs=1e-6)
    assert smoothing_spline(X, Y, ERROR, 1e6) == pytest.approx(Y, abs=1e-6)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_points_are_kept(count: int) -> None:
    assert smoothing_spline(X[:count], Y[:count], ERROR[:count], 1.0).tolist() == Y[:count].tolist()


def test_what_is_known_well_pulls_and_what_is_not_does_not() -> None:
    kink, sure = np.abs(X), np.where(X < 0.0, 1e-4, 10.0)
    found = smoothing_spline(X, kink, sure, 0.1)
    assert np.abs(found - kink)[X < 0.0].max() < 1e-3
    assert np.abs(found + X)[X > 0.0].max() < 1e-1
