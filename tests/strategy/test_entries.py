"""Which signals become trades."""

import numpy as np
import pytest

from alo_lib.records import HaltCause
from alo_lib.settings import Settings
from alo_lib.strategy.entries import new_trade, proposed_trades, stopped_by
from alo_lib.strategy.state import StrategyState
from tests.strategy.kit import CALLS, DAY, NOW, PUTS, SETTINGS, hold, signal_of, state_of


def opened(state: StrategyState, *strikes: int, time: int = NOW, **settings: object) -> list[int]:
    """The calls of the trades that signals on some strikes propose."""
    signals = np.concatenate([signal_of(strike) for strike in strikes])
    return [trade.legs[0] for trade in proposed_trades(state, Settings(**settings), signals, time)]


def test_a_signal_becomes_a_trade_of_its_legs_sized_by_the_vega_budget() -> None:
    (trade,) = proposed_trades(state_of(), SETTINGS, signal_of(vega=3000.0), NOW)
    assert (trade.underlying, trade.legs, trade.direction) == (0, (CALLS[2], PUTS[2]), -1)
    assert trade.quantity == int(SETTINGS.vega_budget * 1e6 / 0.01 // 3000.0) == 16
    assert (trade.opened_at, trade.expiry, trade.undone_by) == (NOW, NOW + 45 * DAY, None)


def test_what_both_legs_display_bounds_the_size() -> None:
    state = state_of(shown=7)
    assert proposed_trades(state, SETTINGS, signal_of(), NOW)[0].quantity == 7
    state.underlyings[0].book.taken[PUTS[2], -1] = 4
    assert proposed_trades(state, SETTINGS, signal_of(), NOW)[0].quantity == 3
    state.underlyings[0].book.taken[PUTS[2], -1] = 7
    assert proposed_trades(state, SETTINGS, signal_of(), NOW) == []


@pytest.mark.parametrize(("edge", "count"), [(0.0199, 0), (0.02, 1)])
def test_the_edge_must_suffice(edge: float, count: int) -> None:
    assert len(proposed_trades(state_of(), Settings(entry_edge=0.02), signal_of(edge=edge), NOW)) == count


def test_signals_are_taken_in_their_order_while_there_is_room() -> None:
    assert opened(state_of(), 3, 1, 2) == [CALLS[3], CALLS[1]]
    assert opened(state_of(), 3, 1, 2, max_structures=3) == [CALLS[3], CALLS[1], CALLS[2]]
    state = state_of()
    hold(state, strike=0)
    assert opened(state, 3, 1) == [CALLS[3]]


def test_no_leg_is_in_two_trades() -> None:
    state = state_of()
    hold(state, strike=2)
    assert opened(state, 2, 1, max_structures=5) == [CALLS[1]]
    assert opened(state_of(), 2, 2, max_structures=5) == [CALLS[2]]
    shared = signal_of(3)
    shared["leg2"] = PUTS[2]
    assert stopped_by(state, Settings(max_structures=5), shared[0], NOW) == "leg_held"


@pytest.mark.parametrize(
    ("what", "limit"),
    [
        ("session", "entry_delay"),
        ("halted", "max_drawdown"),
        ("lost today", "max_daily_loss"),
        ("told by a person", "halt"),
        ("split_pending", "corporate_action"),
        ("blocked", "session_block"),
        ("jumped", "session_block"),
    ],
)
def test_nothing_is_opened_when(what: str, limit: str) -> None:
    state = state_of()
    assert stopped_by(state, SETTINGS, signal_of()[0], NOW) is None
    book = state.underlyings[0].book
    if what == "session":
        state.session = None
    elif what == "halted":
        state.halts.add(HaltCause.DRAWDOWN)
    elif what == "lost today":
        state.halts.add(HaltCause.DAILY_LOSS)
    elif what == "told by a person":
        state.halts.add(HaltCause.OPERATOR_REDUCE_ONLY)
    elif what == "split_pending":
        book.split_pending = True
    elif what == "jumped":
        moves = 0.01 * np.random.default_rng(1).standard_normal(60)
        closes = [*np.exp(np.cumsum(moves)).tolist(), 4.0]
        assert "new level" in str(state.underlyings[0].forecaster.follow([(np.nan, np.nan, np.nan, c) for c in closes]))
    else:
        book.blocked_until = NOW + 1
    assert stopped_by(state, SETTINGS, signal_of()[0], NOW) is not None
    assert stopped_by(state, SETTINGS, signal_of()[0], NOW) == limit
    assert proposed_trades(state, SETTINGS, signal_of(), NOW) == []
    assert state.underlyings[0].funnel[limit] == 1


def test_what_is_held_is_stopped_by_its_legs_rather_than_by_the_room() -> None:
    state, settings = state_of(), Settings(max_structures=1)
    hold(state, strike=2)
    signals = np.concatenate([signal_of(2), signal_of(1), signal_of(3)])
    assert [stopped_by(state, settings, row, NOW) for row in signals] == ["leg_held", *2 * ["max_structures"]]
    assert proposed_trades(state, settings, signals, NOW) == []
    funnel = state.underlyings[0].funnel
    assert (funnel["leg_held"], funnel["max_structures"]) == (1, 1)  # a frame counts once


def test_a_block_ends() -> None:
    state = state_of()
    state.underlyings[0].book.blocked_until = NOW
    assert stopped_by(state, SETTINGS, signal_of()[0], NOW) is None


def test_entries_keep_their_distance_from_open_and_close() -> None:
    state, second = state_of(), 10**9
    session = state.session
    assert session is not None
    settings = Settings(entry_delay=300.0, entry_cutoff=900.0)
    times = [session.open + 299 * second, session.open + 300 * second]
    times += [session.close - 901 * second, session.close - 900 * second]
    stops = [stopped_by(state, settings, signal_of()[0], time) for time in times]
    assert stops == ["entry_delay", None, None, "entry_cutoff"]


def test_another_underlying_takes_no_room() -> None:
    state = state_of()
    other = new_trade(state, signal_of(1)[0], 1, NOW)
    other.underlying = 77
    same = new_trade(state, signal_of(1)[0], 1, NOW)
    stops = [stopped_by(state, Settings(max_structures=1), signal_of()[0], NOW, [each]) for each in (other, same)]
    assert stops == [None, "max_structures"]
