"""Quotes to prices and statuses, prices to volatilities and greeks."""

import numpy as np
import pytest

from alo_lib.pricing import (
    Chain,
    Contracts,
    ContractStatus,
    Dividends,
    MarketTerms,
    PricingError,
    QuotedChain,
    Style,
    greeks,
    implied_volatility,
    market_price,
    price,
)
from alo_lib.pricing.quotes import PriceSource, quote_mid

NAN = float("nan")


@pytest.mark.parametrize(
    ("source", "bid", "ask", "last", "expected", "status"),
    [
        ("mid", 1.0, 1.2, 9.0, 1.1, ContractStatus.PRICED),
        ("mid", 1.0, 1.0, 0.0, 1.0, ContractStatus.PRICED),  # locked
        ("mid", 1.3, 1.2, 1.25, NAN, ContractStatus.CROSSED),
        ("mid", 0.0, 0.05, 0.0, NAN, ContractStatus.ONE_SIDED),
        ("mid", 0.0, 0.05, 0.04, 0.04, ContractStatus.PRICED),
        ("mid", 0.0, 0.05, 0.06, NAN, ContractStatus.ONE_SIDED),
        ("mid", 1.0, 0.0, 0.9, NAN, ContractStatus.ONE_SIDED),
        ("mid", 1.0, NAN, 1.0, 1.0, ContractStatus.PRICED),
        ("mid", 0.0, 0.0, 0.0, NAN, ContractStatus.NO_QUOTE),
        ("mid", 0.0, 0.0, 2.0, 2.0, ContractStatus.PRICED),
        ("mid", -1.0, 1.0, 0.0, NAN, ContractStatus.ONE_SIDED),
        ("bid", 1.0, 1.2, 9.0, 1.0, ContractStatus.PRICED),
        ("bid", 0.0, 1.2, 1.0, NAN, ContractStatus.NO_QUOTE),
        ("bid", 1.3, 1.2, 1.0, NAN, ContractStatus.CROSSED),
        ("ask", 0.0, 1.2, 9.0, 1.2, ContractStatus.PRICED),
        ("ask", 1.0, 0.0, 9.0, NAN, ContractStatus.NO_QUOTE),
        ("last", 1.3, 1.2, 1.0, 1.0, ContractStatus.PRICED),
        ("last", 1.0, 1.2, 0.0, NAN, ContractStatus.NO_QUOTE),
    ],
)
def test_rules_for_quotes(
    source: PriceSource, bid: float, ask: float, last: float, expected: float, status: ContractStatus
) -> None:
    found, why = market_price(bid, ask, last, source)
    np.testing.assert_array_equal(found, [expected])
    assert why.tolist() == [status]


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


def quoted(like: Style, market: np.ndarray, **changes: object) -> QuotedChain:
    strike, rate, dividend_yield, years, right, *_ = chain(like)
    contracts = {"strike": strike, "time_to_expiry": years, "right": right, "style": like}
    terms = {"spot": 100.0, "rate": rate, "dividend_yield": dividend_yield}
    rest = {"status": np.zeros(strike.size, np.int8)}
    for name, value in changes.items():
        next(some for some in (contracts, terms, rest) if name in some or some is rest)[name] = value  # type: ignore[assignment]
    dividends = rest.pop("dividends", None)
    on_future = bool(rest.pop("on_future", False))
    return QuotedChain(
        Contracts(**contracts),  # type: ignore[arg-type]
        MarketTerms(**terms, dividends=dividends, on_future=on_future),  # type: ignore[arg-type]
        market,
        **rest,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("style", ["american", "european"])
def test_quotes_give_back_the_volatility_they_were_made_with(style: Style) -> None:
    strike, rate, dividend_yield, years, right, volatility, market = chain(style)
    found = quoted(style, market)
    exercised = (style == "american") & (np.abs(market - right * (100.0 - strike)) < 1e-7)
    assert exercised.sum() == (1 if style == "american" else 0)
    expected_status = np.where(exercised, ContractStatus.EXERCISED, ContractStatus.PRICED)
    np.testing.assert_array_equal(found.status, expected_status)
    expected = greeks(
        100.0, strike, rate, dividend_yield, volatility, years, right, style=style, scheme="high_precision"
    )
    np.testing.assert_allclose(found.implied_volatility, np.where(exercised, NAN, volatility), atol=2e-5)
    for name in ("price", "delta", "gamma", "vega", "theta", "rho"):
        reference = getattr(expected, name)
        np.testing.assert_allclose(getattr(found.greeks, name), reference, atol=1e-4 * (1 + np.abs(reference).max()))
    np.testing.assert_allclose(found.leverage, found.greeks.delta * 100.0 / market)
    np.testing.assert_allclose(found.forward, 100.0 * np.exp((0.05 - dividend_yield) * years), rtol=1e-15)


def test_each_contract_has_its_own_exercise_style() -> None:
    *_, market = chain("american")
    assert (market > chain("european")[-1] + 0.01).any()
    mixed = np.where(np.arange(market.size) % 3 == 0, "european", "american")
    found = quoted("american", market, style=mixed)
    for style in ("american", "european"):
        whole, rows = quoted(style, market), mixed == style
        np.testing.assert_array_equal(found.status[rows], whole.status[rows])
        for some, every in zip(
            (found.implied_volatility, *found.greeks, found.price_at(0.3)),
            (whole.implied_volatility, *whole.greeks, whole.price_at(0.3)),
            strict=True,
        ):
            assert some[rows].tobytes() == every[rows].tobytes()


def test_a_chain_takes_one_style_or_one_a_contract() -> None:
    years, right = np.ones(2), np.array([-1.0, -1.0])
    mixed = Chain(100.0, years, right, style=np.array(["american", "european"]))
    each = [float(price(80.0, 100.0, 0.05, 0.0, 0.2, 1.0, -1, style=style)) for style in ("american", "european")]
    np.testing.assert_allclose(mixed.price(80.0, 0.05, 0.0, 0.2), each, atol=1e-4)
    assert each[0] > each[1] + 0.5
    given = np.array([[25.0, 18.0], [30.0, 30.0]])
    np.testing.assert_allclose(
        mixed.implied_volatility(given, 80.0, 0.05, 0.0)[:, 0],
        implied_volatility(given[:, 0], 80.0, 100.0, 0.05, 0.0, 1.0, -1),
        atol=1e-5,
    )
    np.testing.assert_array_equal(
        mixed.implied_volatility(given, 80.0, 0.05, 0.0)[:, 1],
        implied_volatility(given[:, 1], 80.0, 100.0, 0.05, 0.0, 1.0, -1, style="european"),
    )
    with pytest.raises(PricingError, match="style is 'bermudan'; allowed: american, european"):
        Chain(100.0, years, right, style=np.array(["american", "bermudan"]))
    with pytest.raises(PricingError, match=r"style has shape \(3,\); allowed: one word, or \(2,\)"):
        Chain(100.0, years, right, style=np.array(["american"] * 3))


def test_without_panels_a_contract_s_bits_are_those_of_the_single_option() -> None:
    strike, rate, dividend_yield, years, right, _, market = chain("american")
    found = quoted("american", market, panels=False)
    terms = (100.0, strike, rate, dividend_yield)
    expected = implied_volatility(market, *terms, years, right, invalid="nan")
    known = np.isfinite(expected)
    assert found.implied_volatility.tobytes() == expected.tobytes()
    vega = greeks(*terms, np.where(known, expected, 0.2), years, right).vega
    assert found.greeks.vega[known].tobytes() == vega[known].tobytes()


def test_a_theoretical_price_is_at_the_volatility_given() -> None:
    strike, rate, dividend_yield, years, right, _, market = chain("american")
    expected = price(100.0, strike, rate, dividend_yield, 0.4, years, right)
    np.testing.assert_allclose(quoted("american", market).price_at(0.4), expected, atol=1e-4)  # 1e-6 of spot


def test_what_has_no_volatility_says_why() -> None:
    strike, _, _, years, *_, market = chain("american")
    odd, spot, time, status = market.copy(), np.full(market.size, 100.0), years.copy(), np.zeros(market.size, np.int8)
    odd[0] = 1e-9  # a call in the money for nothing
    odd[1] = 150.0  # more than the share
    odd[2], status[2] = NAN, ContractStatus.CROSSED
    time[3], spot[4], spot[5] = 0.0, 0.0, NAN
    wide = strike.copy()
    wide[6] = 1e13
    found = quoted("american", odd, status=status, spot=spot, time_to_expiry=time, strike=wide)
    assert [ContractStatus(code).name for code in found.status[:8]] == [
        "BELOW_FLOOR",
        "ABOVE_BOUND",
        "CROSSED",
        "EXPIRED",
        "NO_SPOT",
        "NO_SPOT",
        "OUT_OF_DOMAIN",
        "PRICED",
    ]
    for values in (found.implied_volatility, *found.greeks, found.leverage, found.price_at(0.3)):
        assert np.isnan(values[:7]).all()
    whole = quoted("american", market)
    assert found.greeks.delta[7:].tobytes() == whole.greeks.delta[7:].tobytes()  # the others do not change by a bit


@pytest.mark.parametrize("style", ["american", "european"])
@pytest.mark.parametrize("cash", [None, ([0.05], [2.0])])
def test_above_and_below_the_bounds_of_no_arbitrage(style: Style, cash: object) -> None:
    """A call costs less than the share; a put less than the strike, paid now (American) or at the end (European)."""
    strike, rate, years, right = np.full(4, 100.0), 0.05, np.full(4, 0.5), np.array([1.0, 1.0, -1.0, -1.0])
    most = np.where(right > 0.0, 100.0, 100.0 if style == "american" else 100.0 * np.exp(-0.5 * rate))
    market = most + np.array([0.01, -40.0, 0.01, -40.0])
    found = QuotedChain(
        Contracts(strike, years, right, style),
        MarketTerms(100.0, rate, 0.0, cash),  # type: ignore[arg-type]
        market,
        np.zeros(4, np.int8),
    )
    assert found.status.tolist() == [ContractStatus.ABOVE_BOUND, ContractStatus.PRICED] * 2


def test_a_price_beyond_the_highest_volatility_is_above_its_bound() -> None:
    """Ten minutes before the end even 2,000 % a year is little, and the bound of theory, the share's price, far off."""
    years = np.full(1, 10.0 / (365 * 24 * 60))
    most = float(price(100.0, 100.0, 0.0, 0.0, 20.0, years[0], 1))
    assert most < 5.0
    for market, status in ((most * 1.01, ContractStatus.ABOVE_BOUND), (most * 0.99, ContractStatus.PRICED)):
        contracts = Contracts(np.full(1, 100.0), years, np.ones(1))
        found = QuotedChain(contracts, MarketTerms(100.0, 0.0), np.array([market]), np.zeros(1, np.int8))
        assert found.status.tolist() == [status]


@pytest.mark.parametrize(
    ("style", "market", "status"),
    [
        ("american", 40.0, ContractStatus.EXERCISED),
        ("american", 39.9, ContractStatus.BELOW_FLOOR),
        ("american", 40.5, ContractStatus.PRICED),
        ("european", 40.0, ContractStatus.PRICED),  # worth less than intrinsic value without volatility
        ("european", 100.0 * np.exp(-0.025) - 60.0, ContractStatus.BELOW_FLOOR),
    ],
)
def test_a_put_at_intrinsic_value_is_to_be_exercised(style: Style, market: float, status: ContractStatus) -> None:
    contracts = Contracts(np.array([100.0]), np.array([0.5]), np.array([-1.0]), style)
    found = QuotedChain(contracts, MarketTerms(60.0, 0.05), np.array([market]), np.zeros(1, np.int8))
    assert found.status.tolist() == [status]
    assert status.has_greeks == bool(np.isfinite(found.greeks.delta[0]))
    if status is ContractStatus.EXERCISED:
        assert np.isnan(found.implied_volatility[0])
        assert [float(value[0]) for value in found.greeks] == [40.0, -1.0, *8 * [0.0]]


def test_every_status_has_words_of_its_own() -> None:
    assert len({status.words for status in ContractStatus}) == len(ContractStatus)


def test_a_rate_out_of_its_domain_is_a_mistake_and_raises() -> None:
    *_, market = chain("american")
    with pytest.raises(PricingError, match="rate is 5"):
        _ = quoted("american", market, rate=5.0).implied_volatility
    with pytest.raises(PricingError, match="spot is 0"):
        MarketTerms(0.0, 0.05).check()


def test_the_rate_of_an_option_on_a_future_discounts_and_nothing_else() -> None:
    strike, rate, _, years, right, volatility, _ = chain("european")
    market = price(100.0, strike, rate, rate, volatility, years, right, style="european")
    found = quoted("european", market, on_future=True)
    np.testing.assert_allclose(found.implied_volatility, volatility, rtol=1e-9)
    np.testing.assert_allclose(found.greeks.rho, -years * market, rtol=1e-9)
    assert found.with_parity() is found


def test_announced_dividends_reach_the_values() -> None:
    *_, market = chain("american")
    plain = quoted("american", market)
    found = quoted("american", market, dividends=([0.05], [2.0]), scheme="fast")
    calls = chain("american")[4] > 0.0
    both = (found.status == ContractStatus.PRICED) & calls
    assert both.sum() >= 10
    assert (found.implied_volatility[both] > plain.implied_volatility[both]).all()


def test_at_the_money_is_read_between_the_strikes_on_both_sides() -> None:
    strike, *_, years, _, volatility, market = chain("american")
    near = years == 0.1
    # At spot 102.5 the smile is read halfway between 100 and 105, in logarithms, from puts below and calls above.
    found = quoted("american", market)
    assert found.at_the_money(near) == pytest.approx(float(volatility[strike == 100.0][0]), abs=2e-5)
    assert np.isnan(found.at_the_money(near & (strike > 100.0)))
    rate, dividend_yield = 0.05, 0.021
    other = price(102.5, strike, rate, dividend_yield, volatility, years, chain("american")[4])
    weight = np.log(1.025) / np.log(1.05)
    between = (1.0 - weight) * volatility[strike == 100.0][0] + weight * volatility[strike == 105.0][0]
    moved = quoted("american", other, spot=102.5, dividend_yield=dividend_yield)
    assert moved.at_the_money(near) == pytest.approx(float(between), abs=1e-4)


def test_one_quotes_mid_is_the_market_price_of_it() -> None:
    for bid, ask in ((9.98, 10.02), (10.0, 10.0), (10.02, 9.98), (0.0, 1.0), (-1.0, 1.0), (np.nan, 1.0), (1.0, np.nan)):
        (expected,), _ = market_price(bid, ask, np.nan)
        assert np.array_equal(quote_mid(bid, ask), expected, equal_nan=True), (bid, ask)
    assert quote_mid(9.98, 10.02) == 10.0


def pair(spot: float, market: list[float], ask: list[float], style: Style = "european", **terms: object) -> QuotedChain:
    """A call and a put of strike 60, half a year, rate 5 %, yield 2 % unless told, with their asks."""
    contracts = Contracts(np.full(2, 60.0), np.full(2, 0.5), np.array([1.0, -1.0]), style)
    codes = np.asarray(terms.pop("status", [0, 0]), np.int8)
    known = MarketTerms(**({"spot": spot, "rate": 0.05, "dividend_yield": 0.02} | terms))  # type: ignore[arg-type]
    return QuotedChain(contracts, known, np.array(market), codes, ask=ask)


@pytest.mark.parametrize("style", ["american", "european"])
@pytest.mark.parametrize("spot", [35.0, 100.0])
def test_a_quote_about_the_floor_is_valued_at_its_mirrors_volatility(style: Style, spot: float) -> None:
    """The limit of a price without volatility is exact; the mirror's price is made at a volatility that is known."""
    terms = (spot, 60.0, 0.05, 0.02)
    right = np.array([1.0, -1.0])
    deep = int(spot < 60.0)  # the put of a low spot, the call of a high one
    worth = price(*terms, 0.45, 0.5, right, style=style, scheme="high_precision")
    floor = price(*terms, 0.0, 0.5, right, style=style)[deep]
    market, ask = worth.copy(), worth + 0.05
    market[deep], ask[deep] = floor - 0.02, floor + 0.1
    found = pair(spot, market.tolist(), ask.tolist(), style)
    assert found.status[deep] == ContractStatus.MIRRORED
    assert found.status[1 - deep] == ContractStatus.PRICED
    assert np.isnan(found.implied_volatility[deep])
    np.testing.assert_allclose(found.volatility, 0.45, atol=1e-5)
    expected = greeks(*terms, 0.45, 0.5, right, style=style, scheme="high_precision")
    for name in ("price", "delta", "gamma", "vega", "theta", "rho"):
        values, reference = getattr(found.greeks, name), getattr(expected, name)
        np.testing.assert_allclose(values, reference, atol=1e-3 * (1.0 + np.abs(reference).max()), err_msg=name)


def test_without_a_volatility_of_the_mirror_the_limit_of_none_counts() -> None:
    """A European call held for sure is S exp(-qT) - K exp(-rT), whose derivatives are by hand."""
    spot, years = 100.0, 0.5
    carried, discounted = spot * np.exp(-0.02 * years), 60.0 * np.exp(-0.05 * years)
    found = pair(spot, [carried - discounted - 0.02, np.nan], [carried - discounted + 0.1, np.nan])
    assert ContractStatus(found.status[0]) is ContractStatus.AT_FLOOR
    assert (found.volatility[0], np.isnan(found.implied_volatility[0])) == (0.0, True)
    by_hand = {
        "price": carried - discounted,
        "delta": carried / spot,
        "gamma": 0.0,
        "vega": 0.0,
        "theta": 0.02 * carried - 0.05 * discounted,
        "rho": years * discounted,
        "epsilon": -years * carried,
    }
    for name, value in by_hand.items():
        np.testing.assert_allclose(getattr(found.greeks, name)[0], value, rtol=1e-12, atol=1e-14, err_msg=name)
    assert found.leverage[0] == pytest.approx(carried / found.market[0])
    # Exercised at once it is intrinsic value, and what a dividend takes of the spot is no longer in the delta.
    put = pair(35.0, [np.nan, 24.9], [np.nan, 25.3], "american")
    assert ContractStatus(put.status[1]) is ContractStatus.AT_FLOOR
    np.testing.assert_allclose([value[1] for value in put.greeks], [25.0, -1.0, *8 * [0.0]], atol=1e-12)
    paid = Dividends([0.1], [1.0], [0.05])
    known = pair(spot, [30.0, np.nan], [40.0, np.nan], dividends=paid, dividend_yield=0.0)
    assert ContractStatus(known.status[0]) is ContractStatus.AT_FLOOR
    assert known.greeks.delta[0] == pytest.approx(0.95, rel=1e-12)


def test_a_quote_below_the_floor_with_its_ask_contradicts_the_model() -> None:
    floor = 25.0  # of the American put at spot 35
    for ask, status in (
        (floor - 1e-6, ContractStatus.BELOW_FLOOR),
        (floor, ContractStatus.AT_FLOOR),
        (np.nan, ContractStatus.BELOW_FLOOR),
    ):
        found = pair(35.0, [np.nan, floor - 0.1], [np.nan, ask], "american")
        assert ContractStatus(found.status[1]) is status
        assert status.has_greeks == bool(np.isfinite(found.greeks.delta[1])) == bool(np.isfinite(found.volatility[1]))
    with pytest.raises(PricingError, match=r"ask has shape \(3,\); allowed: a scalar or \(2,\)"):
        pair(35.0, [1.0, 1.0], [1.0, 1.0, 1.0])


def test_a_mirror_has_the_same_expiry_strike_and_style_and_is_priced_itself() -> None:
    """Of calls below their floor, only the one with a priced put of all that is the same takes its volatility."""
    strike = np.array([60.0, 60.0, 60.0, 65.0, 60.0])
    years = np.array([0.5, 0.5, 0.75, 0.5, 0.5])
    right = np.array([1.0, -1.0, -1.0, -1.0, -1.0])
    style = np.array(["american", "european", "american", "american", "american"])
    market = np.array([39.0, 0.3, 0.4, 0.5, 0.35])
    for own, expected in ((0.35, ContractStatus.MIRRORED), (70.0, ContractStatus.AT_FLOOR)):
        market[4] = own  # more than a put is ever worth has no volatility
        found = QuotedChain(
            Contracts(strike, years, right, style),
            MarketTerms(100.0, 0.05),
            market,
            np.zeros(5, np.int8),
            ask=np.where(right > 0.0, 45.0, np.nan),
        )
        assert ContractStatus(found.status[0]) is expected
        assert found.volatility[0] == (found.volatility[4] if expected is ContractStatus.MIRRORED else 0.0)


def test_with_parity_quotes_about_the_floor_stay_valued() -> None:
    strike, right = np.repeat([60.0, 95.0, 100.0, 105.0], 2), np.tile([1.0, -1.0], 4)
    years = np.full(8, 0.5)
    market = price(100.0, strike, 0.05, 0.03, 0.4, years, right, style="european")
    market[0] = 100.0 * np.exp(-0.03 * 0.5) - 60.0 * np.exp(-0.05 * 0.5) - 0.01
    found = QuotedChain(
        Contracts(strike, years, right, "european"),
        MarketTerms(100.0, 0.05),
        market,
        np.zeros(8, np.int8),
        ask=market + 0.1,
    ).with_parity()
    np.testing.assert_allclose(found.dividend_yield, 0.03, atol=1e-12)
    assert ContractStatus(found.status[0]) is ContractStatus.MIRRORED
    np.testing.assert_allclose(found.volatility, 0.4, atol=1e-9)


@pytest.mark.parametrize("style", ["american", "european"])
def test_without_a_bid_the_mirrors_volatility_counts_unless_the_ask_contradicts_it(style: Style) -> None:
    """A put far out of the money that nobody bids for; the call of its strike is quoted at a volatility of 45 %."""
    terms, right = (100.0, 60.0, 0.05, 0.02), np.array([1.0, -1.0])
    call, put = price(*terms, 0.45, 0.5, right, style=style, scheme="high_precision")
    status = [ContractStatus.PRICED, ContractStatus.ONE_SIDED]
    for ask, expected in ((put * 1.001, ContractStatus.MIRRORED), (put * 0.999, ContractStatus.NO_BID)):
        found = pair(100.0, [call, NAN], [call + 0.05, ask], style, status=status)
        assert ContractStatus(found.status[1]) is expected
        volatility = 0.45
        if expected is ContractStatus.NO_BID:
            volatility = float(implied_volatility(0.5 * ask, *terms, 0.5, -1, style=style))
            assert found.greeks.price[1] == pytest.approx(0.5 * ask, rel=1e-6)
        assert found.volatility[1] == pytest.approx(volatility, abs=2e-5)
        assert np.isnan([found.implied_volatility[1], found.market[1]]).all()
        reference = greeks(*terms, volatility, 0.5, -1, style=style, scheme="high_precision")
        for name in ("delta", "gamma", "vega", "theta", "rho"):
            np.testing.assert_allclose(getattr(found.greeks, name)[1], getattr(reference, name), atol=1e-3)
        assert found.leverage[1] == pytest.approx(found.greeks.delta[1] * 100.0 / (0.5 * ask))
        alone = pair(100.0, [NAN, NAN], [NAN, ask], style, status=[ContractStatus.NO_QUOTE, ContractStatus.ONE_SIDED])
        assert alone.status.tolist() == [ContractStatus.NO_QUOTE, ContractStatus.NO_BID]
        half = float(implied_volatility(0.5 * ask, *terms, 0.5, -1, style=style))
        assert alone.volatility[1] == pytest.approx(half, abs=2e-5)


def test_without_a_bid_half_an_ask_about_the_floor_is_the_limit_and_an_ask_below_it_contradicts_the_model() -> None:
    """The American put at spot 35 is worth 25 at once, of which it has all its delta."""
    for ask, status in (
        (26.0, ContractStatus.NO_BID),
        (50.0, ContractStatus.NO_BID),  # half of it is what the put is worth at once
        (24.9, ContractStatus.BELOW_FLOOR),
        (130.0, ContractStatus.ABOVE_BOUND),
        (NAN, ContractStatus.ONE_SIDED),  # a bid alone
    ):
        codes = [ContractStatus.NO_QUOTE, ContractStatus.ONE_SIDED]
        found = pair(35.0, [NAN, NAN], [NAN, ask], "american", status=codes)
        assert ContractStatus(found.status[1]) is status
        if status.has_greeks:
            assert [value[1] for value in found.greeks] == [25.0, -1.0, *8 * [0.0]]
            assert (found.volatility[1], found.price[1]) == (0.0, 0.5 * ask)
        else:
            assert np.isnan([found.greeks.delta[1], found.volatility[1], found.leverage[1]]).all()


def test_without_a_bid_what_cannot_be_valued_says_why_and_parity_takes_no_part_of_it() -> None:
    codes, market = np.full(4, ContractStatus.ONE_SIDED, np.int8), np.full(4, NAN)
    contracts = Contracts(np.array([60.0, 60.0, 60.0, 1e13]), np.array([0.5, 0.0, 0.5, 0.5]), np.full(4, -1.0))
    found = QuotedChain(contracts, MarketTerms([100.0, 100.0, 0.0, 100.0], 0.05), market, codes, ask=0.2)
    names = [ContractStatus(code).name for code in found.status]
    assert names == ["NO_BID", "EXPIRED", "NO_SPOT", "OUT_OF_DOMAIN"]
    assert np.isfinite(found.greeks.delta).tolist() == [True, False, False, False]
    assert not found.with_parity().from_parity.any()
    without = QuotedChain(contracts, MarketTerms(100.0, 0.05), market, codes)
    assert without.status.tolist() == codes.tolist()
