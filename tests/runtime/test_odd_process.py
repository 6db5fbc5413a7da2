"""A core process that is told anything, and killed at any message: it goes on as a core that nobody killed."""

import tempfile
import threading
import time
from itertools import pairwise
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from alo_lib.core import TradingCore
from alo_lib.executive import LogicalClock, RealClock
from alo_lib.journal import Durability, Journal, JournalWriter, MemoryStore, message_digest, read_journal
from alo_lib.records import Kind, Message
from alo_lib.runtime import reconcile, replay
from alo_lib.runtime.link import Channel
from alo_lib.runtime.outbox import Outbox
from alo_lib.runtime.process import CoreProcess
from alo_lib.runtime.remote import RemoteCore
from tests.core.broker import Believed, Broker
from tests.core.killing import Killed, quick_calibrator
from tests.core.odd import odd_messages
from tests.core.script import FIRST, Script, at
from tests.core.seeds import SETTINGS, live
from tests.runtime.processes import END, PATIENCE, SLOTS


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fits are remembered: the same request gives the same bits."""
    monkeypatch.setattr("alo_lib.core.trading.LogicalCalibrator", quick_calibrator)


def told_by_host(seed: int) -> list[Message]:
    """What the host of a random market puts in, its frames included."""
    messages = live(seed).journal.messages
    return [each for each in messages if each.kind < Kind.FORECAST and each.kind is not Kind.CALIBRATION]


def embedded(told: list[Message]) -> Journal:
    """The journal of a core of this process that is told the same."""
    store = MemoryStore()
    writer = JournalWriter(store, segment_bytes=1 << 22, settings=SETTINGS.model_dump_json().encode())
    core = TradingCore(SETTINGS, writer)
    for message in told:
        if message.kind is not Kind.FRAME:
            core.accept(message)
        elif core.open_frame(message.time):
            core.run()
    return read_journal(store.images(), unfinished=True)


class Kills:
    """Kills a process when so many messages more are journaled."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.done = 0

    def count(self) -> None:
        if self.left == 0:
            self.left, self.done = None, self.done + 1
            raise Killed
        if self.left is not None:
            self.left -= 1


def in_process(folder: Path, told: list[Message], parts: list[int], kills: Kills, lefts: list[int]) -> Journal:
    """The journal of a core process whose host tells it part after part; it is killed within some of them."""
    channel = Channel(folder / "channel", slots=SLOTS)
    host, answers = channel.host_side()
    for (begin, end), left in zip(pairwise([0, *parts, len(told)]), [*lefts, -1], strict=True):
        frames, waiting, kills.left = 1 + sum(each.kind is Kind.FRAME for each in told[begin:end]), True, None
        while waiting:
            clock = LogicalClock(time.monotonic_ns())
            process = CoreProcess(
                SETTINGS, channel, folder / "journal", paced=True, clock=clock, durability=Durability.OS
            )
            if begin < end:  # a process that begins a journal drops what is in the ring
                for message in told[begin:end]:
                    host.push(message)
                begin, kills.left = end, None if left < 0 else left
            try:
                process.run(frames)
            except Killed:
                assert kills.left is None
            else:
                journal = read_journal(folder / "journal")
                assert process.core.holdings == Believed.of(journal.messages).held
            process.close()
            while answers.pop() is not None:
                pass
            waiting = host.waiting > 0
    kills.left = None
    host.close()
    answers.close()
    channel.remove()
    return read_journal(folder / "journal", unfinished=True)


def drive(data: st.DataObject, folder: Path, kills: Kills) -> None:
    told = told_by_host(data.draw(st.integers(0, 3)))
    for odd in data.draw(st.lists(odd_messages(), max_size=8)):
        told.insert(data.draw(st.integers(10, len(told))), odd._replace(records=odd.records.copy()))
    told = [each for each in told if len(each.records) and not each.within]
    parts = sorted(data.draw(st.sets(st.integers(1, len(told) - 1), min_size=2, max_size=4)))
    lefts = data.draw(st.lists(st.integers(-1, 40), min_size=len(parts), max_size=len(parts)))
    expected = embedded(told)
    journal = in_process(folder, told, parts, kills, lefts)
    assert message_digest(journal.counted) == message_digest(expected.counted)
    assert replay(journal).divergence is None
    Believed.of(journal.messages)  # which finds an order that was decided twice


@pytest.mark.slow
def test_a_process_that_is_told_anything_and_killed_goes_on_as_one_that_was_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kills = Kills()
    append = Outbox.append

    def counted(outbox: Outbox, message: Message) -> int:
        kills.count()
        return append(outbox, message)

    monkeypatch.setattr(Outbox, "append", counted)

    @settings(
        max_examples=6,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def driven(data: st.DataObject) -> None:
        with tempfile.TemporaryDirectory() as folder:
            drive(data, Path(folder), kills)

    driven()
    assert kills.done > 0


def test_a_fill_that_is_told_twice_is_put_right_by_the_host_of_a_process(tmp_path: Path) -> None:
    channel = Channel(tmp_path / "channel", slots=SLOTS)
    process = CoreProcess(SETTINGS, channel, tmp_path / "journal", paced=True, clock=RealClock(0))
    running = threading.Thread(target=process.run)
    running.start()
    remote = RemoteCore(SETTINGS, channel, paced=True, patience=PATIENCE)
    market, broker = Script(SETTINGS), Broker()
    market.core = remote  # type: ignore[assignment]
    market.answer = lambda intent, time: None  # type: ignore[method-assign]
    try:
        remote.attach(PATIENCE)
        remote.instruments.add_equity("TEST")
        market.session()
        for order in market.bar(10, volatility=0.35)[0]:
            broker.receive(order)
        row = broker.fill(1, 1.0)
        for _ in range(2):
            market.tell(at(FIRST, 10.1), Kind.ORDER_EVENT, row.copy())
        assert remote.open_frame(at(FIRST, 10.2))
        remote.run()
        until = time.monotonic() + PATIENCE
        while not remote.wants_reconciliation and time.monotonic() < until:
            time.sleep(0.01)
        for message in reconcile(remote, *broker.told(), at(FIRST, 10.3)).messages:
            remote.accept(message)
    finally:
        remote.remark(END)
        running.join(PATIENCE)
        remote.stop()
        process.close()
    assert process.core.holdings == broker.positions
