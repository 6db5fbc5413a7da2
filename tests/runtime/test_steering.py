"""A person's commands: what each does to orders, how it is undone, and that it outlives what is killed."""

import math
from typing import Any

import pytest

from alo_lib.core import CoreState, TradingCore
from alo_lib.core.snapshot import pack, unpack
from alo_lib.records import HaltCause, Kind, Message, OperatorCommand, OrderReason, records
from alo_lib.runtime import Continuation, Replayer, replay
from alo_lib.runtime.resumption import inputs_waiting
from alo_lib.runtime.steering import COMMANDS
from tests.core.script import NEXT, Script, at, reasons, script
from tests.runtime.steered import FLAT, PAUSED, REDUCED, RICH, lost, strategy, told, trading


def moved(market: Script, hour: float) -> set[str]:
    """Why orders are sent when the market has moved far enough to hedge."""
    return set(reasons(market.bar(hour, spot=96.0, volatility=RICH)))


def test_a_pause_orders_nothing_and_what_is_resumed_hedges() -> None:
    market = trading()
    assert "mode is halted (operator)" in told(market, "pause", 10.5)
    assert moved(market, 11) == set()
    assert "mode is normal" in told(market, "resume", 11.5)
    assert "HEDGE" in moved(market, 12)
    assert replay(market.journal).divergence is None


def test_reduce_only_opens_nothing_and_hedges() -> None:
    free, reduced = trading(), script()
    told(reduced, "reduce-only", 9.6)
    assert reasons(reduced.bar(10, volatility=RICH)) == []
    told(reduced, "resume", 10.2)
    assert "ENTRY" in reasons(reduced.bar(10.3, volatility=RICH))
    told(reduced, "reduce-only", 10.5)
    assert moved(reduced, 11) == {"HEDGE"}
    assert free.held


def test_flatten_ends_flat_within_two_frames_of_quotes_and_stays_so_until_resumed() -> None:
    market = trading()
    before = len(market.held)
    assert before
    told(market, "flatten", 10.5)
    frames = [intents for intents in market.bar(11, volatility=RICH) if len(intents)]
    assert len(frames) <= 2
    assert set(reasons(frames)) <= {"EXIT_RISK", "HEDGE"}
    assert market.held == {}
    for hour in (12, 13, 14):
        assert reasons(market.bar(hour, volatility=RICH)) == []
    market.session(NEXT, [100.0])
    assert reasons(market.bar(10, volatility=RICH)) == []
    told(market, "resume", 10.5)
    assert "ENTRY" in reasons(market.bar(11, volatility=RICH))
    assert replay(market.journal).divergence is None


def test_a_command_takes_the_place_of_the_one_before_and_undo_goes_back_over_each() -> None:
    market = script()
    market.bar(9.7)
    expected: list[set[HaltCause]] = [set()]
    for number, (command, cause) in enumerate({"flatten": FLAT, "pause": PAUSED, "reduce-only": REDUCED}.items()):
        told(market, command, 10 + number)
        assert market.core.halts == {cause}  # before a frame has taken it in
        market.frames(at(market.date, 10.1 + number))
        assert strategy(market).halts == {cause}
        expected.append({cause})
    told(market, "resume", 13)
    told(market, "resume", 13)  # changes nothing, and is no command to undo
    hour = 13.0
    while expected:
        hour += 0.1
        told(market, "undo", hour)
        assert market.core.halts == expected[-1]
        market.frames(at(market.date, hour))
        assert strategy(market).halts == expected.pop()
        if expected == [set()]:
            break
    told(market, "undo", 15)
    assert market.core.halts == set()
    assert told(market, "undo", 15, done=False) == "undo: no command stands that could be undone"
    assert replay(market.journal).divergence is None


def test_a_reset_of_losses_is_undone_with_what_they_are_counted_from() -> None:
    market = trading(max_drawdown=0.05, max_daily_loss=0.05, max_structures=1)
    lost(market, 10.5, 60_000.0)
    market.bar(11, volatility=RICH)
    state = strategy(market)
    counted = state.peak_equity, state.day_equity
    assert state.halts == {HaltCause.DRAWDOWN, HaltCause.DAILY_LOSS}
    assert min(counted) > 0.99e6
    assert "of the 50,0" in told(market, "status", 11.1)
    told(market, "reset-halt", 11.2)
    market.bar(11.5, volatility=RICH)
    assert strategy(market).halts == set()
    assert strategy(market).peak_equity < 0.95e6
    told(market, "undo", 11.6)
    market.frames(at(market.date, 11.6))
    state = strategy(market)
    assert state.halts == {HaltCause.DRAWDOWN, HaltCause.DAILY_LOSS}
    assert (state.peak_equity, state.day_equity) == counted
    assert "mode is flatten (drawdown, daily loss)" in told(market, "status", 11.7)
    assert replay(market.journal).divergence is None


def test_a_loss_of_a_day_that_is_over_does_not_come_back() -> None:
    market = trading(max_drawdown=0.5, max_daily_loss=0.05, max_structures=1)
    lost(market, 10.5, 60_000.0)
    market.bar(11, volatility=RICH)
    told(market, "reset-halt", 11.2)
    market.bar(11.5, volatility=RICH)
    market.session(NEXT, [100.0])
    market.bar(10, volatility=RICH)
    day = strategy(market).day_equity
    told(market, "undo", 10.2)
    market.bar(10.3, volatility=RICH)
    assert strategy(market).halts == set()
    assert strategy(market).day_equity == day


def test_what_was_closed_stays_closed_when_flatten_is_undone() -> None:
    market = trading(max_structures=1)
    told(market, "flatten", 10.5)
    market.bar(11, volatility=RICH)
    assert market.held == {}
    told(market, "undo", 11.1)
    market.frames(at(market.date, 11.1))
    assert market.held == {}
    assert market.core.halts == set()


def test_a_trade_that_is_being_closed_when_flatten_is_undone_is_closed_to_its_end() -> None:
    market = trading(max_structures=1)
    (trade,) = strategy(market).trades
    market.refuse = {market.core.instruments.symbol(leg) for leg in trade.legs[:1]}
    told(market, "flatten", 10.5)
    market.bar(11, volatility=RICH)
    refused = -market.core.holdings[trade.legs[0]]
    assert refused
    told(market, "undo", 11.1)
    market.refuse = set()
    rest = [row for rows in market.bar(11.5, volatility=RICH) for row in rows if row["instrument"] == trade.legs[0]]
    assert [(row["quantity"], OrderReason(row["reason"]).name) for row in rest] == [(refused, "EXIT_RISK")]
    assert replay(market.journal).divergence is None


def test_flatten_that_is_undone_before_a_frame_closes_nothing() -> None:
    market = trading()
    held = market.held
    told(market, "flatten", 10.5)
    told(market, "undo", 10.5)
    assert "EXIT_RISK" not in reasons(market.bar(11, volatility=RICH))
    assert all(market.held[symbol] == quantity for symbol, quantity in held.items() if symbol != "TEST")


@pytest.mark.parametrize("when", ["before the frame", "after it"])
def test_undo_works_in_the_process_that_went_on_after_a_kill(when: str) -> None:
    market = trading(max_drawdown=0.05, max_daily_loss=0.5, max_structures=1)
    lost(market, 10.5, 60_000.0)
    market.bar(11, volatility=RICH)
    peak = strategy(market).peak_equity
    kept, start = pack(market.core.snapshot()), len(market.journal.messages)
    told(market, "reset-halt", 11.2)
    told(market, "pause", 11.3)
    if when == "after it":
        market.bar(11.5, volatility=RICH)
        kept, start = pack(market.core.snapshot()), len(market.journal.messages)
    journal = market.journal
    core = TradingCore(market.settings, Continuation(()))  # nothing of the first process is left but what was kept
    core.resume(unpack(CoreState, kept, settings=market.settings), inputs_waiting(journal.messages, start))
    replayer = Replayer(journal, core=core, start=start)
    for _ in replayer.frames():
        pass
    core.journal_to(market.writer)
    market.core = core
    told(market, "undo", 12)
    market.frames(at(market.date, 12))
    assert HaltCause.OPERATOR not in strategy(market).halts
    told(market, "undo", 12.1)
    market.frames(at(market.date, 12.1))
    assert strategy(market).halts == {HaltCause.DRAWDOWN}
    assert strategy(market).peak_equity == peak
    assert replay(market.journal).divergence is None


def test_each_command_is_a_notice_and_a_status_is_none() -> None:
    market = script()
    market.bar(9.7)
    for number, command in enumerate(("pause", "flatten", "reduce-only", "undo", "resume")):
        before = len(market.notices())
        told(market, command, 10 + number / 10)
        market.frames(at(market.date, 10 + number / 10))
        assert len(market.notices()) > before, command
    messages = len(market.journal.messages)
    status = told(market, "status", 11)
    assert len(market.journal.messages) == messages
    assert status == (
        "status: the mode is normal; lost are 0.00 of the 200,000.00 that max-drawdown allows and 0.00 of the "
        f"{market.settings.max_daily_loss * 1e6:,.2f} that max-daily-loss allows; 3 commands can be undone"
    )


@pytest.mark.parametrize(
    ("sent", "suggested"),
    [
        ("paws", None),
        ("Pause", "pause"),
        ("reduce_only", "reduce-only"),
        ("flaten", "flatten"),
        ("", None),
        (None, None),
        (3, None),
        (math.nan, None),
        ({"command": "pause"}, None),
        (["pause"], None),
        ("pause" * 1000, None),
    ],
    ids=repr,
)
def test_what_is_no_command_changes_nothing_and_is_answered_with_what_is_allowed(
    sent: Any, suggested: str | None
) -> None:
    market = script()
    before = len(market.journal.messages)
    sentence = told(market, sent, 10, done=False)
    assert all(command in sentence for command in COMMANDS)
    assert len(sentence) < 300
    if suggested:
        assert f"did you mean {suggested}?" in sentence
    assert len(market.journal.messages) == before


def test_an_undo_that_undoes_nothing_is_not_let_in() -> None:
    market = script()
    undo = records(Kind.OPERATOR, command=OperatorCommand.UNDO)
    for rows in (undo, records(Kind.OPERATOR, command=OperatorCommand.STATUS)):
        market.core.accept(Message(Kind.OPERATOR, at(market.date, 10), rows.copy()))
        assert not any(message.kind is Kind.OPERATOR for message in market.journal.messages)
    pause = records(Kind.OPERATOR, command=OperatorCommand.PAUSE, request=7)
    for _ in range(2):  # the second is the same request, and done already
        market.core.accept(Message(Kind.OPERATOR, at(market.date, 10), pause))
    assert market.core.halts == {PAUSED}
    market.core.accept(Message(Kind.OPERATOR, at(market.date, 10), undo))
    assert market.core.halts == set()


def test_a_host_gives_no_commands_by_the_kind_that_reconciling_has() -> None:
    market = script()
    for rows in (
        records(Kind.HALT, cause=PAUSED, halted=1),
        records(Kind.HALT, cause=HaltCause.DRAWDOWN),
        records(Kind.HALT, cause=HaltCause.RECONCILIATION, undo=1),
    ):
        market.core.accept(Message(Kind.HALT, at(market.date, 10), rows))
    assert not any(message.kind is Kind.HALT for message in market.journal.messages)


def test_commands_of_a_journal_of_schema_9_are_decided_again() -> None:
    """They are HALT messages there: a pause, a flatten in its place, and the undoing of that."""
    market = trading(max_structures=1)
    pause = records(Kind.HALT, cause=PAUSED, halted=1)
    flat = records(Kind.HALT, 2, cause=[PAUSED, FLAT], halted=[0, 1])
    undo = records(Kind.HALT, cause=PAUSED, undo=1)
    for place, (rows, halts) in enumerate(((pause, {PAUSED}), (flat, {FLAT}), (undo, {PAUSED}))):
        market.core.admit_recorded(Message(Kind.HALT, at(market.date, 10.5 + place), rows))
        assert market.core.halts == halts
        market.frames(at(market.date, 10.5 + place))
        assert strategy(market).halts == halts
    told(market, "undo", 14)
    assert market.core.halts == set()
    assert replay(market.journal).divergence is None


def test_a_status_after_a_reset_tells_what_stands_then() -> None:
    market = trading(max_drawdown=0.05, max_daily_loss=0.05, max_structures=1)
    lost(market, 10.5, 60_000.0)
    market.bar(11, volatility=RICH)
    told(market, "reset-halt", 11.2)
    assert market.core.halts == set()
    before = told(market, "status", 11.2)
    assert before.startswith("status: the mode is normal; lost are 0.00 of the 4")
    assert "it is so already" in told(market, "reset-halt", 11.2)
    told(market, "undo", 11.2)
    assert "mode is flatten (drawdown, daily loss)" in told(market, "status", 11.2)
