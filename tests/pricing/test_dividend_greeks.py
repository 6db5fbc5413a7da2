"""Greeks with cash dividends against values on file, which are differences of a method of its own."""

from typing import Literal

import numpy as np
import numpy.typing as npt
import pytest

from alo_lib.pricing import greeks, price
from alo_lib.pricing.terms import Options
from alo_lib.pricing.volatility_differences import ByVolatility, central_differences, without_width
from tests.pricing.dividend_greeks import NAMES, Right, read, right_greeks
from tests.pricing.dividend_grid import Terms, converged
from tests.pricing.dividend_quadrature import black_scholes, nested

Array = npt.NDArray[np.float64]

RIGHT = read()
LIMITS = {  # what nine tenths of a kind's greeks are within, and all of them
    ("american", "delta"): (2e-5, 2e-4),
    ("american", "vega"): (0.016, 0.08),
    ("american", "rho"): (0.06, 1.0),
    ("american", "epsilon"): (0.06, 8.0),  # calls, of which those without a yield are hardly exercised before expiry
    ("american", "vanna"): (2.5e-3, 1.0),
    ("american", "volga"): (4.0, 80.0),
    ("european", "delta"): (2e-6, 5e-6),
    ("european", "vega"): (1e-3, 2.5e-3),
    ("european", "rho"): (1e-3, 3e-3),
    ("european", "epsilon"): (1e-3, 3e-3),
    ("european", "vanna"): (1.2e-4, 2.5e-4),
    ("european", "volga"): (0.03, 0.04),
}
"""The worst have spot next to where exercise begins: there volga jumps, and what is its derivative."""


def found_of(right: Right) -> Array:
    terms = right.terms
    option = (terms.strike, terms.rate, terms.dividend_yield, terms.volatility, terms.time, terms.right)
    found = greeks(right.spots, *option, dividends=(terms.times, terms.amounts), style=terms.style)
    return np.stack([getattr(found, name) for name in NAMES])


def held(right: Right) -> npt.NDArray[np.bool_]:
    """Where the option is worth something, and more than by exercise."""
    value, terms = right.greeks[0], right.terms
    ahead = value > terms.right * (right.spots - terms.strike) + 1e-4
    return (value > 1e-3) & (ahead | (not terms.american))


ERRORS = {
    style: np.concatenate(
        [np.abs(found_of(one) - one.greeks)[:, held(one)] for one in RIGHT if one.terms.style == style], axis=1
    )
    for style in ("american", "european")
}


@pytest.mark.parametrize(("style", "name"), list(LIMITS))
def test_greeks_are_those_on_file(style: str, name: str) -> None:
    error, (most, worst) = ERRORS[style][NAMES.index(name)], LIMITS[style, name]
    assert error.size > 30
    assert np.quantile(error, 0.9) <= most
    assert error.max() <= worst


def test_what_wide_differences_leave_out_is_taken_off_and_of_what_is_exercised_nothing() -> None:
    """Of European options nothing is left but rounding; half the vega has half of it taken off."""
    strikes = np.linspace(70.0, 140.0, 29)
    options = (100.0, strikes, 0.03, 0.01)
    exact = greeks(*options, 0.25, 0.7, 1, style="european")
    still, up, down = (
        np.stack(greeks(*options, volatility, 0.7, 1, style="european")[:2]) for volatility in (0.25, 0.26, 0.24)
    )
    ones = np.ones_like(strikes)
    left = Options(100.0 * ones, strikes, 0.03 * ones, 0.01 * ones, 0.7 * ones, ones)
    wide = central_differences(still, up, down, 0.01 * ones)
    assert np.abs(wide.vega - exact.vega).max() > 0.01
    for part in (1.0, 0.5, 0.0):
        there = ByVolatility(*(part * each for each in wide))
        found = without_width(there, left, ones, 0.25 * ones, 0.01 * ones)
        for name, allowed in (("vega", 1e-10), ("vanna", 1e-10), ("volga", 1e-7)):
            assert getattr(found, name) == pytest.approx(part * getattr(exact, name), abs=allowed), name


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 7])
def test_values_on_file_are_those_of_the_method(number: int) -> None:
    allowed = {"price": 2e-5, "delta": 3e-6, "vega": 2e-3, "rho": 0.02, "epsilon": 0.02, "vanna": 5e-4, "volga": 0.2}
    again = right_greeks(RIGHT[number].spots, RIGHT[number].terms)
    for name, ours, theirs in zip(NAMES, RIGHT[number].greeks, again, strict=True):
        assert ours == pytest.approx(theirs, abs=allowed[name]), name


def test_a_european_rate_and_yield_that_move_together_leave_the_drift() -> None:
    """Against nested expectations, exact: the identity that rho is taken from, and both of its parts."""
    one = next(one for one in RIGHT if not one.terms.american and len(one.terms.times) <= 2)
    terms, found = one.terms, dict(zip(NAMES, found_of(one), strict=True))

    def value(rate: float, dividend_yield: float) -> Array:
        moved = terms._replace(rate=terms.rate + rate, dividend_yield=terms.dividend_yield + dividend_yield)
        return np.asarray(nested(one.spots, moved, black_scholes(moved))[0])

    step = 1e-4
    rho = (value(step, 0.0) - value(-step, 0.0)) / (2.0 * step)
    epsilon = (value(0.0, step) - value(0.0, -step)) / (2.0 * step)
    assert rho + epsilon == pytest.approx(-terms.time * found["price"], abs=1e-3)
    assert found["rho"] == pytest.approx(rho, abs=1e-3)
    assert found["epsilon"] == pytest.approx(epsilon, abs=1e-3)


@pytest.mark.parametrize(
    ("spot", "terms"),
    [
        (115.0, Terms(96.35, 0.00047, 0.0, 0.12, 0.4, 1, True, (0.172, 0.248, 0.261), (1.47, 1.18, 0.89))),
        (115.0, Terms(98.02, 0.01135, 0.01, 0.12, 0.4, 1, True, (0.167, 0.172, 0.318), (0.53, 1.25, 1.04))),
        (85.0, Terms(103.24, 0.0089, 0.01, 0.12, 1.0, -1, True, (0.383,), (0.28,))),
    ],
    ids=["a call's rate next to nothing", "a call's next to the yield", "a put's next to the yield"],
)
def test_rho_where_exercise_begins_to_be_worth_its_while(spot: float, terms: Terms) -> None:
    """There values bend within a tenth of a percent of rate; the method on file is converged on both sides."""
    step = 2e-4
    down, up = (converged([spot], terms._replace(rate=terms.rate + way), finest=3).value[0] for way in (-step, step))
    option = (terms.strike, terms.rate, terms.dividend_yield, terms.volatility, terms.time, terms.right)
    found = greeks(spot, *option, dividends=(terms.times, terms.amounts))
    assert found.rho == pytest.approx((up - down) / (2.0 * step), abs=0.2)


@pytest.mark.parametrize("style", ["american", "european"])
def test_price_and_delta_of_greeks_are_those_of_prices(style: Literal["american", "european"]) -> None:
    """Whether differences are taken or not, and whoever the neighbours are."""
    right = next(one for one in RIGHT if one.terms.style == style)
    terms = right.terms
    option = (terms.strike, terms.rate, terms.dividend_yield, terms.volatility, terms.time, terms.right)
    dividends = (terms.times, terms.amounts)
    together = greeks(right.spots, *option, dividends=dividends, style=style)
    for i, spot in enumerate(right.spots):
        alone = greeks(spot, *option, dividends=dividends, style=style)
        for name in NAMES:
            assert getattr(alone, name) == getattr(together, name)[i], name
        assert price(spot, *option, dividends=dividends, style=style) == together.price[i]


def test_what_is_exercised_depends_on_nothing_but_spot() -> None:
    """Right up to where exercise begins, also where the coarse grid holds what the extrapolated one exercises."""
    spots = np.linspace(80.0, 95.0, 61)
    found = greeks(spots, 110.0, 0.08, 0.0, 0.25, 1.5, -1, dividends=([0.2], [0.5]))
    exercised = found.price == 110.0 - spots
    assert exercised.any()
    assert not exercised.all()
    for name in ("vega", "rho", "epsilon", "vanna", "volga", "theta", "charm", "gamma"):
        assert (getattr(found, name)[exercised] == 0.0).all(), name
