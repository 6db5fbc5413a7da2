"""Correlation of an index's members, by matrices and by simulation of their returns."""

import numpy as np
import pytest
from scipy.special import ndtr

from alo_lib.market.generator.index import IndexFair
from alo_lib.strategy.basket_scan import basket_vegas
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


def straddle(spot: np.ndarray, strike: np.ndarray, deviation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Black's value and delta, without interest."""
    d = np.log(spot / strike) / deviation + 0.5 * deviation
    call = spot * ndtr(d) - strike * ndtr(d - deviation)
    return 2.0 * call - spot + strike, 2.0 * ndtr(d) - 1.0


@pytest.mark.parametrize("planted", [0.0, 0.02])
def test_hedged_to_expiry_it_earns_what_is_planted_in_implied_correlation_and_nothing_without(planted: float) -> None:
    """Of lognormal members and an index that is their sum, at the prices of generated markets; by simulation.

    The index's straddle is sold and its members' are bought in the vegas that the scan takes; all are hedged each day.
    """
    days, paths, shares = 30, 20_000, np.array([0.6, 0.4])
    volatility, correlation = np.array([0.24, 0.36]), np.array([[1.0, 0.36], [0.36, 1.0]])
    covariance = correlation * np.outer(volatility, volatility) / 252
    shocks = np.random.default_rng(7).multivariate_normal(np.zeros(2), covariance, (paths, days))
    logs = np.cumsum(shocks - 0.5 * np.diag(covariance), axis=1)
    members = np.concatenate([np.ones((paths, 1, 2)), np.exp(logs)], axis=1)
    spots = np.concatenate([(members @ shares)[:, :, None], members], axis=2)  # index, then members
    left = np.arange(days, 0, -1.0)
    fair = IndexFair(covariance).variance(shares[None, :], left[None, :])[0]
    deviation = np.sqrt(np.stack([fair, *(covariance[i, i] * left for i in range(2))], axis=1))  # (days, 3)
    implied = np.array([np.sqrt(fair[0] * 252 / days) + planted, *volatility])
    vega = np.sqrt(days / 252 / (2.0 * np.pi)) * 2.0  # of a straddle at the money, nearly
    counts = basket_vegas(implied, shares) * np.array([-1.0, 1.0, 1.0])
    paid, _ = straddle(np.ones(3), np.ones(3), implied * np.sqrt(days / 252))
    made = np.abs(spots[:, -1] - 1.0) - paid
    for day in range(days):
        _, delta = straddle(spots[:, day], np.ones(3), deviation[day])
        made -= delta * (spots[:, day + 1] - spots[:, day])
    profit = made @ counts / vega
    error = float(profit.std()) / np.sqrt(paths)
    assert error < 0.0005
    assert float(profit.mean()) == pytest.approx(planted, abs=max(3.0 * error, 0.02 * planted))
