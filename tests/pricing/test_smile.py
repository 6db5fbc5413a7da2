"""Smiles that are known, brute-force least squares, bad prints and odd chains."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize

from alo_lib.pricing import PricingError
from alo_lib.pricing.smile import SmileStatus, fit_smiles

Array = NDArray[np.float64]
YEARS = np.array([0.04, 0.12, 0.5])
KNOWN = np.array([[0.22, -0.03, 0.012], [0.25, -0.02, 0.006], [0.3, 0.01, 0.0]])
"""Volatility at the money, skew and curvature of each of these expiries."""


def known(z: Array, smile: Array) -> Array:
    level, skew, curvature = smile
    return np.asarray(level + skew * z + 0.5 * curvature * z * z)


def quotes(points: int = 21, reach: float = 1.8) -> tuple[NDArray[np.int64], Array, Array, Array]:
    """Of all three expiries, exactly on their smiles, with errors that grow into the wings."""
    z = np.linspace(-reach, reach, points)
    expiry = np.repeat(np.arange(3), points)
    moneyness = np.concatenate([z * s[0] * math.sqrt(t) for s, t in zip(KNOWN, YEARS, strict=True)])
    volatility = np.concatenate([known(z, smile) for smile in KNOWN])
    return expiry, moneyness, volatility, np.tile(0.001 * (1.0 + z * z), 3)


def test_a_known_smile_comes_back() -> None:
    expiry, moneyness, volatility, error = quotes()
    found = fit_smiles(expiry, moneyness, volatility, error, YEARS)
    assert found.status.tolist() == [SmileStatus.FITTED] * 3
    assert found.strikes.tolist() == [21] * 3
    for column, told in zip(KNOWN.T, (found.at_the_money, found.skew, found.curvature), strict=True):
        np.testing.assert_allclose(told, column, atol=1e-12)
    np.testing.assert_allclose(found.low, -1.8, atol=1e-12)
    np.testing.assert_allclose(found.volatility(expiry, moneyness, YEARS), volatility, atol=1e-12)


def test_beyond_its_strikes_a_smile_stays_as_it_is_at_the_last() -> None:
    found = fit_smiles(*quotes(), YEARS)
    one = np.array([1, 1])
    far = found.volatility(one, np.array([-5.0, 5.0]), YEARS)
    np.testing.assert_allclose(far, known(np.array([-1.8, 1.8]), KNOWN[1]), atol=1e-12)


def test_without_outliers_it_is_weighted_least_squares_and_so_are_its_errors() -> None:
    expiry, moneyness, volatility, error = quotes(9)
    shifted = volatility + error * np.tile([0.4, -0.6, 0.2, 0.5, -0.3, 0.1, -0.5, 0.6, -0.2], 3)
    found = fit_smiles(expiry, moneyness, shifted, error, YEARS)
    for one in range(3):
        own = expiry == one
        root = math.sqrt(YEARS[one])

        def model(values: Array, own: NDArray[np.bool_] = own, root: float = root) -> Array:
            return known(moneyness[own] / (values[0] * root), values)

        def loss(values: Array, own: NDArray[np.bool_] = own) -> float:
            return float(np.sum(((shifted[own] - model(values)) / error[own]) ** 2))

        told = np.array([found.at_the_money[one], found.skew[one], found.curvature[one]])
        best = minimize(
            loss, KNOWN[one], method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-12, "maxiter": 9999}
        )
        np.testing.assert_allclose(told, best.x, atol=2e-7)
        # Gauss-Newton's covariance, its derivatives by differences.
        steps = 1e-6 * np.eye(3)
        slopes = np.array([(model(told + step) - model(told - step)) / 2e-6 for step in steps]) / error[own]
        errors = np.sqrt(np.diag(np.linalg.inv(slopes @ slopes.T)))
        mine = [found.at_the_money_error[one], found.skew_error[one], found.curvature_error[one]]
        np.testing.assert_allclose(mine, errors, rtol=1e-4)


def test_errors_cover_what_noise_of_quotes_does() -> None:
    generator = np.random.default_rng(7)
    expiry, moneyness, volatility, error = quotes(11)
    scores = []
    for _ in range(400):
        noisy = volatility + error * generator.standard_normal(len(error))
        found = fit_smiles(expiry, moneyness, noisy, error, YEARS)
        scores.append((found.skew - KNOWN[:, 1]) / found.skew_error)
    assert 0.8 < float(np.std(scores)) < 1.1
    assert abs(float(np.mean(scores))) < 0.1


@pytest.mark.parametrize("wrong", [0.9, 0.02])
def test_one_bad_print_moves_next_to_nothing(wrong: float) -> None:
    expiry, moneyness, volatility, error = quotes()
    volatility = volatility + error * np.tile([0.5, -0.5, 0.0], 21)
    clean = fit_smiles(expiry, moneyness, volatility, error, YEARS)
    volatility[12] = wrong
    found = fit_smiles(expiry, moneyness, volatility, error, YEARS)
    assert abs(found.at_the_money[0] - clean.at_the_money[0]) < 0.002
    assert abs(found.skew[0] - clean.skew[0]) < 0.002
    assert found.at_the_money[1] == clean.at_the_money[1]


def test_what_cannot_be_told_says_why() -> None:
    expiry, moneyness, volatility, error = quotes()
    upper = moneyness > -1e-9
    at = np.flatnonzero(expiry == 2)
    kept = ((expiry == 0) & upper) | ((expiry == 1) & np.isin(np.arange(len(expiry)) % 21, [5, 8, 12, 15]))
    found = fit_smiles(expiry[kept], moneyness[kept], volatility[kept], error[kept], YEARS)
    assert [SmileStatus(code).words for code in found.status] == ["quotes on one side", "too few strikes", "no quotes"]
    assert all(np.isnan(column).all() for column in found[1:9])
    assert found.strikes.tolist() == [11, 4, 0]
    volatility[at] = np.nan
    assert fit_smiles(expiry, moneyness, volatility, error, YEARS).status.tolist() == [0, 0, SmileStatus.NO_QUOTES]


def test_no_curve_below_zero_and_none_through_two_strikes_is_told() -> None:
    zeros, error = np.zeros(5, np.int64), np.full(5, 0.001)
    # A parabola through all of these is at -1.87 at the money.
    z, volatility = np.array([-1.0, -0.9, 0.9, 1.0, -1.0]), np.array([0.5, 0.05, 0.05, 0.5, 0.5])
    bent = fit_smiles(zeros, z * 0.5, volatility, error, np.ones(1))
    assert (bent.status[0], bent.strikes[0]) == (SmileStatus.NO_CURVE, 5)
    same = fit_smiles(zeros, np.array([-0.1, -0.1, 0.1, 0.1, 0.1]), np.full(5, 0.2), error, np.ones(1))
    assert same.status.tolist() == [SmileStatus.NO_CURVE]


def test_a_flat_smile_is_flat_and_nothing_at_all_is_no_error() -> None:
    z, zeros = np.linspace(-1, 1, 9) * 0.2, np.zeros(9, np.int64)
    found = fit_smiles(zeros, z, np.full(9, 0.2), np.full(9, 0.001), np.ones(1))
    assert (found.status[0], round(found.skew[0], 12), round(found.curvature[0], 12)) == (0, 0.0, 0.0)
    none = np.zeros(0)
    assert len(fit_smiles(np.zeros(0, np.int64), none, none, none, none).status) == 0


def test_an_expiry_does_not_depend_on_the_others() -> None:
    expiry, moneyness, volatility, error = quotes()
    every = fit_smiles(expiry, moneyness, volatility, error, YEARS)
    own = expiry == 1
    alone = fit_smiles(expiry[own] - 1, moneyness[own], volatility[own], error[own], YEARS[1:2])
    assert [column[1] for column in every] == [column[0] for column in alone]


def test_odd_arguments_are_refused() -> None:
    three = np.ones(3)
    with pytest.raises(PricingError, match="expiry is from 1 to 1; allowed: 0 to 0"):
        fit_smiles(np.ones(3, np.int64), three, three, three, np.ones(1))
    with pytest.raises(PricingError, match="have shapes"):
        fit_smiles(np.zeros(2, np.int64), three, three, three, np.ones(1))
