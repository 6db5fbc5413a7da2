"""What LEAN knows of a chain's contracts, where there is no LEAN."""

import datetime as dt
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.models.kit import Algorithm, Identity, Symbol, equity, option, tell_of_chains

ONE = equity("ONE")
CALL = option(ONE, 0)
NOON = int(dt.datetime(2024, 3, 4, 17, tzinfo=dt.UTC).timestamp()) * 10**9  # in New York
YEAR = 365 * 86_400.0


class YieldModel:
    """A yield that tells what it was asked for."""

    def get_dividend_yield(self, time: dt.datetime, spot: float) -> float:
        assert (time, spot) == (dt.datetime(2024, 3, 4, 12), 50.0)
        return 0.03


@pytest.fixture
def terms(lean: Any) -> Any:
    tell_of_chains(lean, YieldModel())

    def made(announced: Any = None, dividend_yield: Any = "model", kind: int = 2, rates: Any = None) -> Any:
        identity = SimpleNamespace(market="usa", date=dt.datetime(2024, 4, 19))
        symbol = SimpleNamespace(id=identity, security_type=kind, underlying=ONE, value="ONE C")
        algorithm = Algorithm(risk_free_interest_rate_model=rates)
        return import_module("models.chain_terms").ChainTerms(algorithm, symbol, dividend_yield, announced)

    return made


def _nothing(underlying: Any, time: dt.datetime) -> list[tuple[dt.date, float]]:
    return []


def symbol(name: str, day: int) -> Symbol:
    return Symbol(name, Identity(name, 0, 0, 100.0, dt.datetime(2024, 4, day)), 2, ONE)


def test_years_end_at_each_days_settlement_which_the_first_contract_tells(terms: Any) -> None:
    chain = terms()
    assert not chain.knows(5)
    chain.learn(5, symbol("PM", 19))
    chain.learn(6, symbol("AM", 20))
    chain.learn(5, symbol("AM", 26))
    assert chain.knows(5)
    seconds = [(dt.datetime(2024, 4, 19, 20) - dt.datetime(2024, 3, 4, 17)).total_seconds()]
    seconds += [(dt.datetime(2024, 4, 20, 13, 30) - dt.datetime(2024, 3, 4, 17)).total_seconds()]
    assert chain.years(np.array([5, 6]), NOON) == pytest.approx(np.array(seconds) / YEAR, rel=1e-12)
    listed = dt.datetime(2024, 3, 5)
    assert chain.closed(listed) == NOON + 4 * 3600 * 10**9  # the close of the day before


def test_leans_own_rates_are_asked_for_today_and_a_curve_for_the_expiry(lean: Any, terms: Any) -> None:
    asked = []

    def rate(self: Any, time: dt.datetime) -> float:
        asked.append(time)
        return 0.01 * time.month

    days, expiries = np.array([5, 6]), [dt.datetime(2024, 4, 19), dt.datetime(2024, 4, 20)]
    for base, told, rates in (
        (lean.InterestRateProvider, [dt.datetime(2024, 3, 4, 12)], [0.03, 0.03]),
        (object, expiries, [0.04, 0.04]),
    ):
        chain = terms(rates=type("Rates", (base,), {"get_interest_rate": rate})())
        chain.learn(5, symbol("PM", 19))
        chain.learn(6, symbol("PM", 20))
        asked.clear()
        assert chain.rates(days, NOON) == pytest.approx(rates)
        assert asked == told
        assert chain.rates(days, NOON + 60 * 10**9) == pytest.approx(rates)
        minute_later = [] if base is lean.InterestRateProvider else told
        assert asked == told + minute_later  # LEAN's is a day's


def test_the_day_of_an_expiry_is_found_for_each_contract_of_a_chain_and_learned_once(terms: Any) -> None:
    chain, symbols = terms(), [symbol("PM", 20), symbol("AM", 19), symbol("PM", 20)]
    columns = np.zeros((3, 8))
    columns[:, 2] = 6.0, 5.0, 6.0
    for bid in (1.0, 2.0):  # a quote changes nothing of what a contract is
        columns[:, 4] = bid
        found = chain.listed(columns, symbols)
        assert found.days.tolist() == [5, 6]
        assert found.place.tolist() == [1, 0, 1]
        assert found is chain.listed(columns, [])
    found = chain.listed(columns[:1], [])  # its day is known
    assert (found.days.tolist(), found.place.tolist()) == ([6], [0])
    morning, evening = chain.years(np.array([5, 6]), NOON)
    assert evening - morning == pytest.approx((24.0 + 6.5) * 3600.0 / YEAR)


def test_what_a_contract_is_is_told_by_its_first_columns(terms: Any) -> None:
    chain = terms()
    columns = np.array([[90.0, 0.0, 5.0, 0.0, *4 * [7.0]], [95.0, 1.0, 5.0, 1.0, *4 * [7.0]]])
    found = chain.listed(columns, [symbol("PM", 19)] * 2)
    assert (found.strike.tolist(), found.right.tolist()) == ([90.0, 95.0], [1.0, -1.0])
    assert (list(found.style), found.strange) == (["american", "european"], None)
    assert [chain.listed(columns[place : place + 1], []).style for place in (0, 1)] == ["american", "european"]
    columns[1, 3] = 2.0
    found = chain.listed(columns, [])
    assert found.style == "american"
    assert found.strange is not None
    assert found.strange.tolist() == [False, True]


def test_leans_yield_is_asked_once_a_day_and_a_users_always(lean: Any, terms: Any) -> None:
    """LEAN's is cash of the past year over spot, and so known at any spot of the day; so it is with no cash."""
    asked: list[float] = []
    paid, hour = SimpleNamespace(cash=0.0), 3600 * 10**9

    def told(self: Any, time: dt.datetime, spot: float) -> float:
        asked.append(spot)
        return float(paid.cash / spot)

    model = type("History", (lean.DividendYieldProvider,), {"get_dividend_yield": told})()
    lean.DividendYieldProvider.create_for_option = staticmethod(lambda symbol: model)
    for cash, whose, expected in ((0.0, "model", 2), (1.0, "model", 2), (1.0, model, 4)):
        paid.cash = cash
        chain = terms(dividend_yield=whose)
        asked.clear()
        for time, spot in ((NOON, 50.0), (NOON + 11 * hour, 40.0), (NOON + 12 * hour, 25.0), (NOON + 13 * hour, 20.0)):
            assert chain.dividends(np.array([1.0]), spot, time)[0].tolist() == [cash / spot]
        assert len(asked) == expected


def test_the_yield_holds_after_the_last_announced_dividend(terms: Any) -> None:
    years = np.array([0.0, 0.1, 2.0])
    for none in (None, _nothing):
        rate, cash = terms(none).dividends(years, 50.0, NOON)
        assert (rate.tolist(), cash) == ([0.03] * 3, None)

    def announced(underlying: Any, time: dt.datetime) -> list[tuple[dt.date, float]]:
        assert (underlying, time) == (ONE, dt.datetime(2024, 3, 4, 12))
        return [(dt.date(2024, 9, 2), 0.75), (dt.date(2024, 6, 3), 0.5), (dt.date(2024, 3, 4), 9.0)]

    rate, cash = terms(announced).dividends(years, 50.0, NOON)
    noon = dt.datetime(2024, 3, 4, 17)
    opens = [dt.datetime(2024, month, day, 13, 30) for month, day in ((6, 3), (9, 2))]
    times = np.array([(opened - noon).total_seconds() / YEAR for opened in opens])
    assert cash is not None
    assert cash[0] == pytest.approx(times)  # today's went ex at the open
    assert cash[1].tolist() == [0.5, 0.75]
    assert rate == pytest.approx([0.0, 0.0, 0.03 * (2.0 - times[1]) / 2.0])


@pytest.mark.parametrize(("kind", "spot"), [(9, 50.0), (2, 0.0), (2, np.nan)])
def test_an_option_on_a_future_or_without_a_spot_has_no_dividends(terms: Any, kind: int, spot: float) -> None:
    chain = terms(kind=kind)
    assert chain.on_future is (kind == 9)
    rate, cash = chain.dividends(np.array([0.1, 1.0]), spot, NOON)
    assert (rate.tolist(), cash) == ([0.0, 0.0], None)


def test_a_yield_is_leans_or_a_users(terms: Any) -> None:
    other = SimpleNamespace(get_dividend_yield=lambda time, spot: 0.07)
    assert terms(dividend_yield=other).dividends(np.array([1.0]), 50.0, NOON)[0].tolist() == [0.07]


def test_a_stock_of_a_few_cents_has_its_yield(terms: Any) -> None:
    other = SimpleNamespace(get_dividend_yield=lambda time, spot: 0.01 / spot)
    rate, cash = terms(dividend_yield=other).dividends(np.array([1.0]), 0.5, NOON)
    assert (rate.tolist(), cash) == ([0.02], None)
