"""Ex-times seconds to hours from each other, from today or from expiry, by ways that no grid has a part in."""

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alo_lib.pricing import Dividends, exercise_boundary, greeks, price
from tests.pricing.dividend_cases import near
from tests.pricing.dividend_grid import Terms, merged
from tests.pricing.dividend_quadrature import black_scholes, nested

Array = npt.NDArray[np.float64]

LIMITS = {"accurate": 1e-5, "high_precision": 3e-6}  # of spot
SECOND = 1.0 / (365.0 * 86400.0)
HOUR = 3600.0 * SECOND
DRAWS = 40
SETTINGS = settings(max_examples=40, deadline=None, derandomize=True)


def priced(terms: Terms, spot: npt.ArrayLike = 100.0, scheme: str = "accurate") -> Array:
    return price(spot, *terms[:6], style=terms.style, scheme=scheme, dividends=(terms.times, terms.amounts))


def exact(terms: Terms) -> float:
    """Expectations nested from ex-time to ex-time."""
    return float(nested([100.0], terms, black_scholes(terms))[0, 0])


@pytest.mark.parametrize("scheme", list(LIMITS))
def test_european_options_are_nested_expectations(scheme: str) -> None:
    wrong = []
    for number in range(DRAWS):
        terms = near(number, 2).terms._replace(american=False)
        error = abs(float(priced(terms, scheme=scheme)) - exact(terms)) / 100.0
        if not error <= LIMITS[scheme]:
            wrong.append((error, terms))
    assert not wrong, max(wrong)


@pytest.mark.parametrize("scheme", list(LIMITS))
def test_calls_without_a_yield_are_exercised_just_before_an_ex_time(scheme: str) -> None:
    wrong = []
    for number in range(DRAWS):
        drawn = near(number, 2).terms
        terms = drawn._replace(american=True, right=1, rate=abs(drawn.rate), dividend_yield=0.0)
        error = abs(float(priced(terms, scheme=scheme)) - exact(terms)) / 100.0
        if not error <= LIMITS[scheme]:
            wrong.append((error, terms))
    assert not wrong, max(wrong)


@pytest.mark.parametrize("scheme", list(LIMITS))
@pytest.mark.parametrize("at", [SECOND, 30.0 * SECOND, 600.0 * SECOND, 2.0 * HOUR, 12.0 * HOUR])
@pytest.mark.parametrize(("volatility", "amount"), [(0.2, 100.0), (0.6, 100.0), (0.3, 20.0), (0.25, 2.0)])
def test_where_a_call_is_exercised_or_a_spot_paid_away_at_once(
    volatility: float, amount: float, at: float, scheme: str
) -> None:
    """At the strike of a call that is not worth waiting with, and at the spot that a European put's dividend takes."""
    call = Terms(100.0, 0.01, 0.0, volatility, 1.0, 1, True, (at,), (amount,))
    put = call._replace(right=-1, american=False)
    away = volatility * math.sqrt(at) * np.array([-3.0, -1.0, -0.2, 0.0, 0.3, 2.0])
    for terms, kink in ((call, 100.0), (put, amount)):
        spots = kink * np.exp(away)
        expected = nested(spots, terms, black_scholes(terms))[0]
        assert priced(terms, spots, scheme) == pytest.approx(expected, abs=LIMITS[scheme] * kink), terms


@st.composite
def schedules(draw: st.DrawFn) -> Terms:
    """One or two dividends within hours of today, of expiry or of each other."""
    time = draw(st.sampled_from([30.0 / 365.0, 0.25, 1.0, 2.0]))
    gap = st.floats(math.log(SECOND), math.log(24.0 * HOUR)).map(math.exp)
    first = draw(gap)
    times = [draw(st.sampled_from([first, 0.4 * time, time - first]))]
    if draw(st.booleans()):
        times.append(min(times[0] + draw(gap), time - 0.5 * min(first, time - times[0])))
    amounts = [draw(st.sampled_from([0.01, 0.5, 3.0, 40.0]) | st.floats(0.01, 10.0)) for _ in times]
    return Terms(
        draw(st.floats(60.0, 140.0)),
        draw(st.floats(0.0, 0.1)),
        draw(st.sampled_from([0.0, 0.03])),
        draw(st.floats(0.05, 0.9)),
        time,
        draw(st.sampled_from([-1, 1])),
        draw(st.booleans()),
        tuple(times),
        tuple(amounts),
    )


@SETTINGS
@given(schedules())
def test_european_options_of_odd_schedules(terms: Terms) -> None:
    terms = terms._replace(american=False)
    assert float(priced(terms)) == pytest.approx(exact(terms), abs=100.0 * LIMITS["accurate"])


@SETTINGS
@given(schedules())
def test_calls_of_odd_schedules(terms: Terms) -> None:
    terms = terms._replace(american=True, right=1, dividend_yield=0.0)
    assert float(priced(terms)) == pytest.approx(exact(terms), abs=100.0 * LIMITS["accurate"])


@pytest.mark.parametrize("right", [-1, 1])
@pytest.mark.parametrize("american", [False, True])
@pytest.mark.parametrize("at", [0.5, 1.0 - 2.0 * SECOND])
def test_ex_times_a_blink_apart_are_one(right: int, american: bool, at: float) -> None:
    """In half a second spot moves by less than 1e-5 of itself, and the strike earns less than 1e-8."""
    apart = Terms(100.0, 0.05, 0.02, 0.25, 1.0, right, american, (at, at + 0.5 * SECOND), (2.0, 5.0))
    spots = np.linspace(80.0, 120.0, 9)
    together = priced(apart._replace(times=(at,), amounts=(7.0,)), spots)
    assert priced(apart, spots) == pytest.approx(together, abs=100.0 * 1e-7)


@pytest.mark.parametrize("amount", [0.05, 0.5, 5.0])
def test_a_dividend_a_minute_before_expiry_is_one_at_expiry(amount: float) -> None:
    """Paid to the holder of a European forward: calls and puts are those on the spot less its present value."""
    at = 1.0 - 60.0 * SECOND
    for right in (-1, 1):
        terms = Terms(95.0, 0.05, 0.0, 0.2, 1.0, right, False, (at,), (amount,))
        shifted = terms._replace(strike=95.0 + amount, times=(), amounts=())
        # The strike plus the amount is what spot must exceed; a minute's chance and interest are 1e-7 of spot.
        assert float(priced(terms)) == pytest.approx(float(black_scholes(shifted)(np.array([100.0]), 1.0)[0]), abs=3e-4)


def test_the_boundary_has_no_more_ex_times_than_there_are() -> None:
    """Where a stretch has several grids, they do not show."""
    times, amounts = (0.5, 1.0 - 60.0 * SECOND), (2.0, 3.0)
    terms = Terms(100.0, 0.05, 0.0, 0.2, 1.0, 1, True, times, amounts)
    moments = exercise_boundary(*terms[:5], 1, dividends=(times, amounts)).time_to_expiry
    assert (np.diff(moments) >= 0.0).all()
    twice = [1.0 - time for time, _ in merged(terms)]
    for moment in twice:
        assert np.isclose(moments, moment, rtol=0.0, atol=1e-12).sum() == 2
    assert (np.diff(moments) == 0.0).sum() == len(twice)


def test_dividends_that_are_next_to_nothing_change_nothing() -> None:
    """Two of them so close that they are one are weighted by what they are, which may be nothing."""
    terms = (100.0, 100.0, 0.02, 0.0, 0.2, 1.0, np.array([1.0, -1.0]))
    for style in ("european", "american"):
        plain = price(*terms, style=style)
        for nothing in (Dividends([0.25, 0.2501], [1e-300] * 2), Dividends([0.25, 0.2501], [0.0] * 2, [1e-17] * 2)):
            assert price(*terms, style=style, dividends=nothing) == pytest.approx(plain, abs=2e-4)


def test_an_ex_time_that_is_now_but_for_rounding_leaves_an_american_call_its_right() -> None:
    found = price(79.16, 100.0, -0.05, 0.0, 0.0009, 0.00089, 1, dividends=([4e-25, 4e-4], [0.3, 0.3]))
    assert found == 0.0


@pytest.mark.parametrize("gap", [60.0 * SECOND, 600.0 * SECOND, HOUR, 24.0 * HOUR])
@pytest.mark.parametrize("rate", [0.002, 0.02, 0.08])
def test_a_put_far_in_the_money_is_paid_after_the_last_of_two_dividends(rate: float, gap: float) -> None:
    """It is held for the one and the other, which are worth more than the interest, and then exercised for sure."""
    last, amounts = 0.2137, (3.0, 2.5)
    terms = Terms(150.0, rate, 0.0, 0.05, 0.4, -1, True, (last - gap, last), amounts)
    paid = sum(amount * math.exp(-rate * at) for at, amount in zip(terms.times, amounts, strict=True))
    right = 150.0 * math.exp(-rate * last) - 100.0 + paid
    for scheme, limit in (("accurate", 2e-6), ("high_precision", 6e-8)):
        assert float(priced(terms, scheme=scheme)) == pytest.approx(right, rel=0.0, abs=100.0 * limit)


@pytest.mark.parametrize("scheme", ["fast", *LIMITS])
@pytest.mark.parametrize(("rate", "until"), [(0.0196, 0.1), (0.0196, 0.3), (0.0196, 1.0), (0.06, 1.0)])
@pytest.mark.parametrize("paid", [Dividends(0.0, 17.0), Dividends(0.0, fractions=0.5)], ids=["cash", "proportional"])
def test_a_put_far_in_the_money_is_exercised_just_after_the_last_ex_time(
    paid: Dividends, rate: float, until: float, scheme: str
) -> None:
    """The yield is above the rate: near the strike it is held, and below their ratio times it is not.

    Spot is sure to be below that after the dividend, so that the exact value is what exercise pays then on the mean.
    """
    spot, strike, dividend_yield = 30.0, 111.2, 0.1016
    before = spot * math.exp((rate - dividend_yield) * until)
    left = before * (1.0 - paid.fractions[0]) - paid.amounts[0]
    expected, delta = math.exp(-rate * until) * (strike - left), -(1.0 - paid.fractions[0])
    for hours in (0.1, 1.0, 3.0, 9.0, 30.0, 90.0):
        dividends = Dividends(until, paid.amounts, paid.fractions)
        option = (strike, rate, dividend_yield, 0.106, until + hours * HOUR, -1)
        found = greeks(spot, *option, scheme=scheme, dividends=dividends)
        assert found.price == pytest.approx(expected, abs=1e-7 * spot), hours
        assert found.delta == pytest.approx(delta * math.exp(-dividend_yield * until), abs=1e-5), hours
