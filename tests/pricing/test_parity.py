"""The yield that put-call parity implies: on chains with known yields, priced by QuantLib, closed forms and trees."""

import math
from typing import Any

import numpy as np
import pytest
import QuantLib as ql  # noqa: N813
from scipy.stats import norm

from alo_lib.pricing import Contracts, Dividends, MarketTerms, PricingError, QuotedChain, Style
from alo_lib.pricing.forwards import cash_as_fractions, cash_as_yields, forward_prices, trailing_yield
from alo_lib.pricing.parity import parity_yields

Array = np.ndarray[Any, Any]
NAN = float("nan")
SPOT, RATE = 100.0, 0.04
HALF_AN_HOUR = 0.5 / (365 * 24)


def black_scholes(strike: Array, rate: float, q: float, volatility: Array, time: float, right: Array) -> Array:
    deviation = volatility * math.sqrt(time)
    d1 = (np.log(SPOT / strike) + (rate - q) * time) / deviation + 0.5 * deviation
    shares, money = SPOT * math.exp(-q * time), strike * math.exp(-rate * time)
    return np.asarray(right * (shares * norm.cdf(right * d1) - money * norm.cdf(right * (d1 - deviation))))


def tree(strike: float, rate: float, q: float, volatility: float, time: float, right: float, steps: int) -> float:
    """An American option by the binomial tree of Cox, Ross and Rubinstein (1979)."""
    dt = time / steps
    up = math.exp(volatility * math.sqrt(dt))
    chance = (math.exp((rate - q) * dt) - 1.0 / up) / (up - 1.0 / up)
    discount = math.exp(-rate * dt)
    spots = SPOT * up ** (2.0 * np.arange(steps + 1) - steps)
    values = np.maximum(right * (spots - strike), 0.0)
    for step in range(steps - 1, -1, -1):
        spots = SPOT * up ** (2.0 * np.arange(step + 1) - step)
        kept = discount * (chance * values[1:] + (1.0 - chance) * values[:-1])
        values = np.maximum(kept, right * (spots - strike))
    return float(values[0])


def european(q: float, time: float, strikes: Array) -> tuple[Array, ...]:
    """Prices, strikes, times and rights of calls and puts with a smile."""
    strike, right = np.repeat(strikes, 2), np.tile([-1.0, 1.0], strikes.size)
    volatility = 0.25 + 0.3 * np.log(strike / SPOT) ** 2
    return black_scholes(strike, RATE, q, volatility, time, right), strike, np.full(strike.size, time), right


@pytest.mark.parametrize(
    ("q", "time"), [(0.03, 0.5), (-0.02, 2.0), (0.0, 0.01), (-0.35, HALF_AN_HOUR), (0.8, 3 * HALF_AN_HOUR)]
)
def test_european_yields_are_exact_also_hours_before_the_end(q: float, time: float) -> None:
    price, strike, years, right = european(q, time, np.arange(80.0, 121.0, 2.5))
    found = parity_yields(price, SPOT, strike, RATE, years, right, style="european")
    rounding = 1e-14 / time  # what the last bits of prices near 100 are worth in the yield
    np.testing.assert_allclose(found, q, atol=max(1e-12, 20.0 * rounding))


@pytest.mark.parametrize(("q", "rate", "time"), [(0.03, 0.04, 0.5), (0.0, 0.06, 1.0), (0.07, 0.02, 0.25)])
def test_american_yields_are_those_that_a_tree_was_given(q: float, rate: float, time: float) -> None:
    strikes = np.array([90.0, 95.0, 100.0, 105.0, 110.0])
    strike, right = np.repeat(strikes, 2), np.tile([-1.0, 1.0], strikes.size)
    coarse, fine = (
        np.array([tree(k, rate, q, 0.3, time, side, steps) for k, side in zip(strike, right, strict=True)])
        for steps in (500, 1000)
    )
    price = 2.0 * fine - coarse  # the tree's error falls with the steps
    found = parity_yields(price, SPOT, strike, np.full(10, rate), np.full(10, time), right)
    np.testing.assert_allclose(found, q, atol=3e-5)
    exact = parity_yields(price, SPOT, strike, rate, np.full(10, time), right, style="european")
    assert np.abs(exact - q).min() > 1e-3  # early exercise is worth something, and parity of Europeans misses it


def test_each_expiry_has_its_own_yield_and_each_style_its_own_pairs() -> None:
    strikes = np.arange(90.0, 111.0, 5.0)
    near, far = european(0.01, 0.2, strikes), european(0.05, 0.7, strikes)
    price, strike, years, right = (np.concatenate(each) for each in zip(near, far, strict=True))
    expected = np.where(years == 0.2, 0.01, 0.05)
    shuffled = np.random.default_rng(5).permutation(price.size)
    mixed = (price[shuffled], SPOT, strike[shuffled], RATE, years[shuffled], right[shuffled])
    found = parity_yields(*mixed, style="european")
    np.testing.assert_allclose(found, expected[shuffled], atol=1e-12)
    # A European call and an American put of one strike are no pair.
    crossed = np.where(right > 0.0, "european", "american")
    assert np.isnan(parity_yields(price, SPOT, strike, RATE, years, right, style=crossed)).all()


def test_two_bad_quotes_next_to_the_forward_move_nothing() -> None:
    price, strike, years, right = european(0.02, 0.25, np.arange(80.0, 121.0, 5.0))
    bad = price.copy()
    bad[(strike == 100.0) & (right > 0.0)] *= 1.5
    bad[(strike == 105.0) & (right < 0.0)] *= 0.7
    found = parity_yields(bad, SPOT, strike, RATE, years, right, style="european")
    np.testing.assert_allclose(found, 0.02, atol=1e-12)


def test_pairs_next_to_the_forward_count_not_those_next_to_spot() -> None:
    """With 12 % carry over two years the forward is 119.7: what is wrong about the spot does not matter."""
    q, time = -0.05, 2.0
    price, strike, years, right = european(q, time, np.arange(70.0, 171.0, 5.0))
    off = price.copy()
    off[(strike <= 105.0) & (right > 0.0)] += 1.0
    np.testing.assert_allclose(parity_yields(off, SPOT, strike, RATE, years, right, style="european"), q, atol=1e-12)


@pytest.mark.parametrize("style", ["american", "european"])
@pytest.mark.parametrize("away", [-0.05, 0.05])
def test_hours_before_the_end_cents_give_no_yield(style: Style, away: float) -> None:
    """Half an hour carries 100 x 100 % x half an hour = 0.6 cents at most: a forward 5 cents away is noise."""
    price, strike, years, right = european(0.0, HALF_AN_HOUR, np.arange(99.0, 101.1, 0.25))
    price = price + np.where(right > 0.0, away, 0.0)
    assert np.isnan(parity_yields(price, SPOT, strike, RATE, years, right, style=style)).all()


def test_a_median_between_a_yield_and_none_is_no_yield() -> None:
    """Averaging a clipped yield with another would state one that no quote implies."""
    price, strike, years, right = european(0.1, HALF_AN_HOUR, np.array([100.0, 100.25]))
    price = price + np.where((right > 0.0) & (strike == 100.25), 0.05, 0.0)
    assert np.isnan(parity_yields(price, SPOT, strike, RATE, years, right, style="european")).all()


def test_parity_needs_a_pair_that_lives() -> None:
    price, strike, years, right = european(0.02, 0.25, np.arange(90.0, 111.0, 5.0))
    calls = np.where(right > 0.0, price, NAN)
    assert np.isnan(parity_yields(calls, SPOT, strike, RATE, years, right)).all()
    assert np.isnan(parity_yields(price, SPOT, strike, RATE, 0.0 * years, right)).all()


def test_a_chain_takes_parity_s_yields_and_keeps_its_own_without_them() -> None:
    strikes = np.arange(90.0, 111.0, 5.0)
    near, far = european(0.01, 0.2, strikes), european(0.05, 0.7, strikes)
    price, strike, years, right = (np.concatenate(each) for each in zip(near, far, strict=True))
    price[(years == 0.7) & (right < 0.0)] = NAN
    status = np.where(np.isnan(price), 1, 0).astype(np.int8)
    contracts = Contracts(strike, years, right, "european")
    found = QuotedChain(contracts, MarketTerms(SPOT, RATE, 0.03), price, status).with_parity()
    np.testing.assert_array_equal(found.from_parity, years == 0.2)
    np.testing.assert_allclose(found.dividend_yield, np.where(years == 0.2, 0.01, 0.03), atol=1e-12)
    np.testing.assert_allclose(found.forward[years == 0.2], SPOT * math.exp((RATE - 0.01) * 0.2), rtol=1e-12)
    expected = parity_yields(price, SPOT, strike, np.full(strike.size, RATE), years, right, style="european")
    assert found.dividend_yield[years == 0.2].tobytes() == expected[years == 0.2].tobytes()


def test_cash_and_its_yield_have_one_forward() -> None:
    times, amounts = np.array([0.1, 0.6]), np.array([1.5, 2.0])
    years = np.array([0.0, 0.05, 0.5, 1.0])
    yields = cash_as_yields(SPOT, RATE, years, (times, amounts))
    present = [0.0, 0.0, 1.5 * math.exp(-0.1 * RATE), 1.5 * math.exp(-0.1 * RATE) + 2.0 * math.exp(-0.6 * RATE)]
    np.testing.assert_allclose(SPOT * np.exp(-yields * years), SPOT - np.array(present), rtol=1e-14)
    assert yields[0] == 0.0
    assert np.isfinite(cash_as_yields(1.0, RATE, years, (times, amounts))).all()  # more cash than the share is worth


DAYS, AMOUNTS = (36, 164, 292), [1.5, 2.0, 9.0]
CASH = ([day / 365 for day in DAYS], AMOUNTS)
"""The last one goes ex after the options' expiry in half a year."""


def cash_dividend_value(strike: float, q: float, days: int, right: float) -> float:
    """An American option at a volatility of 30 %, by QuantLib's finite differences on a spot that falls by the cash."""
    today, day_count = ql.Date(2, 1, 2026), ql.Actual365Fixed()
    ql.Settings.instance().evaluationDate = today

    def flat(value: float) -> ql.YieldTermStructureHandle:
        return ql.YieldTermStructureHandle(ql.FlatForward(today, value, day_count))

    volatility = ql.BlackConstantVol(today, ql.NullCalendar(), 0.3, day_count)
    process = ql.BlackScholesMertonProcess(
        ql.QuoteHandle(ql.SimpleQuote(SPOT)), flat(q), flat(RATE), ql.BlackVolTermStructureHandle(volatility)
    )
    schedule = ql.DividendVector(
        [today + day for day in DAYS if day < days], AMOUNTS[: sum(day < days for day in DAYS)]
    )
    payoff = ql.PlainVanillaPayoff(ql.Option.Call if right > 0 else ql.Option.Put, strike)
    option = ql.VanillaOption(payoff, ql.AmericanExercise(today, today + days))
    option.setPricingEngine(ql.FdBlackScholesVanillaEngine(process, schedule, 300, 600, 2))
    return float(option.NPV())


def test_a_forward_is_what_a_portfolio_of_the_share_and_its_debts_comes_to() -> None:
    """A share bought on credit, its yield reinvested: each dividend, on all shares held by then, pays debt back."""
    rate, q, time = 0.04, 0.015, 0.5
    shares, debt, before = 1.0, SPOT, 0.0
    for when, amount in ((CASH[0][0], 1.5), (CASH[0][1], 2.0), (time, 0.0)):
        shares, debt = shares * math.exp(q * (when - before)), debt * math.exp(rate * (when - before))
        debt, before = debt - amount * shares, when
    assert float(forward_prices(SPOT, rate, q, time, CASH)) == pytest.approx(debt / shares, rel=1e-14)
    today = ([0.0, *CASH[0]], [50.0, *CASH[1]])
    assert forward_prices(SPOT, rate, q, time, today) == forward_prices(SPOT, rate, q, time, CASH)
    cum = float(forward_prices(SPOT + 50.0, rate, q, time, Dividends(*today, spot_is_cum=True)))
    assert cum == pytest.approx(debt / shares, rel=1e-14)
    assert float(forward_prices(SPOT, rate, q, time, ([0.1], [500.0]))) == 0.0


def test_fractions_and_yields_give_the_forwards_of_cash() -> None:
    times = np.array([0.05, 0.2, 0.6, 0.9])
    cash = forward_prices(SPOT, RATE, 0.0, times, CASH)
    fractions = cash_as_fractions(SPOT, RATE, CASH)
    np.testing.assert_allclose(forward_prices(SPOT, RATE, 0.0, times, fractions), cash, rtol=1e-14)
    assert fractions.amounts.tolist() == [0.0] * 3
    yields = cash_as_yields(SPOT, RATE, times, CASH)
    np.testing.assert_allclose(forward_prices(SPOT, RATE, yields, times), cash, rtol=1e-14)
    with pytest.raises(PricingError, match="dividends: fraction is 1; allowed: at least 0 and below 1"):
        cash_as_fractions(SPOT, RATE, ([0.1], [500.0]))


@pytest.mark.parametrize(("q", "time"), [(0.015, 0.5), (-0.03, 0.3), (0.4, 0.12)])
def test_parity_finds_the_yield_beside_known_cash(q: float, time: float) -> None:
    """C - P is the discounted forward less the strike, whatever the volatility; so any put has its call."""
    strike = np.repeat(np.arange(80.0, 121.0, 5.0), 2)
    right, years = np.tile([-1.0, 1.0], strike.size // 2), np.full(strike.size, time)
    forward = float(forward_prices(SPOT, RATE, q, time, CASH))
    put = 3.0 + np.maximum(strike - forward, 0.0)
    price = np.where(right < 0.0, put, put + math.exp(-RATE * time) * (forward - strike))
    found = parity_yields(price, SPOT, strike, RATE, years, right, style="european", dividends=CASH)
    np.testing.assert_allclose(found, q, atol=1e-11)


def test_american_pairs_tell_the_cost_of_borrowing_beside_cash() -> None:
    q, days = 0.02, 182
    time = days / 365
    strike, right = np.repeat([95.0, 100.0, 105.0], 2), np.tile([-1.0, 1.0], 3)
    price = np.array([cash_dividend_value(k, q, days, side) for k, side in zip(strike, right, strict=True)])
    years = np.full(6, time)
    found = parity_yields(price, SPOT, strike, RATE, years, right, dividends=CASH)
    np.testing.assert_allclose(found, q, atol=2e-4)
    contracts, status = Contracts(strike, years, right), np.zeros(6, np.int8)
    chain = QuotedChain(contracts, MarketTerms(SPOT, RATE, dividends=CASH), price, status).with_parity()
    np.testing.assert_allclose(chain.dividend_yield, q, atol=2e-4)
    np.testing.assert_allclose(chain.implied_volatility, 0.3, atol=1e-3)
    np.testing.assert_allclose(chain.forward, forward_prices(SPOT, RATE, q, time, CASH), rtol=2e-4)


def test_a_trailing_yield_leaves_the_share_without_what_it_paid() -> None:
    assert math.exp(trailing_yield(3.0, 60.0)) == pytest.approx(1.05, rel=1e-15)
