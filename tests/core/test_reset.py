"""A drawdown that a person resets: the book trades again, and a replay and a core that goes on decide the same."""

import pytest

from alo_lib.core import CoreState, TradingCore
from alo_lib.core.snapshot import pack, unpack
from alo_lib.records import HaltCause, Kind, Message, OperatorCommand, Stage, records
from alo_lib.runtime import Continuation, Replayer, replay
from alo_lib.runtime.resumption import inputs_waiting
from alo_lib.views.risk_ladder import risk_view
from tests.core.script import NEXT, Script, at, reasons, script

LOSS = 60_000.0


def lost(hour: float = 11) -> Script:
    """A book that holds a trade, has fallen too deep, and is closed."""
    market = script(max_drawdown=0.05, max_daily_loss=0.5, max_structures=1)
    market.bar(10, volatility=0.35)
    assert market.held
    worth = records(Kind.INTEREST, amount=-LOSS, instrument=-1)
    market.tell(at(market.date, 10.5), Kind.INTEREST, worth)
    sent = [*market.bar(hour, volatility=0.35), *market.bar(hour + 0.1, volatility=0.35)]
    assert "EXIT_RISK" in reasons(sent)
    assert market.core.snapshot().state.strategy.halts == {HaltCause.DRAWDOWN}
    return market


def reset(market: Script, hour: float) -> None:
    market.tell(at(market.date, hour), Kind.OPERATOR, records(Kind.OPERATOR, command=OperatorCommand.RESET_HALT))


@pytest.mark.parametrize("with_it", ["a bar", "nothing"])
def test_a_reset_is_decided_again_the_same(with_it: str) -> None:
    market = lost()
    reset(market, 11.5)
    if with_it == "nothing":
        market.frames(at(market.date, 11.5))  # a frame that hears of nothing else
    market.bar(12, volatility=0.35)
    strategy = market.core.snapshot().state.strategy
    assert strategy.halts == set()
    assert strategy.peak_equity < 1e6 - 0.9 * LOSS
    market.bar(12.1, volatility=0.35)
    again = replay(market.journal)
    assert (again.divergence, again.messages) == (None, len(market.journal.messages))


def test_who_reads_the_journal_sees_the_halts_that_the_core_had() -> None:
    market = lost()
    lost_at = market.core.last_frame
    assert told_halts(market) == {HaltCause.DRAWDOWN}
    reset(market, 11.5)
    market.bar(12, volatility=0.35)
    assert told_halts(market) == set()
    assert told_halts(market, lost_at) == {HaltCause.DRAWDOWN}
    worth = records(Kind.INTEREST, amount=-LOSS, instrument=-1)
    market.tell(at(market.date, 12.1), Kind.INTEREST, worth)  # again as much, from the new high
    market.bar(12.2, volatility=0.35)
    assert told_halts(market) == {HaltCause.DRAWDOWN}


def told_halts(market: Script, time: int | None = None) -> set[HaltCause]:
    """The halts by the journal, which are the core's own."""
    told = risk_view(market.journal, time)
    if time is None:
        assert set(told.halts) == market.core.snapshot().state.strategy.halts
        assert told.mode == market.core.snapshot().state.strategy.mode
    return set(told.halts)


def test_a_session_ends_the_halt_of_the_one_before_for_a_reader_too() -> None:
    market = script(max_drawdown=0.5, max_daily_loss=0.05)
    market.bar(10, volatility=0.35)
    market.tell(at(market.date, 10.5), Kind.INTEREST, records(Kind.INTEREST, amount=-LOSS, instrument=-1))
    market.bar(11, volatility=0.35)
    assert told_halts(market) == {HaltCause.DAILY_LOSS}
    market.session(NEXT, [100.0])
    market.bar(10, volatility=0.35)
    assert told_halts(market) == set()


def test_where_a_host_decides_risk_losses_halt_nobody() -> None:
    market = script(max_drawdown=0.05, max_daily_loss=0.05)
    stage = records(Kind.EXTERNAL_STAGE, stage=Stage.RISK, external=1)
    market.core.overrule(Message(Kind.EXTERNAL_STAGE, at(market.date, 9.2), stage))
    market.bar(10, volatility=0.35)
    market.tell(at(market.date, 10.5), Kind.INTEREST, records(Kind.INTEREST, amount=-LOSS, instrument=-1))
    market.bar(11, volatility=0.35)
    assert told_halts(market) == set()


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_core_that_goes_on_from_a_snapshot_decides_a_reset_the_same(when: str) -> None:
    market = lost()
    if when == "after":
        reset(market, 11.5)
    start, kept = len(market.journal.messages), pack(market.core.snapshot())
    if when == "before":
        reset(market, 11.5)
    market.bar(12, volatility=0.35)
    market.bar(12.1, volatility=0.35)
    journal = market.journal
    core = TradingCore(market.settings, Continuation(()))
    core.resume(unpack(CoreState, kept, settings=market.settings), inputs_waiting(journal.messages, start))
    replayer = Replayer(journal, core=core, start=start)
    assert sum(1 for _ in replayer.frames()) >= 2
    assert replayer.continuation.at_end
    assert core.snapshot().state.strategy.peak_equity == market.core.snapshot().state.strategy.peak_equity
