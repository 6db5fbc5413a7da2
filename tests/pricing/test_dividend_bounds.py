"""What holds for every option with cash dividends, whatever they are: no arbitrage, order, limits."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alo_lib.pricing import implied_volatility, price
from tests.pricing.dividend_cases import draw
from tests.pricing.dividend_grid import Terms, merged

Array = npt.NDArray[np.float64]

ROOM = 1e-5  # of spot: what `accurate` promises
SAMPLE, ALL = 150, 5000
SHARE_BEYOND = 0.012  # in each five hundred; in all of them 3 in a thousand are
SETTINGS = settings(max_examples=40, deadline=None, derandomize=True)


def priced(terms: Terms, spot: npt.ArrayLike = 100.0, strike: npt.ArrayLike | None = None, **changed: Any) -> Array:
    """Prices of the terms with some of them changed, at spots and strikes."""
    new = terms._replace(**changed)
    return price(
        spot,
        new.strike if strike is None else strike,
        new.rate,
        new.dividend_yield,
        new.volatility,
        new.time,
        new.right,
        style=new.style,
        dividends=(new.times, new.amounts),
    )


def check_bounds(terms: Terms) -> None:
    """European and American calls and puts of nine strikes."""
    spot, room = 100.0, 100.0 * ROOM
    strikes = terms.strike * np.linspace(0.6, 1.4, 9)
    cash = strikes * math.exp(-terms.rate * terms.time)
    most = np.maximum(cash, strikes)
    european = {right: priced(terms, spot, strikes, right=right, american=False) for right in (-1, 1)}
    american = {right: priced(terms, spot, strikes, right=right, american=True) for right in (-1, 1)}
    for right in (-1, 1):
        assert (european[right] >= -room).all()
        assert (american[right] >= european[right] - 2.0 * room).all()
        assert (american[right] >= np.maximum(right * (spot - strikes), 0.0) - 1e-12).all()
        for values, steepest in ((european[right], cash / strikes), (american[right], most / strikes)):
            slopes = -right * np.diff(values)
            assert (slopes >= -2.0 * room).all()
            assert (slopes <= np.diff(strikes) * steepest[0] + 2.0 * room).all()
            assert (np.diff(values, 2) >= -4.0 * room).all()
    assert (european[-1] <= cash + room).all()
    assert (american[-1] <= most + room).all()
    assert (american[1] <= spot + room).all()
    # A call and a put of one strike are a forward, and that of strikes is straight.
    forward = european[1] - european[-1] + cash
    assert forward == pytest.approx(forward[4], abs=4.0 * room)
    assert (forward >= -2.0 * room).all()


def check_order(terms: Terms) -> None:
    """By spot, and by what is paid."""
    room = 100.0 * ROOM
    spots = 100.0 * np.linspace(0.9, 1.1, 5)
    by_spot = terms.right * np.diff(priced(terms, spots))
    assert (by_spot >= -2.0 * room).all()
    assert (by_spot <= np.diff(spots) + 2.0 * room).all()
    more = [tuple(share * amount for amount in terms.amounts) for share in (0.5, 1.0, 1.1, 2.0)]
    paid = [float(priced(terms, amounts=amounts)) for amounts in more]
    assert (terms.right * np.diff(paid) <= 2.0 * room).all()


def check_same(terms: Terms) -> None:
    """The order of dividends, parts of one, none and what comes after expiry change nothing."""
    base = priced(terms)
    assert np.isfinite(base)
    pairs = list(zip(terms.times, terms.amounts, strict=True))
    schedules = [
        pairs[::-1],
        [(time, 0.5 * amount) for time, amount in pairs for _ in range(2)],
        merged(terms),
        [*pairs, (0.37 * terms.time, 0.0)],
        [(terms.time, 3.0), (terms.time + 0.1, 50.0), *pairs],
    ]
    for schedule in schedules:
        times, amounts = (tuple(float(pair[k]) for pair in schedule) for k in (0, 1))
        assert priced(terms, times=times, amounts=amounts) == pytest.approx(base, rel=1e-10, abs=1e-10), schedule


def beyond(numbers: range, check: Callable[[Terms], None]) -> list[tuple[int, str]]:
    """The draws for which a check does not hold."""
    found = []
    for number in numbers:
        try:
            check(draw(number).terms)
        except AssertionError as error:
            found.append((number, str(error)))
    return found


def test_bounds() -> None:
    """Of a few in a thousand dividends that together exceed the spot leave more than is promised."""
    found = beyond(range(SAMPLE), check_bounds)
    assert len(found) <= SHARE_BEYOND * SAMPLE, found


def test_order() -> None:
    for number in range(SAMPLE):
        check_order(draw(number).terms)


def test_sameness() -> None:
    for number in range(SAMPLE):
        check_same(draw(number).terms)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, ALL, 500))
@pytest.mark.parametrize("check", [check_bounds, check_order, check_same])
def test_all(check: Callable[[Terms], None], first: int) -> None:
    found = beyond(range(first, first + 500), check)
    assert len(found) <= SHARE_BEYOND * 500, found


@st.composite
def options(draw: st.DrawFn) -> Terms:
    """Options of a life up to two years, with schedules that are as odd as hypothesis can make them."""
    time = draw(st.sampled_from([1 / 365, 0.25, 1.0]) | st.floats(0.01, 2.0))
    hour = 1.0 / 8760.0
    at = st.sampled_from([1e-6, hour, 0.5 * time, time - hour, time, time + hour, 2.0]) | st.floats(1e-6, 2.0)
    amount = st.sampled_from([0.0, 1e-9, 1.0, 50.0, 100.0, 150.0]) | st.floats(1e-9, 30.0)
    schedule = draw(st.lists(st.tuples(at, amount), max_size=12))
    return Terms(
        draw(st.sampled_from([100.0]) | st.floats(40.0, 160.0)),
        draw(st.sampled_from([0.0, 0.05]) | st.floats(-0.02, 0.1)),
        draw(st.sampled_from([0.0, 0.05]) | st.floats(0.0, 0.2)),
        draw(st.floats(0.03, 1.0)),
        time,
        draw(st.sampled_from([-1, 1])),
        draw(st.booleans()),
        tuple(when for when, _ in schedule),
        tuple(paid for _, paid in schedule),
    )


@SETTINGS
@given(options())
def test_bounds_of_odd_schedules(terms: Terms) -> None:
    check_bounds(terms)


@SETTINGS
@given(options())
def test_order_of_odd_schedules(terms: Terms) -> None:
    check_order(terms)


@SETTINGS
@given(options())
def test_sameness_of_odd_schedules(terms: Terms) -> None:
    check_same(terms)


def sure(spot: float, terms: Terms, each: int = 4000) -> float:
    """Value without volatility: the best time to exercise, by trying ``each`` between two ex-times."""
    found = [terms.right * (spot - terms.strike)] if terms.american else []
    now, carry = 0.0, terms.rate - terms.dividend_yield
    for time, amount in [*merged(terms), (terms.time, 0.0)]:
        if terms.american:
            tried = np.linspace(now, time, each)
            worth = terms.right * (spot * np.exp(carry * (tried - now)) - terms.strike) * np.exp(-terms.rate * tried)
            found.append(float(worth.max()))
        spot = max(spot * math.exp(carry * (time - now)) - amount, 0.0)
        found.append(terms.right * (spot - terms.strike) * math.exp(-terms.rate * time))
        now = time
    return max(found if terms.american else found[-1:], default=0.0)


NO_YIELD_ON_CASH = Terms(110.0, 0.05, 0.05, 0.06, 1.0, -1, False, (0.1,), (3.0,))


def test_the_value_without_volatility_is_that_of_the_best_time() -> None:
    assert sure(100.0, NO_YIELD_ON_CASH) == pytest.approx(12.3660, abs=5e-5)
    wrong = []
    for number in range(300):
        terms = draw(number).terms
        for spot in (80.0, 100.0, 125.0):
            value = max(sure(spot, terms), 0.0)
            found = float(priced(terms, spot, volatility=0.0))
            if not abs(found - value) <= 1e-6 * spot:
                wrong.append((abs(found - value) / spot, f"{found:.9g} is not {value:.9g}: spot {spot}, {terms}"))
    assert not wrong, f"{len(wrong)} of 900, the worst: {max(wrong)[1]}"


@pytest.mark.parametrize(
    ("terms", "spot"),
    [
        (Terms(100.0, 0.03, 0.15, 0.0, 2.0, -1, True, (1.5,), (2.0,)), 130.0),  # the best time is between ex-times
        (Terms(100.0, 0.15, 0.03, 0.0, 2.0, 1, True, (1.5,), (2.0,)), 80.0),
        (Terms(100.0, 0.05, 0.0, 0.0, 1.0, -1, True, (0.5,), (150.0,)), 100.0),
        (Terms(100.0, 0.05, 0.1, 0.0, 1.0, 1, True, (0.5,), (5.0,)), 103.0),
    ],
)
def test_the_value_without_volatility_between_ex_times(terms: Terms, spot: float) -> None:
    assert float(priced(terms, spot)) == pytest.approx(max(sure(spot, terms), 0.0), abs=1e-6 * spot)


def test_a_quote_above_the_value_without_volatility_has_one() -> None:
    terms = NO_YIELD_ON_CASH
    option = (100.0, terms.strike, terms.rate, terms.dividend_yield, terms.time, terms.right)
    known = sure(100.0, terms)
    quotes, dividends = [12.40533, known, known - 1e-3], (terms.times, terms.amounts)
    found = implied_volatility(quotes, *option, style="european", invalid="nan", dividends=dividends)
    assert found == pytest.approx([0.06, math.nan, math.nan], abs=2e-4, nan_ok=True)


def test_two_dividends_at_one_time_have_the_volatility_of_their_sum() -> None:
    option = (9.0, 100.0, 100.0, 0.05, 0.02, 1.0, -1)
    of_one = implied_volatility(*option, dividends=([0.5], [3.0]))
    assert 0.1 < of_one < 0.25
    assert implied_volatility(*option, dividends=([0.5, 0.5], [1.0, 2.0])) == pytest.approx(of_one, abs=1e-10)


def test_implied_volatility_returns_for_any_schedule() -> None:
    wrong = []
    for number in range(60):
        terms = draw(number).terms
        value, low, high = (float(priced(terms, volatility=terms.volatility * by)) for by in (1.0, 0.9, 1.1))
        if high - low < 0.02 or value < max(sure(100.0, terms), 0.0) + 0.01:
            continue
        found = implied_volatility(
            value, 100.0, *terms[:3], terms.time, terms.right, invalid="nan",
            style=terms.style, dividends=(terms.times, terms.amounts),
        )  # fmt: skip
        if not abs(float(found) - terms.volatility) <= 1e-5:
            wrong.append(f"{float(found):.9g} is not {terms.volatility:.9g}: {terms}")
    assert not wrong, f"{len(wrong)}: {wrong[0]}"
