"""The strategy over days in a market that the tests write, with a core that only connects it."""

import datetime as dt
import math

import numpy as np
import pytest

from alo_lib.records import ActionKind, DividendKind, Kind, OrderReason, OrderStatus, OrderType, records
from tests.core.script import FIRST, NEXT, Script, at, of_test, reasons, script, tell_order_event


def test_cheap_volatility_is_bought() -> None:
    market = script()
    sent = market.bar(10, volatility=0.10)
    assert set(reasons(sent[:1])) == {"ENTRY"}
    assert all(row["quantity"] > 0 for row in sent[0])


def test_fair_volatility_is_left_alone() -> None:
    market = script()
    volatility = float(np.mean([row["volatility"] for row in forecast_of(market)]))
    assert reasons(market.bar(10.1, volatility=volatility)) == []


def forecast_of(market: Script) -> np.ndarray:
    market.bar(9.55, volatility=0.35)  # within the entry delay: only looked at
    return market.decisions(Kind.FORECAST)[0]


def test_what_is_held_keeps_its_value_when_nobody_would_trade_it() -> None:
    market = script()
    market.bar(10, volatility=0.35)
    held = {symbol for symbol in market.held if symbol != "TEST"}
    market.spread = 3.0  # wider than any leg may be
    market.bar(11, volatility=0.35)
    underlying = market.core.snapshot().state.strategy.underlyings[0]
    assert underlying.valuation is not None
    price, contracts = underlying.valuation.at_forecast.price, underlying.book.contracts
    valued = {market.core.instruments.symbol(int(row["instrument"])) for row in contracts[np.isfinite(price)]}
    assert valued == held
    assert np.isnan(price).sum() == len(contracts) - len(held) > 0


def test_the_vega_budget_sizes_a_structure() -> None:
    one, two = (script(vega_budget=budget, max_structures=1) for budget in (0.0004, 0.0008))
    for market in (one, two):
        market.bar(10, volatility=0.35)
    signal = one.decisions(Kind.SIGNAL)[0][0]
    quantity = abs(one.orders[0].filled)
    assert quantity == int(0.0004 * 1_000_000 / 0.01 // signal["vega"])
    assert abs(two.orders[0].filled) in (2 * quantity, 2 * quantity + 1)


def test_no_order_exceeds_what_the_quote_displays() -> None:
    market = script(participation=0.5)
    market.size = 4
    market.bar(10, volatility=0.35)
    assert {abs(order.quantity) for order in market.orders if order.symbol != "TEST"} == {2}


def test_a_quote_is_not_taken_twice() -> None:
    market = script()
    market.shares_shown = 100
    sent = market.bar(10, spot=103, volatility=0.35)
    hedges = [int(row["quantity"]) for intents in sent for row in intents if row["reason"] == OrderReason.HEDGE]
    assert hedges == [-100] or hedges == [100]
    assert abs(market.decisions(Kind.EXPOSURE)[-1][0]["delta"]) > 50  # there is more to hedge, from the next quote
    assert reasons(market.bar(10.1, spot=103, volatility=0.35)[:1]) == ["HEDGE"]


@pytest.mark.parametrize(("hour", "entered"), [(9.55, False), (10, True), (15.8, False), (16, False)])
def test_entries_keep_away_from_open_and_close(hour: float, entered: bool) -> None:
    assert bool(reasons(script().bar(hour, volatility=0.35))) is entered


def test_the_band_holds_the_hedge_back() -> None:
    market = script(hedge="delta_band", hedge_band=0.05)
    market.bar(10, volatility=0.35)
    assert reasons(market.bar(10.1, spot=100.1, volatility=0.35)) == []
    assert reasons(market.bar(10.2, spot=103, volatility=0.35)) == ["HEDGE"]


def test_a_trade_ends_when_its_edge_is_gone() -> None:
    market = script()
    market.bar(10, volatility=0.35)
    sent = market.bar(11, volatility=0.15)
    assert reasons(sent[:1]) == ["EXIT_EDGE"] * 4
    assert reasons(sent[1:]) == ["HEDGE"] * bool(reasons(sent[1:]))
    assert market.held == {}


def test_a_trade_ends_when_it_has_lost_too_much() -> None:
    market = script(stop_loss=0.1)
    market.bar(10, volatility=0.35)
    assert reasons(market.bar(11, volatility=0.45)[:1]) == ["EXIT_STOP"] * 4
    assert reasons(market.bar(12, volatility=0.45)) == []  # nothing is reopened in this session


def test_a_trade_ends_in_time() -> None:
    market = script(max_holding_days=1)
    market.bar(10, volatility=0.35)
    market.session(FIRST + dt.timedelta(days=2), [100.0, 100.5])
    assert reasons(market.bar(10, volatility=0.35)[:1]) == ["EXIT_TIME"] * 4


def test_a_trade_ends_before_expiry() -> None:
    market = script(min_days_to_expiry=45, exit_days_to_expiry=44.5)
    market.bar(10, volatility=0.35)
    market.session(NEXT, [100.0])
    assert reasons(market.bar(10, volatility=0.35)[:1]) == ["EXIT_EXPIRY"] * 4


def test_short_calls_in_the_money_are_closed_before_a_dividend() -> None:
    market = script(dividend_guard_days=3)
    quarter = 91 * 24 * 3600 * 10**9
    ex_dates = [at(FIRST, 9.5) + 2 * 24 * 3600 * 10**9 - n * quarter for n in (2, 1)]
    for time in ex_dates:
        market.tell(at(FIRST, 9), Kind.DIVIDEND, records(Kind.DIVIDEND, time=time, amount=0.2))
    market.bar(10, volatility=0.35)
    assert set(reasons(market.bar(11, spot=104, volatility=0.35)[:1])) == {"EXIT_DIVIDEND"}


@pytest.mark.parametrize(("amount", "days", "closed"), [(0.2, 2, True), (0.2, 40, False), (0.0, 2, False)])
def test_an_announced_dividend_moves_the_guard_s_day(amount: float, days: int, closed: bool) -> None:
    """Last year's makes one expect another in two days: it comes then, in forty days besides, or not at all."""
    market = script(dividend_guard_days=3)
    day = 24 * 3600 * 10**9
    expected = days == 2
    paid = at(FIRST, 9.5) + (2 - 364) * day
    if expected:
        market.tell(at(FIRST, 9), Kind.DIVIDEND, records(Kind.DIVIDEND, time=paid, amount=0.2))
    announced = records(Kind.ANNOUNCED, time=at(FIRST, 9.5) + days * day, amount=amount)
    market.tell(at(FIRST, 9), Kind.ANNOUNCED, announced)
    market.bar(10, volatility=0.35)
    reached = "EXIT_DIVIDEND" in reasons(market.bar(11, spot=104, volatility=0.35)[:1])
    assert reached is closed


def test_a_split_warning_closes_options_and_opens_none() -> None:
    market = script()
    market.bar(10, volatility=0.35)
    market.session(NEXT, [100.0])
    split = {"time": at(NEXT, 9.5), "instrument": 0, "factor": 0.5}
    market.tell(at(NEXT, 9), Kind.SPLIT, records(Kind.SPLIT, warning=1, **split))
    assert reasons(market.bar(10, volatility=0.35)[:1]) == ["EXIT_SPLIT"] * 4
    assert reasons(market.bar(11, volatility=0.35)) == []
    assert market.held == {}
    assert "splits before the next session" in market.notices()[0]


def test_an_action_ahead_closes_options_and_opens_none_until_the_next_session() -> None:
    market = script()
    market.bar(10, volatility=0.35)
    action = {"time": at(NEXT, 9.5) + 24 * 3600 * 10**9, "instrument": 0, "action": ActionKind.SPIN_OFF}
    market.session(NEXT, [100.0])
    market.tell(at(NEXT, 9), Kind.ACTION, records(Kind.ACTION, **action))
    assert reasons(market.bar(10, volatility=0.35)[:1]) == ["EXIT_ACTION"] * 4
    assert reasons(market.bar(11, volatility=0.35)) == []
    assert market.held == {}
    assert "TEST has a spin-off before the next session" in market.notices()[0]
    market.session(NEXT + dt.timedelta(days=1), [100.0])
    assert reasons(market.bar(10, volatility=0.35)[:1]) == ["ENTRY"] * 4


@pytest.mark.parametrize("kind", list(DividendKind))
def test_what_is_distributed_ends_trades_where_contracts_are_adjusted_for_it(kind: DividendKind) -> None:
    """Those that were listed before are not traded any more, whatever they seem to be worth; new ones are."""
    market = script()
    market.bar(10, volatility=0.35)
    paid = records(Kind.DIVIDEND, time=at(NEXT, 9.5), kind=kind, amount=8.0, reference=100.0)
    market.tell(at(NEXT, 9), Kind.DIVIDEND, paid)
    market.session(NEXT, [100.0])
    sent = reasons(market.bar(10, spot=92.0, volatility=0.35)[:1])
    told = market.core.snapshot().state.strategy.underlyings[0].book.dividends
    assert bool(told) is (kind is DividendKind.ORDINARY)
    if kind is not DividendKind.ADJUSTING:
        assert "EXIT_ACTION" not in sent
        return
    assert sent == ["EXIT_ACTION"] * 4
    assert market.held == {}
    assert reasons(market.bar(11, spot=92.0, volatility=0.6)) == []
    assert "TEST: 8.00 a share was distributed beside dividends" in market.notices()[0]
    exits = np.concatenate(market.decisions(Kind.EXIT))
    assert np.isnan(exits["gain"]).all()
    market.session(NEXT + dt.timedelta(days=1), [92.0])
    assert reasons(market.bar(10, spot=92.0, volatility=0.35)) == []
    market.strikes = (85.0, 92.0, 100.0)
    market.session(NEXT + dt.timedelta(days=2), [92.0])
    book = market.core.snapshot().state.strategy.underlyings[0].book
    assert book.contracts["strike"][book.may_be_opened()].tolist() == [92.0, 92.0]


def test_the_drop_of_a_spin_off_is_no_return() -> None:
    """Forecasts are those of a stock that went on without it."""
    forecasts = []
    for left in (1.0, 0.88):
        market = script()
        if left < 1.0:
            # A script's closes are of nine in the morning.
            paid = records(Kind.DIVIDEND, time=at(NEXT, 8.5), kind=2, amount=12.0, reference=100.0)
            market.tell(at(NEXT, 9), Kind.DIVIDEND, paid)
        market.session(NEXT, [100.0])
        market.session(NEXT + dt.timedelta(days=1), [101.0 * left])
        market.session(NEXT + dt.timedelta(days=2), [100.5 * left])
        market.bar(10, spot=100.5 * left, volatility=0.2)
        forecasts.append(market.decisions(Kind.FORECAST)[-1]["volatility"])
    assert forecasts[1] == pytest.approx(forecasts[0], rel=1e-9)


def test_a_refused_leg_undoes_its_trade() -> None:
    twin, market = script(max_structures=1), script(max_structures=1)
    twin.bar(10, volatility=0.35)
    market.refuse = {next(order.symbol for order in twin.orders if "C" in order.symbol[6:])}
    sent = market.bar(10, volatility=0.35)
    assert reasons(sent) == ["ENTRY", "ENTRY", "REBALANCE"]
    assert market.held == {}
    assert reasons(market.bar(11, volatility=0.35)) == []
    assert "was refused; no more of its trade is opened" in market.notices()[0]


def test_limits_stop_proposals() -> None:
    market = script(max_vega=1e-6)  # less than one contract's
    assert reasons(market.bar(10, volatility=0.35)) == []
    limited = [target for table in market.decisions(Kind.TARGET) for target in table if target["stage"] == 1]
    assert limited
    assert all(target["quantity"] == 0 for target in limited)
    market.bar(10.1, volatility=0.35)
    (notice,) = market.notices()  # once a session
    assert "TEST: not opened, vega a volatility point of" in notice


def test_a_drawdown_flattens_the_book_for_good() -> None:
    market = script(max_drawdown=0.001, stop_loss=10, vega_budget=0.002, max_vega=0.01)
    market.bar(10, volatility=0.35)
    assert set(reasons(market.bar(11, volatility=0.60)[:1])) >= {"EXIT_RISK"}
    market.bar(12, volatility=0.60)
    assert market.held == {}
    market.session(NEXT, [100.0])
    assert reasons(market.bar(10, volatility=0.60)) == []


def test_too_little_history_means_no_forecast_and_no_trade() -> None:
    market = Script(of_test())
    market.session(new_closes=[100.0 + i % 7 for i in range(50)])
    assert reasons(market.bar(10, volatility=0.5)) == []
    assert "TEST: returns must hold at least 250 observations" in market.notices()[0]
    assert np.isnan(market.decisions(Kind.FORECAST)[0]["volatility"]).all()


def test_one_sided_and_stale_quotes_are_not_traded() -> None:
    market = script(max_quote_age=60)
    market.bar(9.52, volatility=0.35)
    market.tell(at(FIRST, 10), Kind.TRADE, records(Kind.TRADE, close=100.0))
    assert reasons(market.frames(at(FIRST, 10))) == []
    rows = market.quotes.copy()
    rows["bid"][1:] = np.nan
    market.tell(at(FIRST, 11), Kind.QUOTE, rows)
    assert reasons(market.frames(at(FIRST, 11))) == []


def test_a_run_may_begin_on_the_day_of_a_split() -> None:
    market = script()
    split = {"time": at(FIRST, 9.5), "instrument": 0, "factor": 0.5}
    market.tell(at(FIRST, 9), Kind.SPLIT, records(Kind.SPLIT, **split))
    assert reasons(market.bar(10, volatility=0.35)[:1]) == ["ENTRY"] * 4
    assert np.isfinite(market.decisions(Kind.EXPOSURE)[-1]["equity"]).all()


def test_only_dividends_before_a_split_are_restated() -> None:
    market = script()
    year = 365 * 24 * 3600 * 10**9
    for time, amount in ((at(FIRST, 9.5) - year // 2, 4.0), (at(FIRST, 9.5), 1.0)):
        market.tell(at(FIRST, 9), Kind.DIVIDEND, records(Kind.DIVIDEND, time=time, amount=amount))
    market.tell(at(FIRST, 9), Kind.SPLIT, records(Kind.SPLIT, time=at(FIRST, 9.5) - year // 4, factor=0.5))
    market.bar(10)
    book = market.core._state.strategy.underlyings[0].book
    assert [dividend.amount for dividend in book.dividends] == [2.0, 1.0]


def test_a_refused_hedge_waits_for_the_next_quote() -> None:
    market = script()
    market.refuse = {"TEST"}
    assert reasons(market.bar(10, spot=103, volatility=0.35)).count("HEDGE") == 1
    market.refuse = set()
    assert reasons(market.bar(11, spot=103, volatility=0.35)) == ["HEDGE"]


def test_an_assigned_leg_ends_its_trade_and_is_not_sold_again() -> None:
    market = script(max_structures=1)
    market.bar(10, volatility=0.35)
    leg = next(order for order in market.orders if "C" in order.symbol[6:])
    number = market.core.instruments.number(leg.symbol)
    assigned = {"instrument": number, "quantity": -leg.filled, "status": OrderStatus.FILLED}
    tell_order_event(market, 10.9, order=0, type=OrderType.OPTION_EXERCISE, price=0.0, **assigned)
    assert reasons(market.bar(11, volatility=0.35)[:1]) == ["REBALANCE"]
    assert {symbol for symbol in market.held if symbol != "TEST"} == set()
    assert any(b"a leg was settled" in table["text"][0] for table in market.decisions(Kind.NOTICE))


def test_an_undone_trade_lives_while_an_order_of_it_works() -> None:
    market = script(max_structures=1)
    answers: list[np.void] = []
    answer = market.answer
    market.answer = lambda intent, time: answers.append(intent.copy())  # type: ignore[method-assign]
    market.bar(10, volatility=0.35)
    put, call = answers
    tell_order_event(market, 10.1, order=call["order"], instrument=call["instrument"], status=OrderStatus.INVALID)
    market.bar(10.2, volatility=0.35)
    market.answer = answer  # type: ignore[method-assign]
    market.answer(put, at(FIRST, 10.3))  # the other leg fills late
    assert "REBALANCE" in reasons(market.bar(10.4, volatility=0.35))
    assert market.held == {}


def test_nothing_is_opened_on_a_stale_spot() -> None:
    market = script()
    market.bar(10, volatility=0.2)
    rows = market.quotes[1:].copy()
    rows["bid"] *= 1.5
    rows["ask"] *= 1.5
    market.tell(at(FIRST, 11), Kind.QUOTE, rows)
    assert reasons(market.frames(at(FIRST, 11))) == []


def test_nothing_is_closed_for_its_price_on_a_stale_spot() -> None:
    market = script(stop_loss=0.1)
    market.bar(10, volatility=0.35)
    rows = market.quotes[1:].copy()
    rows["bid"] *= 2.0
    rows["ask"] *= 2.0
    market.tell(at(FIRST, 11), Kind.QUOTE, rows)
    assert reasons(market.frames(at(FIRST, 11))) == []
    market.tell(at(FIRST, 11.1), Kind.TRADE, records(Kind.TRADE, close=100.0, volume=1))
    assert set(reasons(market.frames(at(FIRST, 11.1))[:1])) == {"EXIT_STOP"}


def test_vega_counts_what_is_ordered_and_not_filled_yet() -> None:
    filled, waiting = (script(max_structures=1, max_vega=0.0007) for _ in range(2))
    filled.bar(10, volatility=0.35)
    waiting.answer = lambda intent, time: None  # type: ignore[method-assign]
    waiting.bar(10, volatility=0.35)
    state = waiting.core._state
    assert state.strategy.trades
    state.run_settings = state.run_settings.model_copy(update={"max_structures": 2})
    waiting.bar(10.1, volatility=0.35)
    first, second = state.strategy.trades
    assert 0 < second.quantity < first.quantity / 2  # cut to what the limit leaves


def test_a_forecast_within_the_session_knows_of_its_move() -> None:
    """After a fall volatility is forecast higher, where that is set at once, and by the next morning in any case."""
    told = {}
    for intraday in (False, True):
        market = Script(of_test(intraday_forecast=intraday))
        market.session(new_closes=clustered_closes())
        market.bar(15.9)
        market.session(NEXT, [100.0])
        told[intraday] = [forecast_now(market, hour, spot) for hour, spot in ((10, 100.0), (15.9, 96.0))]
        market.session(NEXT + dt.timedelta(days=1), [96.0])
        told[intraday].append(forecast_now(market, 9.6, 96.0))
    still, (quiet, fallen, morning) = told[False], told[True]
    assert still[1] == still[0]
    assert morning == pytest.approx(still[2], rel=0.02)
    assert still[2] > 1.1 * still[0]
    assert quiet == pytest.approx(still[0], rel=0.005)
    assert fallen == pytest.approx(still[2], rel=0.02)


def clustered_closes(count: int = 400) -> list[float]:
    """A path of daily closes to 100, whose volatility rises with falls."""
    variance, level, path = 1.6e-4, 0.0, [0.0]
    for shock in np.random.default_rng(5).standard_normal(count - 1):
        move = math.sqrt(variance) * float(shock)
        variance = 8e-6 + (0.05 + 0.15 * (move < 0.0)) * move * move + 0.82 * variance
        level += move
        path.append(level)
    return [100.0 * math.exp(each - level) for each in path]


def forecast_now(market: Script, hour: float, spot: float) -> float:
    """The volatility of ordinary days that is forecast, after a bar."""
    market.bar(hour, spot, 0.2)
    (ordinary,) = market.core.snapshot().state.strategy.underlyings[0].ordinary.values()
    return float(ordinary[0])
