"""The host's side of a core in a process of its own."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from alo_lib.cli.project import ROOT
from alo_lib.journal import orders_of, read_journal
from alo_lib.records import Kind, Message, OrderReason, OrderStatus, records
from alo_lib.runtime import HostPosition, reconcile, replay
from alo_lib.runtime.link import Channel, CorePhase, Link, LinkPhase
from alo_lib.runtime.market_record import MarketRecord
from alo_lib.runtime.process import CoreProcess
from alo_lib.runtime.remote import RemoteCore
from alo_lib.runtime.same_settings import met_settings, settings_mark, with_place_of
from alo_lib.settings import Settings, SettingsError
from alo_lib.transport import NotOwnerError
from tests.core.script import FIRST, at
from tests.core.seeds import SETTINGS
from tests.runtime.processes import FRAME, PATIENCE, SLOTS, Watched, by_hand, quotes_in, today


def test_orders_that_open_risk_are_refused_when_their_answer_comes_too_late(tmp_path: Path) -> None:
    process, remote = by_hand(tmp_path, paced=True)
    quotes_in(remote)
    time = at(FIRST, 10) + FRAME
    assert remote.open_frame(time) is False  # nobody runs
    process.run(2)  # before the session, and in it
    assert remote.open_frame(time + FRAME) is True
    assert OrderReason.ENTRY in remote._frame.of(Kind.INTENT)["reason"]
    assert len(remote.run()) == 0
    refused = [m for m in iter(process._inputs.pop, None) if m.kind is Kind.ORDER_EVENT]
    assert len(refused) == 4
    assert all(m.records["status"][0] == OrderStatus.INVALID for m in refused)
    assert remote.contracts_open(0) == []
    process.close()
    remote.stop()


def test_where_there_are_other_hosts_nothing_is_done_for_a_core_that_is_silent(tmp_path: Path) -> None:
    """Host and core were stopped together, and another host may lead: the core finds out before it beats again."""
    process, remote = by_hand(tmp_path, paced=False)
    quotes_in(remote)
    process.run(3)
    beat = process._beat.copy()
    beat["phase"], beat["length"], beat["epoch"] = list(CorePhase).index(CorePhase.RUNNING), FRAME, 5
    process._heart.write(beat)
    now = int(beat["monotonic"][0])
    remote.link._clock = lambda: now
    assert remote.link.look() is LinkPhase.ATTACHED
    remote.link.depend()
    now += 3 * FRAME
    assert not remote.open_frame(0)
    beat["monotonic"] = now
    process._heart.write(beat)
    assert remote.open_frame(0)
    process.close()
    remote.stop()


def test_the_host_follows_splits_and_not_their_warnings(tmp_path: Path) -> None:
    process, remote = by_hand(tmp_path, paced=True)
    quotes_in(remote)
    fill = records(Kind.ORDER_EVENT, instrument=0, quantity=7, price=1.0, status=OrderStatus.FILLED)
    remote.accept(Message(Kind.ORDER_EVENT, at(FIRST, 10), fill))
    for warning, expected in ((1, 7), (0, 14)):
        split = records(Kind.SPLIT, instrument=0, factor=0.5, warning=warning)
        remote.accept(Message(Kind.SPLIT, at(FIRST, 10), split))
        assert remote.holdings == {0: expected}
    process.close()
    remote.stop()


def until(link: Link, phase: LinkPhase) -> None:
    """Wait for a phase; how long it takes is the host's affair."""
    end = time.monotonic() + PATIENCE
    while link.look() is not phase:
        assert time.monotonic() < end, f"{link.phase} and not {phase}"
        time.sleep(0.001)


@pytest.mark.slow
def test_a_core_that_keeps_its_own_time_is_missed_lost_and_heard_again(tmp_path: Path) -> None:
    common = ["--folder", str(tmp_path), "--journal", str(tmp_path / "journal"), "--priority", "0"]
    command = [sys.executable, "-m", "alo_lib.cli", "core", "one", *common, "--set", "underlyings=TEST"]
    remote = RemoteCore(SETTINGS, Channel(tmp_path / "one"), paced=False)
    core = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        remote.attach(PATIENCE)
        core.send_signal(signal.SIGSTOP)
        until(remote.link, LinkPhase.LATE)
        quotes_in(remote, today())
        core.kill()
        core.wait()
        until(remote.link, LinkPhase.GONE)
        status = subprocess.run([*command[:5], *common[:2], "--status"], cwd=ROOT, capture_output=True, text=True)
        assert f"\nkilled while it was running, process {core.pid} gone, last heartbeat " in status.stdout
        assert remote.open_frame(time.time_ns()) is False
        core = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(remote.link, LinkPhase.ATTACHED)
        end = time.monotonic() + PATIENCE
        while not remote.open_frame(time.time_ns()):
            assert time.monotonic() < end
            time.sleep(0.001)
        remote.run()
        core.send_signal(signal.SIGTERM)
        assert core.wait(PATIENCE) == 0
    finally:
        core.kill()
        core.wait()
        remote.stop()
    assert replay(read_journal(tmp_path / "journal")).divergence is None


def test_a_host_that_was_killed_knows_again_what_it_had_told(tmp_path: Path) -> None:
    common = ["--folder", str(tmp_path), "--journal", str(tmp_path / "journal"), "--priority", "0"]
    command = [sys.executable, "-m", "alo_lib.cli", "core", "one", *common, "--set", "underlyings=TEST"]
    core = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    remote = RemoteCore(SETTINGS, Channel(tmp_path / "one"), paced=False)
    try:
        remote.attach(PATIENCE)
        assert remote.catch_up()[0] == MarketRecord()
        quotes_in(remote, today())
        event = records(Kind.ORDER_EVENT, instrument=3, quantity=2, price=1.5, status=OrderStatus.FILLED)
        remote.accept(Message(Kind.ORDER_EVENT, at(today(), 10), event))
        remote.stop()  # what it knew is gone, and nobody takes the answers
        remote = RemoteCore(SETTINGS, Channel(tmp_path / "one"), paced=False)
        remote.attach(PATIENCE)
        told, count = remote.catch_up()
        assert told.underlyings == {"TEST": remote.instruments.number("TEST")}
        assert remote.instruments.number("TEST") == 0
        assert sorted(told.contracts) == list(range(1, len(remote.instruments)))
        assert remote.holdings == {3: 2}
        found = reconcile(remote, {3: HostPosition(5, 1.5)}, {}, at(today(), 10))
        assert any("the host holds 5" in finding for finding in found.findings)
        for message in found.messages:
            remote.accept(message)
        assert remote.holdings == {3: 5}
        assert remote.catch_up()[1] > count
        core.send_signal(signal.SIGTERM)
        assert core.wait(PATIENCE) == 0
    finally:
        core.kill()
        core.wait()
        remote.stop()
    journal = read_journal(tmp_path / "journal")
    assert replay(journal).divergence is None
    assert sum(order.filled for order in orders_of(journal.messages)) == 5


def test_a_channel_has_one_core_and_one_host(tmp_path: Path) -> None:
    process, remote = by_hand(tmp_path, paced=True)
    with pytest.raises(NotOwnerError, match="belongs to core"):
        CoreProcess(SETTINGS, Channel(tmp_path / "channel", slots=SLOTS), tmp_path / "other")
    with pytest.raises(NotOwnerError, match="belongs to host"):
        RemoteCore(SETTINGS, Channel(tmp_path / "channel", slots=SLOTS), paced=True)
    process.close()
    remote.stop()


def test_a_channel_that_is_removed_leaves_nothing(tmp_path: Path) -> None:
    process, remote = by_hand(tmp_path, paced=True)
    process.close()
    remote.stop()
    Channel(tmp_path / "channel", slots=SLOTS).remove()
    assert not (tmp_path / "channel").exists()


def test_live_a_host_goes_by_the_settings_of_the_core_that_it_meets() -> None:
    theirs = Settings.of({"underlyings": "TEST", "hedge_band": 0.03, "take_over": True})
    ours = Settings.of({"underlyings": "TEST", "core_process": "desk", "core_folder": "/tmp/there"})
    met, different = met_settings(theirs.model_dump_json().encode(), ours)
    assert different == "hedge-band was 0.02 and is 0.03"
    assert settings_mark(met) == settings_mark(theirs) != settings_mark(ours)
    assert (met.core_process, met.core_folder, met.take_over, met.hedge_band) == ("desk", "/tmp/there", False, 0.03)


@pytest.mark.parametrize(("named", "meant"), [("", "a.policy"), ("b.policy", "b.policy")])
def test_a_policy_is_looked_for_where_we_name_it_else_where_they_had_it(named: str, meant: str) -> None:
    theirs = Settings.of({"underlyings": "TEST", "hedge": "policy", "policy": "a.policy"})
    ours = Settings.of({"underlyings": "TEST", "policy": named, "core_process": "desk"})
    assert with_place_of(theirs, ours) == theirs.model_copy(update={"policy": meant, "core_process": "desk"})
    assert met_settings(theirs.model_dump_json().encode(), ours)[0].policy == meant


def test_a_host_takes_no_core_of_other_settings_or_time(tmp_path: Path) -> None:
    watched = Watched(tmp_path / "channel") if (tmp_path / "channel").mkdir() is None else None  # type: ignore[func-returns-value]
    assert watched is not None
    channel = Channel(tmp_path / "channel", slots=SLOTS)
    other = RemoteCore(SETTINGS, channel, paced=True, clock=lambda: watched.now)
    with pytest.raises(TimeoutError, match="no core runs after 0 s; start one with 'alo core'"):
        other.attach(0.0)
    watched.beat()
    with pytest.raises(SettingsError, match="under other settings than its host"):
        other.attach(1.0)
    other.stop()
