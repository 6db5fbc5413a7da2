"""Two live LEANs, as on two hosts: one leads, the other stands by, and goes on when that has ended or was stopped."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from alo_lib.journal import orders_of
from alo_lib.records import OrderReason
from alo_lib.runtime import replay
from alo_lib.settings import Settings
from tests.live.live_run import LiveCore, LiveLean, moved_clock
from tests.live.test_erring_broker import logged, sent
from tests.live.test_restart import SETTINGS, START, all_is_told, at_broker, held
from tests.live.test_takeover import more_frames
from tests.runtime.etcd_server import real_etcd

pytestmark = [pytest.mark.lean, pytest.mark.slow]

SECONDS = 10


@pytest.fixture
def leans(lean_data: Path, tmp_path: Path) -> Iterator[tuple[LiveLean, LiveLean]]:
    """Two on one object store, and one account at the broker."""
    clock = moved_clock(tmp_path, START)
    folders = tmp_path / "first", tmp_path / "second"
    for folder in folders:
        folder.mkdir()
    with real_etcd(tmp_path) as url:
        settings = Settings.of(SETTINGS, {"leader-lease": f"desk@{url}", "leader-lease-seconds": SECONDS})
        first, second = (LiveLean(folder, lean_data, settings, clock, account=folders[0]) for folder in folders)
        (second.folder / "store").rmdir()
        (second.folder / "store").symlink_to(first.folder / "store")
        first.err()
        second.err()
        yield first, second
        first.kill()
        second.kill()


def tags(lean: LiveLean) -> list[str]:
    """Of the orders that the broker took."""
    path = lean.account / "received.txt"
    return [line[line.index("#") :] for line in path.read_text().splitlines()] if path.exists() else []


def epoch(lean: LiveLean) -> int:
    return 0 if lean.journal is None else lean.journal.segments[-1].epoch


def leads(lean: LiveLean, times: int = 1) -> bool:
    return sum(" leads 'desk' now" in line for line in lean.log) >= times


def test_one_leads_and_the_other_goes_on_when_it_is_killed_or_stopped(leans: tuple[LiveLean, LiveLean]) -> None:
    first, second = leans
    first.start()
    first.wait_for("a hedge", lambda: sent(first.journal, OrderReason.HEDGE) > 0 and "GOOG" in at_broker(first))
    second.start()
    second.wait_for("that it stands by", lambda: logged(second, " leads 'desk'"))
    assert logged(second, "stands by until this host leads")
    first.wait_for("its fills on the disk", lambda: all_is_told(first, first.journal))
    assert not leads(second)

    first.kill()
    began = time.monotonic()
    second.wait_for("that it leads", lambda: leads(second))
    assert time.monotonic() - began < 10 * SECONDS
    second.wait_for("a journal of its own", lambda: epoch(second) == 2)
    count = len(second.journal.messages) if second.journal else 0
    second.wait_for("frames of the second", lambda: more_frames(second.journal, count))
    second.wait_for("its fills on the disk", lambda: all_is_told(second, second.journal))

    first.start()
    first.wait_for("that it stands by", lambda: sum(" leads 'desk'" in line for line in first.log) > 0)
    first.wait_for("that it is ready", lambda: logged(first, "stands by until this host leads"))
    second.signal(signal.SIGSTOP)
    first.wait_for("that it leads again", lambda: leads(first))
    first.wait_for("a journal of its own", lambda: epoch(first) == 3)
    count = len(first.journal.messages) if first.journal else 0
    first.wait_for("frames of the first", lambda: more_frames(first.journal, count))
    before = [tag for tag in tags(first) if tag.endswith(" @2")]
    second.signal(signal.SIGCONT)
    second.end()
    assert logged(second, "leads 'desk' no more")
    assert [tag for tag in tags(first) if tag.endswith(" @2")] == before

    first.wait_for("its fills on the disk", lambda: all_is_told(first, first.journal))
    first.kill()
    journal = first.journal
    assert journal is not None
    assert held(journal) == at_broker(first)
    assert [segment.epoch for segment in journal.segments] == [1, 2, 3]
    numbers = [tag.split()[0] for tag in tags(first)]
    assert len(numbers) == len(set(numbers))
    ours = [order.number for order in orders_of(journal.messages) if order.number]
    assert ours == sorted(set(ours))
    assert replay(journal).divergence is None


class Host(NamedTuple):
    core: LiveCore
    lean: LiveLean


@pytest.fixture
def hosts(lean_data: Path, tmp_path: Path) -> Iterator[tuple[Host, Host]]:
    """Two that share the core's journal, and one account at the broker."""
    clock = moved_clock(tmp_path, START)
    made = []
    with real_etcd(tmp_path) as url:
        leading = {"leader-lease": f"desk@{url}", "leader-lease-seconds": str(SECONDS)}
        for name in ("first", "second"):
            folder = tmp_path / name
            folder.mkdir()
            shared = str(tmp_path / f"{name}-memory")
            place = {"core-process": "desk", "core-folder": shared}
            options = ("--folder", shared, "--standby")
            decides = SETTINGS | leading | {"frame-milliseconds": "500"}  # what is too late depends on it
            core = LiveCore("desk", tmp_path / "journal", decides, clock, *options)
            settings = Settings.of(decides, place)
            made.append(Host(core, LiveLean(folder, lean_data, settings, clock, account=tmp_path / "first")))
        for host in made:
            host.lean.err()
        yield made[0], made[1]
        for host in made:
            host.lean.kill()
            host.core.remove()


def test_a_core_process_goes_on_on_the_other_host_with_the_lean_there(hosts: tuple[Host, Host]) -> None:
    first, second = hosts
    first.core.start()
    first.lean.start()
    first.lean.wait_for("a hedge", lambda: sent(first.core.journal, OrderReason.HEDGE) > 0)
    second.core.start()
    second.lean.start()
    second.lean.wait_for("that it stands by", lambda: logged(second.lean, "stands by until this host leads"))
    first.lean.wait_for("its fills", lambda: all_is_told(first.lean, first.core.journal))

    first.core.end(signal.SIGKILL)
    first.lean.end()
    assert logged(first.lean, "the core process of term 1 has ended, and another host may have gone on")
    second.lean.wait_for("that it is met", lambda: logged(second.lean, "core attached"))
    assert second.core.journal is not None
    count = len(second.core.journal.messages)
    second.lean.wait_for("frames of the second", lambda: more_frames(second.core.journal, count))
    second.lean.wait_for("its fills", lambda: all_is_told(second.lean, second.core.journal))
    second.lean.kill()
    second.core.end(signal.SIGTERM)
    journal = second.core.journal
    assert journal is not None
    assert held(journal) == at_broker(second.lean)
    assert {segment.epoch for segment in journal.segments} == {1, 2}
    assert {tag.partition(" @")[2] for tag in tags(second.lean)} <= {"1", "2"}
    numbers = [tag.split()[0] for tag in tags(second.lean)]
    assert len(numbers) == len(set(numbers))
    assert replay(journal).divergence is None
