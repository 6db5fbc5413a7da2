"""A person sets limits, cancels orders, has models fitted again and the state kept."""

from typing import Any

import pytest

from alo_lib.core import CoreState, TradingCore
from alo_lib.core.snapshot import pack, unpack
from alo_lib.records import HaltCause, Kind, OperatorCommand, OrderStatus
from alo_lib.runtime import Continuation, replay
from alo_lib.runtime.resumption import inputs_waiting
from tests.core.script import Script, at, of_test, reasons, script, tell_order_event
from tests.runtime.steered import PAUSED, RICH, lost, strategy, told, trading

# Limits ----------------------------------------------------------------------------------------------------------


def test_a_limit_is_tightened_by_anybody_and_loosened_only_with_a_confirmation() -> None:
    market = script(max_vega=0.003)
    told(market, "set-limit", 9.6, limit="max-vega=0.0001%")
    assert reasons(market.bar(10, volatility=RICH)) == []  # not a structure of that
    loosening = "it would loosen max-vega from 1e-06 to 0.003, and that takes a confirmation"
    before = len(market.journal.messages)
    assert loosening in told(market, "set-limit", 10.2, limit="max_vega=0.3%", done=False)
    assert loosening in told(market, "undo", 10.2, done=False)
    assert len(market.journal.messages) == before
    told(market, "undo", 10.2, confirm=True)
    assert "ENTRY" in reasons(market.bar(10.3, volatility=RICH))
    assert replay(market.journal).divergence is None


def test_a_drawdown_that_is_allowed_no_more_closes_the_book() -> None:
    market = trading(max_structures=1)
    lost(market, 10.5, 60_000.0)
    market.bar(11, volatility=RICH)
    assert market.held
    assert "allowed" not in told(market, "set-limit", 11.2, limit="max-drawdown=5%")
    assert "max-drawdown is 0.05 in place of 0.2" in told(market, "status", 11.2)
    market.bar(11.5, volatility=RICH)
    assert market.held == {}
    assert strategy(market).halts == {HaltCause.DRAWDOWN}
    allowed = [
        float(use["allowed"])
        for m in market.journal.messages
        if m.kind is Kind.LIMIT
        for use in m.records
        if use["limit"] == b"max_drawdown"
    ]
    assert allowed[-1] == pytest.approx(allowed[0] / 4, rel=0.01)
    assert any(text.startswith("set-limit: max-drawdown is 0.05 from now on; it was 0.2") for text in market.notices())
    assert replay(market.journal).divergence is None


def test_limits_of_whole_numbers_stay_whole() -> None:
    market = script()
    told(market, "set-limit", 9.6, limit="max-book-structures=2")
    market.frames(at(market.date, 9.7))
    in_force = market.core.snapshot().state.settings
    assert (in_force.max_book_structures, type(in_force.max_book_structures)) == (2, int)
    assert market.core.settings.max_book_structures == 1000
    told(market, "resume", 9.8)
    assert market.core.snapshot().state.settings.max_book_structures == 2
    told(market, "set-limit", 9.9, limit="max-book-structures=2.5", done=False)


@pytest.mark.parametrize(
    ("limit", "sentence"),
    [
        (None, "a limit is NAME=VALUE, as in max-drawdown=10%; none is given"),
        (3, "not 3"),
        ("max-drawdown", "not 'max-drawdown'"),
        ("max-drawdwon=1%", "no limit is 'max-drawdwon'; did you mean max-drawdown?"),
        ("cash=1", "no limit is 'cash'; allowed are max-vega, max-margin,"),
        ("overnight-gap=0.5", "no limit is 'overnight-gap'"),
        ("max-drawdown=0", "max-drawdown is '0'"),
        ("max-drawdown=many", "max-drawdown is 'many'"),
        ("max-drawdown=nan", "max-drawdown is 'nan'"),
        ("max-drawdown=2", "max-drawdown is '2'"),
    ],
)
def test_what_is_no_limit_is_refused_in_a_sentence(limit: object, sentence: str) -> None:
    market = script()
    before = len(market.journal.messages)
    assert sentence in told(market, "set-limit", 10, limit=limit, done=False)
    assert len(market.journal.messages) == before


def test_a_confirmation_is_true_or_false_and_other_commands_take_no_limit() -> None:
    market = script()
    assert "confirm is 'yes'; it must be true or false" in told(market, "pause", 10, confirm="yes", done=False)
    assert "it takes no limit" in told(market, "pause", 10, limit="max-vega=1%", done=False)
    assert market.core.halts == set()


# Orders, models, the state -----------------------------------------------------------------------------------------


class Waiting(Script):
    """A market that takes orders and fills none until it is told to."""

    fills = False

    def answer(self, intent: Any, time: int) -> None:
        if self.fills:
            super().answer(intent, time)


def test_all_orders_that_work_are_canceled_and_none_is_sent_in_that_frame() -> None:
    market = Waiting(of_test())
    market.session()
    market.bar(10, volatility=RICH)
    working = set(market.core.orders_working)
    assert working
    told(market, "pause", 10.1)
    assert "which cannot be undone" in told(market, "cancel-orders", 10.1)
    (sent,) = market.frames(at(market.date, 10.1))
    assert len(sent) == 0
    (asked,) = market.decisions(Kind.AMENDMENT)
    assert {int(row["order"]) for row in asked} == working
    assert all(row["cancel"] for row in asked)
    assert f"cancel-orders: {len(working)} orders that work are to be canceled" in market.notices()
    for number, (instrument, _) in list(market.core.orders_working.items()):
        tell_order_event(market, 10.2, order=number, instrument=instrument, status=OrderStatus.CANCELED)
    market.frames(at(market.date, 10.2))
    assert market.core.orders_working == {}
    assert "undo: cancel-orders cannot be undone" in told(market, "undo", 10.3, done=False)
    assert market.core.halts == {PAUSED}
    assert "pause is undone" in told(market, "undo", 10.3)
    market.fills = True
    assert "ENTRY" in reasons(market.bar(11, volatility=RICH))  # it is still wanted
    assert replay(market.journal).divergence is None


def test_orders_are_canceled_outside_the_session_and_in_a_book_that_is_halted() -> None:
    market = Waiting(of_test())
    market.session()
    market.bar(15, volatility=RICH)
    assert market.core.orders_working
    told(market, "cancel-orders", 16.5)
    market.frames(at(market.date, 16.5))
    assert len(market.decisions(Kind.AMENDMENT)) == 1


def test_models_are_fitted_again_once_and_count_when_they_are_made() -> None:
    market = trading(max_structures=1)
    fits = len(market.decisions(Kind.CALIBRATION))
    assert fits == 1
    told(market, "refit", 10.5)
    market.frames(at(market.date, 10.5))
    assert strategy(market).underlyings[0].forecaster.due is None  # it is asked for
    for hour in (12, 13, 14):
        market.bar(hour, volatility=RICH)
    assert len(market.decisions(Kind.CALIBRATION)) == fits + 1
    assert "refit: models are fitted again" in market.notices()
    assert "refit cannot be undone, the models before are gone" in told(market, "undo", 15, done=False)
    assert replay(market.journal).divergence is None


def test_models_that_are_being_fitted_are_fitted_again_after_that() -> None:
    market = trading(max_structures=1, calibration_frames=1000)  # ten seconds
    for hour in (10.5, 10.501, 10.502):
        told(market, "refit", hour)
        market.frames(at(market.date, hour))
    for hour in (12, 13, 14, 15):
        market.bar(hour, volatility=RICH)
    assert len(market.decisions(Kind.CALIBRATION)) == 3
    assert replay(market.journal).divergence is None


def test_models_of_no_bars_are_not_fitted() -> None:
    market = Script(of_test())
    market.tell(at(market.date, 9), Kind.INSTRUMENT, market.underlying)
    told(market, "refit", 9.2)
    market.frames(at(market.date, 9.2))
    assert any("TEST: not fitted again, no daily bars are known" in text for text in market.notices())


def test_a_snapshot_changes_nothing_and_is_journaled() -> None:
    market = trading()
    before = pack(market.core.snapshot().state)
    assert "snapshot: the state is kept" in told(market, "snapshot", 10.5)
    assert [m.records["command"][0] for m in market.journal.messages if m.kind is Kind.OPERATOR] == [10]
    market.frames(at(market.date, 10.5))
    assert told(market, "undo", 10.6, done=False) == "undo: no command stands that could be undone"
    assert len(before)
    assert replay(market.journal).divergence is None


def test_what_a_frame_has_not_taken_in_outlives_a_kill() -> None:
    market = trading(max_structures=1)
    told(market, "set-limit", 10.2, limit="max-vega=0.01%")
    market.frames(at(market.date, 10.2))
    told(market, "cancel-orders", 10.5)
    told(market, "refit", 10.5)
    kept, start = pack(market.core.snapshot()), len(market.journal.messages)
    core = TradingCore(market.settings, Continuation(()))
    core.resume(unpack(CoreState, kept, settings=market.settings), inputs_waiting(market.journal.messages, start))
    assert core.snapshot().state.settings.max_vega == 1e-4
    assert [each.command for each in core.steering.before] == [
        OperatorCommand.SET_LIMIT,
        OperatorCommand.CANCEL_ORDERS,
        OperatorCommand.REFIT,
    ]
