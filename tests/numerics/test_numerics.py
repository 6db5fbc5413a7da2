"""Elementary functions against SciPy, quadrature and interpolation by their identities, linear systems by residuals."""

import math

import numpy as np
import pytest
from scipy.special import ndtr

from alo_lib.numerics.chebyshev import interpolation_matrix, nodes
from alo_lib.numerics.compilation import python_original
from alo_lib.numerics.elementary import exponential, logarithm, normal_cdf, normal_cdf_pdf
from alo_lib.numerics.linear import lu_factor, lu_solve
from alo_lib.numerics.quadrature import gauss_legendre, sine_squared_rule


@pytest.mark.parametrize("function", [exponential, python_original(exponential)])
def test_exponential(function: object) -> None:
    assert callable(function)
    for x in np.linspace(-700.0, 700.0, 301):
        assert function(float(x)) == pytest.approx(math.exp(x), rel=1e-15)


def test_normal_distribution() -> None:
    for x in np.linspace(-30.0, 30.0, 241):
        cdf, pdf = normal_cdf_pdf(float(x))
        assert cdf == pytest.approx(float(ndtr(x)), abs=1e-15)
        assert pdf == pytest.approx(math.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi), rel=1e-13, abs=1e-300)
        assert normal_cdf(float(x)) == cdf


@pytest.mark.parametrize("function", [logarithm, python_original(logarithm)])
def test_logarithm(function: object) -> None:
    assert callable(function)
    for x in np.concatenate([10.0 ** np.linspace(-300, 300, 241), np.linspace(0.5, 2.0, 241)]):
        assert function(float(x)) == pytest.approx(math.log(x), rel=4e-16, abs=1e-300)


def test_interpolation_is_exact_for_polynomials() -> None:
    x = np.linspace(0.0, 1.0, 17)
    for n in (2, 5, 9):
        weights = interpolation_matrix(n, x)
        assert weights @ nodes(n) ** n == pytest.approx(x**n, abs=1e-14)
        assert weights.sum(axis=1) == pytest.approx(1.0)
    with pytest.raises(ValueError, match="n is 0"):
        nodes(0)


def test_quadrature() -> None:
    x, w = gauss_legendre(6)
    assert w @ x**11 == pytest.approx(1.0 / 12.0, rel=1e-13)
    sine, cosine, weight = sine_squared_rule(12)
    assert weight @ sine == pytest.approx(2.0 / 3.0, rel=1e-12)
    assert weight @ cosine == pytest.approx(2.0 / 3.0, rel=1e-12)
    with pytest.raises(ValueError, match="n is 0"):
        gauss_legendre(0)


def test_linear_systems() -> None:
    random = np.random.default_rng(0)
    a = random.normal(size=(7, 7))
    b = random.normal(size=7)
    factors, solution, pivots = a.copy(), b.copy(), np.empty(7, np.int64)
    assert lu_factor(factors, pivots, 7)
    lu_solve(factors, pivots, 7, solution)
    assert a @ solution == pytest.approx(b, abs=1e-12)
    assert not lu_factor(np.zeros((3, 3)), np.empty(3, np.int64), 3)
