"""Cash dividends: against QuantLib's finite differences, the limit without dividends, parity and bad input."""

import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import QuantLib as ql  # noqa: N813

from alo_lib.pricing import PricingError, exercise_boundary, greeks, implied_volatility, price

TIMES = np.array([60.0, 150.0, 240.0]) / 365.0
AMOUNTS = np.array([1.0, 1.5, 2.0])


def peer(strike: float, rate: float, volatility: float, days: int, right: int) -> float:
    today = ql.Date(2, 1, 2026)
    ql.Settings.instance().evaluationDate = today
    day_count = ql.Actual365Fixed()

    def flat(value: float) -> ql.YieldTermStructureHandle:
        return ql.YieldTermStructureHandle(ql.FlatForward(today, value, day_count))

    process = ql.BlackScholesMertonProcess(
        ql.QuoteHandle(ql.SimpleQuote(100.0)),
        flat(0.0),
        flat(rate),
        ql.BlackVolTermStructureHandle(ql.BlackConstantVol(today, ql.NullCalendar(), volatility, day_count)),
    )
    schedule = ql.DividendVector([today + round(365 * float(t)) for t in TIMES], AMOUNTS.tolist())
    payoff = ql.PlainVanillaPayoff(ql.Option.Call if right > 0 else ql.Option.Put, strike)
    option = ql.VanillaOption(payoff, ql.AmericanExercise(today, today + days))
    option.setPricingEngine(ql.FdBlackScholesVanillaEngine(process, schedule, 300, 600, 2))
    return float(option.NPV())


@pytest.mark.parametrize("right", [-1, +1])
@pytest.mark.parametrize(("strike", "volatility", "days"), [(90.0, 0.2, 365), (110.0, 0.4, 182)])
def test_agrees_with_quantlib(strike: float, volatility: float, days: int, right: int) -> None:
    found = price(100.0, strike, 0.05, 0.0, volatility, days / 365, right, dividends=(TIMES, AMOUNTS))
    assert found == pytest.approx(peer(strike, 0.05, volatility, days, right), abs=2e-3)


QUARTERS = (np.arange(1, 9) * 0.25 - 0.1, np.full(8, 0.8))
# Rate, yield, volatility, years, dividends.
CASES = {
    "three dividends": (0.05, 0.0, 0.25, 1.0, (TIMES, AMOUNTS)),
    "little volatility": (0.05, 0.0, 0.02, 1.0, (TIMES, AMOUNTS)),
    "much volatility": (0.03, 0.0, 0.6, 0.5, (TIMES, AMOUNTS)),
    "two years": (0.04, 0.01, 0.3, 2.0, QUARTERS),
    "a month": (0.05, 0.0, 0.3, 30 / 365, ([10 / 365], [0.7])),
    "a tenth of the spot": (0.02, 0.0, 0.3, 1.0, ([0.5], [10.0])),
    "negative rate": (-0.02, 0.0, 0.3, 1.0, ([0.5], [2.0])),
}


@pytest.mark.parametrize(("scheme", "limit"), [("fast", 1e-4), ("accurate", 1e-5)])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_error_of_each_scheme(case: tuple[float, float, float, float, Any], scheme: str, limit: float) -> None:
    rate, dividend_yield, volatility, years, dividends = case
    strikes, rights = np.array([80.0, 90.0, 100.0, 110.0, 120.0])[:, np.newaxis], np.array([-1.0, 1.0])
    option = (100.0, strikes, rate, dividend_yield, volatility, years, rights)
    converged = price(*option, dividends=dividends, scheme=(4, 40, 40, 40))
    assert np.abs(price(*option, dividends=dividends, scheme=scheme) - converged).max() <= 100.0 * limit


def test_error_falls_fourfold_when_everything_is_twice_as_fine() -> None:
    option = (100.0, np.array([85.0, 95.0, 100.0, 105.0, 115.0]), 0.05, 0.0, 0.25, 1.0, -1)
    values = [price(*option, dividends=(TIMES, AMOUNTS), scheme=(4, n, n, n)) for n in (5, 10, 20, 60)]
    errors = [float(np.abs(value - values[-1]).max()) for value in values[:-1]]
    assert errors[0] > 3.0 * errors[1] > 9.0 * errors[2]


@pytest.mark.parametrize("volatility", [1e-6, 1e-3, 0.005])
@pytest.mark.parametrize("right", [-1, +1])
def test_hardly_any_volatility(volatility: float, right: int) -> None:
    """The spot's path is known: the best of exercise now, just before each ex-date, just after it, and at expiry."""
    rate, (times, amounts) = 0.03, (np.array([0.4]), np.array([6.0]))
    before = 100.0 * np.exp(rate * 0.4)
    after = (before - 6.0) * np.exp(rate * 0.6)
    for strike in (85.0, 96.0, 105.0, 115.0):
        worth = [right * (100.0 - strike), right * (before - strike) * np.exp(-rate * 0.4)]
        worth += [right * (before - 6.0 - strike) * np.exp(-rate * 0.4), right * (after - strike) * np.exp(-rate)]
        found = price(100.0, strike, rate, 0.0, volatility, 1.0, right, dividends=(times, amounts))
        assert found == pytest.approx(max(*worth, 0.0), abs=0.02 + 20.0 * volatility)


def test_no_dividends_is_the_boundary_method() -> None:
    strikes = np.array([80.0, 95.0, 100.0, 120.0])
    none: tuple[list[float], list[float]] = ([], [])
    for right in (-1, +1):
        found = price(100.0, strikes, 0.05, 0.02, 0.3, 0.75, right, dividends=none)
        assert found == pytest.approx(price(100.0, strikes, 0.05, 0.02, 0.3, 0.75, right), abs=5e-4)


@pytest.mark.parametrize(
    "option",
    [(100.0, 105.0, 0.05, 0.02, 0.3, 0.75, -1), (100.0, 95.0, 0.05, 0.02, 0.3, 0.75, 1),
     (100.0, 100.0, 0.03, 0.05, 0.2, 1.5, 1), (100.0, 110.0, 0.05, 0.0, 0.15, 0.5, -1)],
)  # fmt: skip
def test_greeks_are_those_of_the_boundary_method_without_dividends(option: tuple[float, ...]) -> None:
    found, expected = greeks(*option, dividends=([], [])), greeks(*option, scheme="high_precision")
    allowed = {"price": 5e-4, "delta": 1e-4, "gamma": 2e-4, "vega": 0.02, "theta": 0.02, "rho": 0.05, "epsilon": 0.05,
               "vanna": 0.05, "volga": 1.0, "charm": 0.01}  # fmt: skip
    for name, value in expected._asdict().items():
        assert getattr(found, name) == pytest.approx(float(value), abs=allowed[name]), name


def test_greeks_of_what_is_exercised_or_expired() -> None:
    exercised = greeks(60.0, 100.0, 0.05, 0.0, 0.2, 1.0, -1, dividends=([], []))
    assert [float(value) for value in exercised] == [40.0, -1.0] + [0.0] * 8
    expired = greeks(60.0, 100.0, 0.05, 0.0, 0.2, 0.0, -1, dividends=(TIMES, AMOUNTS))
    assert [float(value) for value in expired] == [40.0, -1.0] + [0.0] * 8


def test_time_derivatives_are_differences() -> None:
    option, step = (100.0, 100.0, 0.05, 0.0, 0.3, 0.75, -1), 0.01
    found = greeks(*option, dividends=(TIMES, AMOUNTS))
    moved = [greeks(*option[:5], 0.75 + shift, -1, dividends=(TIMES + shift, AMOUNTS)) for shift in (-step, step)]
    assert found.theta == pytest.approx((moved[0].price - moved[1].price) / (2.0 * step), abs=0.05)
    assert found.charm == pytest.approx((moved[0].delta - moved[1].delta) / (2.0 * step), abs=0.01)


def test_boundary_without_dividends_is_the_boundary_methods() -> None:
    for right, rate, dividend_yield in ((-1, 0.05, 0.02), (+1, 0.03, 0.06)):
        option = (100.0, rate, dividend_yield, 0.25, 1.0, right)
        found = exercise_boundary(*option, dividends=([], []), scheme="high_precision")
        expected = exercise_boundary(*option, scheme="high_precision")
        assert (np.diff(found.time_to_expiry) > 0.0).all()
        assert found.time_to_expiry[-1] == pytest.approx(1.0)
        late = expected.time_to_expiry > 0.05
        level = np.interp(expected.time_to_expiry[late], found.time_to_expiry, found.upper)
        assert level == pytest.approx(expected.upper[late], rel=4e-3)  # a cell
        assert np.isnan(found.lower).all()


def test_boundary_jumps_at_dividends() -> None:
    dividends = ([0.5], [3.0])
    put = exercise_boundary(100.0, 0.05, 0.0, 0.25, 1.0, -1, dividends=dividends)
    # Half a year's interest is less than the dividend: whoever waits for it gains, but for less than the interest.
    ahead = put.time_to_expiry > 0.5 + 1e-9
    assert np.fmax(put.upper, 0.0)[ahead] == pytest.approx(np.zeros(ahead.sum()), abs=100.0 * -math.expm1(-0.025))
    after = put.upper[put.time_to_expiry < 0.5 + 1e-9][:-1]  # as if there had been none
    alone = exercise_boundary(100.0, 0.05, 0.0, 0.25, 0.5, -1, scheme="high_precision").upper[-1]
    assert (np.diff(after) <= 0.0).all()
    assert after[-1] == pytest.approx(alone, rel=0.02)
    call = exercise_boundary(100.0, 0.05, 0.0, 0.25, 1.0, +1, dividends=dividends)
    (at,) = np.flatnonzero(np.isfinite(call.upper))  # just before the dividend, and at no other time
    assert call.time_to_expiry[at - 1] == pytest.approx(call.time_to_expiry[at])
    assert call.time_to_expiry[at] == pytest.approx(0.5)
    level = call.upper[at]
    held = price(np.array([level + 1.0, level - 1.0]) - 3.0, 100.0, 0.05, 0.0, 0.25, 0.5, +1)
    assert held[0] < level + 1.0 - 100.0
    assert held[1] > level - 1.0 - 100.0


def test_a_dividend_lowers_calls_and_raises_puts() -> None:
    for right in (-1, +1):
        with_cash = price(100.0, 100.0, 0.03, 0.0, 0.25, 1.0, right, dividends=(TIMES, AMOUNTS))
        assert (with_cash - price(100.0, 100.0, 0.03, 0.0, 0.25, 1.0, right)) * right < -0.5


@pytest.mark.parametrize("volatility", [0.05, 0.25, 0.9, 3.0])
@pytest.mark.parametrize("right", [-1, +1])
def test_implied_volatility_inverts(volatility: float, right: int) -> None:
    strikes = np.array([80.0, 95.0, 98.0, 105.0, 120.0])
    option, dividends = (strikes, 0.03, 0.0), (TIMES, AMOUNTS)
    found = greeks(100.0, *option, volatility, 1.0, right, dividends=dividends)
    clear = found.vega > 1.0
    assert clear.any()
    volatilities = implied_volatility(found.price, 100.0, *option, 1.0, right, dividends=dividends, invalid="nan")
    assert volatilities[clear] == pytest.approx(volatility, abs=1e-8)


def test_prices_that_nothing_explains_have_no_implied_volatility() -> None:
    option = (100.0, 90.0, 0.03, 0.0, 1.0, +1)
    prices = [9.0, 100.0, np.nan, 0.0]  # below what is sure, and no less than the spot
    assert np.isnan(implied_volatility(prices, *option, dividends=(TIMES, AMOUNTS), invalid="nan")).all()
    with pytest.raises(PricingError, match="no volatility"):
        implied_volatility(9.0, *option, dividends=(TIMES, AMOUNTS))


@pytest.mark.parametrize("bad", [([-0.1], [1.0]), ([0.5], [-1.0]), ([0.5, 0.6], [1.0]), ([np.nan], [1.0])])
def test_bad_dividends_are_named(bad: tuple[list[float], list[float]]) -> None:
    with pytest.raises(PricingError, match="dividends"):
        price(100.0, 100.0, 0.03, 0.0, 0.25, 1.0, +1, dividends=bad)


@pytest.mark.parametrize("right", [1.0, -1.0])
def test_what_expires_by_the_first_dividend_is_priced_without(right: float) -> None:
    years = np.array([0.2, 0.5, 0.5 + 1e-9, 1.0])
    dividends = ([0.5], [2.0])
    found = price(100.0, 100.0, 0.05, 0.0, 0.25, years, right, dividends=dividends)
    without = price(100.0, 100.0, 0.05, 0.0, 0.25, years, right)
    np.testing.assert_array_equal(found[:2], without[:2])
    assert abs(found - without)[3] > 0.1
    volatility = implied_volatility(found, 100.0, 100.0, 0.05, 0.0, years, right, dividends=dividends)
    assert volatility == pytest.approx(0.25, abs=1e-7)


D = 1.0 / 365.0
# Strike, rate, yield, volatility, years, right, style, ex-times, amounts, value: a plain grid of 12,000 cells and 1,200
# steps a year over the whole life, extrapolated, which shares no code with the library.
RIGHT_VALUES = {
    "two at one ex-time": (100.0, 0.05, 0.02, 0.25, 1.0, -1, "american", [0.5, 0.5], [1.0, 2.0], 9.989998),
    "more than spot": (100.0, 0.05, 0.02, 0.25, 1.0, -1, "american", [182 * D], [150.0], 97.437666),
    "all of spot": (100.0, 0.05, 0.02, 0.25, 1.0, -1, "american", [11 * D], [100.0], 98.074446),
    "half of spot": (100.0, 0.05, 0.02, 0.25, 1.0, -1, "american", [182 * D], [50.0], 47.529136),
    "two fifths of spot": (100.0, 0.05, 0.02, 0.25, 1.0, -1, "american", [182 * D], [40.0], 38.126922),
    "European": (100.0, 0.05, 0.02, 0.25, 1.0, -1, "european", [182 * D], [40.0], 36.544628),
    "quiet": (110.0, 0.05, 0.05, 0.06, 1.0, -1, "american", [0.1], [3.0], 12.937638),
    "drifts down": (99.5, 0.01, 0.2, 0.05, 1.0, 1, "american", [91 * D, 273 * D], [5.0, 5.0], 0.516089),
    "a dividend a quarter": (
        107.0,
        0.05,
        0.0,
        0.08,
        1.0,
        -1,
        "american",
        [91 * D, 182 * D, 273 * D],
        [1.0] * 3,
        7.171927,
    ),
    "most of spot": (91.787, 0.066, 0.0, 0.1401, 441 * D, -1, "european", [30 * D], [80.0], 64.319106),
    "at the ends": (
        98.0,
        0.03,
        0.01,
        0.2,
        1.0,
        1,
        "american",
        [D, 0.5, 0.503, 364 * D],
        [3.0, 2.0, 2.0, 3.0],
        6.597851,
    ),
}


@pytest.mark.parametrize("case", RIGHT_VALUES.values(), ids=RIGHT_VALUES.keys())
def test_right_values(
    case: tuple[float, float, float, float, float, int, Any, list[float], list[float], float],
) -> None:
    strike, rate, dividend_yield, volatility, years, right, style, times, amounts, value = case
    option = (100.0, strike, rate, dividend_yield, volatility, years, right)
    dividends = (times, amounts)
    assert price(*option, dividends=dividends, style=style) == pytest.approx(value, abs=1e-3)
    found = price(*option, dividends=dividends, style=style, scheme="high_precision")
    assert found == pytest.approx(value, abs=2e-4 if "all of" in str(case) else 1e-4)


def test_value_without_volatility_counts_the_yield_on_paid_cash_and_exercise_inside_a_stretch() -> None:
    found = price(100.0, 110.0, 0.05, 0.05, 0.0, 1.0, -1, dividends=([0.1], [3.0]))
    times = np.linspace(0.1, 1.0, 100_001)  # after the dividend, the rate and the yield cancelling each other's drift
    assert found == pytest.approx(float((np.exp(-0.05 * times) * (110.0 - 97.0)).max()), abs=1e-9)
    # A yield above the rate: the put is held until what the spot pays is what the strike earns.
    found = price(100.0, 110.0, 0.05, 0.08, 0.0, 2.0, -1, dividends=([1.9], [0.5]))
    times = np.linspace(0.0, 1.9, 200_001)
    assert found >= float((110.0 * np.exp(-0.05 * times) - 100.0 * np.exp(-0.08 * times)).max()) - 1e-9
    option, dividends = (100.0, 110.0, 0.05, 0.05), ([0.1], [3.0])
    left = 100.0 * np.exp(-0.05) - 3.0 * np.exp(-0.05 * 0.1 - 0.05 * 0.9)
    found = price(*option, 0.0, 1.0, -1, dividends=dividends, style="european")
    assert found == pytest.approx(110.0 * np.exp(-0.05) - left, abs=1e-9)
    found = implied_volatility(12.40533, *option, 1.0, -1, dividends=dividends, style="european")
    assert found == pytest.approx(0.06, abs=2e-4)


def test_neighbours_and_threads_change_no_bit() -> None:
    rng = np.random.default_rng(7)
    strikes, volatilities = rng.uniform(70.0, 130.0, 40), rng.uniform(0.05, 0.6, 40)
    years, rights = rng.choice([0.3, 0.5, 1.0, 1.3], 40), rng.choice([-1.0, 1.0], 40)
    option = (100.0, strikes, 0.04, 0.01, volatilities, years, rights)
    together = price(*option, dividends=(TIMES, AMOUNTS))
    alone = [price(100.0, k, 0.04, 0.01, v, t, r, dividends=(TIMES, AMOUNTS))
             for k, v, t, r in zip(strikes, volatilities, years, rights, strict=True)]  # fmt: skip
    np.testing.assert_array_equal(together, np.array(alone))
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: price(*option, dividends=(TIMES, AMOUNTS)), range(8)):
            np.testing.assert_array_equal(found, together)
