"""The carry that quotes imply is the one they were made with, and nothing that a bad quote says."""

import datetime as dt
from copy import deepcopy

import numpy as np
import pytest

from alo_lib.core import pack, unpack
from alo_lib.market import DataFolder
from alo_lib.market.generator import MarketTruth, NameTruth, generate_market
from alo_lib.market.generator.market import DISCOUNT_RATE
from alo_lib.market.generator.market import RATE as TOLD_RATE
from alo_lib.pricing import Dividends, price
from alo_lib.records import MILLISECOND, MINUTE, Contract, InstrumentTable
from alo_lib.settings import Settings
from alo_lib.simulation.moment import MarketMoment, market_at
from alo_lib.strategy.book import CashDividend, MarketBook
from alo_lib.strategy.carry import follow_carry
from alo_lib.strategy.valuation import forward_price, quote_volatility, value_chain

DATE = dt.date(2024, 3, 4)
DAY = 86_400 * 10**9
NOW = int(dt.datetime(2024, 3, 4, 16, tzinfo=dt.UTC).timestamp()) * 10**9
RATE, BORROW, SPOT, VOLATILITY = 0.04, {20: 0.08, 45: 0.05, 90: 0.03}, 100.0, 0.3
SETTINGS = Settings(carry="quotes")
HALF_SPREAD = 0.02


def listed(days: tuple[int, ...] = tuple(BORROW)) -> MarketBook:
    table = InstrumentTable()
    table.add_equity("TEST")
    book = MarketBook(0, "TEST")
    strikes, rights = range(80, 121, 5), (1, -1)
    contracts = [
        Contract(DATE + dt.timedelta(each), float(strike), right, NOW + each * DAY, 0)
        for each in days
        for strike in strikes
        for right in rights
    ]
    book.list_contracts(table.add_contracts("TEST", contracts))
    return book


def quote(book: MarketBook, time: int, spot: float = SPOT, dividends: Dividends | None = None) -> None:
    """Quote each contract about its exact price, by its own expiry's cost of borrowing."""
    contracts, years = book.contracts, book.years_to_expiry(time)
    borrow = np.array([BORROW[round((each - NOW) / DAY)] for each in contracts["expiry"].tolist()])
    value = price(spot, contracts["strike"], RATE, borrow, VOLATILITY, years, contracts["right"], dividends=dividends)
    book.quotes["bid"], book.quotes["ask"] = value - HALF_SPREAD, value + HALF_SPREAD
    book.quote_time[:] = book.quote_since[:] = time
    book.take_trade(SPOT, time)


def look_at_each(book: MarketBook, time: int, settings: Settings = SETTINGS) -> None:
    """As many frames as there are expiries, each of which looks at one."""
    for _ in BORROW:
        follow_carry(book, settings, RATE, time)


def followed(book: MarketBook, looks: int = 3, **settings: object) -> MarketBook:
    for look in range(looks):
        quote(book, NOW + look * MINUTE)
        look_at_each(book, NOW + look * MINUTE, Settings.of({"carry": "quotes", **settings}))
    return book


def carries(book: MarketBook) -> list[float]:
    return book.dividend_yield(np.array([NOW + days * DAY for days in BORROW])).tolist()


def test_each_expiry_has_the_borrow_that_its_quotes_were_made_with() -> None:
    book = followed(listed())
    assert carries(book) == pytest.approx(list(BORROW.values()), abs=1e-4)
    assert unpack(MarketBook, pack(book)).carry == book.carry


def test_calls_and_puts_imply_one_volatility_and_offer_one_edge() -> None:
    book, time = followed(listed()), NOW + 2 * MINUTE
    near = np.flatnonzero(book.contracts["strike"] == SPOT)
    implied = quote_volatility(book, near, RATE, time)
    assert implied == pytest.approx(VOLATILITY, abs=2e-4)
    worth = value_chain(book, np.full(len(book.contracts), 0.25), RATE, time).at_forecast
    edge = ((book.mid()[near] - worth.price[near]) / worth.vega[near]).reshape(-1, 2)
    assert edge[:, 0] == pytest.approx(edge[:, 1], abs=5e-4)
    book.carry.clear()  # by the rate alone they part, by what borrowing costs over vega
    apart = np.diff(quote_volatility(book, near, RATE, time).reshape(-1, 2))[:, 0]
    assert (apart < -0.03).all()


def test_cash_dividends_come_first() -> None:
    """Expected dividends explain their part; the carry is what is left, as if the company paid nothing."""
    book = listed()
    book.dividends = [CashDividend(NOW - 364 * DAY + 30 * DAY, 0.4)]
    ex_times, amounts = zip(*book.dividends_in_chain(NOW), strict=True)
    for look in range(3):
        time = NOW + look * MINUTE
        years = [(each - time) / (365 * DAY) for each in ex_times]
        quote(book, time, dividends=Dividends(years, amounts, model="escrowed"))
        look_at_each(book, time)
    # In a chain's time a call that is best exercised before an ex-date is worth some cents less than exactly.
    assert carries(book) == pytest.approx(list(BORROW.values()), abs=5e-3)
    left = SPOT - 0.4 * np.exp(-(RATE - 0.05) * 30 / 365)
    ahead = forward_price(book, RATE, NOW, np.array([NOW + 45 * DAY]))
    assert ahead == pytest.approx(left * np.exp((RATE - 0.05) * 45 / 365), abs=0.06)


def test_looks_beside_other_dividends_than_are_announced_now_do_not_count() -> None:
    """A dividend of 1.00 in 60 days: what was seen of the expiry after it is forgotten, and found again beside it."""
    book = followed(listed())
    seen = deepcopy(book.carry)
    book.announced = [CashDividend(NOW + 60 * DAY, 1.0)]
    assert unpack(MarketBook, pack(book)).announced == book.announced
    for look in range(3, 6):
        time = NOW + look * MINUTE
        quote(book, time, dividends=Dividends([(NOW + 60 * DAY - time) / (365 * DAY)], [1.0], model="escrowed"))
        follow_carry(book, SETTINGS, RATE, time)
        first, second, last = (NOW + days * DAY for days in BORROW)
        assert (book.carry[first], book.carry[second]) == (seen[first], seen[second])
        assert len(book.carry[last].yields) == look - 2
    assert carries(book) == pytest.approx(list(BORROW.values()), abs=5e-3)
    again = deepcopy(book.carry)
    book.announced = [CashDividend(NOW + 60 * DAY, 1.0), CashDividend(NOW - 5 * DAY, 0.3)]  # and one that is past
    follow_carry(book, SETTINGS, RATE, NOW + 7 * MINUTE)
    assert book.carry == again


def test_a_frame_looks_at_one_expiry_which_no_other_was_seen_before() -> None:
    book = listed()
    quote(book, NOW)
    for count in (1, 2, 3):
        follow_carry(book, SETTINGS, RATE, NOW)
        assert [len(each.yields) for each in book.carry.values()] == [1] * count
    quote(book, NOW + MINUTE)
    follow_carry(book, SETTINGS, RATE, NOW + MINUTE)
    assert sorted(len(each.yields) for each in book.carry.values()) == [1, 1, 2]


def test_nothing_counts_before_the_third_look_nor_of_undated_quotes_nor_by_the_rate_alone() -> None:
    assert carries(followed(listed(), resolution="hour")) == [0.0, 0.0, 0.0]
    assert carries(followed(listed(), looks=2)) == [0.0, 0.0, 0.0]
    assert carries(followed(listed(), carry="rate")) == [0.0, 0.0, 0.0]


def test_an_expiry_without_pairs_has_the_next_later_one_s_carry_else_the_last_before_it() -> None:
    for missing, expected in ((0, 0.05), (1, 0.03), (2, 0.05)):
        book = listed()
        unquoted = NOW + list(BORROW)[missing] * DAY
        for look in range(3):
            quote(book, NOW + look * MINUTE)
            book.quotes["bid"][(book.contracts["expiry"] == unquoted) & (book.contracts["right"] < 0)] = np.nan
            look_at_each(book, NOW + look * MINUTE)
        assert carries(book)[missing] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("fault", ["stale", "old beside the price", "wide", "old price"])
def test_quotes_that_say_little_are_not_read(fault: str) -> None:
    book = listed()
    for look in range(3):
        time = NOW + look * MINUTE
        quote(book, time, spot=97.0)
        if fault == "stale":
            book.quote_time[:] = book.quote_since[:] = book.trade_time = time - 601 * 10**9
        elif fault == "old beside the price":
            book.quote_time -= 5 * MINUTE
        elif fault == "wide":
            book.quotes["ask"] *= 1.5
        else:
            book.trade_time = time - 601 * 10**9
        look_at_each(book, time)
    assert book.carry == {}


def test_a_look_at_another_price_moves_nothing_and_carries_are_looked_at_twice_an_hour() -> None:
    book = followed(listed())
    before = carries(book)
    for minutes, looks in ((29, 3), (40, 4)):
        time = NOW + minutes * MINUTE
        quote(book, time, spot=96.0)  # all of them lag behind a price of 100
        look_at_each(book, time)
        assert [len(each.yields) for each in book.carry.values()] == [looks] * 3
    assert min(each.yields[-1] for each in book.carry.values()) > 0.15
    assert carries(book) == pytest.approx(before, abs=1e-4)


def test_what_a_live_frame_is_late_puts_no_look_off_to_another_bar() -> None:
    book = followed(listed())
    quote(book, late := NOW + 40 * MINUTE + 20 * MILLISECOND)
    look_at_each(book, late)
    quote(book, NOW + 70 * MINUTE - MILLISECOND)
    look_at_each(book, NOW + 70 * MINUTE - MILLISECOND)
    assert [len(each.yields) for each in book.carry.values()] == [4] * 3
    quote(book, in_time := NOW + 70 * MINUTE + MILLISECOND)
    look_at_each(book, in_time)
    assert [len(each.yields) for each in book.carry.values()] == [5] * 3


def test_what_expires_is_forgotten() -> None:
    book = followed(listed())
    book.list_contracts(book.contracts[book.contracts["expiry"] > NOW + 30 * DAY])
    assert sorted(book.carry) == [NOW + 45 * DAY, NOW + 90 * DAY]


# In a market of one truth --------------------------------------------------------------------------------------------

FIRST = dt.date(2024, 1, 2)
PAYS = NameTruth(ticker="PAYS", price=140.0, dividend=0.72, borrow=0.05)
NONE = NameTruth(ticker="NONE", price=75.0, borrow=0.05)
FREE = NameTruth(ticker="FREE", price=75.0)


@pytest.fixture(scope="module")
def moments(tmp_path_factory: pytest.TempPathFactory) -> dict[str, MarketMoment]:
    root = tmp_path_factory.mktemp("borrow") / "data"
    names = (PAYS, NONE, FREE)
    generate_market(root, MarketTruth(start=FIRST, end=FIRST, history_days=300, quote_minutes=15, names=names))
    found = {}
    for name in names:
        settings = Settings.of(
            {"underlyings": name.ticker, "start": FIRST, "end": FIRST, "min_coverage": 0.0, "carry": "quotes"}
        )
        found[name.ticker] = market_at(settings, DataFolder(root), dt.timedelta(hours=14))
    return found


@pytest.mark.parametrize("name", [NONE, FREE])
def test_a_planted_borrow_is_found_to_within_the_spread(moments: dict[str, MarketMoment], name: NameTruth) -> None:
    """Beside the rate that is told: options are financed at a lower one."""
    book, time = moments[name.ticker].underlying.book, moments[name.ticker].frame
    expiries = np.unique(book.contracts["expiry"])
    expected = name.borrow + TOLD_RATE - DISCOUNT_RATE
    for expiry, found in zip(expiries.tolist(), book.dividend_yield(expiries).tolist(), strict=True):
        rows = (book.contracts["expiry"] == expiry) & (np.abs(book.contracts["strike"] / book.spot - 1.0) < 0.05)
        half = 0.5 * np.nanmedian(book.quotes["ask"][rows] - book.quotes["bid"][rows])
        years = (expiry - time) / (365 * DAY)
        assert found == pytest.approx(expected, abs=2.0 * half / (book.spot * years))
    months = expiries[expiries > time + 25 * DAY]
    assert np.median(book.dividend_yield(months)) == pytest.approx(expected, abs=0.004)


def gaps(moment: MarketMoment) -> list[float]:
    """By expiry how far volatilities of call and put part at the strike nearest the spot."""
    book, found = moment.underlying.book, []
    for expiry in np.unique(book.contracts["expiry"]).tolist():
        own = np.flatnonzero(book.contracts["expiry"] == expiry)
        away = np.abs(book.contracts["strike"][own] - book.spot)
        put, call = quote_volatility(book, own[away == away.min()], moment.state.rate, moment.frame)
        found.append(float(abs(put - call)))
    return found


def test_beside_dividends_calls_and_puts_of_a_made_up_market_agree(moments: dict[str, MarketMoment]) -> None:
    moment = moments["PAYS"]
    assert len(moment.underlying.book.dividends_in_chain(moment.frame)) == 2
    assert max(gaps(moment)) < 0.005
    moment.underlying.book.carry.clear()
    assert min(gaps(moment)) > 0.02
