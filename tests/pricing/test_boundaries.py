"""The exercise boundary with dividends ahead: beside the boundary method, and where large ones leave hardly any."""

import math

import numpy as np
import pytest

from alo_lib.pricing import PricingError, exercise_boundary, price
from tests.pricing.dividend_grid import Terms, converged

HALF_A_YEARS_INTEREST = -100.0 * math.expm1(-0.05 * 0.5)


@pytest.mark.parametrize(
    ("dividend_yield", "volatility", "time", "right"), [(0.0, 2.0, 9.0, -1), (0.02, 3.0, 9.0, -1), (0.1, 2.5, 9.0, 1)]
)
@pytest.mark.parametrize(("scheme", "room"), [("accurate", 0.05), ("high_precision", 5e-3)])
def test_however_far_the_spot_goes_a_boundary_is_found_to_a_cell(
    dividend_yield: float, volatility: float, time: float, right: int, scheme: str, room: float
) -> None:
    option = (100.0, 0.05, dividend_yield, volatility, time, right)
    alone = exercise_boundary(*option, scheme="high_precision").upper[-1]
    found = exercise_boundary(*option, scheme=scheme, dividends=([0.5 * time], [1e-9])).upper[-1]
    assert found == pytest.approx(alone, rel=room)


@pytest.mark.parametrize("amount", [5.0, 20.0, 50.0, 150.0])
@pytest.mark.parametrize("volatility", [0.02, 0.25])
def test_a_put_is_exercised_next_to_nothing_before_a_dividend_worth_more_than_the_interest(
    amount: float, volatility: float
) -> None:
    terms = Terms(100.0, 0.05, 0.02, volatility, 1.0, -1, True, (0.5,), (amount,))
    found = exercise_boundary(*terms[:6], dividends=(terms.times, terms.amounts))
    today = found.upper[-1]
    # Waiting for the dividend, which leaves nothing of so low a spot, costs the interest until then.
    assert (0.95 if volatility > 0.1 else 0.99) * HALF_A_YEARS_INTEREST < today < HALF_A_YEARS_INTEREST
    spots = today * np.array([0.9, 1.1])
    gain = converged(spots, terms).value - (100.0 - spots)
    assert gain[0] == pytest.approx(0.0, abs=1e-9)
    assert gain[1] > 0.05
    # Just after it, as without any.
    after = found.time_to_expiry < 0.5
    alone = exercise_boundary(100.0, 0.05, 0.02, volatility, float(found.time_to_expiry[after][-1]), -1)
    assert found.upper[after][-1] == pytest.approx(alone.upper[-1], rel=0.01)


def test_hours_before_such_a_dividend_only_less_than_is_told_is_exercised() -> None:
    found = exercise_boundary(100.0, 0.05, 0.0, 0.25, 1.0, -1, dividends=([0.01], [20.0]))
    assert math.isnan(found.upper[-1])


def test_a_boundary_is_refused_where_a_price_is() -> None:
    option, dividends = (100.0, 0.05, 0.0, 8.0, 4.0, -1), ([1.0], [1.0])
    with pytest.raises(PricingError) as of_price:
        price(100.0, *option, dividends=dividends)
    with pytest.raises(PricingError) as of_boundary:
        exercise_boundary(*option, dividends=dividends)
    assert str(of_price.value) == str(of_boundary.value)


@pytest.mark.parametrize(
    "terms",
    [
        Terms(96.0, 0.06, 0.01, 0.2, 0.8, -1, True, (0.05,), (0.1,)),
        Terms(104.0, 0.03, 0.05, 0.3, 1.2, 1, True, (0.4, 0.9), (1.0, 1.0)),
    ],
    ids=["put", "call"],
)
def test_today_it_is_where_holding_begins_to_gain(terms: Terms) -> None:
    """Holding gains by the square of the distance from there: the root of what it does goes to nothing."""
    limits = {"accurate": 0.013, "high_precision": 0.003}
    found = {
        scheme: float(exercise_boundary(*terms[:6], scheme=scheme, dividends=(terms.times, terms.amounts)).upper[-1])
        for scheme in limits
    }
    away = np.array([0.01, 0.02, 0.03, 0.04]) * terms.volatility / 0.25
    spots = found["high_precision"] * (1.0 - terms.right * away)
    gain = converged(spots, terms, finest=3).value - terms.right * (spots - terms.strike)
    roots = np.polynomial.Polynomial.fit(away, np.sqrt(gain), 3).convert().roots()
    near = min(roots[np.abs(roots.imag) < 1e-9].real, key=abs)
    right = found["high_precision"] * (1.0 - terms.right * near)
    for scheme, limit in limits.items():
        assert found[scheme] == pytest.approx(right, rel=limit), scheme
