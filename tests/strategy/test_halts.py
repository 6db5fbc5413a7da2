"""Modes of the book: what puts it into one, and what brings it back."""

import numpy as np

from alo_lib.records import BookMode, HaltCause, OrderReason
from alo_lib.settings import Settings
from alo_lib.strategy.entries import new_trade
from alo_lib.strategy.execution import orders_toward
from alo_lib.strategy.exposure import measure
from alo_lib.strategy.halts import begin_day, flatten, halt, halt_on_losses
from alo_lib.strategy.limits import review
from alo_lib.strategy.targets import Target
from tests.strategy.kit import NOW, SETTINGS, hold, signal_of, state_of


def test_too_deep_a_fall_closes_the_book_until_it_is_reset_and_the_highest_counts_from_there() -> None:
    state = state_of()
    trade = hold(state)
    measure(state, SETTINGS, NOW)
    settings = Settings(max_drawdown=0.1)
    halt_on_losses(state, settings)
    assert flatten(state) == []
    assert state.mode is BookMode.NORMAL
    state.peak_equity = 1e6 / 0.9 * 1.001
    halt_on_losses(state, settings)
    assert state.mode is BookMode.FLATTEN
    assert flatten(state) == [trade]
    assert trade.undone_by is OrderReason.EXIT_RISK
    assert "everything is closed, nothing opened; lost are" in state.notices[0][1]
    halt_on_losses(state, settings)
    assert flatten(state) == []
    refused = new_trade(state, signal_of(1, -1)[0], 10, NOW)
    assert review(state, settings, [refused], NOW).refused == [refused]
    assert len(state.notices) == 2
    assert state.notices[1][1].startswith("TEST: not opened, the fall from the highest equity")
    assert state.underlyings[0].funnel["max_drawdown"] == 1
    halt(state, HaltCause.DRAWDOWN, halted=False)
    assert state.mode is BookMode.NORMAL
    measure(state, SETTINGS, NOW)
    assert state.peak_equity == state.last_equity == float(state.underlyings[0].exposure["equity"][0])
    halt_on_losses(state, settings)
    assert state.mode is BookMode.NORMAL
    assert review(state, settings, [refused], NOW).accepted == [refused]


def test_a_session_that_lost_too_much_opens_nothing_until_the_next() -> None:
    state = state_of()
    trade = hold(state)
    measure(state, SETTINGS, NOW)
    settings = Settings(max_daily_loss=0.05)
    begin_day(state)
    before = state.day_equity
    state.portfolio.cash -= 0.04 * before
    measure(state, SETTINGS, NOW)
    halt_on_losses(state, settings)
    assert state.mode is BookMode.NORMAL
    state.portfolio.cash -= 0.02 * before
    measure(state, SETTINGS, NOW)
    halt_on_losses(state, settings)
    assert state.mode is BookMode.REDUCE_ONLY
    assert flatten(state) == []
    assert trade.undone_by is None
    assert "nothing is opened until the next one; lost are" in state.notices[0][1]
    opened = new_trade(state, signal_of(1, -1)[0], 10, NOW)
    assert review(state, settings, [opened], NOW).refused == [opened]
    assert state.underlyings[0].funnel["max_daily_loss"] == 1
    begin_day(state)
    assert state.mode is BookMode.NORMAL
    halt_on_losses(state, settings)  # what the day before lost is no loss of this one
    assert review(state, settings, [opened], NOW).accepted == [opened]


def test_a_daily_loss_that_is_reset_counts_from_there() -> None:
    state = state_of()
    state.portfolio.cash -= 200_000
    measure(state, SETTINGS, NOW)
    halt_on_losses(state, Settings(max_drawdown=0.5))
    assert state.halts == {HaltCause.DAILY_LOSS}
    halt(state, HaltCause.DAILY_LOSS, halted=False)
    halt_on_losses(state, Settings(max_drawdown=0.5))
    assert state.halts == set()


def test_of_several_causes_the_gravest_counts_and_each_has_its_way_back() -> None:
    state = state_of()
    modes = []
    for cause in (HaltCause.OPERATOR_REDUCE_ONLY, HaltCause.OPERATOR_FLATTEN, HaltCause.OPERATOR):
        halt(state, cause, halted=True)
        modes.append(state.mode)
    assert modes == [BookMode.REDUCE_ONLY, BookMode.FLATTEN, BookMode.HALTED]
    for cause in (HaltCause.OPERATOR, HaltCause.OPERATOR_FLATTEN, HaltCause.OPERATOR_REDUCE_ONLY):
        halt(state, cause, halted=False)
        modes.append(state.mode)
    assert modes[3:] == [BookMode.FLATTEN, BookMode.REDUCE_ONLY, BookMode.NORMAL]
    assert len(state.notices) == 6


def test_a_halted_book_orders_nothing_and_one_that_only_reduces_hedges() -> None:
    state = state_of()
    trade = hold(state)
    wanted = [Target(trade.legs[0], -2, OrderReason.EXIT_EDGE), Target(trade.legs[1], -9, OrderReason.ENTRY)]
    hedge = [Target(0, 40, OrderReason.HEDGE)]
    assert [order.quantity for order in orders_toward(state, SETTINGS, wanted, NOW)] == [-4, 3]
    halt(state, HaltCause.OPERATOR_REDUCE_ONLY, halted=True)
    assert [order.quantity for order in orders_toward(state, SETTINGS, wanted, NOW)] == [3]
    assert [order.quantity for order in orders_toward(state, SETTINGS, hedge, NOW)] == [40]
    halt(state, HaltCause.OPERATOR, halted=True)
    assert orders_toward(state, SETTINGS, [*wanted, *hedge], NOW) == []


def test_a_book_that_is_closed_hastens_what_was_being_closed_with_patience() -> None:
    state = state_of()
    patient, urgent = hold(state, strike=1), hold(state, strike=3)
    patient.undo(OrderReason.EXIT_TIME)
    urgent.undo(OrderReason.EXIT_SPLIT)
    halt(state, HaltCause.OPERATOR_FLATTEN, halted=True)
    assert flatten(state) == [patient]
    assert (patient.ended_by, urgent.ended_by) == (OrderReason.EXIT_RISK, OrderReason.EXIT_SPLIT)
    assert flatten(state) == []


def test_the_peak_follows_equity_up_alone() -> None:
    state = state_of(cash=1000.0)
    assert state.peak_equity == state.day_equity == 1000.0
    state.portfolio.cash = 1200.0
    measure(state, SETTINGS, NOW)
    state.portfolio.cash = 1100.0
    measure(state, SETTINGS, NOW)
    assert (state.peak_equity, state.last_equity) == (1200.0, 1100.0)
    assert np.isclose(float(state.underlyings[0].exposure["equity"][0]), 1100.0)
