"""Schedules of dividends: what a user may say, one for each option, proportional ones, and what goes ex today."""

import math
from time import process_time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from alo_lib.pricing import (
    Chain,
    Contracts,
    ContractStatus,
    Dividends,
    MarketTerms,
    PricingError,
    QuotedChain,
    exercise_boundary,
    greeks,
    implied_volatility,
    implied_with_status,
    price,
)
from tests.pricing.dividend_grid import Terms, converged
from tests.pricing.dividend_quadrature import black_scholes, nested

STRIKES = np.array([80.0, 95.0, 100.0, 110.0])
MARKET = (0.05, 0.02, 0.25, 1.0)  # rate, yield, volatility, years
SETTINGS = settings(max_examples=30, deadline=None, derandomize=True)


def schedule(terms: Terms) -> Dividends:
    model: Any = "escrowed" if terms.escrowed else "spot"
    return Dividends(terms.times, terms.amounts, terms.fractions or 0.0, model=model)


def priced(terms: Terms, spot: Any, **choices: Any) -> Any:
    option = (spot, terms.strike, terms.rate, terms.dividend_yield, terms.volatility, terms.time, terms.right)
    return price(*option, style=terms.style, dividends=schedule(terms), **choices)


# What a user may say ---------------------------------------------------------------------------------------------


def test_one_ex_time_is_there_once_and_all_ascend() -> None:
    told = Dividends([0.7, 0.3, 0.7], [1.0, 2.0, 3.0], [0.01, 0.0, 0.02])
    assert (told.times.tolist(), told.amounts.tolist()) == ([0.3, 0.7], [2.0, 4.0])
    assert told.fractions.tolist() == pytest.approx([0.0, 0.03])
    with pytest.raises(ValueError, match="read-only"):
        told.amounts[0] = 5.0
    assert repr(Dividends(0.5, 1.0)) == "Dividends([0.5], [1.0], [0.0], model='spot', spot_is_cum=False)"


@pytest.mark.parametrize(
    ("arguments", "keywords", "message"),
    [
        ((-0.1, 1.0), {}, "dividends: ex-time is -0.1; allowed: 0, which is now, or later"),
        ((math.inf, 1.0), {}, "dividends: ex-time is inf; allowed"),
        ((0.5, -1.0), {}, "dividends: amount is -1; allowed: 0 or more"),
        ((0.5, math.nan), {}, "dividends: amount is nan; allowed"),
        ((0.5, 0.0, 1.0), {}, "dividends: fraction is 1; allowed: at least 0 and below 1"),
        ((0.5, 0.0, -0.1), {}, "dividends: fraction is -0.1; allowed"),
        (([0.5, 0.5], 0.0, [0.6, 0.5]), {}, "dividends: fractions of the ex-time 0.5 come to 1.1; allowed: below 1"),
        (([0.5], [1.0, 2.0]), {}, r"dividends have ex-times of shape \(1,\) and amounts of \(2,\); allowed: two of"),
        (([[0.5]], [[1.0]]), {}, r"dividends have ex-times of shape \(1, 1\)"),
        ((0.5, 1.0), {"model": "forward"}, "dividends: model is 'forward'; allowed: spot, escrowed"),
        ((0.5, 1.0), {"spot_is_cum": 1}, "dividends: spot_is_cum is 1; allowed: True, False"),
    ],
)
def test_a_schedule_says_what_is_not_allowed(arguments: Any, keywords: Any, message: str) -> None:
    with pytest.raises(PricingError, match=message):
        Dividends(*arguments, **keywords)


ONE, OTHER = Dividends([0.5], [3.0]), Dividends([0.25, 0.75], 1.0, 0.01)


@pytest.mark.parametrize(
    ("dividends", "message"),
    [
        ([ONE, ([0.5], [3.0])], "dividends hold .* among schedules; allowed: Dividends, or None"),
        (
            [[ONE], [ONE, OTHER]],
            "dividends hold .* among schedules|dividends are lists of schedules of different lengths",
        ),
        ([ONE, OTHER, None], r"shapes do not broadcast together: .*, dividends \(3,\)"),
        ("none", "dividends is 'none'; allowed: None, Dividends, a list of them, or"),
    ],
)
def test_what_is_no_schedule_is_refused(dividends: Any, message: str) -> None:
    with pytest.raises(PricingError, match=message):
        price(100.0, [90.0, 100.0], *MARKET, -1, dividends=dividends)


def test_a_pair_is_a_schedule_of_cash() -> None:
    of_pair = price(100.0, STRIKES, *MARKET, -1, dividends=([0.5], [3.0]))
    np.testing.assert_array_equal(of_pair, price(100.0, STRIKES, *MARKET, -1, dividends=ONE))
    np.testing.assert_array_equal(of_pair, price(100.0, STRIKES, *MARKET, -1, dividends=[ONE]))


@pytest.mark.parametrize("nothing", [Dividends([]), Dividends([0.5]), Dividends([1.0, 1.5], 9.0, 0.1)])
def test_what_pays_nothing_before_expiry_counts_for_nothing(nothing: Any) -> None:
    for function, first in ((price, 100.0), (greeks, 100.0)):
        found = function(first, [90.0, 110.0], *MARKET, -1, dividends=nothing)
        np.testing.assert_array_equal(found, function(first, [90.0, 110.0], *MARKET, -1))


# One schedule for each option ------------------------------------------------------------------------------------

SCHEDULES = [
    ONE,
    None,
    OTHER,
    Dividends([0.0, 0.4], 2.0, spot_is_cum=True),
    ONE,
    Dividends([0.2, 0.6], 2.0, 0.1, model="escrowed"),
]
ROWS = (np.linspace(90.0, 105.0, 6), np.linspace(95.0, 110.0, 6), 0.05, 0.02, np.linspace(0.2, 0.4, 6),
        np.linspace(0.3, 1.0, 6), np.tile([1.0, -1.0], 3))  # fmt: skip


@pytest.mark.parametrize("style", ["american", "european"])
def test_schedules_of_a_batch_give_the_bits_of_single_calls(style: Any) -> None:
    columns = np.array(np.broadcast_arrays(*ROWS))
    together = np.stack(greeks(*columns, style=style, dividends=SCHEDULES))
    alone = [greeks(*row, style=style, dividends=each) for row, each in zip(columns.T, SCHEDULES, strict=True)]
    np.testing.assert_array_equal(together.T, np.array(alone))
    wanted = columns[[0, 1, 2, 3, 5, 6]]
    found = implied_with_status(together[0], *wanted, style=style, dividends=SCHEDULES)
    one = [
        implied_with_status(value, *row, style=style, dividends=each)
        for value, row, each in zip(together[0], wanted.T, SCHEDULES, strict=True)
    ]
    np.testing.assert_array_equal(np.stack(found), np.array(one).T)
    assert found.volatility == pytest.approx(columns[4], abs=1e-6)


def test_schedules_broadcast_by_underlying() -> None:
    spots, strikes = np.array([[100.0], [50.0]]), np.array([45.0, 55.0, 95.0, 105.0])
    found = price(spots, strikes, *MARKET, -1, dividends=[[ONE], [OTHER]])
    assert found.shape == (2, 4)
    for row, spot, each in zip(found, (100.0, 50.0), (ONE, OTHER), strict=True):
        np.testing.assert_array_equal(row, price(spot, strikes, *MARKET, -1, dividends=each))
    # Schedules alone make a batch.
    assert price(100.0, 100.0, *MARKET, -1, dividends=np.array([[ONE, None]], dtype=object)).shape == (1, 2)


def test_a_chain_takes_one_schedule_or_one_a_contract() -> None:
    years, rights = np.array([0.4, 0.6, 1.0]), np.array([1.0, -1.0, -1.0])
    given = [ONE, OTHER, None]
    chain = Chain(100.0, years, rights, style=np.array(["american", "european", "american"]), dividends=given)
    found = chain.price(98.0, 0.05, 0.02, 0.25)
    styles: list[Any] = ["american", "european", "american"]
    alone = [
        price(98.0, 100.0, 0.05, 0.02, 0.25, time, right, style=style, dividends=each)
        for time, right, style, each in zip(years, rights, styles, given, strict=True)
    ]
    np.testing.assert_array_equal(found, np.array(alone))
    implied = chain.implied_volatility(np.stack([found, found + 0.5]), 98.0, 0.05, 0.02)
    assert implied[0] == pytest.approx(0.25, abs=1e-7)
    assert (implied[1] > implied[0] + 0.005).all()
    with pytest.raises(PricingError, match=r"dividends are schedules of shape \(2,\); allowed: one, or \(3,\)"):
        Chain(100.0, years, rights, dividends=[ONE, OTHER])


@pytest.mark.parametrize(
    "call",
    [
        lambda: exercise_boundary(100.0, *MARKET, -1, dividends=[ONE, OTHER]),
        lambda: QuotedChain(
            Contracts(STRIKES, np.ones(4), np.ones(4)),
            MarketTerms(100.0, 0.05, dividends=[ONE, OTHER]),
            np.ones(4),
            np.zeros(4, np.int8),
        ),
    ],
)
def test_what_is_of_one_underlying_takes_one_schedule(call: Any) -> None:
    with pytest.raises(
        PricingError, match=r"dividends are schedules of shape \(2,\); allowed: one, for one underlying"
    ):
        call()


# Proportional dividends ------------------------------------------------------------------------------------------


def european(spot: Any, strike: Any, right: int) -> Any:
    """Black, Scholes and Merton's value at MARKET."""
    rate, dividend_yield, volatility, time = MARKET
    deviation = volatility * math.sqrt(time)
    plus = (np.log(spot / strike) + (rate - dividend_yield) * time) / deviation + 0.5 * deviation
    held = spot * math.exp(-dividend_yield * time) * norm.cdf(right * plus)
    return right * (held - strike * math.exp(-rate * time) * norm.cdf(right * (plus - deviation)))


@pytest.mark.parametrize("right", [1, -1])
@pytest.mark.parametrize("fractions", [(0.01, 0.02), (0.999, 0.0), (1e-9, 0.5)])
def test_a_european_option_with_proportional_dividends_is_one_on_what_they_leave(fractions: Any, right: int) -> None:
    left = 100.0 * (1.0 - fractions[0]) * (1.0 - fractions[1])
    dividends = Dividends([0.2, 0.7], fractions=fractions)
    found = greeks(100.0, STRIKES, *MARKET, right, style="european", dividends=dividends)
    assert found.price == pytest.approx(european(left, STRIKES, right), abs=1e-11)
    step = 1e-3
    up, down = (european(left * (1.0 + x), STRIKES, right) for x in (step, -step))
    assert found.delta == pytest.approx((up - down) / (200.0 * step), abs=1e-6)
    quoted = found.vega > 0.1
    wanted = implied_volatility(found.price, 100.0, STRIKES, 0.05, 0.02, 1.0, right, style="european",
                                invalid="nan", dividends=dividends)  # fmt: skip
    assert wanted[quoted] == pytest.approx(0.25, abs=1e-10)


# Some with cash too; American puts whose boundary falls to nothing before an ex-time; nearly all of the spot.
PROPORTIONAL = {
    "put": Terms(100.0, 0.05, 0.02, 0.25, 1.0, -1, True, (0.5,), (0.0,), (0.03,)),
    "call": Terms(100.0, 0.05, 0.0, 0.25, 1.0, 1, True, (0.5,), (0.0,), (0.03,)),
    "call, with cash": Terms(100.0, 0.05, 0.02, 0.25, 1.0, 1, True, (0.3, 0.7), (2.0, 1.0), (0.03, 0.02)),
    "put, with cash": Terms(100.0, 0.05, 0.02, 0.25, 1.0, -1, True, (0.3, 0.7), (2.0, 1.0), (0.03, 0.02)),
    "call, nearly all": Terms(100.0, 0.05, 0.02, 0.25, 1.0, 1, True, (0.3, 0.7), (0.0, 0.0), (0.02, 0.9)),
    "put, nearly all": Terms(100.0, 0.05, 0.02, 0.25, 1.0, -1, True, (0.3, 0.7), (0.0, 0.0), (0.9, 0.02)),
    "quiet put": Terms(100.0, 0.05, 0.0, 0.1, 1.0, -1, True, (0.25, 0.5, 0.75), (0.0,) * 3, (0.01,) * 3),
    "quiet call": Terms(100.0, 0.05, 0.0, 0.1, 1.0, 1, True, (0.25, 0.5, 0.75), (0.0,) * 3, (0.01,) * 3),
}
SPOTS = np.array([80.0, 100.0, 120.0])


@pytest.mark.parametrize("terms", PROPORTIONAL.values(), ids=PROPORTIONAL.keys())
def test_american_options_with_proportional_dividends_are_those_of_a_grid_of_its_own(terms: Terms) -> None:
    right = converged(SPOTS, terms)
    assert (right.value_error <= 1e-6 * SPOTS).all()
    assert priced(terms, SPOTS) == pytest.approx(right.value, abs=1e-5 * 80.0)
    assert priced(terms, SPOTS, scheme="high_precision") == pytest.approx(right.value, abs=2e-7 * 80.0 + 1e-4)
    option = (SPOTS, terms.strike, terms.rate, terms.dividend_yield, terms.volatility, terms.time, terms.right)
    assert greeks(*option, dividends=schedule(terms)).delta == pytest.approx(right.delta, abs=1e-4)


@pytest.mark.parametrize("right", [1, -1])
def test_a_mixed_european_option_is_an_integral_over_the_spots_at_ex_times(right: int) -> None:
    terms = Terms(100.0, 0.05, 0.02, 0.25, 1.0, right, False, (0.3, 0.7), (3.0, 40.0), (0.02, 0.1))
    value, delta = nested(SPOTS, terms, black_scholes(terms))
    assert priced(terms, SPOTS) == pytest.approx(value, abs=1e-5 * 80.0)
    found = greeks(SPOTS, 100.0, *MARKET, right, style="european", dividends=schedule(terms))
    assert found.delta == pytest.approx(delta, abs=1e-4)


@st.composite
def mixtures(draw: st.DrawFn) -> Terms:
    """Any mixture of cash and fractions, at least a day from each other and from the ends."""
    days = draw(st.lists(st.integers(1, 364), min_size=1, max_size=5, unique=True))
    fractions = draw(st.lists(st.floats(0.0, 0.2), min_size=len(days), max_size=len(days)))
    amounts = draw(st.lists(st.floats(0.0, 15.0), min_size=len(days), max_size=len(days)))
    return Terms(
        draw(st.floats(60.0, 140.0)),
        draw(st.floats(-0.02, 0.1)),
        draw(st.floats(0.0, 0.1)),
        draw(st.floats(0.1, 0.8)),
        1.0,
        draw(st.sampled_from([1, -1])),
        draw(st.booleans()),
        tuple(day / 365.0 for day in days),
        tuple(amounts),
        tuple(fractions),
    )


@SETTINGS
@given(mixtures())
def test_a_call_less_a_put_is_the_forward_less_the_strike(terms: Terms) -> None:
    """Where what is left never is nothing, which takes cash far below the spot."""
    terms = terms._replace(american=False, amounts=tuple(0.2 * each for each in terms.amounts))
    share, cost = 100.0, 0.0
    for time, amount, fraction in sorted(zip(terms.times, terms.amounts, terms.fractions, strict=True)):
        growth = math.exp((terms.rate - terms.dividend_yield) * time)
        share, cost = share * (1.0 - fraction), cost * (1.0 - fraction) + amount / growth
    forward = (share - cost) * math.exp(-terms.dividend_yield * terms.time)
    call, put = (float(priced(terms._replace(right=right), 100.0)) for right in (1, -1))
    absorbed = 0.02 * terms.volatility if forward < 60.0 else 0.0  # what a spot that may be gone adds
    assert call - put == pytest.approx(forward - terms.strike * math.exp(-terms.rate), abs=4e-3 + absorbed)


@SETTINGS
@given(mixtures())
def test_more_is_worth_less_to_a_call_and_american_is_worth_more(terms: Terms) -> None:
    base = float(priced(terms, 100.0))
    more = terms._replace(fractions=tuple(each + 0.01 for each in terms.fractions))
    assert terms.right * (float(priced(more, 100.0)) - base) <= 2e-3
    held, free = (float(priced(terms._replace(american=american), 100.0)) for american in (False, True))
    assert free >= max(held, terms.right * (100.0 - terms.strike)) - 2e-3


def test_without_volatility_proportional_dividends_leave_their_share() -> None:
    """The path is known: a put waits for both dividends, or is exercised at once."""
    dividends = Dividends([0.2, 0.7], [1.0, 0.0], [0.02, 0.05])
    left = (100.0 * math.exp(0.03 * 0.2) * 0.98 - 1.0) * math.exp(0.03 * 0.5) * 0.95
    at_end = left * math.exp(0.03 * 0.3)
    found = price(100.0, [80.0, 110.0], 0.05, 0.02, 0.0, 1.0, -1, dividends=dividends, style="european")
    assert found == pytest.approx(np.maximum(math.exp(-0.05) * (np.array([80.0, 110.0]) - at_end), 0.0), abs=1e-10)
    american = price(100.0, 110.0, 0.05, 0.02, 0.0, 1.0, -1, dividends=dividends)
    assert american == pytest.approx(math.exp(-0.05 * 0.7) * (110.0 - left), abs=1e-9)


# What goes ex today ----------------------------------------------------------------------------------------------

TODAY = Dividends([0.0, 0.6], [2.0, 3.0], [0.01, 0.0], spot_is_cum=True)
AHEAD = ([0.6], [3.0])


def test_unless_told_the_spot_is_ex_and_todays_dividend_counts_for_nothing() -> None:
    told = Dividends([0.0, 0.6], [2.0, 3.0])
    for function in (price, greeks):
        found = function(100.0, STRIKES, *MARKET, -1, dividends=told)
        np.testing.assert_array_equal(found, function(100.0, STRIKES, *MARKET, -1, dividends=AHEAD))


@pytest.mark.parametrize("style", ["american", "european"])
@pytest.mark.parametrize("right", [1, -1])
def test_a_cum_spot_is_worth_exercise_at_once_or_the_option_on_what_is_left(right: int, style: Any) -> None:
    left = 0.99 * 100.0 - 2.0
    strikes = np.array([60.0, 90.0, 100.0, 140.0])
    found = greeks(100.0, strikes, *MARKET, right, style=style, dividends=TODAY)
    held = greeks(left, strikes, *MARKET, right, style=style, dividends=AHEAD)
    at_once = right * (100.0 - strikes) if style == "american" else np.full(4, -np.inf)
    exercised = at_once >= held.price
    assert exercised.any() == (style == "american" and right > 0)
    np.testing.assert_array_equal(found.price, np.where(exercised, at_once, held.price))
    np.testing.assert_allclose(found.delta, np.where(exercised, right, 0.99 * held.delta), rtol=1e-14)
    for name, scale in (
        ("gamma", 0.99**2),
        ("vega", 1.0),
        ("theta", 1.0),
        ("rho", 1.0),
        ("vanna", 0.99),
        ("charm", 0.99),
    ):
        np.testing.assert_allclose(
            getattr(found, name), np.where(exercised, 0.0, scale * getattr(held, name)), rtol=1e-13
        )
    implied = implied_with_status(found.price, 100.0, strikes, 0.05, 0.02, 1.0, right, style=style, dividends=TODAY)
    told = ~exercised & (held.vega > 1.0)
    assert implied.volatility[told] == pytest.approx(0.25, abs=1e-7)
    assert np.isnan(implied.volatility[exercised]).all()
    assert set(implied.status[exercised]) <= {ContractStatus.EXERCISED}


def test_a_dividend_today_of_more_than_the_spot_leaves_nothing() -> None:
    gone = Dividends(0.0, 150.0, spot_is_cum=True)
    assert price(100.0, 90.0, *MARKET, [1, -1], dividends=gone) == pytest.approx([10.0, 90.0], abs=1e-9)
    european = price(100.0, 90.0, *MARKET, [1, -1], style="european", dividends=gone)
    assert european == pytest.approx([0.0, 90.0 * math.exp(-0.05)], abs=1e-9)
    assert greeks(100.0, 90.0, *MARKET, -1, dividends=gone).delta == 0.0


def test_the_boundary_of_a_cum_spot_is_where_exercise_beats_what_is_left() -> None:
    option = (100.0, 0.05, 0.0, 0.25, 0.5)
    for dividends, ahead in ((TODAY, None), (Dividends([0.0, 0.3], [2.0, 3.0], spot_is_cum=True), ([0.3], [3.0]))):
        found = exercise_boundary(*option, 1, dividends=dividends)
        assert found.time_to_expiry[-2:].tolist() == [0.5, 0.5]
        level = found.upper[-1]
        kept, amount = 1.0 - dividends.fractions[0], dividends.amounts[0]
        held = price(kept * level - amount, *option[:1], 0.05, 0.0, 0.25, 0.5, 1, dividends=ahead)
        assert held == pytest.approx(level - 100.0, abs=1e-4)
        assert np.isnan(exercise_boundary(*option, -1, dividends=dividends).upper[-1])
    # A cent a year before expiry is worth less than the interest on the strike.
    never = exercise_boundary(100.0, 0.05, 0.0, 0.25, 1.0, 1, dividends=Dividends(0.0, 0.01, spot_is_cum=True))
    assert np.isnan(never.upper[-1])


def test_at_expiry_a_dividend_of_the_moment_counts_for_nothing() -> None:
    assert price(100.0, 90.0, 0.05, 0.02, 0.25, 0.0, 1, dividends=TODAY) == 10.0


def test_a_dividend_today_is_the_limit_of_one_soon() -> None:
    soon = Dividends([1e-3, 0.6], [2.0, 3.0], [0.01, 0.0])
    for right in (1, -1):
        found = price(100.0, STRIKES, *MARKET, right, dividends=TODAY)
        assert found == pytest.approx(price(100.0, STRIKES, *MARKET, right, dividends=soon), abs=0.06)


def test_a_schedule_does_not_change() -> None:
    schedule = Dividends([0.25], [1.5])
    for name, value in (("times", np.zeros(1)), ("model", "escrowed"), ("spot_is_cum", True)):
        with pytest.raises(AttributeError, match="does not change"):
            setattr(schedule, name, value)
    with pytest.raises(ValueError, match="WRITEABLE"):
        schedule.amounts.flags.writeable = True


def test_a_quoted_chain_is_independent_of_what_it_was_made_of() -> None:
    strikes = np.array([90.0, 100.0, 110.0] * 2)
    rights = np.repeat([1.0, -1.0], 3)
    spot, dividends = np.full(6, 100.0), Dividends([0.25], [1.5])
    quotes = price(100.0, strikes, 0.05, 0.0, 0.25, 0.5, rights, dividends=dividends)
    status = np.full(6, ContractStatus.PRICED, np.int8)
    chain = QuotedChain(
        Contracts(strikes, np.full(6, 0.5), rights), MarketTerms(spot, 0.05, 0.0, dividends), quotes, status
    )
    spot[:] = 50.0
    np.testing.assert_array_equal(chain.with_parity().spot, np.full(6, 100.0))


@pytest.mark.parametrize("none", [[None, None], [[None], [None]], np.array([None, None], object)], ids=str)
def test_where_nobody_pays_there_are_no_dividends(none: Any) -> None:
    spots = np.array([[100.0], [50.0]]) if isinstance(none, list) and none[0] == [None] else np.array([100.0, 50.0])
    plain = price(spots, 95.0, 0.05, 0.0, 0.25, 1.0, -1)
    np.testing.assert_array_equal(price(spots, 95.0, 0.05, 0.0, 0.25, 1.0, -1, dividends=none), plain)


def test_what_is_no_schedule_is_refused_in_a_sentence() -> None:
    masked = np.ma.array([Dividends([0.25], [1.5]), None], mask=[False, True], dtype=object)
    for asked, told in (
        (lambda: price(100.0, 95.0, 0.05, 0.0, 0.25, 1.0, -1, dividends=masked), "masked array; allowed: None"),
        (
            lambda: Dividends([0.5, 0.5], [1e308, 1e308]),
            "amounts of the ex-time 0.5 come to inf; allowed: what is finite",
        ),
        (lambda: Dividends([0.5], [np.inf]), "amount is inf; allowed: 0 or more, and finite"),
    ):
        with pytest.raises(PricingError, match=told):
            asked()


@pytest.mark.parametrize("model", ["spot", "escrowed"])
def test_many_dividends_take_time_in_proportion(model: Any) -> None:
    """Four times as many take four times as long, and sixteen times if each looks at all before it."""

    def seconds(count: int) -> float:
        paid = Dividends((np.arange(count) + 1) / (count + 1), np.full(count, 3.0 / count), model=model)
        began = process_time()
        price(100.0, 100.0, 0.05, 0.0, 0.25, 1.0, -1, scheme="fast", dividends=paid)
        return process_time() - began

    seconds(10)
    assert min(seconds(16_000) for _ in range(2)) < 9.0 * min(seconds(4_000) for _ in range(3))
