"""Values, exposures and the views of trades that exits are decided by."""

import math

import numpy as np
import pytest

from alo_lib.pricing import greeks, price
from alo_lib.records import SECOND, OrderReason
from alo_lib.settings import Settings
from alo_lib.strategy.exits import end_trades, view_of
from alo_lib.strategy.exposure import equity, measure, value_chains
from alo_lib.strategy.trade import TradeView
from alo_lib.volatility.variance_clock import FULL_SESSION
from tests.strategy.kit import CALLS, DAY, NOW, PUTS, RATE, SETTINGS, hold, state_of

YEARS = 45 / 365


def test_what_is_held_is_measured_at_the_volatility_its_quotes_imply() -> None:
    state = state_of(volatility=0.3, forecast=0.2, cash=1000.0)
    hold(state, direction=1, quantity=3)
    state.portfolio.fill(0, -25, 100.0, 1, 0.0)
    measure(state, SETTINGS, NOW)
    (row,) = state.underlyings[0].exposure
    right = np.array([1.0, -1.0])
    alone = greeks(100.0, 100.0, RATE, 0.0, 0.3, YEARS, right)
    for name in ("gamma", "vega", "theta"):
        assert row[name] == pytest.approx(300.0 * getattr(alone, name).sum(), rel=1e-3)
    assert row["delta"] == pytest.approx(300.0 * alone.delta.sum() - 25, rel=1e-3)
    assert row["value"] == pytest.approx(300.0 * alone.price.sum() - 25 * 100.0, rel=1e-4)
    assert (row["structures"], row["shares"], row["spot"]) == (1, -25, pytest.approx(100.0))
    assert row["equity"] == equity(state) == pytest.approx(1000.0)  # all was bought at mid


def test_without_a_price_nothing_is_worth_anything_yet() -> None:
    state = state_of(cash=1000.0)
    book = state.underlyings[0].book
    book.quote["bid"] = book.quote["ask"] = np.nan
    assert np.isnan(book.spot)
    state.portfolio.fill(0, 40, 0.0, 1, 0.0)
    hold(state, direction=1, quantity=3)
    cash = state.portfolio.cash
    measure(state, SETTINGS, NOW)
    (row,) = state.underlyings[0].exposure
    assert (row["spot"], row["shares"], row["delta"], row["value"], row["vega"]) == (0.0, 40, 40.0, 0.0, 0.0)
    assert (row["structures"], equity(state)) == (1, cash)


def test_without_a_quote_the_last_volatility_stays_and_without_one_the_forecast() -> None:
    state = state_of(volatility=0.3, forecast=0.2)
    hold(state)
    measure(state, SETTINGS, NOW)
    underlying = state.underlyings[0]
    before = dict(underlying.implied)
    assert list(before.values()) == pytest.approx([0.3, 0.3], abs=1e-4)
    underlying.book.quotes["bid"] = np.nan
    measure(state, SETTINGS, NOW)
    assert underlying.implied == before
    underlying.implied.clear()
    measure(state, SETTINGS, NOW)
    assert set(underlying.implied.values()) == {0.2}
    worth = price(100.0, 100.0, RATE, 0.0, 0.2, YEARS, np.array([1.0, -1.0])).sum()
    assert underlying.exposure["value"][0] == pytest.approx(-500.0 * worth, rel=1e-3)


def test_a_forecast_that_no_option_can_be_priced_at_values_nothing_held() -> None:
    """Nothing is known of such a leg: it counts neither as worth something nor as a reason to stop."""
    state = state_of(volatility=0.3, forecast=math.nan, cash=1000.0)
    hold(state)
    cash = state.portfolio.cash
    state.underlyings[0].book.quotes["bid"] = np.nan
    measure(state, SETTINGS, NOW)
    (row,) = state.underlyings[0].exposure
    assert state.underlyings[0].implied == {}
    assert (row["value"], row["delta"], row["vega"], row["equity"]) == (0.0, 0.0, 0.0, cash)


def test_a_quote_older_than_is_allowed_was_made_at_another_price() -> None:
    """The spot has gone from 100 to 104 since: what is held is valued there, at the volatility that quotes implied."""
    state = state_of(volatility=0.3, forecast=0.2)
    hold(state, direction=1, quantity=3)
    measure(state, SETTINGS, NOW)
    underlying, later = state.underlyings[0], NOW + int(SETTINGS.max_quote_age * SECOND) + 1
    underlying.book.quote["bid"], underlying.book.quote["ask"] = 103.99, 104.01
    underlying.book.quote_at = later
    measure(state, SETTINGS, later)
    (row,) = underlying.exposure
    assert list(underlying.implied.values()) == pytest.approx([0.3, 0.3], abs=1e-4)
    alone = greeks(104.0, 100.0, RATE, 0.0, 0.3, YEARS, np.array([1.0, -1.0]))
    assert row["delta"] == pytest.approx(300.0 * alone.delta.sum(), rel=1e-2)
    assert row["value"] == pytest.approx(300.0 * alone.price.sum(), rel=1e-3)
    underlying.book.quote_at = later - 1  # just young enough: taken as it stands
    measure(state, SETTINGS, later)
    assert underlying.implied[CALLS[2]] < 0.3 < underlying.implied[PUTS[2]]


def test_a_leg_that_is_opened_again_is_not_measured_at_the_volatility_of_its_last_time() -> None:
    state = state_of(volatility=0.3, forecast=0.2)
    trade = hold(state)
    measure(state, SETTINGS, NOW)
    underlying = state.underlyings[0]
    assert set(underlying.implied) == set(trade.legs)
    for leg in trade.legs:
        state.portfolio.fill(leg, 5, 1.0, 100, 0.0)
    measure(state, SETTINGS, NOW)
    assert underlying.implied == {}
    underlying.book.quotes["bid"] = np.nan
    for leg in trade.legs:
        state.portfolio.fill(leg, -5, 1.0, 100, 0.0)
    measure(state, SETTINGS, NOW)
    assert underlying.implied == dict.fromkeys(trade.legs, 0.2)  # not the 30 % that its quotes had implied


def test_a_leg_that_is_not_listed_any_more_loses_its_volatility() -> None:
    state = state_of(volatility=0.3, forecast=0.2)
    trade = hold(state)
    measure(state, SETTINGS, NOW)
    underlying = state.underlyings[0]
    listed = underlying.book.contracts
    underlying.book.list_contracts(listed[listed["instrument"] != trade.legs[1]])
    measure(state, SETTINGS, NOW)
    assert list(underlying.implied) == [trade.legs[0]]


def test_chains_are_valued_where_there_is_news() -> None:
    state = state_of(forecast=0.2)
    underlying = state.underlyings[0]
    underlying.valuation, underlying.market_news = None, False
    value_chains(state, SETTINGS, NOW)
    assert underlying.valuation is None
    underlying.market_news = True
    hold(state, strike=4)  # far from the money: held, so valued
    value_chains(state, SETTINGS.model_copy(update={"max_moneyness": 0.1}), NOW)
    assert underlying.valuation is not None
    valued = np.isfinite(underlying.valuation.at_forecast.price)
    numbers = set(underlying.book.contracts["instrument"][valued].tolist())
    assert numbers == {CALLS[2], PUTS[2], CALLS[4], PUTS[4]}


def test_a_trade_is_seen_at_mid_against_its_worth_at_the_forecast() -> None:
    state = state_of(volatility=0.3, forecast=0.2)
    trade = hold(state, direction=-1, quantity=5)
    measure(state, SETTINGS, NOW)
    view = view_of(state, SETTINGS, trade, NOW)
    assert view is not None
    assert view.result == pytest.approx(0.0, abs=1e-6)  # sold at the mid that still stands
    assert view.remaining_edge == pytest.approx(0.1, rel=0.02)  # 30 % sold, 20 % expected
    right = np.array([1.0, -1.0])
    dear, cheap = (price(100.0, 100.0, RATE, 0.0, volatility, YEARS, right).sum() for volatility in (0.3, 0.2))
    assert view.remaining_gain == pytest.approx(100.0 * (dear - cheap), rel=1e-3)  # a structure, however many are held
    assert (view.implied_volatility, view.forecast_volatility) == (pytest.approx(0.3, abs=1e-3), 0.2)
    assert view.short_call_strike == 100.0
    state.underlyings[0].market_news = False
    assert view_of(state, SETTINGS, trade, NOW) is None


def test_a_stale_spot_tells_neither_result_nor_edge() -> None:
    state = state_of()
    trade = hold(state)
    measure(state, SETTINGS, NOW)
    settings = Settings(max_quote_age=60.0)
    for later, told in ((60 * 10**9, True), (60 * 10**9 + 1, False)):
        view = view_of(state, settings, trade, NOW + later)
        assert view is not None
        assert (np.isfinite(figures_of(view)) == told).all()


def test_a_leg_that_is_not_quoted_at_the_spot_tells_neither_result_nor_edge() -> None:
    """The spot fell by a tenth since the put was quoted last; at its old price the trade would be stopped."""
    state = state_of(volatility=0.3, forecast=0.2)
    trade = hold(state, direction=1)
    measure(state, SETTINGS, NOW)
    book, later = state.underlyings[0].book, NOW + int(SETTINGS.max_quote_age * SECOND) + 1
    book.quote["bid"], book.quote["ask"], book.quote_at = 89.99, 90.01, later
    book.quote_time[:] = later
    view = view_of(state, SETTINGS, trade, later)
    assert view is not None
    assert np.isfinite(figures_of(view)).all()
    book.quote_time[book.row(trade.legs[1])] = NOW
    view = view_of(state, SETTINGS, trade, later)
    assert view is not None
    assert np.isnan(figures_of(view)).all()


def figures_of(view: TradeView) -> list[float]:
    """What cannot be told where a quote is stale; the forecast can."""
    return [view.result, view.remaining_edge, view.remaining_gain, view.implied_volatility]


def test_what_is_kept_of_a_trade_is_its_view_when_it_was_undone() -> None:
    state = state_of(volatility=0.3, forecast=0.35)
    trade = hold(state)
    end_trades(state, SETTINGS, NOW)
    assert trade.undone_by is OrderReason.EXIT_EDGE
    seen = trade.seen
    assert seen is not None
    assert seen.remaining_edge < 0.0
    state.underlyings[0].forecast = dict.fromkeys(state.underlyings[0].forecast, 0.2)
    value_chains(state, SETTINGS, NOW)
    later = view_of(state, SETTINGS, trade, NOW)
    assert later is not None
    assert later.remaining_edge > 0.0
    end_trades(state, SETTINGS, NOW)
    assert trade.seen == seen


def test_trades_end_for_their_reason_and_block_the_session_unless_for_their_edge() -> None:
    for forecast, holding, reason, blocked in (
        (0.2, 30.0, None, False),
        (0.35, 30.0, OrderReason.EXIT_EDGE, False),
        (0.2, 0.5, OrderReason.EXIT_TIME, True),
    ):
        state = state_of(volatility=0.3, forecast=forecast)
        trade = hold(state)
        end_trades(state, SETTINGS.model_copy(update={"max_holding_days": holding}), NOW)
        assert trade.undone_by is reason
        assert (state.underlyings[0].book.blocked_until > NOW) is blocked
        assert state.trades == [trade]


def test_a_graver_reason_takes_the_place_of_one_that_leaves_time_and_its_view_is_kept() -> None:
    state = state_of(volatility=0.3, forecast=0.35)
    trade = hold(state)
    end_trades(state, SETTINGS, NOW)
    assert trade.undone_by is OrderReason.EXIT_EDGE
    trade.hedge_result = -0.51 * trade.gross_premium
    end_trades(state, SETTINGS, NOW)
    assert trade.undone_by is OrderReason.EXIT_STOP
    assert trade.seen is not None
    assert trade.seen.result < -0.5 * trade.gross_premium
    book = state.underlyings[0].book
    assert book.blocked_until > NOW
    book.split_pending = True
    end_trades(state, SETTINGS, NOW)
    assert trade.undone_by is OrderReason.EXIT_STOP  # it is closed at once already


def test_an_undone_trade_is_kept_until_nothing_of_it_is_left() -> None:
    state = state_of()
    trade = hold(state)
    trade.undo(OrderReason.EXIT_STOP)
    end_trades(state, SETTINGS, NOW)
    assert state.trades == [trade]
    for leg in trade.legs:
        state.portfolio.fill(leg, 5, 1.0, 100, 0.0)
    number = state.new_order(trade.legs[1], 1)
    end_trades(state, SETTINGS, NOW)
    assert state.trades == [trade]
    del state.working[number]
    end_trades(state, SETTINGS, NOW)
    assert state.trades == []


def test_trades_account_for_the_hedge_of_their_own_legs() -> None:
    state = state_of()
    first, second = hold(state, strike=1), hold(state, strike=3)
    measure(state, SETTINGS, NOW)
    book = state.underlyings[0].book
    deltas = [trade._hedged_delta for trade in (first, second)]
    assert sum(deltas) == pytest.approx(float(state.underlyings[0].exposure["delta"][0]))
    assert deltas[0] < 0 < deltas[1]  # short straddles below and above the spot
    book.quote["bid"] += 1.0
    book.quote["ask"] += 1.0
    measure(state, SETTINGS, NOW)
    assert [trade.hedge_result for trade in (first, second)] == pytest.approx([-delta for delta in deltas])


def test_expiries_to_come_are_forecast() -> None:
    underlying = state_of().underlyings[0]
    underlying.forecaster.volatility_over = lambda days: 0.01 * days  # type: ignore[method-assign]
    underlying.forecast_expiries(NOW)
    assert np.isnan(underlying.forecast_rows()).all()  # no session was told of
    opens = [NOW - FULL_SESSION // 4 + n * DAY for n in range(47) if n % 7 not in (5, 6)]  # from a Monday on
    underlying.variance_time.set_clock([(each, each + FULL_SESSION) for each in opens])
    underlying.forecast_expiries(NOW)
    days = underlying.variance_time.life(NOW, NOW + 45 * DAY).trading_days
    assert days == pytest.approx(45 * 5 / 7, abs=1.0)
    assert underlying.forecast == {NOW + 45 * DAY: pytest.approx(0.01 * days * np.sqrt(days / 252 / YEARS))}
    underlying.forecast_expiries(NOW + 45 * DAY)
    assert underlying.forecast == {}
    assert np.isnan(underlying.forecast_rows()).all()
