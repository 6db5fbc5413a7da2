"""Values agreed with independent sources, a tolerance a row."""

import numpy as np
import pytest

from alo_lib.pricing import Style, exercise_boundary, greeks, implied_volatility, price

# spot, strike, rate, dividend yield, volatility, years, right, value, tolerance of high_precision
AGREED = [
    (100, 100, 0.05, 0.0, 0.25, 1.0, -1, 7.974482342265, 1e-8),
    (100, 100, 0.0, 0.04, 0.25, 1.0, +1, 8.313128961556, 1e-8),
    (100, 100, 0.0, -0.03, 0.15, 3.0, -1, 7.496483314626, 1e-8),
    (100, 100, 0.1, 0.0, 0.01, 30.0, -1, 0.018389374906, 2e-6),
    (100, 100, 0.05, 0.02, 3.0, 30.0, -1, 94.086930828713, 6e-6),
    (100, 100, 0.1, 0.001, 0.1, 3.0, -1, 1.791028564338, 1e-7),
    (100, 120, 0.1, 0.03, 0.25, 10.0, -1, 23.0003053816, 1e-6),
    (100, 100, 0.0, 0.025, 0.25, 1.0, +1, 8.865365198185, 1e-8),
]


@pytest.mark.parametrize("row", AGREED)
def test_high_precision_agrees(row: tuple[float, ...]) -> None:
    *option, value, tolerance = row
    assert price(*option, scheme="high_precision") == pytest.approx(value, abs=tolerance)


def test_accurate_is_within_a_millionth_of_the_strike() -> None:
    table = np.array(AGREED).T
    usual = (table[5] <= 10.0) & (table[4] >= 0.1)
    error = price(*table[:7, usual]) - table[7, usual]
    assert np.abs(error).max() <= 1e-4


@pytest.mark.slow
def test_boundary_of_the_put_and_of_the_call() -> None:
    put = exercise_boundary(100, 0.05, 0.0, 0.25, 1.0, -1, scheme="high_precision")
    call = exercise_boundary(100, 0.0, 0.04, 0.25, 1.0, +1, scheme="high_precision")
    assert put.upper[-1] == pytest.approx(74.890216, abs=2e-5)
    assert call.upper[-1] == pytest.approx(137.080618, abs=5e-5)
    assert np.isnan(put.lower).all()


def test_early_exercise_premium_of_the_papers_second_table() -> None:
    option = (100, 100, 0.05, 0.05, 0.25, 1.0, -1)
    premium = price(*option, scheme="high_precision") - price(*option, style="european")
    assert premium == pytest.approx(0.106952702747, abs=1e-8)


def test_implied_volatility_inverts_the_price() -> None:
    table = np.array(AGREED).T[:, [0, 1, 2, 5, 6, 7]]
    found = implied_volatility(table[7], *table[:4], *table[5:7], scheme="high_precision")
    assert found == pytest.approx(table[4], abs=1e-8)


@pytest.mark.parametrize("right", [-1, +1])
@pytest.mark.parametrize("style", ["american", "european"])
def test_greeks_are_differences_of_the_price(right: int, style: Style) -> None:
    point = {"spot": 95.0, "rate": 0.04, "dividend_yield": 0.03, "volatility": 0.3, "time_to_expiry": 0.7}

    def at(field: str, name: str, shift: float) -> float:
        moved = point | {name: point[name] + shift}
        s, r, q, v, t = moved.values()
        return float(getattr(greeks(s, 100.0, r, q, v, t, right, style=style, scheme="high_precision"), field))

    def slope(field: str, name: str, h: float) -> float:
        near, far = at(field, name, h) - at(field, name, -h), at(field, name, 2 * h) - at(field, name, -2 * h)
        return (8.0 * near - far) / (12.0 * h)

    found = greeks(95.0, 100.0, 0.04, 0.03, 0.3, 0.7, right, style=style, scheme="high_precision")
    expected = {
        "delta": slope("price", "spot", 0.1),
        "gamma": slope("delta", "spot", 0.1),
        "vega": slope("price", "volatility", 1e-3),
        "theta": -slope("price", "time_to_expiry", 1e-3),
        "rho": slope("price", "rate", 1e-4),
        "epsilon": slope("price", "dividend_yield", 1e-4),
        "vanna": slope("delta", "volatility", 1e-3),
        "volga": slope("vega", "volatility", 1e-3),
        "charm": -slope("delta", "time_to_expiry", 1e-3),
    }
    for field, value in expected.items():
        assert getattr(found, field) == pytest.approx(value, rel=1e-6, abs=1e-6), field
