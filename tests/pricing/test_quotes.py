"""Quotes to prices, prices to volatilities and greeks, and the yield that parity implies."""

import numpy as np
import pytest

from alo_lib.pricing import PricingError, Style, greeks, price
from alo_lib.pricing.parity import parity_yields
from alo_lib.pricing.quoted import QuotedValues, value_quotes
from alo_lib.pricing.quotes import PriceSource, Reason, market_price

NAN = float("nan")


@pytest.mark.parametrize(
    ("source", "bid", "ask", "last", "expected", "reason"),
    [
        ("mid", 1.0, 1.2, 9.0, 1.1, Reason.PRICED),
        ("mid", 1.0, 1.0, 0.0, 1.0, Reason.PRICED),  # locked
        ("mid", 1.3, 1.2, 1.25, NAN, Reason.CROSSED),
        ("mid", 0.0, 0.05, 0.0, NAN, Reason.ONE_SIDED),
        ("mid", 0.0, 0.05, 0.04, 0.04, Reason.PRICED),
        ("mid", 0.0, 0.05, 0.06, NAN, Reason.ONE_SIDED),
        ("mid", 1.0, 0.0, 0.9, NAN, Reason.ONE_SIDED),
        ("mid", 1.0, NAN, 1.0, 1.0, Reason.PRICED),
        ("mid", 0.0, 0.0, 0.0, NAN, Reason.NO_QUOTE),
        ("mid", 0.0, 0.0, 2.0, 2.0, Reason.PRICED),
        ("mid", -1.0, 1.0, 0.0, NAN, Reason.ONE_SIDED),
        ("bid", 1.0, 1.2, 9.0, 1.0, Reason.PRICED),
        ("bid", 0.0, 1.2, 1.0, NAN, Reason.NO_QUOTE),
        ("bid", 1.3, 1.2, 1.0, NAN, Reason.CROSSED),
        ("ask", 0.0, 1.2, 9.0, 1.2, Reason.PRICED),
        ("ask", 1.0, 0.0, 9.0, NAN, Reason.NO_QUOTE),
        ("last", 1.3, 1.2, 1.0, 1.0, Reason.PRICED),
        ("last", 1.0, 1.2, 0.0, NAN, Reason.NO_QUOTE),
    ],
)
def test_rules_for_quotes(
    source: PriceSource, bid: float, ask: float, last: float, expected: float, reason: Reason
) -> None:
    found, why = market_price(bid, ask, last, source)
    np.testing.assert_array_equal(found, [expected])
    assert why.tolist() == [reason]


def test_an_unknown_side_is_refused() -> None:
    with pytest.raises(PricingError, match="source is 'best'; allowed: mid, bid, ask, last"):
        market_price(1.0, 1.2, 1.1, "best")  # type: ignore[arg-type]


def chain(style: Style) -> tuple[np.ndarray, ...]:
    """Strikes, rates, yields, times and rights of a chain, its volatilities and prices at spot 100."""
    strike, years, right = (x.ravel() for x in np.meshgrid(np.arange(80.0, 121.0, 5.0), [0.1, 0.75], [1.0, -1.0]))
    rate, dividend_yield = np.full(strike.size, 0.05), 0.02 + 0.01 * years
    volatility = 0.25 + 0.3 * np.log(strike / 100.0) ** 2
    market = price(100.0, strike, rate, dividend_yield, volatility, years, right, style=style, scheme="high_precision")
    return strike, rate, dividend_yield, years, right, volatility, market


def valued(style: Style, market: np.ndarray, **changes: object) -> QuotedValues:
    strike, rate, dividend_yield, years, right, *_ = chain(style)
    none = np.zeros(strike.size, np.int8)
    spot = np.full(strike.size, 100.0)
    terms = {"market": market, "reason": none, "spot": spot, "strike": strike, "rate": rate, "right": right}
    terms |= {"dividend_yield": dividend_yield, "time_to_expiry": years, "style": style} | changes
    return value_quotes(**terms)  # type: ignore[arg-type]


@pytest.mark.parametrize("style", ["american", "european"])
def test_quotes_give_back_the_volatility_they_were_made_with(style: Style) -> None:
    strike, rate, dividend_yield, years, right, volatility, market = chain(style)
    found = valued(style, market)
    assert (found.reason == Reason.PRICED).all()
    np.testing.assert_array_equal(found.price, market)
    expected = greeks(
        100.0, strike, rate, dividend_yield, volatility, years, right, style=style, scheme="high_precision"
    )
    exercised = (style == "american") & (np.abs(market - right * (100.0 - strike)) < 1e-7)
    assert exercised.sum() == (1 if style == "american" else 0)
    expected_volatility = np.where(exercised, 0.0, volatility)
    np.testing.assert_allclose(found.implied_volatility, expected_volatility, atol=2e-5)
    for name in ("delta", "gamma", "vega", "theta", "rho"):
        reference = getattr(expected, name)
        np.testing.assert_allclose(getattr(found, name), reference, atol=1e-4 * (1 + np.abs(reference).max()))
    np.testing.assert_allclose(found.leverage, found.delta * 100.0 / market)


def test_a_volatility_moves_the_price_and_nothing_else() -> None:
    strike, rate, dividend_yield, years, right, _, market = chain("american")
    plain, modelled = valued("american", market), valued("american", market, volatility=0.4)
    expected = price(100.0, strike, rate, dividend_yield, 0.4, years, right)
    np.testing.assert_allclose(modelled.price, expected, atol=1e-4)  # 1e-6 of spot, the accuracy of a chain
    np.testing.assert_array_equal(modelled.delta, plain.delta)
    np.testing.assert_array_equal(modelled.implied_volatility, plain.implied_volatility)


def test_what_no_volatility_explains_is_told_and_not_computed() -> None:
    *_, market = chain("american")
    odd = market.copy()
    odd[0], odd[1], odd[2] = 1e-9, 150.0, NAN
    reason = np.zeros(market.size, np.int8)
    reason[2] = Reason.CROSSED
    found = valued("american", odd, reason=reason)
    assert found.reason[:4].tolist() == [Reason.BELOW_FLOOR, Reason.UNEXPLAINED, Reason.CROSSED, Reason.PRICED]
    for name in ("price", "implied_volatility", "delta", "gamma", "vega", "theta", "rho", "leverage"):
        assert np.isnan(getattr(found, name)[:3]).all()
    whole = valued("american", market)
    np.testing.assert_array_equal(found.delta[3:], whole.delta[3:])  # the others do not change by a bit


def test_expired_contracts_and_a_missing_spot_are_told() -> None:
    strike, *_, market = chain("american")
    years = chain("american")[3].copy()
    years[0], spot = 0.0, np.full(strike.size, 100.0)
    spot[1] = 0.0
    found = valued("american", market, time_to_expiry=years, spot=spot)
    assert found.reason[:3].tolist() == [Reason.EXPIRED, Reason.NO_SPOT, Reason.PRICED]


def test_a_put_at_intrinsic_value_is_to_be_exercised() -> None:
    one = {
        name: np.array([value])
        for name, value in {"spot": 60.0, "strike": 100.0, "rate": 0.05, "time_to_expiry": 0.5, "right": -1.0}.items()
    }
    found = value_quotes(np.array([40.0]), np.zeros(1, np.int8), dividend_yield=np.zeros(1), **one)
    assert found.reason.tolist() == [Reason.PRICED]
    assert (found.delta[0], found.gamma[0], found.vega[0], found.theta[0]) == (-1.0, 0.0, 0.0, 0.0)
    below = value_quotes(np.array([39.9]), np.zeros(1, np.int8), dividend_yield=np.zeros(1), **one)
    assert below.reason.tolist() == [Reason.BELOW_FLOOR]
    european = value_quotes(np.array([40.0]), np.zeros(1, np.int8), dividend_yield=np.zeros(1), style="european", **one)
    assert european.reason.tolist() == [Reason.PRICED]  # a European put may be worth less than intrinsic value
    assert european.implied_volatility[0] > 0.0


def test_the_rate_of_an_option_on_a_future_discounts_and_nothing_else() -> None:
    strike, rate, _, years, right, volatility, _ = chain("european")
    market = price(100.0, strike, rate, rate, volatility, years, right, style="european")
    found = valued("european", market, dividend_yield=rate, on_future=True)
    np.testing.assert_allclose(found.rho, -years * market, rtol=1e-9)


def test_announced_dividends_reach_the_values() -> None:
    *_, market = chain("american")
    plain = valued("american", market)
    found = valued("american", market, dividends=([0.05], [2.0]), scheme="fast")
    calls = chain("american")[4] > 0.0
    both = (found.reason == Reason.PRICED) & calls
    assert both.sum() >= 10
    assert (found.implied_volatility[both] > plain.implied_volatility[both]).all()


@pytest.mark.parametrize("style", ["american", "european"])
def test_parity_finds_the_yield_of_each_expiry(style: Style) -> None:
    strike, rate, dividend_yield, years, right, _, market = chain(style)
    market = market.copy()
    market[3] = NAN
    found = parity_yields(market, 100.0, strike, rate, years, right, style=style)
    np.testing.assert_allclose(found, dividend_yield, atol=1e-6)


def test_parity_needs_a_pair() -> None:
    strike, rate, _, years, right, _, market = chain("american")
    calls = np.where(right > 0.0, market, NAN)
    assert np.isnan(parity_yields(calls, 100.0, strike, rate, years, right)).all()
