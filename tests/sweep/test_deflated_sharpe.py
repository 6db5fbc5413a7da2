"""The deflated Sharpe ratio, against published numbers and the best of many draws."""

import math

import numpy as np
import pytest

from alo_lib.sweep.overfitting import deflated_sharpe, expected_best


def ratios_of(count: int, deviation: float) -> list[float]:
    """So many ratios of exactly some deviation."""
    values = np.linspace(-1.0, 1.0, count)
    return list(values * deviation / values.std(ddof=1))


def test_the_published_example() -> None:
    """Bailey and Lopez de Prado (2014): 2.5 a year of 250 days, five years of them, skewness -3, kurtosis 10."""
    ratio, deviation = 2.5 / math.sqrt(250), math.sqrt(0.5 / 250)
    hurdle = expected_best(ratios_of(100, deviation))
    assert hurdle == pytest.approx(0.1132, abs=5e-5)
    assert deflated_sharpe(ratio, hurdle, 1250, -3.0, 10.0) == pytest.approx(0.9004, abs=1e-4)
    assert deflated_sharpe(ratio, expected_best(ratios_of(46, deviation)), 1250, 0.0, 3.0) > 0.95


def test_the_best_of_many_without_skill() -> None:
    drawn = np.random.default_rng(3).standard_normal((20_000, 50)).max(axis=1).mean()
    assert expected_best(ratios_of(50, 1.0)) == pytest.approx(drawn, rel=0.02)
    assert expected_best([0.3]) == 0.0
