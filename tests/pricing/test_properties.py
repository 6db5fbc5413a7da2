"""Properties that hold for every option: random draws over the documented domain."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alo_lib.pricing import Chain, exercise_boundary, greeks, implied_volatility, price
from alo_lib.pricing.batch import value_batch

SETTINGS = settings(max_examples=60, deadline=None, derandomize=True)
SPOT = st.floats(60.0, 160.0)
RATE = st.sampled_from([0.0, 1e-6, 0.01, 0.03, 0.05, 0.08]) | st.floats(0.0, 0.12)
YIELD = st.sampled_from([0.0, 1e-6, 0.01, 0.03, 0.05, -0.02]) | st.floats(-0.05, 0.12)
VOLATILITY = st.floats(0.05, 1.0)
YEARS = st.floats(0.01, 5.0)
RIGHT = st.sampled_from([-1.0, 1.0])
TOLERANCE = 1e-4  # of strike 100: the accurate scheme's bound


@SETTINGS
@given(SPOT, RATE, YIELD, VOLATILITY, YEARS, RIGHT)
def test_bounds_and_european_floor(s: float, r: float, q: float, v: float, t: float, right: float) -> None:
    value = float(price(s, 100.0, r, q, v, t, right))
    intrinsic = max(right * (s - 100.0), 0.0)
    bound = 100.0 * np.exp(-min(r, 0.0) * t) if right < 0 else s * np.exp(-min(q, 0.0) * t)
    assert intrinsic <= value <= bound
    assert value >= float(price(s, 100.0, r, q, v, t, right, style="european")) - 1e-12


@SETTINGS
@given(SPOT, RATE, YIELD, VOLATILITY, YEARS)
def test_put_call_symmetry(s: float, r: float, q: float, v: float, t: float) -> None:
    call = price(s, 100.0, r, q, v, t, +1)
    assert call == pytest.approx(price(100.0, s, q, r, v, t, -1), rel=1e-13)


@SETTINGS
@given(SPOT, RATE, YIELD, VOLATILITY, YEARS, RIGHT)
def test_monotone_and_convex_in_spot_strike_volatility_and_time(
    s: float, r: float, q: float, v: float, t: float, right: float
) -> None:
    spots = s * np.linspace(0.8, 1.2, 21)
    by_spot = price(spots, 100.0, r, q, v, t, right)
    assert (np.diff(by_spot) * right >= -TOLERANCE).all()
    assert (np.diff(by_spot, 2) >= -TOLERANCE).all()
    by_strike = price(s, 100.0 * np.linspace(0.8, 1.2, 21), r, q, v, t, right)
    assert (np.diff(by_strike) * right <= TOLERANCE).all()
    assert (np.diff(by_strike, 2) >= -TOLERANCE).all()
    assert (np.diff(price(s, 100.0, r, q, v * np.linspace(0.8, 1.2, 9), t, right)) >= -TOLERANCE).all()
    assert (np.diff(price(s, 100.0, r, q, v, t * np.linspace(0.8, 1.2, 9), right)) >= -TOLERANCE).all()


@SETTINGS
@given(SPOT, RATE, YIELD, VOLATILITY, YEARS, RIGHT)
def test_homogeneous_in_spot_and_strike(s: float, r: float, q: float, v: float, t: float, right: float) -> None:
    scaled = price(7.0 * s, 700.0, r, q, v, t, right)
    assert scaled == pytest.approx(7.0 * float(price(s, 100.0, r, q, v, t, right)), rel=1e-10, abs=1e-10)


@SETTINGS
@given(SPOT, RATE, YIELD, st.floats(0.08, 1.0), st.floats(0.05, 3.0), RIGHT)
def test_implied_volatility_returns(s: float, r: float, q: float, v: float, t: float, right: float) -> None:
    found = greeks(s, 100.0, r, q, v, t, right)
    if found.vega < 0.1 or found.price < max(right * (s - 100.0), 0.0) + 1e-3:
        return
    assert implied_volatility(found.price, s, 100.0, r, q, t, right) == pytest.approx(v, abs=1e-7)


@SETTINGS
@given(SPOT, RATE, YIELD, VOLATILITY, YEARS, RIGHT)
def test_accurate_agrees_with_high_precision(s: float, r: float, q: float, v: float, t: float, right: float) -> None:
    precise = price(s, 100.0, r, q, v, t, right, scheme="high_precision")
    assert price(s, 100.0, r, q, v, t, right) == pytest.approx(precise, abs=TOLERANCE)


@pytest.mark.parametrize(("rate", "dividend_yield"), [(-0.01, 0.02), (0.0, 0.0), (0.0, 0.03), (-0.02, -0.02)])
def test_never_exercised_early_is_european_to_the_bit(rate: float, dividend_yield: float) -> None:
    spots = np.linspace(50.0, 150.0, 11)
    american = price(spots, 100.0, rate, dividend_yield, 0.3, 2.0, -1)
    assert (american == price(spots, 100.0, rate, dividend_yield, 0.3, 2.0, -1, style="european")).all() or (
        np.maximum(100.0 - spots, 0.0) <= american
    ).all()


def test_double_boundary() -> None:
    spot, rate, dividend_yield, volatility, years, value = np.array(
        [
            (100, -0.005, -0.01, 0.2, 1.0, 7.791616996950),
            (80, -0.005, -0.01, 0.2, 10.0, 33.260267301327),
            (100, -0.02, -0.03, 0.2, 1.0, 7.684326772771),
        ]
    ).T
    found = price(spot, 100.0, rate, dividend_yield, volatility, years, -1, scheme="high_precision")
    assert found == pytest.approx(value, abs=1e-8)
    boundary = exercise_boundary(100.0, -0.005, -0.01, 0.2, 10.0, -1, scheme="high_precision")
    assert boundary.time_to_expiry[-2] == pytest.approx(1.1990430414, abs=1e-6)
    assert boundary.upper[-2] == pytest.approx(boundary.lower[-2], rel=1e-6)
    assert np.isnan(boundary.upper[-1])


def test_limits_of_no_volatility_and_no_time() -> None:
    spots = np.array([80.0, 100.0, 120.0])
    assert price(spots, 100.0, 0.05, 0.0, 0.0, 1.0, -1) == pytest.approx([20.0, 0.0, 0.0])
    assert price(spots, 100.0, 0.05, 0.0, 0.2, 0.0, +1) == pytest.approx([0.0, 0.0, 20.0])
    assert price(spots, 100.0, 0.05, 0.0, 1e-8, 1.0, -1) == pytest.approx([20.0, 0.0, 0.0], abs=1e-6)
    for values in greeks(spots, 100.0, 0.05, 0.0, [[0.0], [0.2]], [[1.0], [0.0]], -1):
        assert np.isfinite(values).all()


def test_threads_give_the_same_bits() -> None:
    spots = np.linspace(60.0, 140.0, 501)
    one, two = (price(spots, 100.0, 0.05, 0.02, 0.3, 1.0, -1, threads=count) for count in (1, 2))
    assert (one == two).all()


def test_chain_agrees_with_the_functions_in_the_callers_order() -> None:
    strikes = np.array([110.0, 90.0, 100.0, 105.0, 95.0, 100.0])
    years = np.array([0.5, 0.25, 0.5, 0.25, 0.5, 0.25])
    rights = np.array([1.0, -1.0, -1.0, 1.0, 1.0, -1.0])
    sigma = np.array([0.2, 0.25, 0.2, 0.22, 0.21, 0.25])
    rates = np.where(years > 0.3, 0.04, 0.03)
    chain = Chain(strikes, years, rights)
    found = chain.greeks(100.0, rates, 0.01, sigma)
    expected = greeks(100.0, strikes, rates, 0.01, sigma, years, rights)
    tolerances = (1e-5, 1e-5, 1e-6, 1e-4, 1e-4, 1e-3, 1e-3, 1e-3, 1e-1, 1e-3)
    for name, tolerance in zip(found._fields, tolerances, strict=True):
        assert getattr(found, name) == pytest.approx(getattr(expected, name), abs=tolerance), name
    quotes = np.stack([found.price * 0.99, found.price, found.price * 1.01])
    back = chain.implied_volatility(quotes, 100.0, rates, 0.01)
    assert back.shape == (3, 6)
    assert back[1] == pytest.approx(sigma, abs=1e-8)
    assert (np.diff(back, axis=0) > 0.0).all()
    missing = chain.implied_volatility(np.full(6, np.nan), 100.0, rates, 0.01)
    assert np.isnan(missing).all()


def test_a_contracts_value_does_not_depend_on_the_rest_of_its_chain_nor_on_what_was_asked_before() -> None:
    random = np.random.default_rng(11)
    strikes, years = random.uniform(70.0, 140.0, 61), random.choice([0.0, 0.02, 0.3, 1.7], 61)
    rights, sigma = random.choice([-1.0, 1.0], 61), random.uniform(0.05, 1.3, 61)
    rates, yields = random.choice([0.0, 0.03, -0.01], 61), random.choice([0.0, 0.05], 61)
    together = Chain(strikes, years, rights)
    together.greeks(90.0, 0.05, 0.01, 0.3)
    found = np.stack(together.greeks(100.0, rates, yields, sigma))
    quotes = found[0] + 0.05
    implied = together.implied_volatility(quotes, 100.0, rates, yields)
    for i in range(61):
        alone = Chain(strikes[i], years[i], [rights[i]])
        assert (np.stack(alone.greeks(100.0, rates[i], yields[i], sigma[i]))[:, 0] == found[:, i]).all()
        again = alone.implied_volatility(quotes[i : i + 1], 100.0, rates[i], yields[i])
        assert np.array_equal(again, implied[i : i + 1], equal_nan=True)
    precise = greeks(100.0, strikes, rates, yields, sigma, years, rights, scheme="high_precision")
    spread = np.abs(np.stack(precise) - found)
    assert spread[0].max() < 1e-4
    assert spread[1].max() < 1e-4


def test_a_chain_of_no_contracts_has_no_values() -> None:
    chain = Chain(np.empty(0), np.empty(0), np.empty(0))
    assert len(chain) == 0
    assert chain.price(100.0, 0.05, 0.0, 0.2).shape == (0,)
    assert chain.greeks(100.0, 0.05, 0.0, 0.2).vega.shape == (0,)
    assert chain.implied_volatility(np.empty(0), 100.0, 0.05, 0.0).shape == (0,)


def test_bad_arguments_are_named() -> None:
    with pytest.raises(ValueError, match=r"volatility is -0.1 at \(1,\); allowed: 0 to 20"):
        price(100.0, 100.0, 0.05, 0.0, [0.2, -0.1], 1.0, -1)
    with pytest.raises(ValueError, match=r"right is 0; allowed: \+1 \(call\) or -1 \(put\)"):
        price(100.0, 100.0, 0.05, 0.0, 0.2, 1.0, 0)
    with pytest.raises(ValueError, match="no volatility up to 20 explains it"):
        implied_volatility(1.0, 80.0, 100.0, 0.05, 0.0, 1.0, -1)
    with pytest.raises(ValueError, match="scheme is 'best'"):
        price(100.0, 100.0, 0.05, 0.0, 0.2, 1.0, -1, scheme="best")
    partly = price(100.0, 100.0, 0.05, 0.0, [0.2, -0.1], 1.0, -1, invalid="nan")
    assert np.isfinite(partly[0])
    assert np.isnan(partly[1])
    assert np.isnan(implied_volatility(1.0, 80.0, 100.0, 0.05, 0.0, 1.0, -1, invalid="nan"))


def test_kernels_compile_once_for_every_kind_of_argument() -> None:
    frozen = np.full(3, 100.0)
    frozen.flags.writeable = False
    for spots in (100.0, [100.0], np.full(3, 100.0), frozen, np.full(6, 100.0)[::2], np.full((2, 3), 100)):
        for strikes in (100.0, np.full(3, 100.0), np.broadcast_to(100.0, 3)):
            assert price(spots, strikes, 0.05, 0.0, 0.25, 1.0, -1).ravel()[0] == pytest.approx(7.974482342265, abs=1e-5)
    kinds = {args[3] for args in getattr(value_batch, "signatures", ())}  # none where compilation is switched off
    assert len(getattr(value_batch, "signatures", ())) == len(kinds)  # one without derivatives, one with them
    assert len(kinds) <= 2
