"""Rates to each expiry in the strategy's valuation: each contract has the bits that it has at its own rate alone."""

import math

import numpy as np
import pytest

from alo_lib.core.ingest import ingest
from alo_lib.pricing import price
from alo_lib.records import DAY, YEAR, Kind, Message, records
from alo_lib.strategy.attribution import _market
from alo_lib.strategy.book import CashDividend, MarketBook
from alo_lib.strategy.edge_costs import edge_costs
from alo_lib.strategy.exposure import measure
from alo_lib.strategy.state import StrategyState
from alo_lib.strategy.stress import SHOCKS, scenario_profits
from alo_lib.strategy.valuation import forward_price, leg_greeks, quote_volatility, value_chain
from tests.core.test_ingest import book, told
from tests.strategy import basket_kit as kit
from tests.strategy.kit import NOW, RATE, moment_of

NEAR, FAR = (NOW + days * DAY for days in kit.EXPIRIES)
RATES = {NEAR: 0.01, FAR: 0.06}


def state_of(rates: dict[int, float]) -> StrategyState:
    state = kit.state_of(kit.settings_of())
    for underlying in state.underlyings.values():
        underlying.book.rates, underlying.book.priced = dict(rates), None
    return state


def book_of(rates: dict[int, float]) -> MarketBook:
    return next(iter(state_of(rates).underlyings.values())).book


def all_of(book: MarketBook, rate: float) -> np.ndarray:
    """Values, implied volatilities, greeks and stress of each row of a book, a column each."""
    rows = np.arange(len(book.contracts))
    volatility = np.full(len(rows), 0.3)
    return np.stack(
        [
            *value_chain(book, volatility, rate, NOW).at_forecast,
            quote_volatility(book, rows, rate, NOW),
            *leg_greeks(book, rows, volatility, rate, NOW),
            *scenario_profits(book, rows, volatility, rate, NOW, SHOCKS),
            forward_price(book, rate, NOW, book.contracts["expiry"]),
        ]
    )


def by_the_library(book: MarketBook, row: int) -> float:
    """What one contract is worth by the pricing library alone, at a volatility of 30 % and its own rate."""
    contract = book.contracts[row]
    found = price(
        spot=100.0,
        strike=float(contract["strike"]),
        time_to_expiry=(int(contract["expiry"]) - NOW) / YEAR,
        rate=RATES[int(contract["expiry"])],
        dividend_yield=0.0,
        volatility=0.3,
        right=int(contract["right"]),
    )
    return float(found)


def test_a_chain_has_the_prices_and_volatilities_of_the_library_contract_by_contract() -> None:
    book = book_of(RATES)
    rows = np.arange(len(book.contracts))
    alone = np.array([by_the_library(book, row) for row in rows])
    assert value_chain(book, np.full(len(rows), 0.3), RATE, NOW).at_forecast.price == pytest.approx(alone, abs=2e-3)
    book.quotes["bid"], book.quotes["ask"] = alone, alone
    assert quote_volatility(book, rows, RATE, NOW) == pytest.approx(0.3, abs=2e-4)


def test_calls_less_puts_of_european_contracts_are_the_forward_less_the_strike_at_the_expirys_rate() -> None:
    book = book_of(RATES)
    book.contracts["american"] = 0
    rows, strike = np.arange(len(book.contracts)), book.contracts["strike"]
    worth = value_chain(book, np.full(len(rows), 0.3), RATE, NOW).at_forecast.price
    calls, puts = (np.flatnonzero(book.contracts["right"] == right) for right in (1, -1))
    expiry = book.contracts["expiry"][calls]
    discount = np.array([math.exp(-RATES[each] * (each - NOW) / YEAR) for each in expiry.tolist()])
    assert np.array_equal(strike[calls], strike[puts])
    assert np.array_equal(expiry, book.contracts["expiry"][puts])
    assert worth[calls] - worth[puts] == pytest.approx(100.0 - strike[calls] * discount, abs=1e-9)


@pytest.mark.parametrize("ahead", [[], [CashDividend(NOW + 20 * DAY, 1.5)]])
def test_each_contract_has_the_bits_that_it_has_at_its_own_rate_alone(ahead: list[CashDividend]) -> None:
    def book(rates: dict[int, float]) -> MarketBook:
        made = book_of(rates)
        made.announced = list(ahead)
        return made

    told, rows = all_of(book(RATES), RATE), book({}).contracts["expiry"]
    for expiry, rate in RATES.items():
        alone = all_of(book({}), rate)
        np.testing.assert_array_equal(told[:, rows == expiry], alone[:, rows == expiry])  # NaNs, too
    assert not np.array_equal(told, all_of(book({}), RATE), equal_nan=True)


def test_an_expiry_of_which_none_is_told_has_the_rate_in_force() -> None:
    told, flat = all_of(book_of({NEAR: 0.01}), RATE), all_of(book_of({}), RATE)
    far = book_of({}).contracts["expiry"] == FAR
    assert np.array_equal(told[:, far], flat[:, far])
    assert not np.array_equal(told[:, ~far], flat[:, ~far])


def test_forwards_grow_by_the_rate_to_their_expiry() -> None:
    found = forward_price(book_of(RATES), RATE, NOW, np.array([NEAR, FAR]))
    assert found == pytest.approx([100.0 * math.exp(rate * (each - NOW) / YEAR) for each, rate in RATES.items()])


def test_quotes_are_implied_again_where_rates_become_others() -> None:
    book = book_of({})
    rows = np.arange(len(book.contracts))
    before = quote_volatility(book, rows, RATE, NOW)
    book.rates = dict(RATES)
    after = quote_volatility(book, rows, RATE, NOW)
    assert np.array_equal(after, quote_volatility(book_of(RATES), rows, RATE, NOW))
    assert not np.array_equal(before, after)


def test_what_is_held_is_measured_at_its_expirys_rate_whichever_way() -> None:
    state = state_of(RATES)
    number, underlying = next(iter(state.underlyings.items()))
    held = underlying.book.contracts["instrument"][[4, -4]].tolist()
    for leg in held:
        state.portfolio.fill(leg, 2, 3.0, 100, 0.0)
    measure(state, kit.settings_of(), NOW)
    assert [_market(state, underlying.book, leg, NOW).rate for leg in held] == [0.01, 0.06]
    assert underlying.hedged is not None
    assert underlying.hedged.rate == 0.01  # to the nearest expiry that is held
    assert state.underlyings[number].implied.keys() == set(held)


def test_what_hedging_costs_asks_for_the_rate_to_the_nearest_of_the_legs() -> None:
    """Nothing of it depends on the rate but Whalley-Wilmott's band, which discounts."""
    settings = kit.settings_of(hedge="whalley_wilmott", edge_costs="all")
    costs = []
    for rates in ({}, RATES):
        state = state_of(rates)
        underlying = next(iter(state.underlyings.values()))
        assert underlying.valuation is not None
        rows = np.array([[8, 9], [18, 19]])
        costs.append(
            edge_costs(underlying.book, underlying.valuation, np.array([1.0, 1.0]), rows, settings, moment_of(RATE))
        )
    assert np.all(costs[0].hedging != costs[1].hedging)


def test_curve_records_are_of_the_session() -> None:
    state = told()
    ingest(state, Message(Kind.CURVE, 3, records(Kind.CURVE, 2, expiry=[NEAR, FAR], rate=[0.01, 0.06])))
    assert book(state).rates == RATES
    ingest(state, Message(Kind.SESSION, 4, records(Kind.SESSION, open=5, close=9, date=20231114)))
    assert book(state).rates == {}
