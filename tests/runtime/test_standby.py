"""Cores that stand by for each other: nothing is lost or done twice, and there are never two that write."""

import time
from pathlib import Path

import numpy as np
import pytest

from alo_lib.core import FRAME_PLAN
from alo_lib.executive import LogicalClock, RealClock
from alo_lib.journal import GrowingJournal, JournalHeldError, read_journal
from alo_lib.records import Kind, Message
from alo_lib.runtime.fence import STANDBY, FencedError
from alo_lib.runtime.follower import Follower
from alo_lib.runtime.frame_clock import WallClock
from alo_lib.runtime.hosting import _ProcessOfItsOwnTime
from alo_lib.runtime.link import Channel, CorePhase
from alo_lib.runtime.process import CoreProcess, plans_of
from alo_lib.runtime.standby import Standby
from alo_lib.runtime.terms import Terms
from alo_lib.transport import NotOwnerError
from tests.core.seeds import SETTINGS, live
from tests.runtime.processes import FRAME, SLOTS, TEN, by_hand, digest, killed, quotes_in
from tests.runtime.standby_trial import Cores, struck

PLANS = plans_of(FRAME_PLAN, paced=True)


def follower_of(folder: Path) -> tuple[Follower, list[str]]:
    heard: list[str] = []
    return Follower(SETTINGS, folder / "journal", PLANS, adopts=False, hear=heard.append), heard


def fence(channel: Channel, number: int) -> None:
    told = np.zeros(1, STANDBY)
    told["fenced"], told["lease"] = number, 500_000_000
    with channel.standby.write_as("standby") as writer:
        writer.write(told)


def going_on(folder: Path, followed: Follower, *, paced: bool = True) -> CoreProcess:
    channel, clock = Channel(folder / "channel", slots=SLOTS), LogicalClock(time.monotonic_ns())
    return CoreProcess(SETTINGS, channel, followed, paced=paced, clock=clock, wall=WallClock(lambda: TEN))


def test_who_follows_takes_over_where_the_one_that_led_was_killed(tmp_path: Path) -> None:
    """What it followed is not decided again, and it comes to the same as one that decides all of it again."""
    expected = live(3)
    inputs = [message for message in expected.journal.messages if not message.kind.is_decision]
    process, remote = by_hand(tmp_path, paced=True)
    follower, heard = follower_of(tmp_path)
    half = len(inputs) // 2
    frames = 0
    for message in inputs[:half]:
        remote._inputs.push(message)
        frames += message.kind is Kind.FRAME
    process._close_journal = lambda: None  # type: ignore[method-assign]
    process.run(frames)
    follower.follow(process._outbox.journal.sequence, 60.0)
    assert 0 < follower.followed <= process._outbox.journal.sequence
    assert heard == []
    killed(process)
    again = going_on(tmp_path, follower)
    assert any(f"of which {follower.followed} were followed" in each for each in again.findings)
    for message in inputs[half:]:
        remote._inputs.push(message)
    again.run(sum(message.kind is Kind.FRAME for message in inputs[half:]))
    again.close()
    remote.stop()
    journal = read_journal(tmp_path / "journal")
    assert digest(journal) == digest(expected.journal)
    assert [segment.epoch for segment in journal.segments][-1] == 2


def test_a_core_that_is_asked_to_leave_journals_nothing_more(tmp_path: Path) -> None:
    process, remote = by_hand(tmp_path, paced=True)
    quotes_in(remote)
    before = process._outbox.journal.sequence
    channel = Channel(tmp_path / "channel", slots=SLOTS)
    fence(channel, channel.heartbeat.owner.epoch)
    with pytest.raises(FencedError, match=r"takes over: this core gave no heartbeat for more than 0.5 s, its lease"):
        process.run(5)
    process.close()
    assert len(read_journal(tmp_path / "journal", unfinished=True).messages) == before
    assert remote._answers.pop() is None
    remote.stop()


def test_a_core_that_was_stopped_within_a_frame_gives_no_answer_and_who_takes_over_does(tmp_path: Path) -> None:
    process, remote = by_hand(tmp_path, paced=False)
    quotes_in(remote)
    channel = Channel(tmp_path / "channel", slots=SLOTS)
    hosted = _ProcessOfItsOwnTime(remote, pytest.fail)
    terms = Terms(lambda: hosted.term)
    assert terms.send([1]) == 1
    decide = process._core.run

    def stopped_meanwhile() -> object:
        decided = decide()
        fence(channel, channel.heartbeat.owner.epoch)
        return decided

    process._core.run = stopped_meanwhile  # type: ignore[method-assign, assignment]
    with pytest.raises(FencedError):
        process.run(5)
    process.close()
    assert remote._answers.pop() is None
    told = [each for each in read_journal(tmp_path / "journal", unfinished=True).messages if each.kind.is_decision]
    assert len(told) > 3  # what it had journaled stands
    follower = Follower(SETTINGS, tmp_path / "journal", FRAME_PLAN, adopts=True)
    again = going_on(tmp_path, follower, paced=False)
    again.run(3)
    again.close()
    answered = []
    while (message := remote._answers.pop()) is not None:
        answered.append(message)
    given = [(each.kind, each.records.tobytes()) for each in answered if each.kind is not Kind.FRAME]
    assert given == [(each.kind, each.records.tobytes()) for each in told if each.kind is not Kind.FRAME]
    assert terms.send([2]) == again._outbox.journal.epoch == 2
    remote.stop()


def test_a_core_that_was_stopped_while_it_takes_in_takes_in_nothing_more(tmp_path: Path) -> None:
    process, remote = by_hand(tmp_path, paced=False)
    quotes_in(remote)
    channel = Channel(tmp_path / "channel", slots=SLOTS)
    accept, accepted = process._core.accept, []

    def stopped_meanwhile(message: Message) -> None:
        accept(message)
        accepted.append(message)
        fence(channel, channel.heartbeat.owner.epoch)
        process._beat["monotonic"] = -10 * FRAME  # the frame began long ago

    process._core.accept = stopped_meanwhile  # type: ignore[method-assign]
    with pytest.raises(FencedError):
        process.run(5)
    process.close()
    remote.stop()
    assert len(accepted) == 1


def test_a_core_that_is_asked_to_leave_and_told_to_end_does_not_write_its_journals_end(tmp_path: Path) -> None:
    process, remote = by_hand(tmp_path, paced=True)
    channel = Channel(tmp_path / "channel", slots=SLOTS)
    fence(channel, channel.heartbeat.owner.epoch)
    process.stop()
    with pytest.raises(FencedError):
        process.run()
    process.close()
    remote.stop()


def test_a_number_that_another_core_had_is_no_reason_to_leave(tmp_path: Path) -> None:
    process, remote = by_hand(tmp_path, paced=True)
    channel = Channel(tmp_path / "channel", slots=SLOTS)
    fence(channel, channel.heartbeat.owner.epoch - 1)
    assert process.run(3).frames == 3
    process.close()
    remote.stop()


def test_a_standby_takes_over_at_once_where_nobody_leads_and_waits_for_who_writes(tmp_path: Path) -> None:
    process, remote = by_hand(tmp_path, paced=True)
    process.run(1)
    process.close()
    follower, _ = follower_of(tmp_path)
    channel = Channel(tmp_path / "channel", slots=SLOTS)
    heard: list[str] = []
    tries: list[Follower] = []

    def make(followed: Follower) -> CoreProcess:
        tries.append(followed)
        if len(tries) < 3:
            raise JournalHeldError("it is being written")
        return CoreProcess(SETTINGS, channel, followed, paced=True, clock=RealClock(0))

    standby = Standby(channel, follower, lease=0.5, hear=heard.append)
    with pytest.raises(NotOwnerError, match="belongs to standby"):
        Standby(Channel(tmp_path / "channel", slots=SLOTS), follower, lease=0.5)
    made = standby.take_over(make)
    assert made is not None
    assert len(tries) == 3
    assert heard == []
    assert made.run(1).frames == 1
    made.close()
    assert list(CorePhase)[int(channel.heartbeat.read().value["phase"])] is CorePhase.STOPPED
    remote.stop()


def test_a_standby_that_is_told_to_end_does_so_and_leaves_who_leads_alone(tmp_path: Path) -> None:
    process, remote = by_hand(tmp_path, paced=True)
    follower, _ = follower_of(tmp_path)
    channel = Channel(tmp_path / "channel", slots=SLOTS)
    standby = Standby(channel, follower, lease=600.0, beat=lambda followed: standby.stop())
    assert standby.take_over(lambda followed: pytest.fail("somebody leads")) is None
    assert not channel.standby.owner.pid
    assert process.run(1).frames == 1
    process.close()
    remote.stop()


def test_what_cannot_be_followed_is_told_once_and_gone_on_from_as_after_a_restart(tmp_path: Path) -> None:
    process, remote = by_hand(tmp_path, paced=True)
    quotes_in(remote)
    process._close_journal = lambda: None  # type: ignore[method-assign]
    process.run(3)
    heard: list[str] = []
    other = SETTINGS.model_copy(update={"hedge_band": SETTINGS.hedge_band + 0.01})
    follower = Follower(other, tmp_path / "journal", PLANS, adopts=False, hear=heard.append)
    for _ in range(3):
        follower.follow(process._outbox.journal.sequence, 60.0)
    assert follower.followed == -1
    assert len(heard) == 1
    assert heard[0].startswith("the standby is not warm: the journal")
    assert "hedge-band" in heard[0] or "hedge_band" in heard[0]
    killed(process)
    remote.stop()


def test_a_journal_that_lost_what_was_followed_is_decided_again(tmp_path: Path) -> None:
    """As where the machine went down, and the disk had not had all of it."""
    process, remote = by_hand(tmp_path, paced=True)
    quotes_in(remote)
    process._close_journal = lambda: None  # type: ignore[method-assign]
    process.run(3)
    follower, _ = follower_of(tmp_path)
    follower.follow(process._outbox.journal.sequence, 60.0)
    killed(process)
    growing = GrowingJournal(tmp_path / "journal")
    assert growing.look() is None
    last = follower.checked[-1]  # of two where the writer had a spare file by then; a sealed one is on the disk
    segment, end = tmp_path / "journal" / last.name, int(last.offsets[-1]) * 8
    data = segment.read_bytes()
    segment.write_bytes(data[:end] + bytes(len(data) - end))
    again = going_on(tmp_path, follower)
    assert any("of which 0 are in a snapshot" in each for each in again.findings)
    again.close()
    remote.stop()


@pytest.mark.slow
def test_a_thousand_blows_at_random_instants_lose_no_order_and_double_none(tmp_path: Path) -> None:
    """Each run ends with the journal and the orders of one that is left alone (asserted in ``struck``)."""
    cores = Cores(tmp_path, 0.3)
    blows, seed = 0, 0
    try:
        while blows < 1000:
            found, _ = struck(cores, tmp_path, seed, 25)
            blows, seed = blows + len(found), seed + 1
    finally:
        cores.close()
