"""Targets, and the orders that the market can fill now."""

import numpy as np
import pytest

from alo_lib.records import Kind, OrderReason, records
from alo_lib.settings import Settings
from alo_lib.strategy.entries import new_trade
from alo_lib.strategy.execution import fillable, orders_toward
from alo_lib.strategy.exposure import measure
from alo_lib.strategy.sending import Order
from alo_lib.strategy.targets import Target, closed_targets, wanted_targets
from tests.strategy.kit import CALLS, NOW, PUTS, SETTINGS, hold, signal_of, state_of

CALL, PUT = CALLS[2], PUTS[2]
ENTRY, HEDGE = OrderReason.ENTRY, OrderReason.HEDGE


def test_trades_and_proposals_want_their_legs_and_what_is_held_its_hedge() -> None:
    state = state_of()
    held, proposed = hold(state), new_trade(state, signal_of(1, direction=1)[0], 3, NOW)
    measure(state, SETTINGS, NOW)
    delta = float(state.underlyings[0].exposure["delta"][0])
    targets = wanted_targets(state, Settings(hedge="delta_band", hedge_band=0.001), [proposed])
    assert targets == [
        Target(CALL, -5, ENTRY),
        Target(PUT, -5, ENTRY),
        Target(CALLS[1], 3, ENTRY),
        Target(PUTS[1], 3, ENTRY),
        Target(0, -round(delta), HEDGE),
    ]
    held.undo(OrderReason.EXIT_STOP)
    assert wanted_targets(state, SETTINGS, [])[:2] == [
        Target(CALL, 0, OrderReason.EXIT_STOP),
        Target(PUT, 0, OrderReason.EXIT_STOP),
    ]
    assert closed_targets([proposed]) == [Target(leg, 0, OrderReason.EXIT_RISK) for leg in proposed.legs]


def test_without_options_the_hedge_is_given_up_and_nothing_is_wanted_of_what_is_not_held() -> None:
    state = state_of()
    assert wanted_targets(state, SETTINGS, []) == []
    state.portfolio.fill(0, 30, 100.0, 1, 0.0)
    measure(state, SETTINGS, NOW)
    assert wanted_targets(state, SETTINGS, []) == [Target(0, 0, HEDGE)]


def test_orders_go_the_distance_options_first_and_the_hedge_waits_for_them() -> None:
    state = state_of()
    state.portfolio.fill(PUT, 1, 1.0, 100, 0.0)
    targets = [Target(0, 7, HEDGE), Target(CALL, -4, ENTRY), Target(PUT, -4, ENTRY), Target(CALLS[1], 0, ENTRY)]
    assert orders_toward(state, SETTINGS, targets, NOW) == [Order(PUT, -5, ENTRY), Order(CALL, -4, ENTRY)]
    assert orders_toward(state, SETTINGS, targets[:1], NOW) == [Order(0, 7, HEDGE)]


def test_the_last_target_of_an_instrument_counts() -> None:
    targets = [Target(CALL, -4, ENTRY), Target(CALL, 0, OrderReason.EXIT_RISK)]
    assert orders_toward(state_of(), SETTINGS, targets, NOW) == []


def test_nothing_is_ordered_while_an_order_works_or_the_session_is_over() -> None:
    state, targets = state_of(), [Target(CALL, -4, ENTRY), Target(PUT, -4, ENTRY)]
    assert state.new_order(CALL, -4) == 1
    assert state.working[1].remaining == -4
    assert orders_toward(state, SETTINGS, targets, NOW) == [Order(PUT, -4, ENTRY)]
    session = state.session
    assert session is not None
    state.session = session._replace(close=NOW)
    assert orders_toward(state, SETTINGS, targets, NOW) == []
    state.session = session._replace(open=NOW + 1)
    assert orders_toward(state, SETTINGS, targets, NOW) == []
    state.session = None
    assert orders_toward(state, SETTINGS, targets, NOW) == []


@pytest.mark.parametrize(("distance", "size"), [(0, 0), (3, 3), (80, 50), (-80, -50)])
def test_no_more_than_is_displayed_can_be_filled(distance: int, size: int) -> None:
    assert fillable(state_of(shown=50), SETTINGS, CALL, distance, NOW) == size


def test_what_was_taken_refused_or_is_not_listed_cannot_be_filled() -> None:
    state = state_of(shown=50)
    book = state.underlyings[0].book
    book.taken[CALL, 1] = 45
    assert fillable(state, SETTINGS, CALL, 10, NOW) == 5
    assert fillable(state, SETTINGS, CALL, -10, NOW) == -10
    book.refused.add((CALL, -1))
    assert fillable(state, SETTINGS, CALL, -10, NOW) == 0
    state.underlying_of[99] = 0
    assert fillable(state, SETTINGS, 99, 1, NOW) == 0
    book.quotes["bid"][book.row(PUT)] = np.nan
    assert fillable(state, SETTINGS, PUT, -1, NOW) == 0
    assert fillable(state, SETTINGS, PUT, 1, NOW) == 1


@pytest.mark.parametrize("instrument", [CALL, 0])
def test_stale_quotes_cannot_be_filled(instrument: int) -> None:
    settings, second = Settings(max_quote_age=60.0), 10**9
    assert fillable(state_of(), settings, instrument, 1, NOW + 60 * second) == 1
    assert fillable(state_of(), settings, instrument, 1, NOW + 60 * second + 1) == 0


def test_shares_fill_by_the_quote_or_where_only_trades_are_told_in_full() -> None:
    state = state_of()
    assert (fillable(state, SETTINGS, 0, 900, NOW), fillable(state, SETTINGS, 0, -900, NOW)) == (400, -500)
    book = state.underlyings[0].book
    book.take_trade(100.0, NOW + 1)
    assert fillable(state, Settings(max_quote_age=1.0), 0, 900, NOW + 10**9 + 1) == 900
    assert fillable(state, Settings(max_quote_age=1.0), 0, 900, NOW + 10**9 + 2) == 0
    book.take_quotes(records(Kind.QUOTE, instrument=0, bid=99.0, ask=101.0, bid_size=1, ask_size=2), NOW + 1)
    assert fillable(state, SETTINGS, 0, 900, NOW + 1) == 2
