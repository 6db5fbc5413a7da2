"""Values do not depend on what else was asked for in the same frame, nor on what was made ready before."""

import datetime as dt
from typing import Any

import numpy as np
import pytest

from alo_lib.core import pack, unpack
from alo_lib.pricing import Dividends, Greeks, price
from alo_lib.pricing.cash_chain import CashChain
from alo_lib.records import Contract, InstrumentTable
from alo_lib.strategy.book import CarryLooks, CashDividend, MarketBook
from alo_lib.strategy.valuation import LegMarket, leg_alone, leg_greeks, quote_volatility, value_chain

DATE = dt.date(2024, 3, 4)
DAY = 86_400 * 10**9
NOW = int(dt.datetime(2024, 3, 4, 16, tzinfo=dt.UTC).timestamp()) * 10**9
RATE = 0.04
LEGS = np.array([31, 30, 7, 44], np.intp)


def fresh_book() -> MarketBook:
    table = InstrumentTable()
    table.add_equity("TEST")
    book = MarketBook(0, "TEST", trade_price=100.0, trade_time=NOW)
    contracts = [
        Contract(DATE + dt.timedelta(days), float(strike), right, NOW + days * DAY, 0)
        for days in (20, 45, 90)
        for strike in range(80, 121, 5)
        for right in (1, -1)
    ]
    book.list_contracts(table.add_contracts("TEST", contracts))
    value = value_chain(book, forecast(book), RATE, NOW).at_forecast.price * 1.05
    book.quotes["bid"], book.quotes["ask"] = value - 0.02, value + 0.02
    book.priced = None
    return book


def forecast(book: MarketBook) -> np.ndarray:
    return 0.2 + 0.1 * book.years_to_expiry(NOW)


def as_bytes(values: Greeks) -> bytes:
    return np.stack(values).tobytes()


def test_values_are_the_same_bits_whatever_was_made_ready_before() -> None:
    alone, together = fresh_book(), fresh_book()
    value_chain(together, forecast(together), RATE, NOW)
    ready = together.priced
    implied = quote_volatility(alone, LEGS, RATE, NOW)
    assert np.isfinite(implied).all()
    assert quote_volatility(together, LEGS, RATE, NOW).tobytes() == implied.tobytes()
    alone.priced = None
    expected = as_bytes(leg_greeks(alone, LEGS, implied, RATE, NOW))
    assert as_bytes(leg_greeks(together, LEGS, implied, RATE, NOW)) == expected
    assert together.priced is ready


def test_rows_that_are_not_wanted_are_not_valued_and_change_nothing() -> None:
    book = fresh_book()
    wanted = np.zeros(len(book.contracts), np.bool_)
    wanted[LEGS] = True
    everything = value_chain(book, forecast(book), RATE, NOW).at_forecast
    some = value_chain(book, forecast(book), RATE, NOW, wanted).at_forecast
    assert np.isfinite(np.stack(some)[:, wanted]).all()
    assert np.isnan(np.stack(some)[:, ~wanted]).all()
    assert np.stack(some)[:, wanted].tobytes() == np.stack(everything)[:, wanted].tobytes()


def test_rows_that_were_left_out_can_still_be_asked_for() -> None:
    for left_out in (LEGS[0], -1):  # in the midst of those made ready, and behind the last of them
        book, alone = fresh_book(), fresh_book()
        wanted = np.ones(len(book.contracts), np.bool_)
        wanted[left_out] = False
        value_chain(book, forecast(book), RATE, NOW, wanted)
        rows = np.append(LEGS, len(wanted) - 1)
        assert quote_volatility(book, rows, RATE, NOW).tobytes() == quote_volatility(alone, rows, RATE, NOW).tobytes()


def test_a_row_may_be_asked_for_twice() -> None:
    book = fresh_book()
    once = quote_volatility(book, LEGS[:1], RATE, NOW)
    assert quote_volatility(book, np.repeat(LEGS[:1], 3), RATE, NOW).tolist() == once.tolist() * 3


def test_each_row_is_valued_by_its_own_exercise_style() -> None:
    """One European contract in a chain leaves the others American."""
    book, mixed = fresh_book(), fresh_book()
    american = np.ones(len(book.contracts), np.bool_)
    deep = int(np.argmax((book.contracts["strike"] == 120.0) & (book.contracts["right"] < 0)))
    american[deep] = False
    mixed.contracts["american"] = american
    whole = np.stack(value_chain(book, forecast(book), RATE, NOW).at_forecast)
    found = np.stack(value_chain(mixed, forecast(mixed), RATE, NOW).at_forecast)
    assert found[:, american].tobytes() == whole[:, american].tobytes()
    volatility = float(forecast(book)[deep])
    years = float(book.years_to_expiry(NOW)[deep])
    alone = float(price(100.0, 120.0, RATE, 0.0, volatility, years, -1, style="european"))
    assert found[0, deep] == pytest.approx(alone, rel=1e-12)
    assert whole[0, deep] > alone + 0.01
    rows = np.array([deep, LEGS[0]], np.intp)
    implied = quote_volatility(mixed, rows, RATE, NOW)
    assert implied[1] == quote_volatility(book, rows, RATE, NOW)[1]
    mid = float(mixed.mid()[deep])
    assert price(100.0, 120.0, RATE, 0.0, implied[0], years, -1, style="european") == pytest.approx(mid, abs=1e-9)


def test_a_crossed_quote_has_no_mid_and_no_volatility() -> None:
    book = fresh_book()
    row = int(LEGS[0])
    book.quotes["bid"][row], book.quotes["ask"][row] = book.quotes["ask"][row], book.quotes["bid"][row]
    assert np.isnan(book.mid()[row])
    found = quote_volatility(book, LEGS, RATE, NOW)
    assert np.isnan(found).tolist() == [True, False, False, False]


@pytest.mark.parametrize("change", ["time", "contracts"])
def test_what_was_made_ready_does_not_outlive_its_moment_or_its_contracts(change: str) -> None:
    book = fresh_book()
    before = quote_volatility(book, LEGS, RATE, NOW)
    later = NOW + DAY if change == "time" else NOW
    if change == "contracts":
        book.list_contracts(book.contracts[1:].copy())
    again = fresh_book()
    if change == "contracts":
        again.list_contracts(again.contracts[1:].copy())
    after = quote_volatility(book, LEGS, RATE, later)
    assert after.tobytes() == quote_volatility(again, LEGS, RATE, later).tobytes()
    assert after.tobytes() != before.tobytes()


def test_what_was_made_ready_is_no_part_of_a_snapshot() -> None:
    book = fresh_book()
    bare = pack(book)
    value_chain(book, forecast(book), RATE, NOW)
    assert book.priced is not None
    assert pack(book) == bare
    assert unpack(MarketBook, bare).priced is None


def test_one_leg_alone_is_priced_by_its_own_quote_and_else_as_it_was() -> None:
    book = fresh_book()
    row = int(LEGS[0])
    mid = float(book.mid()[row])
    market = LegMarket(100.0, mid, RATE, 0.0)
    volatility = float(quote_volatility(book, LEGS[:1], RATE, NOW)[0])
    implied, alone = leg_alone(book, row, NOW, market, otherwise=9.0)
    assert implied == pytest.approx(volatility, rel=1e-9)
    assert alone.price[0] == pytest.approx(mid)
    for unexplained in (np.nan, 1000.0):
        implied, alone = leg_alone(book, row, NOW, market._replace(mid=unexplained), otherwise=volatility)
        assert implied == volatility
        assert alone.price[0] == pytest.approx(mid)
        implied, alone = leg_alone(book, row, NOW, market._replace(mid=unexplained), otherwise=np.nan)
        assert np.isnan([implied, *np.stack(alone)[:, 0]]).all()
    implied, alone = leg_alone(book, row, NOW, market._replace(spot=0.0), otherwise=volatility)
    assert np.isnan([implied, *np.stack(alone)[:, 0]]).all()


def test_values_are_with_the_dividend_that_is_announced_and_not_with_the_expected_one() -> None:
    """Paid 0.50 a year ago; announced is 1.50 nine days sooner, then that nothing is paid.

    European, which has a closed form: of early exercise a chain's time misses some.
    """
    book = fresh_book()
    book.contracts["american"] = 0
    due = NOW + 30 * DAY
    sooner = due - 9 * DAY
    book.dividends = [CashDividend(due - 364 * DAY, 0.5)]
    contracts, years, volatility = book.contracts, book.years_to_expiry(NOW), forecast(book)
    terms = 100.0, contracts["strike"], RATE, 0.0, volatility, years, contracts["right"]
    for announced, ex_time, amount in (([], due, 0.5), ([(sooner, 1.5)], sooner, 1.5), ([(sooner, 0.0)], due, 0.0)):
        book.announced, book.priced = [CashDividend(*each) for each in announced], None
        found = value_chain(book, volatility, RATE, NOW).at_forecast.price
        paid = Dividends([(ex_time - NOW) / (365 * DAY)], [amount], model="escrowed")
        np.testing.assert_allclose(found, price(*terms, style="european", dividends=paid), atol=1e-6)


def test_an_announced_dividend_goes_ex_at_its_own_open_and_is_one_s_first() -> None:
    book = fresh_book()
    ex_time = NOW + 30 * DAY
    book.announced = [CashDividend(ex_time, 0.5)]
    assert book.next_ex_date(NOW) == ex_time
    assert book.dividends_in_chain(ex_time - 1) == ((ex_time, 0.5),)
    assert book.dividends_in_chain(ex_time) == ()
    assert book.dividends_ahead(NOW, ex_time - DAY) == ()


@pytest.mark.parametrize("change", ["quote", "spot", "rate", "carry"])
def test_what_was_asked_before_in_a_moment_is_asked_anew_where_the_market_has_changed(change: str) -> None:
    book, other = fresh_book(), fresh_book()
    before, rate = quote_volatility(book, LEGS, RATE, NOW), RATE
    for each in (book, other):
        if change == "quote":
            each.quotes["ask"][LEGS[:2]] += 0.1
        elif change == "spot":
            each.take_trade(100.5, NOW)
        elif change == "carry":
            each.carry = {expiry: CarryLooks.told(NOW, 0.02) for expiry in each.expiries.time.tolist()}
    if change == "rate":
        rate = 0.03
    after = quote_volatility(book, LEGS, rate, NOW)
    assert after.tobytes() == quote_volatility(other, LEGS, rate, NOW).tobytes()
    assert (after != before).tolist() == ([True, True, False, False] if change == "quote" else [True] * len(LEGS))


def test_a_moment_looks_for_each_volatility_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    implied = CashChain.implied_volatility

    def counted(chain: CashChain, price: np.ndarray, *market: Any) -> np.ndarray:
        asked.append(int(np.isfinite(price).sum()))
        return implied(chain, price, *market)

    monkeypatch.setattr(CashChain, "implied_volatility", counted)
    book = fresh_book()
    value_chain(book, forecast(book), RATE, NOW)
    for rows in (LEGS[:2], LEGS, LEGS[1:], np.append(LEGS, 3)):
        quote_volatility(book, rows, RATE, NOW)
    assert asked == [2, 2, 1]


def test_what_is_made_ready_in_turns_for_one_moment_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    begin = CashChain.__init__

    def counted(chain: CashChain, strike: np.ndarray, *arguments: Any, **named: Any) -> None:
        made.append(len(strike))
        begin(chain, strike, *arguments, **named)

    book = fresh_book()
    monkeypatch.setattr(CashChain, "__init__", counted)
    wanted = np.zeros(len(book.contracts), np.bool_)
    wanted[LEGS] = True
    value_chain(book, forecast(book), RATE, NOW, wanted)
    others = np.array([1, 2], np.intp)
    for rows in (others, LEGS, others[:1], LEGS[:2]):
        quote_volatility(book, rows, RATE, NOW)
    assert made == [len(LEGS), len(others)]


def test_expiries_are_those_of_the_chain_that_is_listed() -> None:
    book = fresh_book()
    assert book.expiries is book.expiries
    assert (book.expiries.time[book.expiries.of_row] == book.contracts["expiry"]).all()
    first, second, third = book.expiries.time.tolist()
    by_row = book.expiries.spread({first: 0.1, third: 0.3, third + DAY: 0.4})
    for expiry, value in ((first, 0.1), (third, 0.3)):
        assert (by_row[book.contracts["expiry"] == expiry] == value).all()
    assert np.isnan(by_row[book.contracts["expiry"] == second]).all()
    book.list_contracts(book.contracts[book.contracts["expiry"] != second].copy())
    assert book.expiries.time.tolist() == [first, third]
    book.list_contracts(book.contracts[:0].copy())
    assert len(book.expiries.time) == len(book.expiries.spread({first: 0.1})) == 0
