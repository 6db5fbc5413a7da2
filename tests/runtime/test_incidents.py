"""A core process and what befalls it: floods, hosts that do not read, channels that go, clocks that are wrong."""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from alo_lib.cli.project import ROOT
from alo_lib.executive import LogicalClock
from alo_lib.journal import Journal, JournalError, read_journal
from alo_lib.records import HOUR, HostEvent, Kind, Message, OrderStatus, records
from alo_lib.runtime import replay
from alo_lib.runtime.frame_clock import WallClock
from alo_lib.runtime.intake import FRAME_TAKES, LOOKED_THROUGH
from alo_lib.runtime.link import Channel, CorePhase, LinkPhase
from alo_lib.runtime.process import ChannelGoneError, CoreProcess
from alo_lib.runtime.remote import RemoteCore
from alo_lib.transport import MessageRing
from tests.core.script import at
from tests.core.seeds import SETTINGS
from tests.runtime.processes import (
    END,
    FRAME,
    PATIENCE,
    SLOTS,
    TEN,
    by_hand,
    killed,
    numbered,
    of_kind,
    quotes_in,
    started_again,
    today,
)


def trade(close: float, when: int = TEN) -> Message:
    return Message(Kind.TRADE, when, records(Kind.TRADE, close=close, volume=1))


def remarks(journal: Journal, event: HostEvent) -> list[np.void]:
    return [row for message in of_kind(journal, Kind.EVENT) for row in message.records if row["event"] == event]


# Floods ------------------------------------------------------------------------------------------------------------


def test_a_flood_is_taken_frame_by_frame(tmp_path: Path) -> None:
    process, remote = by_hand(tmp_path, paced=False)
    quotes_in(remote)
    for number in range(2_000):
        remote._inputs.push(trade(100.0 + number / 1_000))
    remote._inputs.push(numbered(1))
    ending = process.run(6)
    assert ending.run == 4
    beat = remote.link.beat
    journal = read_journal(tmp_path / "journal")
    told = remarks(journal, HostEvent.FLOOD)
    trades = of_kind(journal, Kind.TRADE)
    assert len(told) == 4  # 512 messages a frame
    assert beat["conflated"] == sum(int(row["quantity"]) for row in told) == 2_001 - len(trades)
    assert sum(int(message.records["volume"].sum()) for message in trades) == 2_000 + 100
    assert trades[-1].records["close"][0] == 100.0 + 1_999 / 1_000
    assert len(of_kind(journal, Kind.INTEREST)) == 1
    assert replay(journal).divergence is None
    process.close()
    remote.stop()


class Slow(LogicalClock):
    """Each look at it takes a quarter of a frame."""

    def now(self) -> int:
        self._now += FRAME // 4
        return self._now


def test_the_heart_beats_while_inputs_are_taken_in(tmp_path: Path) -> None:
    channel = Channel(tmp_path / "channel", slots=SLOTS)
    clock = Slow(time.monotonic_ns())
    process = CoreProcess(SETTINGS, channel, tmp_path / "journal", clock=clock, wall=WallClock(lambda: TEN))
    host, _ = channel.host_side()
    for number in range(FRAME_TAKES.messages):
        host.push(numbered(number))
    process._pulse(7, TEN, clock._now)
    before, sequence = channel.heartbeat.version, int(channel.heartbeat.read().value["sequence"])
    process._take_in(TEN)
    beat = channel.heartbeat.read()
    assert beat.version - before == 2 * FRAME_TAKES.messages // 4  # looked at, then taken
    assert clock._now - beat.value["monotonic"] < 2 * FRAME
    assert (beat.value["frame"], beat.value["sequence"]) == (7, sequence)  # as of the release, for hosts that catch up
    killed(process)


@pytest.mark.slow
def test_a_real_core_lives_through_a_flood_and_kills_and_loses_nothing_else(tmp_path: Path) -> None:
    common = ["--folder", str(tmp_path), "--journal", str(tmp_path / "journal"), "--priority", "0"]
    command = [sys.executable, "-m", "alo_lib.cli", "core", "one", *common, "--set", "underlyings=TEST"]

    def start() -> "subprocess.Popen[bytes]":
        return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    channel = Channel(tmp_path / "one")
    core = start()
    remote = RemoteCore(SETTINGS, channel, paced=False)
    try:
        remote.attach(PATIENCE)
        quotes_in(remote, today())
        now, sent = at(today(), 10), 0
        for part in range(3):
            for number in range(20_000):
                if number % 1_000 == 0:
                    sent += 1
                    remote._inputs.push(numbered(sent, now))
                remote._inputs.push(trade(100.0, now))
            if part < 2:
                core.kill()
                core.wait()
                core = start()
            before, waiting = channel.heartbeat.version, remote._inputs.waiting
            end = time.monotonic() + PATIENCE
            while remote._inputs.waiting:
                if remote.open_frame(time.time_ns()):
                    remote.close_frame()
                assert time.monotonic() < end
            assert channel.heartbeat.version - before >= waiting // LOOKED_THROUGH.messages
        core.send_signal(signal.SIGTERM)
        assert core.wait(PATIENCE) == 0
    finally:
        core.kill()
        core.wait()
        remote.stop()
    journal = read_journal(tmp_path / "journal")
    orders = [int(m.records["amount"][0]) for m in of_kind(journal, Kind.INTEREST)]
    assert orders == list(range(1, sent + 1))
    assert sum(int(m.records["volume"].sum()) for m in of_kind(journal, Kind.TRADE)) == 60_000 + 100
    assert remarks(journal, HostEvent.FLOOD)
    assert replay(journal).divergence is None


# Poison ------------------------------------------------------------------------------------------------------------


def test_the_run_goes_on_past_what_no_host_may_send(tmp_path: Path) -> None:
    process, remote = by_hand(tmp_path, paced=False)
    quotes_in(remote)
    for kind in (Kind.INTENT, Kind.OVERRUN, Kind.FRAME, Kind.CALIBRATION):
        remote._inputs.push(Message(kind, TEN, records(kind)))
    ring = MessageRing.open(tmp_path / "channel" / "to-core.ring")
    words, place = ring.segment.words, ring.written
    remote._inputs.push(numbered(1))
    slot = 4096 // 8 + (place % ring.capacity) * 8
    words[slot + 1] = (words[slot + 1] & 0xFFFFFFFF) | 77 << 32  # of a kind that there is not
    remote._inputs.push(numbered(2))
    assert process.run(3).run == 1
    journal = read_journal(tmp_path / "journal")
    (told,) = remarks(journal, HostEvent.REFUSED)
    assert told["quantity"] == remote.link.beat["refused"] == 5
    assert (
        told["text"]
        .decode()
        .startswith(f"refused from host (pid {ring.producer.pid}): INTENT is not for a host to send; and 4")
    )
    assert [m.records["amount"][0] for m in of_kind(journal, Kind.INTEREST)] == [2]
    assert replay(journal).divergence is None
    process.close()
    remote.stop()


def test_a_host_that_tells_impossible_frames_is_refused_and_answered(tmp_path: Path) -> None:
    process, remote = by_hand(tmp_path, paced=True)
    quotes_in(remote)
    good = [TEN + FRAME, TEN + 2 * FRAME]
    for number, when in enumerate([-1, 2**62, TEN + 1, good[0], TEN - HOUR, good[1]]):
        remote._inputs.push(numbered(number))
        remote._inputs.push(Message(Kind.FRAME, when, records(Kind.FRAME)))
    remote._inputs.push(END)
    process.run(20)
    journal = read_journal(tmp_path / "journal")
    assert [message.time for message in of_kind(journal, Kind.FRAME)][-2:] == good
    assert [m.records["amount"][0] for m in of_kind(journal, Kind.INTEREST) if m.time == TEN] == list(range(6))
    assert remote.link.beat["refused"] == sum(int(row["quantity"]) for row in remarks(journal, HostEvent.REFUSED)) == 4
    answered = [m.time for m in iter(remote._answers.pop, None) if m.kind is Kind.FRAME and m.records["frame"][0] >= 0]
    assert answered[-4:] == [TEN + 1, good[0], TEN - HOUR, good[1]]
    assert replay(journal).divergence is None
    process.close()
    remote.stop()


# Hosts that do not read --------------------------------------------------------------------------------------------

FEW = 1 << 10


def told_frames(folder: Path) -> tuple[CoreProcess, RemoteCore]:
    """A core whose host has told a market, the frame that sells it, and one that follows."""
    process, remote = by_hand(folder, paced=True, slots=FEW)
    quotes_in(remote)
    for number in (1, 2):
        remote._inputs.push(Message(Kind.FRAME, TEN + number * FRAME, records(Kind.FRAME)))
    return process, remote


def unread(folder: Path) -> tuple[CoreProcess, RemoteCore]:
    """A core whose market and frames are told, one of which sends orders, and whose answers find no room."""
    process, remote = told_frames(folder)
    filler = Message(Kind.NOTICE, 0, records(Kind.NOTICE))
    while process._answers._ring.free > 4:
        process._answers._ring.push(filler)
    return process, remote


def intents(journal: Journal) -> list[int]:
    return [int(order) for message in of_kind(journal, Kind.INTENT) for order in message.records["order"]]


def refusals(journal: Journal) -> list[int]:
    events = [message.records[0] for message in of_kind(journal, Kind.ORDER_EVENT)]
    assert all(event["status"] == OrderStatus.INVALID for event in events)
    return [int(event["order"]) for event in events]


def test_an_answer_without_room_is_told_as_refused_and_the_core_goes_on(tmp_path: Path) -> None:
    process, remote = unread(tmp_path)
    ending = process.run(5)
    assert ending.run == 3  # the session, the market, and that its orders were refused
    assert process.phase is CorePhase.STOPPED
    assert process.core.orders_working == {}
    journal = read_journal(tmp_path / "journal")
    assert len(intents(journal)) > 0
    assert sorted(refusals(journal)) == sorted(intents(journal))
    (told, *_) = remarks(journal, HostEvent.UNDELIVERED)
    assert told["quantity"] == len(intents(journal))
    assert told["text"].decode().startswith("host (pid ")
    assert remote.link.beat["undelivered"] == len(remarks(journal, HostEvent.UNDELIVERED))
    assert not any(message.kind is Kind.INTENT for message in iter(remote._answers.pop, None))
    assert replay(journal).divergence is None
    process.close()
    remote.stop()


@pytest.mark.parametrize("told", [0, 1, 3])
def test_a_core_killed_while_it_tells_so_never_sends_those_orders(
    tmp_path: Path, told: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    process, remote = unread(tmp_path)
    accept, count = process.core.accept, 0

    def dying(message: Message) -> None:
        nonlocal count
        count += message.kind is Kind.ORDER_EVENT
        if count > told:
            raise KeyboardInterrupt
        accept(message)

    monkeypatch.setattr(process.core, "accept", dying)
    with pytest.raises(KeyboardInterrupt):
        process.run(5)
    process.close()
    while remote._answers.pop() is not None:  # the host reads again
        pass
    again = started_again(tmp_path, slots=FEW, paced=True)
    again.run(3)
    again.close()
    journal = read_journal(tmp_path / "journal")
    assert len(intents(journal)) > 3
    assert sorted(refusals(journal)) == sorted(intents(journal))
    assert not any(message.kind is Kind.INTENT for message in iter(remote._answers.pop, None))
    assert again.core.orders_working == {}
    assert replay(journal).divergence is None
    remote.stop()


def test_an_answer_that_was_not_given_when_the_core_was_killed_is_given_once(tmp_path: Path) -> None:
    process, remote = told_frames(tmp_path)
    give = process._answers.give

    def dying(time: int, decisions: Sequence[Message]) -> bool:
        if any(message.kind is Kind.INTENT for message in decisions):
            raise KeyboardInterrupt
        return give(time, decisions)

    process._answers.give = dying  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        process.run(5)
    process.close()
    again = started_again(tmp_path, slots=FEW, paced=True)
    again.run(3)
    again.close()
    journal = read_journal(tmp_path / "journal")
    given = [int(row["order"]) for m in iter(remote._answers.pop, None) if m.kind is Kind.INTENT for row in m.records]
    assert given == intents(journal) != []
    assert refusals(journal) == []
    remote.stop()


def test_an_answer_that_was_given_counts_as_given_though_there_is_no_room_for_another(tmp_path: Path) -> None:
    process, remote = told_frames(tmp_path)
    ring, give = process._answers._ring, process._answers.give

    def dying(time: int, decisions: Sequence[Message]) -> bool:
        if not any(message.kind is Kind.INTENT for message in decisions):
            return give(time, decisions)
        filler = Message(Kind.NOTICE, 0, records(Kind.NOTICE))
        while ring.free - ring.slots(filler) >= 2 + sum(map(ring.slots, decisions)):
            ring.push(filler)
        assert give(time, decisions)
        raise KeyboardInterrupt

    process._answers.give = dying  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        process.run(5)
    process.close()
    again = started_again(tmp_path, slots=FEW, paced=True)
    again.run(1)
    again.close()
    journal = read_journal(tmp_path / "journal")
    given = [int(row["order"]) for m in iter(remote._answers.pop, None) if m.kind is Kind.INTENT for row in m.records]
    assert given == intents(journal) != []
    assert refusals(journal) == []
    assert len(again.core.orders_working) == len(given)
    remote.stop()


# Journals that take nothing -------------------------------------------------------------------------------------------


def test_what_cannot_be_journaled_stays_in_the_ring(tmp_path: Path) -> None:
    process, remote = by_hand(tmp_path, paced=False)
    for number in range(5):
        remote._inputs.push(numbered(number))
    append, count = process._outbox.journal.append, 0

    def full(message: Message) -> int:
        nonlocal count
        count += 1
        if count > 3:
            raise process._outbox.journal.fail(OSError(28, "No space left on device"))
        return append(message)

    process._outbox.journal.append = full  # type: ignore[method-assign]
    with pytest.raises(JournalError, match="the journal cannot be written: No space left on device"):
        process.run(5)
    assert process.phase is CorePhase.FAILED
    assert remote._inputs.waiting == 5
    process.close()
    again = started_again(tmp_path)
    assert "a message that was journaled and still in the ring was not taken again" in again.findings
    again.run(3)
    again.close()
    journal = read_journal(tmp_path / "journal")
    assert [m.records["amount"][0] for m in of_kind(journal, Kind.INTEREST)] == list(range(5))
    remote.stop()


# Channels that go --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("replaced", [False, True])
def test_a_core_whose_channel_is_gone_ends_with_its_journal_closed(tmp_path: Path, replaced: bool) -> None:
    process, remote = by_hand(tmp_path, paced=False)
    quotes_in(remote)
    process._own_frame(TEN + FRAME)
    shutil.rmtree(tmp_path / "channel")
    if replaced:
        Channel(tmp_path / "channel", slots=SLOTS)
    with pytest.raises(ChannelGoneError, match="/channel was removed or replaced: no host can find this core"):
        process.run(1 + 10**9 // FRAME)
    assert process.phase is CorePhase.FAILED
    assert read_journal(tmp_path / "journal").sealed
    process.close()
    remote.stop()


def test_the_command_tells_that_its_channel_is_gone(tmp_path: Path) -> None:
    common = ["--folder", str(tmp_path), "--journal", str(tmp_path / "journal"), "--priority", "0"]
    command = [sys.executable, "-m", "alo_lib.cli", "core", "one", *common, "--set", "underlyings=TEST"]
    remote = RemoteCore(SETTINGS, Channel(tmp_path / "one"), paced=False)
    core = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        remote.attach(PATIENCE)
        shutil.rmtree(tmp_path / "one")
        _, told = core.communicate(timeout=PATIENCE)
        assert core.returncode == 1
        assert told.splitlines()[-1].startswith(
            f"alo: the core stopped: the channel {tmp_path / 'one'} was removed or "
        )
        assert remote.link.look() is LinkPhase.GONE
    finally:
        core.kill()
        core.communicate()
        remote.stop()
    assert read_journal(tmp_path / "journal").sealed


# Journals that go --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [shutil.rmtree, lambda folder: folder.rename(folder.with_name("moved"))])
def test_a_core_whose_journal_is_gone_ends_within_a_second(tmp_path: Path, end: Callable[[Path], object]) -> None:
    process, remote = by_hand(tmp_path, paced=False)
    quotes_in(remote)
    process._own_frame(TEN + FRAME)
    appended = process._outbox.journal.sequence
    end(tmp_path / "journal")
    with pytest.raises(JournalError, match=r"^the journal cannot be written: .*/journal/\d{8}.segment was moved, "):
        process.run(1 + 10**9 // FRAME)
    assert process.phase is CorePhase.FAILED
    process.close()
    remote.stop()
    assert not (tmp_path / "journal").exists()
    if (tmp_path / "moved").exists():
        assert len(read_journal(tmp_path / "moved").messages) >= appended  # closed, where it was moved to
