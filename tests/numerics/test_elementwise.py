import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from alo_lib.numerics.elementwise import exp, log, power
from alo_lib.numerics.linear import least_squares

Array = NDArray[np.float64]
RANDOM = np.random.default_rng(9)


def half_to(x: Array) -> Array:
    return power(0.5, x)


@pytest.mark.parametrize(
    ("function", "peer"),
    [(log, math.log), (exp, math.exp), (half_to, lambda x: math.pow(0.5, x))],
)
def test_each_number_has_the_c_library_s_bits_wherever_it_lies(
    function: Callable[[Array], Array], peer: Callable[[float], float]
) -> None:
    matrix = np.exp(RANDOM.standard_normal((400, 4)))
    expected = [peer(float(x)) for x in matrix[:, 3]]
    for laid_out in (matrix[:, 3], matrix.T[3], matrix[:, 3].copy(), matrix[::-1, 3][::-1]):
        assert function(laid_out).tolist() == expected
    assert function(matrix)[:, 3].tolist() == expected
    assert function(matrix).shape == matrix.shape
    assert function(np.float64(matrix[0, 3])).shape == ()  # type: ignore[arg-type]
    assert float(function(np.float64(matrix[0, 3]))) == expected[0]  # type: ignore[arg-type]
    frozen = matrix[:, 3].copy()
    frozen.flags.writeable = False
    assert function(frozen).tolist() == expected


def test_least_squares_are_numpy_s() -> None:
    a, b = RANDOM.standard_normal((60, 5)), RANDOM.standard_normal(60)
    a[:, 0] = 1.0
    x = np.empty(5)
    assert least_squares(a.copy(), b.copy(), x, 1e-10) == 5
    np.testing.assert_allclose(x, np.linalg.lstsq(a, b, rcond=None)[0], rtol=1e-10)


@pytest.mark.parametrize("column", [np.zeros(60), np.ones(60), np.full(60, -3.0)])
def test_columns_that_add_nothing_are_counted_out(column: Array) -> None:
    a = np.stack([np.ones(60), RANDOM.standard_normal(60), column], axis=1)
    assert least_squares(a, np.ones(60), np.empty(3), 1e-10) == 2
    assert least_squares(np.ones((2, 3)) + np.eye(3)[:2], np.ones(2), np.empty(3), 1e-10) == 2
