"""What the limits count, and what follows where one is exceeded."""

import numpy as np
import pytest

from alo_lib.records import OrderReason
from alo_lib.settings import Settings
from alo_lib.strategy.entries import new_trade
from alo_lib.strategy.exposure import measure
from alo_lib.strategy.limits import BookRisk, drawdown_exceeded, halt_on_drawdown, review, risk_with
from alo_lib.strategy.state import StrategyState
from alo_lib.strategy.trade import Trade
from tests.strategy.kit import CALLS, NOW, PUTS, SETTINGS, hold, signal_of, state_of


def proposal(state: StrategyState, strike: int = 2, direction: int = -1, quantity: int = 10) -> Trade:
    return new_trade(state, signal_of(strike, direction)[0], quantity, NOW)


def vega_of(state: StrategyState, strike: int) -> float:
    """Money per 1.00 of volatility of one structure, at the forecast."""
    valuation = state.underlyings[0].valuation
    assert valuation is not None
    book = state.underlyings[0].book
    return float(sum(valuation.at_forecast.vega[book.row(leg)] for leg in (CALLS[strike], PUTS[strike]))) * 100.0


def test_risk_counts_what_is_held_and_what_is_wanted_and_not_held_yet() -> None:
    state = state_of()
    assert risk_with(state, SETTINGS, []) == BookRisk(0.0, 0.0, 1e6)
    short = risk_with(state, SETTINGS, [proposal(state)])
    assert short.vega == pytest.approx(-10 * vega_of(state, 2))
    assert short.margin == pytest.approx(0.2 * 100.0 * 100 * 10)
    bought = risk_with(state, SETTINGS, [proposal(state, direction=1)])
    assert bought.vega == pytest.approx(10 * vega_of(state, 2))
    assert bought.margin == 0.0


def test_what_is_held_counts_at_its_measured_vega_and_only_once() -> None:
    state = state_of(volatility=0.3, forecast=0.2)
    trade = hold(state)
    state.portfolio.fill(0, 40, 100.0, 1, 0.0)
    measure(state, SETTINGS, NOW)
    held = float(state.underlyings[0].exposure["vega"][0])
    risk = risk_with(state, SETTINGS, [])
    assert risk.vega == pytest.approx(held)
    assert risk.margin == pytest.approx(0.5 * 40 * 100.0 + 0.2 * 100.0 * 100 * 5)
    assert risk.equity == pytest.approx(1e6)
    state.portfolio.fill(trade.legs[0], 2, 0.0, 100, 0.0)  # two contracts of the call are still to be sold
    call = vega_of(state, 2) * 0.5
    assert risk_with(state, SETTINGS, []).vega == pytest.approx(held - 2 * call, rel=0.02)
    trade.undo(OrderReason.EXIT_EDGE)
    assert risk_with(state, SETTINGS, []).vega == pytest.approx(held)


def test_each_proposal_is_held_against_the_limits_with_those_accepted_before_it() -> None:
    state = state_of()
    one, two, three = proposal(state, 1), proposal(state, 2), proposal(state, 3, quantity=1)
    settings = Settings(max_vega=15 * vega_of(state, 2) * 0.01 / 1e6)  # for fifteen structures, not for twenty
    assert review(state, settings, [one, two, three]) == ([one, three], [two])
    assert review(state, settings, [two, one]) == ([two], [one])
    assert state.trades == []  # which are opened is for whoever asked


def test_a_limit_is_told_once_a_session() -> None:
    state = state_of()
    settings = Settings(max_vega=1e-6)
    for _ in range(2):
        assert review(state, settings, [proposal(state)])[0] == []
    assert state.underlyings[0].funnel["max_vega"] == 2  # counted each time
    assert [number for number, _ in state.notices] == [0]
    assert "TEST: not opened, vega of" in state.notices[0][1]
    assert state.session is not None
    state.session = state.session._replace(day=state.session.day.replace(day=5))
    review(state, settings, [proposal(state)])
    assert len(state.notices) == 2


def test_the_margin_limit_counts_every_short_structure() -> None:
    state = state_of(cash=1e5)
    settings = Settings(max_margin=0.5, max_vega=0.5)
    assert review(state, settings, [proposal(state, quantity=25)])[1] == []  # 20 % of 25 times 10,000
    refused = proposal(state, quantity=26)
    assert review(state, settings, [refused])[1] == [refused]
    assert "max-margin" in state.notices[0][1]
    assert state.underlyings[0].funnel["max_margin"] == 1


def test_too_deep_a_fall_halts_the_book_for_good() -> None:
    state = state_of()
    trade = hold(state)
    measure(state, SETTINGS, NOW)
    settings = Settings(max_drawdown=0.1)
    assert halt_on_drawdown(state, settings) == []
    assert not state.halted
    state.peak_equity = 1e6 / 0.9 * 1.001
    assert halt_on_drawdown(state, settings) == [trade]
    assert state.halted
    assert trade.undone_by is OrderReason.EXIT_RISK
    assert "below the allowed drawdown" in state.notices[0][1]
    assert halt_on_drawdown(state, settings) == []
    refused = proposal(state, 1)
    assert review(state, settings, [refused]) == ([], [refused])
    assert state.notices[1:] == [(0, "TEST: not opened, the book is halted")]
    assert state.underlyings[0].funnel["max_drawdown"] == 1


def test_the_peak_follows_equity_up_alone() -> None:
    state = state_of(cash=1000.0)
    assert state.peak_equity == 1000.0
    state.portfolio.cash = 1200.0
    measure(state, SETTINGS, NOW)
    state.portfolio.cash = 1100.0
    measure(state, SETTINGS, NOW)
    assert state.peak_equity == 1200.0
    assert drawdown_exceeded(1100.0, 1200.0, Settings(max_drawdown=0.05))
    assert np.isclose(float(state.underlyings[0].exposure["equity"][0]), 1100.0)
