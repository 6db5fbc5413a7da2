"""A chain's cheap prices with cash ahead: against exact ones, closed forms and differences of themselves."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

from alo_lib.pricing import Chain, Dividends
from alo_lib.pricing.cash_chain import CashChain

DAY = 1.0 / 365.0
SPOT = 100.0


def cash_chain(strikes: Any, years: float, right: int, days: list[float], amount: float, **named: Any) -> CashChain:
    count = np.size(strikes)
    ex_times = np.array([days]) * DAY
    return CashChain(strikes, np.full(count, years), right, ex_times, np.full(len(days), amount), **named)


def exact(strikes: Any, years: float, right: int, days: list[float], amount: float) -> Chain:
    cash = Dividends(np.array(days) * DAY, amount, model="escrowed")
    return Chain(strikes, years, right, dividends=cash)


@pytest.mark.parametrize("days", [[], [-3.0, 0.0], [60.0, 90.0]])
def test_without_cash_before_expiry_values_are_the_chain_s_to_the_bit(days: list[float]) -> None:
    strikes = np.linspace(80.0, 120.0, 9)
    for right in (1, -1):
        made, plain = cash_chain(strikes, 60 * DAY, right, days, 0.5), Chain(strikes, 60 * DAY, right)
        ours, theirs = made.greeks(SPOT, 0.03, 0.01, 0.25), plain.greeks(SPOT, 0.03, 0.01, 0.25)
        np.testing.assert_array_equal(ours, theirs)
        implied = made.implied_volatility(ours.price, SPOT, 0.03, 0.01)
        np.testing.assert_array_equal(implied, plain.implied_volatility(ours.price, SPOT, 0.03, 0.01))


@pytest.mark.parametrize("right", [1, -1])
def test_european_prices_are_black_and_scholes_on_what_the_cash_leaves(right: int) -> None:
    strikes, years, rate, volatility = np.array([80.0, 100.0, 120.0]), 200 * DAY, 0.04, 0.3
    made = cash_chain(strikes, years, right, [20.0, 111.0], 0.8, style="european")
    rest = SPOT - 0.8 * (math.exp(-rate * 20 * DAY) + math.exp(-rate * 111 * DAY))
    deviation = volatility * math.sqrt(years)
    plus = (np.log(rest / strikes) + rate * years) / deviation + 0.5 * deviation
    discount = strikes * math.exp(-rate * years)
    expected = right * (rest * norm.cdf(right * plus) - discount * norm.cdf(right * (plus - deviation)))
    np.testing.assert_allclose(made.price(SPOT, rate, 0.0, volatility), expected, atol=1e-9)


LIVES = [
    (20, [2.0]),
    (20, [10.0]),
    (20, [18.0]),
    (60, [10.0]),
    (60, [50.0]),
    (180, [20.0, 111.0]),
    (360, [30.0, 121.0, 212.0, 303.0]),
]
RATES = [0.0025, 0.02, 0.05]


@pytest.mark.parametrize(("life", "days"), LIVES)
@pytest.mark.parametrize("rate", RATES)
def test_out_of_and_at_the_money_volatilities_are_those_of_exact_prices(
    rate: float, life: int, days: list[float]
) -> None:
    """Half a dollar on a hundred, at 25 %: strikes from the spot to two deviations out of the money.

    Calls are worth at least the better of Black's two, so that an exact price implies no less; puts wait for most.
    """
    volatility, years = 0.25, life * DAY
    away = volatility * math.sqrt(years) * np.array([0.0, 0.5, 1.0, 2.0])
    for right in (1, -1):
        strikes = SPOT * np.exp(right * away)
        price = exact(strikes, years, right, days, 0.5).price(SPOT, rate, 0.0, volatility)
        implied = cash_chain(strikes, years, right, days, 0.5).implied_volatility(price, SPOT, rate, 0.0)
        most = 0.008 if right > 0 else 0.0023
        assert (np.abs(implied - volatility) < most).all()
        assert (implied >= volatility - 1e-5).all()


@pytest.mark.parametrize(("life", "days"), LIVES)
@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("right", [1, -1])
def test_in_the_money_no_price_is_above_the_exact_one_nor_far_below(
    right: int, rate: float, life: int, days: list[float]
) -> None:
    volatility, years = 0.25, life * DAY
    away = volatility * math.sqrt(years) * np.array([0.5, 1.0, 2.0])
    strikes = SPOT * np.exp(-right * away)
    ours = cash_chain(strikes, years, right, days, 0.5).price(SPOT, rate, 0.0, volatility)
    price = exact(strikes, years, right, days, 0.5).price(SPOT, rate, 0.0, volatility)
    assert (ours >= np.maximum(right * (SPOT - strikes), 0.0) - 2e-6 * SPOT).all()
    assert (ours <= price + 0.05).all()
    assert (price - ours < 0.0135 * SPOT * math.sqrt(years)).all()


def test_implied_volatility_is_the_inverse_of_the_price_and_none_explains_what_is_below_exercise() -> None:
    strikes = np.array([85.0, 95.0, 100.0, 105.0, 115.0])
    for right, days in itertools.product((1, -1), ([18.0], [2.0], [5.0, 15.0])):
        made = cash_chain(strikes, 20 * DAY, right, days, 0.6)
        price = made.price(SPOT, 0.03, 0.0, 0.4)
        np.testing.assert_allclose(made.implied_volatility(price, SPOT, 0.03, 0.0), 0.4, atol=1e-5)
        inside = right * (SPOT - strikes) > 0.0
        below = np.where(inside, right * (SPOT - strikes) - 0.01, price)
        assert np.isnan(made.implied_volatility(below, SPOT, 0.03, 0.0)[inside]).all()


@pytest.mark.parametrize("right", [1, -1])
@pytest.mark.parametrize("days", [[18.0], [2.0], [5.0, 15.0]])
def test_greeks_are_the_slopes_of_the_price(right: int, days: list[float]) -> None:
    strikes = np.array([88.0, 97.0, 100.0, 103.0, 112.0])
    rate, volatility, years, step = 0.03, 0.3, 20 * DAY, 1e-3
    made = cash_chain(strikes, years, right, days, 0.6)
    found = made.greeks(SPOT, rate, 0.0, volatility)

    def slope(up: Any, down: Any, width: float) -> Any:
        return (up - down) / width

    up, down = (made.greeks(SPOT + each, rate, 0.0, volatility) for each in (0.01, -0.01))
    np.testing.assert_allclose(found.delta, slope(up.price, down.price, 0.02), atol=2e-4)
    np.testing.assert_allclose(found.gamma, slope(up.delta, down.delta, 0.02), atol=2e-3)
    up, down = (made.greeks(SPOT, rate, 0.0, volatility + each) for each in (step, -step))
    np.testing.assert_allclose(found.vega, slope(up.price, down.price, 2 * step), rtol=2e-3, atol=2e-2)
    np.testing.assert_allclose(found.vanna, slope(up.delta, down.delta, 2 * step), atol=2e-2)
    theirs = exact(strikes, years, right, days, 0.6).greeks(SPOT, rate, 0.0, volatility)
    near = np.abs(strikes - SPOT) <= 3.0
    np.testing.assert_allclose(found.theta[near], theirs.theta[near], rtol=0.12)
    up, down = (made.greeks(SPOT, rate, each, volatility) for each in (step, -step))
    np.testing.assert_allclose(found.epsilon, slope(up.price, down.price, 2 * step), rtol=0.05, atol=0.08)


def test_the_spot_falls_by_what_goes_ex_and_the_price_does_not() -> None:
    """Just before and just after: what a call, or a put, is worth at the money is the same on both sides."""
    strikes, years, moment = np.array([95.0, 100.0, 105.0]), 40 * DAY, 1e-4
    for right in (1, -1):
        before = cash_chain(strikes, years, right, [moment / DAY], 0.7).greeks(SPOT, 0.02, 0.0, 0.3)
        after = cash_chain(strikes, years - moment, right, [], 0.7).greeks(SPOT - 0.7, 0.02, 0.0, 0.3)
        np.testing.assert_allclose(before.price, after.price, atol=5e-3)
        np.testing.assert_allclose(before.delta, after.delta, atol=5e-4)


@pytest.mark.parametrize("days", [[], [40.0, 131.0]])
@pytest.mark.parametrize("panels", [True, False])
def test_some_contracts_have_the_bits_that_they_have_among_all_and_the_others_have_none(
    days: list[float], panels: bool
) -> None:
    count = 12
    american, asked = np.arange(count) % 3 > 0, np.arange(count) % 4 < 2
    strikes, rights = np.linspace(80.0, 120.0, count), np.where(np.arange(count) % 2, 1.0, -1.0)
    volatility = np.linspace(0.1, 0.9, count)

    def made() -> CashChain:
        ex_times = np.array([days]) * DAY
        amounts = np.full(len(days), 0.7)
        years = np.linspace(30.0, 250.0, count) * DAY
        return CashChain(strikes, years, rights, ex_times, amounts, style=american, panels=panels)

    whole = np.stack(made().greeks(SPOT, 0.04, 0.01, volatility))
    chain = made()
    chain.price(SPOT, 0.04, 0.01, 0.2)  # of other volatilities, whose panels stay
    some = np.stack(chain.greeks(SPOT, 0.04, 0.01, volatility, asked))
    assert np.isfinite(whole).all()
    assert some[:, asked].tobytes() == whole[:, asked].tobytes()
    assert np.isnan(some[:, ~asked]).all()


def test_flags_say_what_words_say() -> None:
    american = np.array([True, False, True])
    words = np.where(american, "american", "european")
    by_words, by_flags = (
        cash_chain([90.0, 100.0, 110.0], 60 * DAY, -1, [20.0], 0.5, style=style) for style in (words, american)
    )
    np.testing.assert_array_equal(
        by_words.greeks(SPOT, 0.05, 0.0, 0.3), by_flags.greeks(SPOT, 0.05, 0.0, 0.3), strict=True
    )


@pytest.mark.parametrize("market", [(101.0, 0.03, 0.01), (SPOT, 0.02, 0.01), (SPOT, 0.03, 0.02)])
def test_a_chain_that_was_asked_in_one_market_answers_in_another_as_a_new_one(
    market: tuple[float, float, float],
) -> None:
    strikes = np.linspace(80.0, 120.0, 5)
    used, new = (cash_chain(strikes, 90 * DAY, 1, [30.0], 1.5) for _ in range(2))
    before = used.greeks(SPOT, 0.03, np.full(5, 0.01), 0.25)
    after, expected = used.greeks(*market, 0.25), new.greeks(*market, 0.25)
    np.testing.assert_array_equal(after, expected)
    assert not np.array_equal(before.price, after.price)
