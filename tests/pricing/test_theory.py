"""What theory says of every option, over random draws with negative rates and two boundaries, at full precision."""

import numpy as np
import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from alo_lib.pricing import exercise_boundary, greeks, price

# Not shrunk: an example costs more than it is worth to read a rounder one.
SETTINGS = settings(max_examples=40, deadline=None, derandomize=True, phases=(Phase.explicit, Phase.generate))
STRIKE = 100.0
EXACT = "high_precision"
TOLERANCE = 1e-8 * STRIKE  # of a price at high precision

SPOT = st.floats(70.0, 140.0)
RATE = st.sampled_from([0.0, 0.01, 0.05]) | st.floats(-0.02, 0.12)
YIELD = st.sampled_from([0.0, 0.01, 0.05]) | st.floats(-0.04, 0.12)
VOLATILITY = st.floats(0.1, 0.8)
YEARS = st.floats(0.05, 3.0)
RIGHT = st.sampled_from([-1, 1])
OPTION = (SPOT, RATE, YIELD, VOLATILITY, YEARS, RIGHT)


def _value(spot, rate, dividend_yield, volatility, years, right, *, strike=STRIKE):
    return price(spot, strike, rate, dividend_yield, volatility, years, right, scheme=EXACT)


@SETTINGS
@given(*OPTION)
def test_slopes_and_curvature_by_spot_and_strike(s, r, q, v, t, right):
    step = 0.5
    along = step * np.arange(-10, 11)
    by_spot, by_strike = _value(s + along, r, q, v, t, right), _value(s, r, q, v, t, right, strike=STRIKE + along)
    for values, sign in ((by_spot, right), (by_strike, -right)):
        slopes = sign * np.diff(values)
        assert (slopes >= -TOLERANCE).all()
        assert (np.diff(values, 2) >= -3.0 * TOLERANCE).all()
    # Discounted at a negative rate the strike, at a negative yield the spot, grows beyond itself.
    assert (np.abs(np.diff(by_spot)) <= step * max(1.0, np.exp(-q * t)) + TOLERANCE).all()
    assert (np.abs(np.diff(by_strike)) <= step * max(1.0, np.exp(-r * t)) + TOLERANCE).all()


@SETTINGS
@given(*OPTION)
def test_worth_more_with_more_volatility_and_more_time(s, r, q, v, t, right):
    stretch = np.linspace(0.7, 1.4, 15)
    assert (np.diff(_value(s, r, q, v * stretch, t, right)) >= -TOLERANCE).all()
    assert (np.diff(_value(s, r, q, v, t * stretch, right)) >= -TOLERANCE).all()


@SETTINGS
@given(*OPTION)
def test_calls_gain_by_the_rate_and_puts_by_the_yield(s, r, q, v, t, right):
    shift = np.linspace(-0.01, 0.01, 9)
    assert (right * np.diff(_value(s, r + shift, q, v, t, right)) >= -TOLERANCE).all()
    assert (right * np.diff(_value(s, r, q + shift, v, t, right)) <= TOLERANCE).all()


@SETTINGS
@given(*OPTION)
def test_bounds(s, r, q, v, t, right):
    found = float(_value(s, r, q, v, t, right))
    european = float(price(s, STRIKE, r, q, v, t, right, style="european"))
    assert max(right * (s - STRIKE), 0.0) <= found
    assert found >= european - 1e-12 * STRIKE
    bound = s * np.exp(-min(q, 0.0) * t) if right > 0 else STRIKE * np.exp(-min(r, 0.0) * t)
    assert found <= bound
    never = (r <= 0.0 and q >= r) if right < 0 else (q <= 0.0 and r >= q)
    if never:
        assert found == european


@SETTINGS
@given(SPOT, st.floats(0.0, 0.12), st.floats(0.0, 0.12), VOLATILITY, YEARS)
def test_call_and_put_lie_within_their_parity(s, r, q, v, t):
    apart = float(_value(s, r, q, v, t, 1) - _value(s, r, q, v, t, -1))
    assert s * np.exp(-q * t) - STRIKE - TOLERANCE <= apart <= s - STRIKE * np.exp(-r * t) + TOLERANCE


@SETTINGS
@given(*OPTION, st.floats(1e-3, 1e3))
def test_symmetry_and_homogeneity(s, r, q, v, t, right, scale):
    found = float(_value(s, r, q, v, t, right))
    assert float(_value(STRIKE, q, r, v, t, -right, strike=s)) == pytest.approx(found, rel=1e-12, abs=1e-10)
    scaled = float(_value(scale * s, r, q, v, t, right, strike=scale * STRIKE))
    assert scaled == pytest.approx(scale * found, rel=1e-9, abs=1e-11 * scale * STRIKE)


@SETTINGS
@given(SPOT, RATE, YIELD, VOLATILITY, YEARS, RIGHT, st.floats(0.5, 3.0))
def test_only_variance_and_discounts_count(s, r, q, v, t, right, pace):
    """Time that runs faster is the same as more variance, interest and yield."""
    found = float(_value(s, r, q, v, t, right))
    paced = float(_value(s, r / pace, q / pace, v / np.sqrt(pace), t * pace, right))
    assert paced == pytest.approx(found, abs=TOLERANCE)


# Steps of the differences, and what they may miss by: a share of the value, and an amount for strike 100.
STEP = {"spot": 0.25, "volatility": 0.004, "years": 0.004, "rate": 1e-4, "dividend_yield": 1e-4}
ORDER = ("spot", "rate", "dividend_yield", "volatility", "years")
MISS = {
    "delta": (1e-6, 1e-6),
    "gamma": (1e-5, 1e-6),
    "vega": (1e-5, 1e-3),
    "theta": (1e-5, 1e-3),
    "rho": (1e-5, 1e-3),
    "epsilon": (1e-5, 1e-3),
    "vanna": (1e-4, 1e-4),
    "volga": (1e-3, 0.05),
    "charm": (1e-4, 1e-3),
}
_FIRST = np.array([1.0, -8.0, 0.0, 8.0, -1.0]) / 12.0
_SECOND = np.array([-1.0, 16.0, -30.0, 16.0, -1.0]) / 12.0
_ALONG = np.arange(-2.0, 3.0)


def _difference(point, right, first, second=None):
    """Derivative of the price by one argument, or by two, of fourth order."""
    columns = {name: np.full((5, 5), point[name]) for name in ORDER}
    columns[first] += STEP[first] * _ALONG[:, np.newaxis]
    weights = np.outer(_FIRST, [0.0, 0.0, 1.0, 0.0, 0.0])
    scale = STEP[first]
    if second is not None:
        scale *= STEP[second]
        weights = np.outer(_FIRST, _FIRST)
        if first == second:
            weights = np.outer(_SECOND, [0.0, 0.0, 1.0, 0.0, 0.0])
        else:
            columns[second] += STEP[second] * _ALONG
    return float((weights * _value(**columns, right=right)).sum() / scale)


_DIFFERENCES = {
    "delta": (1.0, "spot", None),
    "gamma": (1.0, "spot", "spot"),
    "vega": (1.0, "volatility", None),
    "theta": (-1.0, "years", None),
    "rho": (1.0, "rate", None),
    "epsilon": (1.0, "dividend_yield", None),
    "vanna": (1.0, "spot", "volatility"),
    "volga": (1.0, "volatility", "volatility"),
    "charm": (-1.0, "spot", "years"),
}


@pytest.mark.parametrize("name", list(_DIFFERENCES))
@SETTINGS
@given(
    st.floats(75.0, 130.0),
    st.floats(-0.02, 0.1),
    st.floats(-0.03, 0.1),
    st.floats(0.15, 0.6),
    st.floats(0.15, 2.0),
    RIGHT,
)
def test_every_greek_is_a_difference_of_prices(name, s, r, q, v, t, right):
    # Away from the boundary, where gamma and others jump; and from rates at which the boundary's kind changes.
    assume(min(abs(r), abs(q), abs(r - q)) > 0.005)
    boundary = exercise_boundary(STRIKE, r, q, v, t, right)
    for level in (boundary.upper[-1], boundary.lower[-1]):
        assume(np.isnan(level) or abs(np.log(s / level)) > 0.04)
    sign, first, second = _DIFFERENCES[name]
    value = sign * _difference(dict(zip(ORDER, (s, r, q, v, t), strict=True)), right, first, second)
    relative, absolute = MISS[name]
    found = getattr(greeks(s, STRIKE, r, q, v, t, right, scheme=EXACT), name)
    assert float(found) == pytest.approx(value, rel=relative, abs=absolute)


# Points at which greeks are hard: two boundaries that have met, rates next to each other.
HARD = {
    "met, call": (125.92802920828356, -0.01975317883224562, -0.00890264652769841, 0.474095300396977,
                  0.8797630794353173, 1),
    "met, put": (75.04225292178977, -0.016174496378510077, -0.02238278489213714, 0.536599222971952,
                 0.8239269746564756, -1),
    "rate next to yield, call": (126.53329426632442, 0.0786114725022047, 0.06767683532219253, 0.5741208970720896,
                                 1.8550879029916858, 1),
    "rate next to yield, put": (107.28463772545996, 0.031626129255174995, 0.037284387946090264, 0.5556027470043677,
                                1.1913126204727338, -1),
    "little volatility": (82.17226365420238, 0.060782530900237455, 0.05515523320495029, 0.15248657918966807,
                          1.0963036264352435, 1),
}  # fmt: skip


@pytest.mark.parametrize("point", list(HARD))
@pytest.mark.parametrize("name", list(_DIFFERENCES))
def test_greeks_at_hard_points(point, name):
    s, r, q, v, t, right = HARD[point]
    sign, first, second = _DIFFERENCES[name]
    value = sign * _difference(dict(zip(ORDER, (s, r, q, v, t), strict=True)), right, first, second)
    relative, absolute = MISS[name]
    found = getattr(greeks(s, STRIKE, r, q, v, t, right, scheme=EXACT), name)
    assert float(found) == pytest.approx(value, rel=relative, abs=absolute)
