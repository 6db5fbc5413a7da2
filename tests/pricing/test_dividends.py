"""Cash dividends: against QuantLib's finite differences, the limit without dividends, parity and bad input."""

import numpy as np
import pytest
import QuantLib as ql  # noqa: N813

from alo_lib.pricing import Chain, PricingError, greeks, implied_volatility, price

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
    assert found == pytest.approx(peer(strike, 0.05, volatility, days, right), abs=1e-2)


def test_no_dividends_is_the_boundary_method() -> None:
    strikes = np.array([80.0, 95.0, 100.0, 120.0])
    none: tuple[list[float], list[float]] = ([], [])
    for right in (-1, +1):
        found = price(100.0, strikes, 0.05, 0.02, 0.3, 0.75, right, dividends=none)
        assert found == pytest.approx(price(100.0, strikes, 0.05, 0.02, 0.3, 0.75, right), abs=5e-3)


def test_greeks_are_those_of_the_boundary_method_without_dividends() -> None:
    found = greeks(100.0, 105.0, 0.05, 0.02, 0.3, 0.75, -1, dividends=([], []))
    for name, value in greeks(100.0, 105.0, 0.05, 0.02, 0.3, 0.75, -1)._asdict().items():
        assert getattr(found, name) == pytest.approx(float(value), rel=2e-2, abs=0.1), name


def test_a_dividend_lowers_calls_and_raises_puts() -> None:
    for right in (-1, +1):
        with_cash = price(100.0, 100.0, 0.03, 0.0, 0.25, 1.0, right, dividends=(TIMES, AMOUNTS))
        assert (with_cash - price(100.0, 100.0, 0.03, 0.0, 0.25, 1.0, right)) * right < -0.5


def test_implied_volatility_inverts() -> None:
    quoted = price(100.0, [95.0, 105.0], 0.03, 0.0, 0.25, 1.0, -1, dividends=(TIMES, AMOUNTS))
    found = implied_volatility(quoted, 100.0, [95.0, 105.0], 0.03, 0.0, 1.0, -1, dividends=(TIMES, AMOUNTS))
    assert found == pytest.approx(0.25, abs=1e-8)


def test_a_chain_drops_dividends_as_it_rolls() -> None:
    chain = Chain(100.0, 1.0, +1, dividends=(TIMES, AMOUNTS))
    chain.roll(0.2)
    later = price(100.0, 100.0, 0.03, 0.0, 0.25, 0.8, +1, dividends=(TIMES[1:] - 0.2, AMOUNTS[1:]))
    assert chain.price(100.0, 0.03, 0.0, 0.25)[0] == pytest.approx(later, abs=1e-12)


@pytest.mark.parametrize("bad", [([0.0], [1.0]), ([0.5], [-1.0]), ([0.5, 0.6], [1.0]), ([np.nan], [1.0])])
def test_bad_dividends_are_named(bad: tuple[list[float], list[float]]) -> None:
    with pytest.raises(PricingError, match="dividends"):
        price(100.0, 100.0, 0.03, 0.0, 0.25, 1.0, +1, dividends=bad)
