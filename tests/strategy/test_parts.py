import datetime as dt
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest

from alo_lib.records import Contract, InstrumentTable, Kind, OrderReason, Session, records
from alo_lib.settings import Settings
from alo_lib.settings.trading import StructureName
from alo_lib.strategy import select_contracts
from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.exits import exit_reason
from alo_lib.strategy.portfolio import Portfolio
from alo_lib.strategy.scanner import scan
from alo_lib.strategy.screening import screen_chain
from alo_lib.strategy.structures import STRUCTURES
from alo_lib.strategy.trade import Trade, TradeView
from alo_lib.strategy.valuation import value_chain
from tests.brief import BRIEF
from tests.strategy.kit import moment_of

SETTINGS = Settings(**BRIEF)
DATE = dt.date(2024, 3, 4)
DAY = 86_400 * 10**9
NOW = int(dt.datetime(2024, 3, 4, 16, tzinfo=dt.UTC).timestamp()) * 10**9


def contract(days: int, strike: float, right: int, interest: int = 0) -> Contract:
    return Contract(DATE + dt.timedelta(days), strike, right, NOW + days * DAY, interest)


# Portfolio -------------------------------------------------------------------------------------------------------


def test_fills_move_cash_and_quantity() -> None:
    portfolio = Portfolio(1000.0)
    portfolio.fill(3, -2, 1.5, 100, 1.3)
    assert (portfolio.cash, portfolio.quantity(3)) == (1000 + 300 - 1.3, -2)
    portfolio.fill(3, 2, 1.0, 100, 1.3)
    assert (portfolio.cash, portfolio.quantity(3), list(portfolio.held())) == (1000 + 100 - 2.6, 0, [])


def test_held_instruments_come_in_order() -> None:
    portfolio = Portfolio(0.0)
    for instrument in (9, 2, 5):
        portfolio.fill(instrument, 1, 1.0, 1, 0.0)
    assert list(portfolio.held()) == [2, 5, 9]


@pytest.mark.parametrize(("quantity", "money"), [(10, 5.0), (-10, -5.0), (0, 0.0)])
def test_longs_receive_and_shorts_pay_dividends(quantity: int, money: float) -> None:
    portfolio = Portfolio(0.0)
    portfolio.fill(0, quantity, 0.0, 1, 0.0)
    assert portfolio.receive_dividend(0, 0.5) == portfolio.cash == money


@pytest.mark.parametrize(
    ("shares", "factor", "after", "cash"),
    [(10, 1 / 7, 70, 0.0), (-10, 1 / 7, -70, 0.0), (15, 2.0, 7, 0.5 * 20), (-15, 2.0, -7, -0.5 * 20), (0, 0.5, 0, 0.0)],
)
def test_a_split_keeps_whole_shares_and_pays_the_rest(shares: int, factor: float, after: int, cash: float) -> None:
    portfolio = Portfolio(0.0)
    portfolio.fill(0, shares, 0.0, 1, 0.0)
    portfolio.split(0, factor, 20.0)
    assert portfolio.quantity(0) == after
    assert portfolio.cash == pytest.approx(cash)


# Selection ---------------------------------------------------------------------------------------------------------


def test_contracts_are_selected_by_days_and_strike() -> None:
    listed = [
        contract(days, strike, right) for days in (13, 14, 120, 121) for strike in (75.0, 126.0) for right in (1, -1)
    ]
    chosen = select_contracts(SETTINGS, DATE, 100.0, listed)
    assert [(c.expiry - DATE).days for c in chosen] == [14, 14, 120, 120]
    assert {c.strike for c in chosen} == {75.0}
    assert [c.right for c in chosen] == [-1, 1, -1, 1]


def test_what_may_be_subscribed_is_whole_strikes_nearest_the_money_by_the_root_of_time() -> None:
    listed = [
        contract(days, strike, right) for days in (16, 64) for strike in (92, 96, 100, 103, 108) for right in (1, -1)
    ]
    few = Settings(max_contracts_each=9)  # four strikes: distances .0417/4, .03/4, .0417/8, .03/8, 0 and 0
    chosen = select_contracts(few, DATE, 100.0, listed)
    assert [((c.expiry - DATE).days, c.strike, c.right) for c in chosen] == [
        (days, strike, right) for days, strike in ((16, 100), (64, 96), (64, 100), (64, 103)) for right in (-1, 1)
    ]


def test_the_limit_of_all_underlyings_is_shared_equally() -> None:
    listed = [contract(30, strike, right) for strike in range(90, 111) for right in (1, -1)]
    shared = Settings(underlyings="A,B,C", max_contracts=31)
    assert len(select_contracts(shared, DATE, 100.0, listed)) == 10
    assert len(select_contracts(Settings(underlyings="A"), DATE, 100.0, listed)) == 42


# Ranking -----------------------------------------------------------------------------------------------------------


def quoted_book(volatility: float = 0.3, **quote: object) -> MarketBook:
    table = InstrumentTable()
    table.add_equity("TEST")
    book = MarketBook(0, "TEST", trade_price=100.0, trade_time=NOW)
    contracts = [contract(45, strike, right, 100) for strike in np.arange(80.0, 121.0, 5.0) for right in (1, -1)]
    book.list_contracts(table.add_contracts("TEST", contracts))
    value = value_chain(book, np.full(len(contracts), volatility), 0.02, NOW).at_forecast.price
    book.quotes["bid"], book.quotes["ask"] = value - 0.02, value + 0.02
    book.quotes["bid_size"] = book.quotes["ask_size"] = 10
    for name, column in quote.items():
        book.quotes[name] = column
    book.quote_time[:] = NOW
    return book


def signals(book: MarketBook, forecast: float = 0.2, **settings: object) -> np.ndarray:
    chosen, volatility = Settings(**settings), np.full(len(book.contracts), forecast)
    return scan(book, *screen_chain(book, volatility, chosen, 0.02, NOW, []), chosen, moment_of()).signals


def test_signals_rank_by_edge_per_vega_and_tell_the_implied_volatility() -> None:
    table = signals(quoted_book(), forecast=0.27)
    assert list(table["edge_volatility"]) == sorted(table["edge_volatility"], reverse=True)
    assert table["direction"].tolist() == [-1, -1, -1]
    assert table["implied_volatility"] == pytest.approx(0.3, abs=1e-3)
    assert table["forecast_volatility"] == pytest.approx(0.27)
    # To first order the edge is vega times the difference of volatilities, less spread (twice a half) and fees.
    best = table[0]
    assert best["edge"] == pytest.approx(best["vega"] * 0.03 - 100 * 0.08 - 4, rel=0.03)


def test_a_pair_without_vega_pays_for_none_and_comes_last() -> None:
    book = quoted_book()
    settings = Settings(direction="short")
    valuation, screen = screen_chain(book, np.full(len(book.contracts), 0.2), settings, 0.02, NOW, [])
    vega = np.where(book.contracts["strike"] == 95.0, valuation.at_forecast.vega, 0.0)
    flat = replace(valuation, at_forecast=valuation.at_forecast._replace(vega=vega))
    table = scan(book, flat, screen, settings, moment_of()).signals
    assert len(table) == 3
    assert book.contracts["strike"][book.row(int(table["leg1"][0]))] == 95.0
    assert np.isfinite(table["edge_volatility"][0])
    assert table["edge_volatility"][1:].tolist() == [-np.inf, -np.inf]  # below any edge that suffices


def test_each_structure_that_can_be_set_is_there() -> None:
    assert tuple(STRUCTURES) == get_args(StructureName)
    assert all(each.name == name for name, each in STRUCTURES.items())


def test_strangles_take_the_wanted_delta() -> None:
    book = quoted_book()
    table = signals(book, structures="strangle", strangle_delta=0.25)
    strikes = {int(row["instrument"]): float(row["strike"]) for row in book.contracts}
    assert [(strikes[int(s["leg2"])], strikes[int(s["leg1"])]) for s in table[:1]] == [(95.0, 105.0)]


def test_legs_of_strangles_are_usable_and_out_of_the_money() -> None:
    book = quoted_book()
    strike, right = book.contracts["strike"], book.contracts["right"]
    assert book.spot in strike
    usable = np.ones(len(strike), np.bool_)
    delta = np.where(strike == book.spot, 0.25 * right, 0.1 * right)  # at the money would be nearest, and is not out
    candidates = STRUCTURES["strangle"].candidates
    ((call, put),) = candidates(book, usable, delta, Settings(strangle_delta=0.25))
    assert strike[put] < book.spot < strike[call]
    delta[call], usable[call] = 0.25, False  # nearest, and nobody may have it
    ((other, _),) = candidates(book, usable, delta, Settings(strangle_delta=0.25))
    assert other != call
    assert strike[other] > book.spot
    assert right[other] == 1


@pytest.mark.parametrize(
    "quote",
    [
        {"bid": np.nan},
        {"ask": np.nan},
        {"bid": 0.0},
        {"bid_size": 0},
        {"ask_size": 0},
        {"ask": 1000.0},
        {"bid": 1000.0, "ask": 999.0},
    ],
)
def test_insane_quotes_give_no_signal(quote: dict[str, float]) -> None:
    assert len(signals(quoted_book(**quote))) == 0


def test_filters_of_maturity_interest_and_age() -> None:
    assert len(signals(quoted_book(), min_open_interest=101)) == 0
    assert len(signals(quoted_book(), max_days_to_expiry=44)) == 0
    book = quoted_book()
    book.quote_time[:] = NOW - 600 * 10**9
    assert len(signals(book)) > 0
    book.quote_time[:] -= 1
    assert len(signals(book)) == 0


def test_directions_can_be_forbidden() -> None:
    assert set(signals(quoted_book(), direction="long")["direction"]) == {1}
    assert set(signals(quoted_book(volatility=0.1), direction="short")["direction"]) == {-1}


# Exits, limits -------------------------------------------------------------------------------------------------------


def trade(direction: int = -1, **changes: object) -> Trade:
    expiry = NOW + 40 * DAY
    made = Trade(0, "straddle", (1, 2), (1, 1), (expiry, expiry), direction, 5, NOW - DAY)
    made.fill(1, direction * 5, 2.0)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


FINE = TradeView(
    result=0.0,
    remaining_edge=0.05,
    remaining_gain=600.0,
    implied_volatility=0.25,
    forecast_volatility=0.2,
    short_call_strike=100.0,
)


@pytest.mark.parametrize(
    ("held", "view", "reason"),
    [
        (trade(), FINE, None),
        (trade(), replace(FINE, remaining_edge=-0.001), OrderReason.EXIT_EDGE),
        (trade(), replace(FINE, remaining_edge=np.nan), None),
        (trade(), replace(FINE, result=-501.0), OrderReason.EXIT_STOP),
        (trade(opened_at=NOW - 31 * DAY), FINE, OrderReason.EXIT_TIME),
        (trade(expiries=(NOW + 50 * DAY, NOW + 5 * DAY)), FINE, OrderReason.EXIT_EXPIRY),
    ],
)
def test_reasons_to_end_a_trade(held: Trade, view: TradeView, reason: OrderReason | None) -> None:
    assert exit_reason(held, view, quoted_book(), SETTINGS, NOW) is reason


def test_a_trade_tells_its_result_with_the_hedge() -> None:
    sold = trade()
    assert sold.premium == -1000.0
    sold.follow(100.0, -50.0)
    sold.follow(102.0, -80.0)  # the hedge held 50 shares long over 2 a share
    assert sold.result(-1100.0) == -1100.0 + 1000.0 + 100.0
    assert sold.undo(OrderReason.EXIT_STOP)
    assert (sold.wanted(1), sold.reason) == (0, OrderReason.EXIT_STOP)
    sold.fill(1, 5, 1.5)
    assert sold.result(0.0) == 1000.0 - 750.0 + 100.0


# Book and forecast ---------------------------------------------------------------------------------------------------


def test_quotes_survive_a_new_listing() -> None:
    book = quoted_book()
    kept = book.contracts[3:6].copy()
    bids = book.quotes["bid"][3:6].copy()
    book.list_contracts(kept)
    assert book.quotes["bid"].tolist() == bids.tolist()
    assert book.quotes["instrument"].tolist() == kept["instrument"].tolist()
    with pytest.raises(KeyError, match="instrument 99 is not in the chain of TEST"):
        book.row(99)


def test_the_spot_is_the_newest_sane_price() -> None:
    book = MarketBook(0, "TEST")
    assert np.isnan(book.spot)
    book.trade_price, book.trade_time = 10.0, 5
    book.quote, book.quote_at = records(Kind.QUOTE, bid=10.1, ask=10.3), 4
    assert book.spot == 10.0
    book.quote_at = 5
    assert book.spot == pytest.approx(10.2)
    book.quote["ask"] = np.nan
    assert book.spot == 10.0


def test_sessions_know_when_they_trade() -> None:
    session = Session(DATE, 100 * 10**9, 200 * 10**9)
    assert [session.is_open(t * 10**9) for t in (99, 100, 199, 200)] == [False, True, True, False]
    assert (session.seconds_since_open(150 * 10**9), session.seconds_to_close(150 * 10**9)) == (50.0, 50.0)
