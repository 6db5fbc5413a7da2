"""The script that fits the first guess of the exercise boundary, at a small size."""

import numpy as np
import pytest

from alo_lib.pricing.first_guess import AT_STRIKE, BELOW_STRIKE, MONOMIALS, cubic
from benchmarks.fit_first_guess import Sample, draw, error, fit, measure


def test_the_pricers_cubic_has_the_monomials_that_are_fitted() -> None:
    x, y, z = np.random.default_rng(1).uniform(-1.0, 1.0, (3, 40))
    assert len(MONOMIALS) == len(set(MONOMIALS)) == len(AT_STRIKE) == len(BELOW_STRIKE) == 20
    for k, (a, b, c) in enumerate(MONOMIALS):
        unit = tuple(float(k == j) for j in range(20))
        found = [cubic(unit, *point) for point in zip(x.tolist(), y.tolist(), z.tolist(), strict=True)]
        assert found == pytest.approx(x**a * y**b * z**c, rel=1e-14)


def test_a_fit_finds_the_coefficients_that_made_its_sample() -> None:
    groups = np.random.default_rng(2).uniform(0.0, 1.0, (200, 3))
    log = np.array([cubic(BELOW_STRIKE, *row) for row in groups.tolist()])
    sample = Sample(groups, log)
    assert fit(sample) == pytest.approx(np.array(BELOW_STRIKE), abs=1e-8)
    assert error(sample, BELOW_STRIKE) < 1e-14
    assert error(sample, np.zeros(20)) == pytest.approx(float(np.sqrt(np.mean(log**2))))


@pytest.mark.parametrize("below", [False, True])
def test_a_draw_is_the_same_from_the_same_seed_and_the_variables_are_bounded(below: bool) -> None:
    one, same, other = draw(below, 8, 3), draw(below, 8, 3), draw(below, 8, 4)
    assert (one.groups == same.groups).all()
    assert (one.log == same.log).all()
    assert not (one.log == other.log).any()
    assert (np.abs(one.groups) <= 1.0).all()


def test_a_new_fit_and_the_pricers_take_most_of_the_formulas_error_away() -> None:
    rows = list(measure(60))
    for formula, correction, ratio in (rows[:3], rows[3:]):
        assert correction.peer is not None
        assert correction.value < 0.5 * formula.value
        assert correction.peer < 0.5 * formula.value
        assert ratio.value == pytest.approx(correction.value / correction.peer)
        assert ratio.holds
