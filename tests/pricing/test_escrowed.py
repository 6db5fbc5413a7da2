"""The escrowed model: against its closed form, a vendor's tree, QuantLib's engines and a grid of its own."""

import math
from typing import Any

import numpy as np
import pytest
import QuantLib as ql  # noqa: N813
from scipy.stats import norm

from alo_lib.pricing import (
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

DAY = 1.0 / 365.0
SPOTS = np.array([80.0, 100.0, 120.0])


def escrowed(times: Any, amounts: Any, fractions: Any = 0.0) -> Dividends:
    return Dividends(times, amounts, fractions, model="escrowed")


def black_scholes(spot: float, strike: float, rate: float, q: float, volatility: float, time: float, right: int) -> Any:
    deviation = volatility * math.sqrt(time)
    plus = (math.log(spot / strike) + (rate - q) * time) / deviation + 0.5 * deviation
    held = spot * math.exp(-q * time) * norm.cdf(right * plus)
    return right * (held - strike * math.exp(-rate * time) * norm.cdf(right * (plus - deviation)))


def closed_form(
    spot: float, rate: float, q: float, volatility: float, ago: float = 0.0, strike: float = 100.0, right: int = -1
) -> float:
    """A European option of a year, 4 % at .2 and cash of 3 and 2 at .4 and .7, ``ago`` later."""
    rest = 0.96 * spot - sum(paid * math.exp((q - rate) * (at - ago)) for at, paid in ((0.4, 3.0), (0.7, 2.0)))
    return float(black_scholes(rest, strike, rate, q, volatility, 1.0 - ago, right))


@pytest.mark.parametrize("right", [1, -1])
@pytest.mark.parametrize("strike", [80.0, 100.0, 115.0])
def test_a_european_option_is_one_on_the_spot_less_what_the_cash_is_worth(strike: float, right: int) -> None:
    dividends = escrowed([0.2, 0.4, 0.7], [0.0, 3.0, 2.0], [0.04, 0.0, 0.0])
    found = greeks(100.0, strike, 0.05, 0.02, 0.25, 1.0, right, style="european", dividends=dividends)

    def value(ds: float = 0.0, dr: float = 0.0, dq: float = 0.0, dv: float = 0.0, ago: float = 0.0) -> float:
        return closed_form(100.0 + ds, 0.05 + dr, 0.02 + dq, 0.25 + dv, ago, strike, right)

    h = 1e-3
    assert found.price == pytest.approx(value(), abs=1e-11)
    assert found.delta == pytest.approx((value(ds=h) - value(ds=-h)) / (2 * h), abs=1e-7)
    assert found.rho == pytest.approx((value(dr=h) - value(dr=-h)) / (2 * h), abs=1e-3)
    assert found.epsilon == pytest.approx((value(dq=h) - value(dq=-h)) / (2 * h), abs=1e-3)
    assert found.theta == pytest.approx((value(ago=h) - value(ago=-h)) / (2 * h), abs=1e-3)
    assert found.vega == pytest.approx((value(dv=h) - value(dv=-h)) / (2 * h), abs=1e-3)
    s = 0.5
    assert found.gamma == pytest.approx((value(ds=s) - 2 * value() + value(ds=-s)) / s**2, abs=1e-5)
    cross = [value(ds=a, ago=b * h) for a in (s, -s) for b in (1, -1)]
    assert found.charm == pytest.approx((cross[0] - cross[1] - cross[2] + cross[3]) / (4 * s * h), abs=1e-4)
    cross = [value(ds=a, dv=b * h) for a in (s, -s) for b in (1, -1)]
    assert found.vanna == pytest.approx((cross[0] - cross[1] - cross[2] + cross[3]) / (4 * s * h), abs=1e-3)


def tree(steps: int, spot: float, strike: float, rate: float, volatility: float, time: float, paid: Any) -> float:
    """An American put by Cox, Ross and Rubinstein's tree of the spot less what the dividend is worth, as Hull's."""
    step = time / steps
    up = math.exp(volatility * math.sqrt(step))
    share = (math.exp(rate * step) - 1.0 / up) / (up - 1.0 / up)
    when, amount = paid

    def aside(at: float) -> float:
        return amount * math.exp(-rate * (when - at)) if at <= when else 0.0

    rest = spot - aside(0.0)
    value = np.maximum(strike - rest * up ** np.arange(-steps, steps + 1, 2.0), 0.0)
    for level in range(steps - 1, -1, -1):
        held = math.exp(-rate * step) * (share * value[1:] + (1.0 - share) * value[:-1])
        node = rest * up ** np.arange(-level, level + 1, 2.0) + aside(level * step)
        value = np.maximum(held, strike - node)
    return float(value[0])


HULL = (52.0, 50.0, 0.10, 0.4, 5.0 / 12.0, (3.5 / 12.0, 2.06))
"""A put of five months, worked out in Hull's book and in the documents of MATLAB's binprice."""


def test_the_model_is_that_of_hulls_tree_and_of_its_vendors() -> None:
    assert tree(5, *HULL) == pytest.approx(4.4404, abs=5e-5)  # the vendor's, of five steps
    spot, strike, rate, volatility, time, (when, amount) = HULL
    found = price(spot, strike, rate, 0.0, volatility, time, -1, dividends=escrowed(when, amount))
    # Trees swing around what they come to as their steps are even and odd.
    fine = 0.5 * (tree(2000, *HULL) + tree(2001, *HULL))
    assert found == pytest.approx(fine, abs=3e-4)
    in_spot = price(spot, strike, rate, 0.0, volatility, time, -1, dividends=([when], [amount]))
    assert in_spot - found > 0.05  # the spot model diffuses the dividend too


@pytest.mark.parametrize("gap", [5.6e-17, 1e-12, 1e-8, 1e-7, 3e-7, 1e-6, 1e-5, 1e-4, 3e-4])
def test_dividends_close_together_are_as_good_as_one(gap: float) -> None:
    """Between the two what exercise pays changes by less than the second, and interest is next to none."""
    strike, right = np.repeat([90.0, 100.0, 110.0], 2), np.tile([1.0, -1.0], 3)
    terms = (100.0, strike, 0.04, 0.01, 0.25, 1.0, right)
    apart = price(*terms, dividends=escrowed([0.3, 0.3 + gap], [1.5, 0.5]))
    together = price(*terms, dividends=escrowed([0.3 + 0.5 * gap], [2.0]))
    assert apart == pytest.approx(together, abs=2e-4 + 20.0 * gap)
    assert (apart >= price(*terms, dividends=escrowed([0.3, 0.3 + gap], [1.5, 0.5]), style="european") - 1e-4).all()


def quantlib(terms: Terms, analytic: bool) -> float:
    """QuantLib's values of the same model, spot 100: two of its grids extrapolated, or its closed form."""
    today, day_count = ql.Date(2, 1, 2026), ql.Actual365Fixed()
    ql.Settings.instance().evaluationDate = today

    def flat(value: float) -> ql.YieldTermStructureHandle:
        return ql.YieldTermStructureHandle(ql.FlatForward(today, value, day_count))

    volatility = ql.BlackConstantVol(today, ql.NullCalendar(), terms.volatility, day_count)
    process = ql.BlackScholesMertonProcess(
        ql.QuoteHandle(ql.SimpleQuote(100.0)),
        flat(terms.dividend_yield),
        flat(terms.rate),
        ql.BlackVolTermStructureHandle(volatility),
    )
    schedule = ql.DividendVector([today + round(365 * time) for time in terms.times], list(terms.amounts))
    payoff = ql.PlainVanillaPayoff(ql.Option.Call if terms.right > 0 else ql.Option.Put, terms.strike)
    end = today + round(365 * terms.time)
    option = ql.VanillaOption(payoff, ql.AmericanExercise(today, end) if terms.american else ql.EuropeanExercise(end))

    def grid(size: int) -> float:
        douglas, model = ql.FdmSchemeDesc.Douglas(), ql.FdBlackScholesVanillaEngine.Escrowed
        option.setPricingEngine(
            ql.FdBlackScholesVanillaEngine(process, schedule, size, size, 2, douglas, False, -1.0, model)
        )
        return float(option.NPV())

    if analytic:
        option.setPricingEngine(ql.AnalyticDividendEuropeanEngine(process, schedule))
        return float(option.NPV())
    return 2.0 * grid(800) - grid(400)


QUANTLIB = [
    Terms(100.0, 0.05, 0.02, 0.25, 1.0, -1, True, (182 * DAY,), (3.0,)),
    Terms(100.0, 0.05, 0.0, 0.25, 1.0, 1, True, (100 * DAY, 250 * DAY), (3.0, 2.0)),
    Terms(110.0, 0.05, 0.02, 0.3, 1.0, -1, True, (100 * DAY, 250 * DAY), (13.0, 2.0)),
]


@pytest.mark.parametrize("terms", QUANTLIB)
def test_american_and_european_values_are_quantlibs(terms: Terms) -> None:
    option = (100.0, terms.strike, terms.rate, terms.dividend_yield, terms.volatility, terms.time, terms.right)
    dividends = escrowed(terms.times, terms.amounts)
    assert price(*option, dividends=dividends) == pytest.approx(quantlib(terms, False), abs=6e-4)
    european = price(*option, style="european", dividends=dividends)
    assert european == pytest.approx(quantlib(terms._replace(american=False), True), abs=1e-9)


# Also with fractions, most of the spot, little volatility, and a call exercised for a dividend just before expiry.
OWN = {
    "put": Terms(100.0, 0.05, 0.02, 0.25, 1.0, -1, True, (0.5,), (3.0,), (), True),
    "call": Terms(100.0, 0.05, 0.02, 0.25, 1.0, 1, True, (0.3, 0.7), (2.0, 1.0), (), True),
    "put, mixed": Terms(100.0, 0.05, 0.02, 0.25, 1.0, -1, True, (0.3, 0.7), (2.0, 1.0), (0.03, 0.02), True),
    "call, mixed": Terms(100.0, 0.05, 0.02, 0.25, 1.0, 1, True, (0.3, 0.7), (2.0, 1.0), (0.03, 0.02), True),
    "put, much": Terms(100.0, 0.05, 0.02, 0.25, 1.0, -1, True, (0.3, 0.7), (20.0, 20.0), (), True),
    "call, much": Terms(100.0, 0.05, 0.02, 0.25, 1.0, 1, True, (0.3, 0.7), (20.0, 20.0), (), True),
    "call, late": Terms(100.0, 0.05, 0.02, 0.25, 1.0, 1, True, (0.3, 0.95), (2.0, 20.0), (), True),
    "call, more than half": Terms(120.636, 0.094, 0.035, 0.718, 0.0492, 1, True, (0.011, 0.019, 0.024, 0.033, 0.042),
                                  (8.1, 4.9, 13.2, 9.0, 21.0), (), True),
    "quiet put": Terms(107.0, 0.05, 0.0, 0.08, 1.0, -1, True, (0.25, 0.5, 0.75), (1.0,) * 3, (), True),
    "quiet call": Terms(100.0, 0.05, 0.0, 0.1, 1.0, 1, True, (0.25, 0.5, 0.75), (1.0,) * 3, (), True),
}  # fmt: skip


@pytest.mark.parametrize("terms", OWN.values(), ids=OWN.keys())
def test_american_values_are_those_of_a_grid_of_its_own(terms: Terms) -> None:
    right = converged(SPOTS, terms)
    assert (right.value_error <= 2e-8 * SPOTS + 2e-6 * SPOTS * (terms.right < 0)).all()
    option = (SPOTS, terms.strike, terms.rate, terms.dividend_yield, terms.volatility, terms.time, terms.right)
    dividends = escrowed(terms.times, terms.amounts, terms.fractions or 0.0)
    found = greeks(*option, dividends=dividends)
    assert found.price == pytest.approx(right.value, abs=1e-5 * 80.0)
    assert found.delta == pytest.approx(right.delta, abs=1e-4)
    allowed = 2e-7 * 80.0 + right.value_error.max()
    assert price(*option, dividends=dividends, scheme="high_precision") == pytest.approx(right.value, abs=allowed)


def test_time_derivatives_are_differences() -> None:
    option, step = (100.0, 100.0, 0.05, 0.01, 0.3, 0.75, -1), 0.01
    times, amounts = np.array([0.2, 0.5]), np.array([4.0, 3.0])
    found = greeks(*option, dividends=escrowed(times, amounts), scheme="high_precision")
    moved = [
        greeks(*option[:5], 0.75 + shift, -1, dividends=escrowed(times + shift, amounts), scheme="high_precision")
        for shift in (-step, step)
    ]
    assert found.theta == pytest.approx((moved[0].price - moved[1].price) / (2.0 * step), abs=0.01)
    assert found.charm == pytest.approx((moved[0].delta - moved[1].delta) / (2.0 * step), abs=2e-3)


@pytest.mark.parametrize("right", [1, -1])
def test_implied_volatility_inverts(right: int) -> None:
    dividends, strikes = escrowed([0.3, 0.6], [3.0, 2.0]), np.array([85.0, 100.0, 115.0])
    for style in ("american", "european"):
        choices: Any = {"style": style, "dividends": dividends}
        found = greeks(100.0, strikes, 0.03, 0.0, 0.3, 1.0, right, **choices)
        assert (found.vega > 1.0).any()
        implied = implied_volatility(found.price, 100.0, strikes, 0.03, 0.0, 1.0, right, invalid="nan", **choices)
        assert implied[found.vega > 1.0] == pytest.approx(0.3, abs=1e-8)


def test_proportional_dividends_alone_are_those_of_the_spot_model() -> None:
    for style in ("american", "european"):
        choices: Any = {"style": style}
        found = greeks(100.0, SPOTS, 0.05, 0.02, 0.25, 1.0, 1, dividends=escrowed([0.3], 0.0, 0.05), **choices)
        in_spot = greeks(100.0, SPOTS, 0.05, 0.02, 0.25, 1.0, 1, dividends=Dividends([0.3], 0.0, 0.05), **choices)
        np.testing.assert_array_equal(np.stack(found), np.stack(in_spot))


@pytest.mark.parametrize("volatility", [0.0, 1e-8])
def test_without_volatility_both_models_are_one(volatility: float) -> None:
    for right in (1, -1):
        option = (100.0, SPOTS, 0.05, 0.02, volatility, 1.0, right)
        found = price(*option, dividends=escrowed([0.3, 0.7], [3.0, 20.0]))
        assert found == pytest.approx(price(*option, dividends=([0.3, 0.7], [3.0, 20.0])), abs=1e-10)


def test_what_is_worth_the_spot_leaves_nothing_to_diffuse() -> None:
    much = escrowed([0.25, 0.5], [60.0, 42.0])  # today 59.26 and 40.96
    message = r"dividends before expiry are worth 100.2\d* today, spot is 100; allowed in the escrowed model: less than"
    for style in ("american", "european"):
        choices: Any = {"style": style, "dividends": much}
        with pytest.raises(PricingError, match=message):
            price(100.0, 90.0, 0.05, 0.0, 0.25, 1.0, 1, **choices)
        found = price([100.0, 110.0], 90.0, 0.05, 0.0, 0.25, 1.0, -1, invalid="nan", **choices)
        assert np.isnan(found).tolist() == [True, False]
        implied = implied_with_status(85.0, [100.0, 110.0], 90.0, 0.05, 0.0, 1.0, -1, invalid="nan", **choices)
        assert implied.status[0] == ContractStatus.OUT_OF_DOMAIN
        assert implied.status[1] != ContractStatus.OUT_OF_DOMAIN
        with pytest.raises(PricingError, match=message):
            implied_volatility(85.0, 100.0, 90.0, 0.05, 0.0, 1.0, -1, **choices)
    # Paid after expiry they count for nothing.
    assert price(100.0, 90.0, 0.05, 0.0, 0.25, 0.2, 1, dividends=much) == price(100.0, 90.0, 0.05, 0.0, 0.25, 0.2, 1)


def test_the_boundary_is_of_the_whole_spot() -> None:
    dividends, option = escrowed([0.5], [3.0]), (100.0, 0.05, 0.0, 0.25, 1.0)
    put = exercise_boundary(*option, -1, dividends=dividends)
    assert np.isnan(put.upper[put.time_to_expiry > 0.5 + 1e-9]).all()
    call = exercise_boundary(*option, 1, dividends=dividends)
    (at,) = np.flatnonzero(np.isfinite(call.upper))
    level = call.upper[at]
    held = price(np.array([level + 1.0, level - 1.0]) - 3.0, 100.0, 0.05, 0.0, 0.25, 0.5, 1)
    assert held[0] < level + 1.0 - 100.0
    assert held[1] > level - 1.0 - 100.0
    # Long before, an American put is exercised on the spot below which it is worth no more than that.
    choices: Any = {"dividends": escrowed([1.9], [0.5]), "scheme": "high_precision"}
    put_option = (100.0, 0.08, 0.0, 0.3, 2.0, -1)
    level = exercise_boundary(*put_option, **choices).upper[-1]
    found = price(level + np.array([-0.5, 0.5]), *put_option, **choices)
    assert found[0] == 100.0 - (level - 0.5)
    assert found[1] > 100.0 - (level + 0.5)


def test_a_chain_of_quotes_finds_volatilities_and_forwards_in_the_model() -> None:
    strike = np.repeat([90.0, 100.0, 110.0], 2)
    right, years = np.tile([-1.0, 1.0], 3), np.full(6, 0.75)
    dividends = escrowed([0.25, 0.5], [2.0, 2.0])
    market = price(100.0, strike, 0.04, 0.015, 0.3, 0.75, right, dividends=dividends)
    terms = MarketTerms(100.0, 0.04, 0.015, dividends)
    chain = QuotedChain(Contracts(strike, years, right), terms, market, np.zeros(6, np.int8))
    assert chain.implied_volatility == pytest.approx(0.3, abs=1e-7)
    forward = 100.0 * math.exp(0.025 * 0.75) - sum(2.0 * math.exp(0.025 * (0.75 - at)) for at in (0.25, 0.5))
    assert chain.forward == pytest.approx(forward, rel=1e-13)
    assert QuotedChain(
        chain.contracts, terms._replace(dividend_yield=0.0), market, np.zeros(6, np.int8)
    ).with_parity().dividend_yield == pytest.approx(0.015, abs=2e-4)
