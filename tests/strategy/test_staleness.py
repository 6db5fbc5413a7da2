"""What an hour bar hides: how old its last quote is."""

import numpy as np
import pytest

from alo_lib.records import HOUR
from alo_lib.settings import Settings
from alo_lib.strategy.book import CashDividend, MarketBook
from alo_lib.strategy.exits import view_of
from alo_lib.strategy.exposure import value_chains
from alo_lib.strategy.scanner import scan
from alo_lib.strategy.screening import screen_chain
from alo_lib.strategy.staleness import in_step, is_fresh, lags, parity_lag, quote_lag
from alo_lib.strategy.valuation import Valuation, value_chain
from tests.core.script import script
from tests.strategy.kit import moment_of
from tests.strategy.test_parts import NOW, quoted_book

HOURLY = Settings(resolution="hour")
SELLING = 0.25
"""A forecast below the quoted volatility of 0.3."""


def valued(book: MarketBook, forecast: float = SELLING) -> Valuation:
    return value_chain(book, np.full(len(book.contracts), forecast), 0.02, NOW)


def moved(spot: float) -> MarketBook:
    """A chain that was quoted with the underlying at 100, which is elsewhere now."""
    book = quoted_book()
    book.quote_since[:] = NOW
    book.take_trade(spot, NOW)
    return book


def pairs(book: MarketBook, settings: Settings) -> int:
    return int(funnel(book, settings)["candidates"])


def funnel(book: MarketBook, settings: Settings) -> np.void:
    forecast = np.full(len(book.contracts), SELLING)
    counts: np.void = scan(book, *screen_chain(book, forecast, settings, 0.02, NOW, []), settings, moment_of()).funnel[
        0
    ]
    return counts


@pytest.mark.parametrize("forecast", [0.2, 0.3, 0.4])
def test_quotes_in_step_are_near_parity_at_any_volatility(forecast: float) -> None:
    book = moved(100.0)
    near = np.abs(book.contracts["strike"] - 100.0) <= 5.0  # a put deep in the money is worth exercising or not
    assert parity_lag(book, valued(book, forecast).at_forecast.price, NOW)[near].max() < 0.5


@pytest.mark.parametrize("spot", [99.0, 99.8, 100.2, 101.0])
def test_quotes_that_lag_are_off_parity_by_what_the_underlying_moved(spot: float) -> None:
    book = moved(spot)
    lag = parity_lag(book, valued(book).at_forecast.price, NOW)
    # A call less a put moves by a share: half the spreads of the two are four cents.
    assert np.median(lag) == pytest.approx(abs(spot - 100.0) / 0.04, rel=0.05)
    assert (lag > 1.0).all()


@pytest.mark.parametrize("since_last", [30, 89])
def test_dividends_that_quotes_allow_for_are_no_lag(since_last: int) -> None:
    """Quotes at a forward that falls by each half dollar a quarter that goes ex before expiry, in 45 days."""
    day, amount = 24 * HOUR, 0.5
    book = quoted_book()
    paid = [NOW - (since_last + 91 * quarters) * day for quarters in (3, 2, 1, 0)]
    book.dividends = [CashDividend(time, amount) for time in paid]
    ahead = amount if since_last + 45 >= 91 else 0.0
    quoted_at = value_chain(book_at(100.0 - ahead), np.full(len(book.contracts), 0.3), 0.02, NOW).at_forecast.price
    for side, half_spread in (("bid", -0.02), ("ask", 0.02)):
        book.quotes[side] = quoted_at + half_spread
    values = valued(book, 0.3).at_forecast.price
    near = np.abs(book.contracts["strike"] - 100.0) <= 5.0
    assert parity_lag(book, values, NOW)[near].max() < 1.0
    book.dividends = []  # nobody has told of any
    values = valued(book, 0.3).at_forecast.price
    assert bool(parity_lag(book, values, NOW)[near].min() > 1.0) is (ahead > 0.0)


def book_at(spot: float) -> MarketBook:
    """The same chain, and the underlying somewhere."""
    book = quoted_book()
    book.take_trade(spot, NOW)
    return book


def test_an_hourly_run_opens_on_no_quote_that_lags() -> None:
    assert pairs(moved(100.0), HOURLY) == pairs(moved(100.0), Settings()) > 0
    assert pairs(moved(99.0), Settings()) > 0
    assert pairs(moved(99.0), HOURLY) == 0


def test_a_contract_without_its_counterpart_tells_nothing() -> None:
    book = moved(100.0)
    put = book.contracts["right"] < 0
    book.quotes["bid"][put] = np.nan
    assert np.isnan(parity_lag(book, valued(book).at_forecast.price, NOW)).all()


def test_a_lag_that_cannot_be_told_opens_nothing_and_keeps_nothing_open() -> None:
    lag = np.array([0.0, 1.0, 1.01, np.nan])
    assert in_step(lag).tolist() == [True, True, False, False]
    assert lags(lag).tolist() == [False, False, True, False]


def test_dated_quotes_do_not_lag_and_are_fresh_to_the_nanosecond() -> None:
    book = moved(99.0)
    assert in_step(quote_lag(book, valued(book).at_forecast.price, Settings(), NOW)).all()
    assert not in_step(quote_lag(book, valued(book).at_forecast.price, HOURLY, NOW)).any()
    aged = Settings(max_quote_age=60.5)
    told = NOW - 60_500_000_000
    assert is_fresh(told, aged, NOW)
    assert is_fresh(np.array([told, told - 1]), aged, NOW).tolist() == [True, False]


def test_an_unchanged_quote_is_as_old_as_the_bar_that_first_had_it() -> None:
    book = MarketBook(0, "TEST", trade_price=100.0, trade_time=NOW)
    book.list_contracts(quoted_book().contracts)
    rows = quoted_book().quotes
    book.take_quotes(rows, NOW - HOUR)
    newer = rows.copy()
    newer["bid"][:4] -= 0.01
    book.take_quotes(newer, NOW)
    assert (book.quote_time == NOW).all()
    assert book.quote_since.tolist() == [NOW] * 4 + [NOW - HOUR] * (len(rows) - 4)
    hourly, minutely = (funnel(book, each) for each in (HOURLY, Settings()))
    assert (hourly["quoted"], minutely["quoted"]) == (4, len(rows))
    book.list_contracts(book.contracts[2:6].copy())  # what stays listed keeps its age
    assert book.quote_since.tolist() == [NOW] * 2 + [NOW - HOUR] * 2


@pytest.mark.parametrize(("resolution", "known"), [("minute", True), ("hour", False)])
def test_a_trade_does_not_end_for_an_edge_that_a_lag_shows(resolution: str, known: bool) -> None:
    market = script(resolution=resolution)
    market.bar(10, volatility=0.35)
    strategy = market.core.snapshot().state.strategy
    trade, book = strategy.trades[0], strategy.underlyings[0].book
    strategy.underlyings[0].market_news = True
    for lagging in (False, True):
        if lagging:  # calls are quoted as if the underlying stood a dollar higher
            for side in ("bid", "ask"):
                book.quotes[side] += book.contracts["right"] > 0
        value_chains(strategy, market.settings, book.spot_time)
        view = view_of(strategy, market.settings, trade, book.spot_time)
        assert view is not None
        assert np.isfinite(view.remaining_edge) == (known or not lagging)
        assert np.isfinite(view.result)
