"""A core process and clocks that are wrong: its own machine's, or its host's."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from alo_lib.cli.project import ROOT
from alo_lib.journal import read_journal
from alo_lib.records import DAY, HOUR, Kind
from alo_lib.runtime import replay
from alo_lib.runtime.frame_clock import ClockError, WallClock, offset_of
from alo_lib.runtime.link import Channel, CorePhase, Link, LinkPhase, host_ends
from alo_lib.runtime.remote import RemoteCore
from tests.runtime.intakes import Journaled, event, trade
from tests.runtime.processes import (
    FRAME,
    PATIENCE,
    TEN,
    by_hand,
    killed,
    numbered,
    of_kind,
    quotes_in,
    started_again,
)


def lived(folder: Path) -> tuple[RemoteCore, int]:
    """A core has lived through a frame with news and was killed; the host, and the frame's time."""
    process, remote = by_hand(folder, paced=False)
    quotes_in(remote)
    process._own_frame(TEN + FRAME)
    killed(process)
    return remote, TEN + FRAME


@pytest.mark.parametrize("back", [HOUR, DAY - FRAME])
def test_a_clock_that_went_back_is_told_and_frames_go_on_from_the_last(tmp_path: Path, back: int) -> None:
    remote, last = lived(tmp_path)
    again = started_again(tmp_path, utc=TEN - back)
    assert any(f"is {(back + FRAME) / 1e9:,.3f} s behind the journal's last frame" in each for each in again.findings)
    for number in range(3):
        remote._inputs.push(numbered(number, TEN - back))
    again.run(3)
    again.close()
    journal = read_journal(tmp_path / "journal")
    frames = [message.time for message in of_kind(journal, Kind.FRAME)]
    assert frames[0] == last
    assert frames[1] == last + FRAME
    assert replay(journal).divergence is None
    remote.stop()


@pytest.mark.parametrize("utc", [TEN - DAY, 0, 2**62])
def test_a_clock_that_cannot_be_right_starts_nothing(tmp_path: Path, utc: int) -> None:
    remote, _ = lived(tmp_path)
    remote._inputs.push(numbered(1))
    read_journal(tmp_path / "journal", unfinished=True)
    count = len(read_journal(tmp_path / "journal", unfinished=True).messages)
    with pytest.raises(ClockError, match="the machine's clock says"):
        started_again(tmp_path, utc=utc)
    assert remote.link.beat["phase"] == list(CorePhase).index(CorePhase.FAILED)
    assert len(read_journal(tmp_path / "journal", unfinished=True).messages) == count
    again = started_again(tmp_path)  # the clock is set, and the channel is free
    again.run(2)
    again.close()
    assert len(of_kind(read_journal(tmp_path / "journal"), Kind.INTEREST)) == 1
    remote.stop()


@pytest.mark.slow
def test_the_command_ends_by_a_clock_and_takes_old_inputs_when_told_to(tmp_path: Path) -> None:
    common = ["--folder", str(tmp_path), "--journal", str(tmp_path / "journal"), "--priority", "0", "--frames", "300"]
    command = [sys.executable, "-m", "alo_lib.cli", "core", "one", *common, "--set", "underlyings=TEST"]
    channel = Channel(tmp_path / "one")
    host, _ = channel.host_side()
    core = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    link = Link(channel.heartbeat, lambda *heard: None)
    end = time.monotonic() + PATIENCE
    try:
        while link.look() is not LinkPhase.ATTACHED and time.monotonic() < end:
            time.sleep(0.001)
        host.push(numbered(1, time.time_ns() - 3 * DAY))
        told = core.communicate(timeout=PATIENCE)[1].splitlines()[-1]
    finally:
        core.kill()
        core.communicate()
    assert core.returncode == 1
    assert told.startswith("alo: the core stopped: the host's next INTEREST message is of ")
    assert read_journal(tmp_path / "journal").sealed
    again = subprocess.run([*command, "--old-inputs"], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert again.returncode == 0, again.stderr
    assert len(of_kind(read_journal(tmp_path / "journal"), Kind.INTEREST)) == 1


@pytest.mark.parametrize("fresh", [True, False])
def test_a_clock_far_ahead_is_noticed_before_a_frame_has_its_time(tmp_path: Path, fresh: bool) -> None:
    if fresh:
        process, remote = by_hand(tmp_path, paced=False)
        killed(process)
        shutil.rmtree(tmp_path / "journal")
    else:
        remote, _ = lived(tmp_path)
    again = started_again(tmp_path, utc=TEN + 3 * DAY)
    remote._inputs.push(numbered(1))
    with pytest.raises(ClockError, match="the host's next INTEREST message is of 2024-03-04T15:00:00"):
        again.run(3)
    assert again.phase is CorePhase.FAILED
    again.close()
    journal = read_journal(tmp_path / "journal")
    assert journal.sealed
    assert all(message.time <= TEN + FRAME for message in journal.messages)
    right = started_again(tmp_path)  # with the clock set, it goes on and the message is taken
    if not fresh:
        right.run(3)
        assert len(of_kind(read_journal(tmp_path / "journal"), Kind.INTEREST)) == 1
    right.close()
    remote.stop()


# Clocks ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("apart", [DAY + 1, -DAY - 1])
def test_an_input_that_is_days_away_shows_a_wrong_clock_before_anything_is_journaled(
    tmp_path: Path, apart: int
) -> None:
    market = Journaled(tmp_path)
    market.host.push(event(1, TEN + apart))
    with pytest.raises(ClockError, match=r"the host's next ORDER_EVENT message is of .*: more than 24 hours apart"):
        market.frame()
    assert market.journal == []
    assert market.ring.waiting == 1
    again = Journaled(tmp_path / "other", wall=WallClock(lambda: TEN + apart))
    again.host.push(event(1, TEN + apart))
    assert len(again.frame(TEN + apart)) == 1


@pytest.mark.parametrize("apart", [DAY, -DAY])
def test_an_input_within_a_day_is_taken(tmp_path: Path, apart: int) -> None:
    market = Journaled(tmp_path)
    market.host.push(event(1, TEN + apart))
    assert [message.kind for message in market.frame()] == [Kind.ORDER_EVENT]


def test_once_an_input_agreed_one_that_does_not_is_at_fault_itself(tmp_path: Path) -> None:
    now = TEN
    market = Journaled(tmp_path, wall=WallClock(lambda: now))
    market.host.push(event(1))
    market.host.push(trade(0, 1.0, 1, TEN - 2 * DAY))
    remark, order = market.frame()
    assert order.records["order"][0] == 1
    assert b"TRADE is of 2024-03-02T15:00:00.000Z" in remark.records["text"][0]
    now = TEN + 3 * DAY  # the machine slept, or its clock was set: frames go by another time than its clock
    market.host.push(event(3, now))
    with pytest.raises(ClockError, match="one of the clocks is wrong"):
        market.frame()


def test_what_waited_may_be_old_where_somebody_says_so(tmp_path: Path) -> None:
    market = Journaled(tmp_path)
    for order in range(3):
        market.host.push(event(order, TEN - 3 * DAY))
    market.options["wall"] = WallClock(lambda: TEN, takes_old=True)
    market.kill_at = 2  # journaled, and its place not given back
    market.intake = market._new()
    with pytest.raises(KeyboardInterrupt):
        market.frame()
    market.options["wall"] = WallClock(lambda: TEN)
    market.kill_at = 4  # and the next core as well
    with pytest.raises(KeyboardInterrupt):
        market.again()
    assert market.again() == 2
    assert [message.records["order"][0] for message in market.journal] == [0, 1, 2]
    assert market.ring.waiting == 0
    market.host.push(event(2, TEN - 3 * DAY))
    with pytest.raises(ClockError):
        market.frame()


def test_remarks_are_of_any_time_and_confirm_nothing(tmp_path: Path) -> None:
    market = Journaled(tmp_path)
    market.host.push(host_ends(0))
    assert [message.kind for message in market.frame()] == [Kind.EVENT]


@pytest.mark.parametrize(
    ("utc", "last", "first", "finding"),
    [
        (TEN, -1, TEN, ""),
        (TEN, TEN, TEN, ""),
        (TEN, TEN - DAY, TEN, ""),
        (
            TEN - HOUR,
            TEN,
            TEN,
            "3,600.000 s behind the journal's last frame, of 2024-03-04T15:00:00.000Z; frames go on",
        ),
        (TEN - DAY, TEN, TEN, "86,400.000 s behind"),
    ],
)
def test_frames_go_on_behind_the_last_one(utc: int, last: int, first: int, finding: str) -> None:
    offset, found = offset_of(777, utc, last)
    assert 777 + offset == first
    assert bool(found) is bool(finding)
    assert finding in found


@pytest.mark.parametrize(
    ("utc", "last", "sentence"),
    [
        (TEN - DAY - 1, TEN, "the journal's last frame is of 2024-03-04T15:00:00.000Z, more than 24 hours later"),
        (0, -1, "the machine's clock says 1970-01-01T00:00:00.000Z; set it"),
        (2**62, -1, "the machine's clock says 2116-02-20"),
    ],
)
def test_a_clock_that_cannot_be_right_is_refused(utc: int, last: int, sentence: str) -> None:
    with pytest.raises(ClockError, match=sentence):
        offset_of(0, utc, last)
