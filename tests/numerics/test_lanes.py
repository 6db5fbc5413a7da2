"""Lanes against NumPy: every operation, compiled and not; a lane's bits whatever its neighbours hold."""

import numpy as np
import numpy.typing as npt
import pytest

from alo_lib.numerics.compilation import kernel, python_original
from alo_lib.numerics.elementary import exponential, fma, logarithm, normal_cdf, normal_cdf_pdf
from alo_lib.numerics.lanes import (
    LANES,
    align_stack,
    all_lanes,
    any_lane,
    greatest,
    least,
    load,
    neighbours,
    select,
    square_root,
    store,
    table,
)
from alo_lib.numerics.linear import factor_lanes, solve_lanes

Array = npt.NDArray[np.float64]


@kernel
def _arithmetic(rows: Array, out: Array) -> None:
    align_stack()
    x, y = load(rows, 0), load(rows, 1)
    total = 0.0
    for k in range(3):
        total += x * k
    store(out, 0, x + y)
    store(out, 1, x - 2.5)
    store(out, 2, 3.0 * x * y)
    store(out, 3, x / y)
    store(out, 4, -x)
    store(out, 5, abs(x))
    store(out, 6, square_root(abs(y)))
    store(out, 7, fma(x, y, 1.0))
    store(out, 8, least(x, y))
    store(out, 9, greatest(x, 0.25))
    store(out, 10, total)
    store(out, 11, 7.0)


@kernel
def _choices(rows: Array, out: Array) -> None:
    x, y = load(rows, 0), load(rows, 1)
    store(out, 0, select(x < y, 1.0, 0.0))
    store(out, 1, select((x > 0.0) & (y > 0.0), x, y))
    store(out, 2, select((x >= y) | ~(x <= 0.0), x, -1.0))
    store(out, 3, select(x == x, 1.0, 0.0))
    store(out, 4, select(x != y, 1.0, 0.0))
    store(out, 5, 1.0 if any_lane(x > 2.0) else 0.0)
    store(out, 6, 1.0 if all_lanes(x > -9.0) else 0.0)
    store(out, 7, 1.0 if any_lane(x > 99.0) else 0.0)
    store(out, 8, 1.0 if all_lanes(x > 0.0) else 0.0)


@pytest.fixture
def rows() -> Array:
    drawn = np.random.default_rng(1).normal(size=(2, LANES))
    drawn[0, 0], drawn[0, 1] = 3.0, drawn[1, 1]
    return drawn


@pytest.mark.parametrize("function", [_arithmetic, _choices, python_original(_arithmetic), python_original(_choices)])
def test_operations_are_numpys(function: object, rows: Array) -> None:
    assert callable(function)
    out = np.full((12, LANES), np.nan)
    function(rows, out)
    x, y = rows
    expected = [x + y, x - 2.5, 3.0 * x * y, x / y, -x, abs(x), np.sqrt(abs(y)), None, np.minimum(x, y)]
    expected += [np.maximum(x, 0.25), 0.0 * x + x + 2.0 * x, np.full(LANES, 7.0)]
    if "choices" in getattr(function, "__name__", ""):
        one, none = np.ones(LANES), np.zeros(LANES)
        expected = [x < y, np.where((x > 0) & (y > 0), x, y), np.where((x >= y) | (x > 0), x, -1.0), one, x != y]
        expected += [one, one, none, none]
    for row, value in zip(out, expected, strict=False):
        if value is not None:
            np.testing.assert_array_equal(row, value)
    if "arithmetic" in getattr(function, "__name__", ""):
        np.testing.assert_allclose(out[7], x * y + 1.0, rtol=1e-15)


@kernel
def _functions(rows: Array, out: Array) -> None:
    for i in range(rows.shape[0]):
        x = load(rows, i)
        cdf, pdf = normal_cdf_pdf(x)
        store(out, 5 * i, exponential(x))
        store(out, 5 * i + 1, logarithm(abs(x)))
        store(out, 5 * i + 2, cdf)
        store(out, 5 * i + 3, pdf)
        store(out, 5 * i + 4, normal_cdf(x))


def test_functions_have_a_floats_bits() -> None:
    drawn = 4.0 * np.random.default_rng(2).normal(size=(50, LANES))
    out = np.empty((250, LANES))
    _functions(drawn, out)
    for i, lane in np.ndindex(drawn.shape):
        x = float(drawn[i, lane])
        alone = (exponential(x), logarithm(abs(x)), *normal_cdf_pdf(x), normal_cdf(x))
        assert tuple(out[5 * i : 5 * i + 5, lane]) == alone


def test_a_lane_does_not_know_its_neighbours() -> None:
    drawn = np.random.default_rng(3).normal(size=(7, LANES))
    out, other = np.empty((35, LANES)), np.empty((35, LANES))
    _functions(drawn, out)
    changed = drawn.copy()
    changed[:, 1:] = np.nan
    changed[:, 3] = np.inf
    _functions(changed, other)
    np.testing.assert_array_equal(out[:, 0], other[:, 0])


@kernel
def _new_table(rows: int) -> tuple[int, Array]:
    made = table(rows)
    return made.ctypes.data % 64, made


def test_tables_begin_with_a_cache_line() -> None:
    for rows in (1, 5, 40):
        place, made = _new_table(rows)
        assert place == 0
        assert made.shape == (rows, LANES)
        assert not made.any()


def test_linear_systems_in_lanes() -> None:
    random = np.random.default_rng(4)
    n = 6
    a = random.normal(size=(n, n, LANES)) + 8.0 * np.eye(n)[..., np.newaxis]
    b = random.normal(size=(n, LANES))
    factors, solution = a.reshape(n * n, LANES).copy(), np.vstack([np.full((1, LANES), 5.0), b])
    factor_lanes(factors, n)
    solve_lanes(factors, n, solution, 1)
    for lane in range(LANES):
        np.testing.assert_allclose(a[..., lane] @ solution[1:, lane], b[:, lane], atol=1e-13)
    assert (solution[0] == 5.0).all()


@kernel
def _four(rows: Array, first: Array, out: Array) -> None:
    align_stack()
    a, b, c, d = neighbours(rows, load(first, 0))
    store(out, 0, a)
    store(out, 1, b)
    store(out, 2, c)
    store(out, 3, d)


@pytest.mark.parametrize("call", [_four, python_original(_four)])
def test_four_neighbours_of_each_lane_are_inside_the_table(call: object) -> None:
    """Whatever is asked: before it, behind it, what is not a number, between two rows."""
    assert callable(call)
    rows, out = table(9), table(4)
    rows[:] = np.arange(9.0 * LANES).reshape(9, LANES)
    first = np.array([[0.0, 2.0, 5.0, 6.0, -3.0, 1e9, np.nan, 3.75]])
    call(rows, first, out)
    begins = [0, 2, 5, 5, 0, 5, 0, 3]
    for lane, begin in enumerate(begins):
        assert out[:, lane].tolist() == rows[begin : begin + 4, lane].tolist()
