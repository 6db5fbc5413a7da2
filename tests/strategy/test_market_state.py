"""A market whose smiles are known, what is told of it, where it stands, and what its strikes are worth."""

import datetime as dt
import math
import statistics

import numpy as np
import pytest
from numpy.typing import NDArray

from alo_lib.core import CoreState, pack, unpack
from alo_lib.pricing import Chain
from alo_lib.pricing.smile import SmileStatus
from alo_lib.records import Contract, InstrumentTable, Kind, records
from alo_lib.settings import Settings
from alo_lib.strategy.book import CashDividend, MarketBook
from alo_lib.strategy.fair_smile import fair_volatility
from alo_lib.strategy.forecast import VolatilityForecaster
from alo_lib.strategy.market_state import MarketDay, MarketHistory, fair_skew_change, is_due, look_at
from alo_lib.strategy.market_watch import look_at_market
from alo_lib.strategy.quoted_smiles import quoted_smiles
from alo_lib.strategy.state import Underlying
from alo_lib.strategy.valuation import quote_volatility
from tests.core.script import NEXT, script
from tests.strategy.kit import DATE, DAY, NOW

Array = NDArray[np.float64]
SETTINGS = Settings(fair_smile="flat")
RATE = 0.03
DAYS = (20, 45, 100)
SMILES = {20: (0.20, -0.03, 0.010), 45: (0.24, -0.025, 0.008), 100: (0.25, -0.02, 0.004)}
"""Volatility at the money forward, skew and curvature by days to expiry."""


def smile_at(strike: Array, days: int, spot: float = 100.0) -> Array:
    """What the strikes of an expiry are quoted at; beyond two deviations the smile goes on."""
    level, skew, curvature = SMILES[days]
    years = days / 365
    z = np.log(strike / (spot * math.exp(RATE * years))) / (level * math.sqrt(years))
    return np.asarray(level + skew * z + 0.5 * curvature * z * z)


def quoted_market(spread: float = 0.02, days: tuple[int, ...] = DAYS) -> Underlying:
    """One underlying at 100 with three expiries, each strike quoted about the American price on its smile."""
    table = InstrumentTable()
    table.add_equity("TEST")
    book = MarketBook(0, "TEST", trade_price=100.0, trade_time=NOW)
    contracts = [
        Contract(DATE + dt.timedelta(each), float(strike), right, NOW + each * DAY, 10)
        for each in days
        for strike in np.arange(80.0, 121.0, 2.0)
        for right in (-1, 1)
    ]
    book.list_contracts(table.add_contracts("TEST", contracts))
    strike, right = book.contracts["strike"], book.contracts["right"].astype(float)
    years = book.years_to_expiry(NOW)
    volatility = np.concatenate([smile_at(strike[np.isclose(years * 365, each)], each) for each in days])
    mid = Chain(strike, years, right).price(100.0, RATE, 0.0, volatility)
    rows = records(Kind.QUOTE, len(mid), instrument=book.contracts["instrument"], bid_size=7, ask_size=9)
    rows["bid"], rows["ask"] = mid - spread / 2, mid + spread / 2
    book.take_quotes(rows, NOW)
    underlying = Underlying(book, VolatilityForecaster(SETTINGS), market_news=True)
    underlying.forecast = {NOW + each * DAY: SMILES[each][0] for each in days}
    underlying.band = {NOW + each * DAY: (0.1, 0.4) for each in days}
    return underlying


def test_the_smiles_that_are_quoted_are_told() -> None:
    found = quoted_smiles(quoted_market(spread=0.002).book, SETTINGS, RATE, NOW)
    assert found.smiles.status.tolist() == [SmileStatus.FITTED] * 3
    for place, days in enumerate(DAYS):
        level, skew, curvature = SMILES[days]
        assert found.smiles.at_the_money[place] == pytest.approx(level, abs=1e-4)
        assert found.smiles.skew[place] == pytest.approx(skew, abs=2e-4)
        assert found.smiles.curvature[place] == pytest.approx(curvature, abs=1e-3)
    assert found.forward == pytest.approx([100 * math.exp(RATE * days / 365) for days in DAYS])


def test_constant_maturities_are_linear_in_total_variance() -> None:
    look = look_at(quoted_market(spread=0.002).book, SETTINGS, RATE, NOW)
    by_hand = []
    for wanted, (near, far) in ((30, (20, 45)), (60, (45, 100)), (90, (45, 100))):
        variance = [SMILES[each][0] ** 2 * each for each in (near, far)]
        share = (wanted - near) / (far - near)
        by_hand.append(math.sqrt((variance[0] * (1 - share) + variance[1] * share) / wanted))
    assert look.implied == pytest.approx(by_hand, abs=1e-4)
    assert look.day.term_slope == pytest.approx(by_hand[2] - by_hand[0], abs=2e-4)
    assert look.day.skew == pytest.approx(-0.03 * 0.6 - 0.025 * 0.4, abs=2e-4)
    assert look.size == 7
    book = quoted_market(spread=0.002).book
    at = np.abs(book.contracts["strike"] - 100.0) < 0.01  # the strike nearest the forward of the first two expiries
    assert 0.0 < look.spread < float(np.max((0.002 / book.mid())[at]) * 3)


def test_a_wider_spread_makes_larger_errors_and_no_other_smile() -> None:
    narrow, wide = (look_at(quoted_market(spread=each).book, SETTINGS, RATE, NOW) for each in (0.01, 0.04))
    assert wide.implied == pytest.approx(narrow.implied, abs=2e-4)
    assert wide.errors == pytest.approx([4 * each for each in narrow.errors], rel=0.05)


def test_stale_quotes_and_one_side_tell_no_smile() -> None:
    underlying = quoted_market()
    underlying.book.quote_time[:] = NOW - DAY
    assert not look_at(underlying.book, SETTINGS, RATE, NOW).quoted.told.any()
    assert not len(look_at_market(underlying, SETTINGS, RATE, NOW))
    assert (underlying.looked_at, underlying.market_history.days) == (-1, [])
    underlying = quoted_market()
    underlying.book.quotes["bid"][underlying.book.contracts["right"] < 0] = np.nan
    assert not look_at(underlying.book, SETTINGS, RATE, NOW).quoted.told.any()


def test_what_is_told_stands_among_the_days_before() -> None:
    underlying = quoted_market()
    underlying.book.dividends = [CashDividend(NOW - 150 * DAY, 0.01), CashDividend(NOW - 60 * DAY, 0.01)]
    look = look_at(underlying.book, SETTINGS, RATE, NOW)
    implied, skew = look.implied[0], look.day.skew
    before = [MarketDay(NOW - n * DAY, implied + 0.001 * (n - 6), skew + 0.0001 * n, 0.01) for n in range(40, 0, -1)]
    underlying.market_history.days = list(before)
    (row,) = look_at_market(underlying, SETTINGS, RATE, NOW)
    assert (row["days"], row["smiles"], row["open_interest"]) == (41, 3, 1260)
    assert row["rank"] == pytest.approx(5 / 39)
    assert row["percentile"] == pytest.approx(5 / 40)
    skews = [each.skew for each in before]
    assert row["skew_score"] == pytest.approx((skew - statistics.mean(skews)) / statistics.stdev(skews))
    assert math.isnan(row["term_score"])  # all days before are alike
    assert row["ex_date"] == NOW + 30 * DAY
    assert row["forecast_60"] == pytest.approx(row["implied_60"], abs=1e-3)
    assert (row["band_low"], row["band_high"]) == pytest.approx((0.1, 0.4))
    assert underlying.market_history.days[:-1] == before
    assert underlying.looked_at == NOW


def test_fewer_than_twenty_days_say_nothing_and_a_year_is_kept() -> None:
    history = MarketHistory()
    for n in range(19):
        history.add(MarketDay(n, 0.2 + n / 100, 0.0, math.nan))
    assert all(map(math.isnan, history.standing()))
    history.add(MarketDay(19, 0.25, 0.01, math.nan))
    rank, percentile, skew, slope = history.standing()
    assert (rank, percentile) == (pytest.approx(0.05 / 0.18), 5 / 19)
    assert math.isnan(skew)
    assert math.isnan(slope)
    history.add(MarketDay(20, math.nan, 0.01, 0.0))  # a day without a volatility stands nowhere
    assert math.isnan(history.standing()[0])
    for n in range(21, 400):
        history.add(MarketDay(n, 0.2, 0.0, 0.0))
    assert (len(history.days), history.days[-1].time) == (252, 399)


def test_a_market_is_looked_at_once_a_session_from_entry_delay_on() -> None:
    delay = Settings(entry_delay=300.0)
    second = 10**9
    assert not is_due(NOW + 299 * second, NOW, -1, delay)
    assert is_due(NOW + 300 * second, NOW, -1, delay)
    assert is_due(NOW + 300 * second, NOW, NOW - DAY, delay)
    assert not is_due(NOW + 900 * second, NOW, NOW + 300 * second, delay)


# What strikes are worth ----------------------------------------------------------------------------------------------


def apart(underlying: Underlying, settings: Settings) -> tuple[Array, Array]:
    """Fair less implied volatility of the out-of-the-money contracts within two deviations, and their strikes' z."""
    book = underlying.book
    fair = fair_volatility(underlying, settings, RATE, NOW)
    years = book.years_to_expiry(NOW)
    level = np.array([underlying.forecast[each] for each in book.contracts["expiry"].tolist()])
    z = np.log(book.contracts["strike"] / (100.0 * np.exp(RATE * years))) / (level * np.sqrt(years))
    use = (np.abs(z) < 1.8) & ((z >= 0.0) == (book.contracts["right"] > 0))
    implied = quote_volatility(book, np.flatnonzero(use), RATE, NOW)
    return fair[use] - implied, z[use]


def test_flat_is_the_forecast_and_sees_an_edge_in_the_wings_that_market_does_not() -> None:
    underlying = quoted_market(spread=0.002)
    look_at_market(underlying, SETTINGS, RATE, NOW)
    flat, z = apart(underlying, SETTINGS)
    assert float(np.min(flat[z < -1.5])) < -0.03  # puts look dear
    market, _ = apart(underlying, Settings(fair_smile="market"))
    assert np.abs(market) == pytest.approx(0.0, abs=5e-4)


def test_an_edge_of_the_level_is_the_same_share_at_every_strike() -> None:
    underlying = quoted_market(spread=0.002)
    look_at_market(underlying, SETTINGS, RATE, NOW)
    underlying.forecast = {expiry: 0.9 * volatility for expiry, volatility in underlying.forecast.items()}
    fair = fair_volatility(underlying, Settings(fair_smile="market"), RATE, NOW)
    underlying.forecast = {expiry: volatility / 0.9 for expiry, volatility in underlying.forecast.items()}
    np.testing.assert_allclose(fair, 0.9 * fair_volatility(underlying, Settings(fair_smile="market"), RATE, NOW))


def test_a_fair_skew_lies_a_share_of_the_way_to_its_mean() -> None:
    underlying = quoted_market(spread=0.002)
    look_at_market(underlying, SETTINGS, RATE, NOW)
    today = underlying.market_history.days[-1]
    underlying.market_history.days = [*(today._replace(skew=today.skew + 0.021) for _ in range(20)), today]
    assert fair_skew_change(underlying.market_history, 0.5) == pytest.approx(0.01)  # 20 of 21 days are 0.021 higher
    assert fair_skew_change(underlying.market_history, 0.0) == 0.0
    moved, z = apart(underlying, Settings(fair_smile="market", skew_reversion=0.5))
    np.testing.assert_allclose(moved, 0.01 * z, atol=6e-4)
    underlying.market_history.days = [today] * 19
    assert fair_skew_change(underlying.market_history, 0.5) == 0.0


def test_a_smile_moves_with_the_forward_and_an_expiry_without_one_is_worth_nothing_known() -> None:
    underlying = quoted_market(spread=0.002)
    look_at_market(underlying, SETTINGS, RATE, NOW)
    gone = min(underlying.smiles)
    del underlying.smiles[gone]
    settings = Settings(fair_smile="market")
    before = fair_volatility(underlying, settings, RATE, NOW)
    assert np.isnan(before[underlying.book.contracts["expiry"] == gone]).all()
    own = np.flatnonzero((underlying.book.contracts["expiry"] != gone) & (underlying.book.contracts["strike"] == 100.0))
    underlying.book.take_trade(104.0, NOW + 1)
    after = fair_volatility(underlying, settings, RATE, NOW)
    np.testing.assert_allclose(after[own], [smile_at(np.array([100.0 / 1.04]), days)[0] for days in (45, 45, 100, 100)],
        atol=2e-3)  # fmt: skip


# In a running core ---------------------------------------------------------------------------------------------------


def test_a_core_tells_it_once_a_session_and_goes_on_from_a_snapshot_as_it_was() -> None:
    market = script()
    for hour in (9.55, 10.0, 11.0):
        market.bar(hour, volatility=0.25)
    market.session(NEXT, [100.0])
    market.bar(10, volatility=0.22)
    told = market.decisions(Kind.MARKET_STATE)
    assert [(len(rows), int(rows["days"][0])) for rows in told] == [(1, 1), (1, 2)]
    assert told[0]["implied_60"] == pytest.approx(0.25, abs=2e-3)
    assert told[1]["implied_60"] == pytest.approx(0.22, abs=2e-3)
    times = [message.time for message in market.journal.messages if message.kind is Kind.MARKET_STATE]
    assert dt.datetime.fromtimestamp(times[0] // 10**9, dt.UTC).time() == dt.time(15)  # at 9:33 it was too early
    state = market.core.snapshot()
    again = unpack(CoreState, pack(state), settings=market.settings)
    mine, other = (each.state.strategy.underlyings[0] for each in (state, again))
    assert (mine.smiles, mine.looked_at) == (other.smiles, other.looked_at)
    assert repr(mine.market_history) == repr(other.market_history)  # NaN is unlike itself
    assert len(mine.market_history.days) == 2
