"""Correlation of an index's members, by matrices and by simulation of their returns."""

import numpy as np
import pytest

from alo_lib.strategy.dispersion import average_correlation, dispersion, index_volatility

WEIGHTS = np.array([0.5, 0.3, 0.2])
MEMBERS = np.array([0.22, 0.35, 0.41])


def matrix(correlation: float) -> np.ndarray:
    return np.diag(MEMBERS) @ (np.full((3, 3), correlation) + (1.0 - correlation) * np.eye(3)) @ np.diag(MEMBERS)


@pytest.mark.parametrize("correlation", [-0.3, 0.0, 0.45, 1.0])
def test_the_index_has_the_variance_of_its_covariance_matrix(correlation: float) -> None:
    volatility = float(np.sqrt(WEIGHTS @ matrix(correlation) @ WEIGHTS))
    assert index_volatility(correlation, MEMBERS, WEIGHTS) == pytest.approx(volatility)
    assert average_correlation(volatility, MEMBERS, WEIGHTS) == pytest.approx(correlation)


def test_realized_volatilities_tell_the_correlation_of_returns() -> None:
    draw = np.random.default_rng(2).multivariate_normal(np.zeros(3), matrix(0.6), 200_000)
    members, index = np.sqrt(np.mean(draw * draw, axis=0)), float(np.sqrt(np.mean((draw @ WEIGHTS) ** 2)))
    assert average_correlation(index, members, WEIGHTS) == pytest.approx(0.6, abs=0.01)


def test_the_vegas_leave_nothing_but_correlation() -> None:
    """By bumping: one vega of the index sold against its members' is unmoved by any of their volatilities."""
    index = index_volatility(0.5, MEMBERS, WEIGHTS)
    found = dispersion(index, MEMBERS, WEIGHTS, 0.3)
    h = 1e-5
    for member in range(3):
        bump = np.where(np.arange(3) == member, h, 0.0)
        moved = (index_volatility(0.5, MEMBERS + bump, WEIGHTS) - index_volatility(0.5, MEMBERS - bump, WEIGHTS)) / 2.0
        assert found.vegas[member] * h == pytest.approx(moved, rel=1e-6)
    assert float(found.vegas @ MEMBERS) == pytest.approx(index)  # all of them by a tenth more: so is the index


def test_the_edge_is_what_the_index_loses_when_correlation_becomes_what_it_should() -> None:
    index = index_volatility(0.5, MEMBERS, WEIGHTS)
    found = dispersion(index, MEMBERS, WEIGHTS, 0.3)
    assert (found.correlation, found.fair) == (pytest.approx(0.5), 0.3)
    assert found.edge == pytest.approx(index - float(np.sqrt(WEIGHTS @ matrix(0.3) @ WEIGHTS)))
    assert found.edge > 0.0 > dispersion(index, MEMBERS, WEIGHTS, 0.7).edge
    assert found.stress == pytest.approx(index_volatility(1.0, MEMBERS, WEIGHTS) - index)


def test_what_is_not_known_has_no_correlation() -> None:
    assert np.isnan(average_correlation(np.nan, MEMBERS, WEIGHTS))
    assert np.isnan(average_correlation(0.2, np.array([0.2, np.nan, 0.3]), WEIGHTS))
    assert np.isnan(average_correlation(0.2, MEMBERS[:1], np.ones(1)))
    assert index_volatility(-0.9, MEMBERS, WEIGHTS) == 0.0
