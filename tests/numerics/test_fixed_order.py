import numpy as np
import pytest

from alo_lib.numerics.fixed_order import dot, product, solve

RANDOM = np.random.default_rng(4)


@pytest.mark.parametrize("shapes", [((3, 4), (4, 2)), ((4,), (4, 2)), ((3, 4), (4,)), ((1, 1), (1, 1)), ((0,), (0, 2))])
def test_products_are_numpy_s(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    a, b = (RANDOM.standard_normal(shape) for shape in shapes)
    np.testing.assert_allclose(product(a, b), a @ b, rtol=1e-14, atol=1e-15)
    assert product(a, b).shape == (a @ b).shape


def test_sums_do_not_depend_on_their_order() -> None:
    a, b = RANDOM.standard_normal(1000) * 10.0 ** RANDOM.integers(-8, 8, 1000), RANDOM.standard_normal(1000)
    order = RANDOM.permutation(1000)
    assert dot(a, b) == dot(a[order], b[order])


def test_systems_are_solved_and_arguments_kept() -> None:
    a, x = RANDOM.standard_normal((5, 5)), RANDOM.standard_normal(5)
    b = a @ x
    kept = a.copy(), b.copy()
    np.testing.assert_allclose(solve(a, b), x, rtol=1e-10)
    np.testing.assert_array_equal(a, kept[0])
    np.testing.assert_array_equal(b, kept[1])
    with pytest.raises(ZeroDivisionError):
        solve(np.zeros((2, 2)), np.ones(2))


@pytest.mark.parametrize("shapes", [((2, 2), (3,)), ((2, 3), (2,)), ((3,), (3,)), ((2, 2), (2, 1))])
def test_a_system_of_other_shapes_reaches_no_kernel(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    with pytest.raises(ValueError, match=r"allowed: \(n, n\) and \(n,\)"):
        solve(*map(np.ones, shapes))
