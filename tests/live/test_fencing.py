"""Live LEAN is stopped while it leads, another one goes on, and the first is woken."""

import json
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from alo_lib.journal import orders_of
from alo_lib.records import OrderReason
from alo_lib.runtime import replay
from alo_lib.settings import Settings
from tests.live.live_run import LiveLean, moved_clock
from tests.live.test_erring_broker import logged, sent
from tests.live.test_restart import SETTINGS, START, at_broker
from tests.live.test_takeover import GOOG, more_frames

pytestmark = [pytest.mark.lean, pytest.mark.slow]


@pytest.fixture
def leans(lean_data: Path, tmp_path: Path) -> Iterator[tuple[LiveLean, LiveLean]]:
    """Two on one object store."""
    clock = moved_clock(tmp_path, START)
    folders = tmp_path / "first", tmp_path / "second"
    for folder in folders:
        folder.mkdir()
    first, second = (LiveLean(folder, lean_data, Settings.of(SETTINGS), clock) for folder in folders)
    (second.folder / "store").rmdir()
    (second.folder / "store").symlink_to(first.folder / "store")
    first.err()
    second.err()
    yield first, second
    first.kill()
    second.kill()


def tags(lean: LiveLean) -> list[str]:
    """Of the orders that the broker took of one."""
    path = lean.folder / "received.txt"
    lines = path.read_text().splitlines() if path.exists() else []
    return [line[line.index("#") :] for line in lines]


def canceled(lean: LiveLean) -> list[str]:
    """The broker's identifiers of what it was asked to cancel."""
    path = lean.folder / "canceled.txt"
    return path.read_text().split() if path.exists() else []


def work(lean: LiveLean, name: str, tag: str) -> None:
    """Have the broker work an order that will not be filled, as if another process had sent it."""
    path = lean.folder / "orders.json"
    orders = json.loads(path.read_text()) if path.exists() else []
    order = {"Id": name, "Symbol": GOOG, "Left": 1, "Limit": 1.0, "Tag": tag, "Due": "2015-12-24T00:00:00Z"}
    path.write_text(json.dumps([*orders, order]))


def work_meanwhile(lean: LiveLean, name: str, tag: str) -> None:
    """The same, behind the back of one that runs: the brokerage of these tests sees it when it connects again."""
    gone, back = (times(lean, f"the connection is {what}") for what in ("lost", "back"))
    (lean.folder / "disconnect").touch()
    lean.wait_for("that the connection is lost", lambda: times(lean, "the connection is lost") > gone)
    work(lean, name, tag)
    (lean.folder / "disconnect").unlink()
    lean.wait_for("that it is back", lambda: times(lean, "the connection is back") > back)


def times(lean: LiveLean, what: str) -> int:
    return sum(what in line for line in lean.log)


def test_who_is_woken_sends_nothing_and_what_it_sent_is_canceled_once(leans: tuple[LiveLean, LiveLean]) -> None:
    first, second = leans
    first.start()
    first.wait_for("a hedge", lambda: sent(first.journal, OrderReason.HEDGE) > 0 and "GOOG" in at_broker(first))
    first.signal(signal.SIGSTOP)
    sent_first = tags(first)
    assert sent_first
    assert all(tag.endswith(" @1") for tag in sent_first)
    for name in ("holdings.json", "orders.json", "last.json"):
        if (first.folder / name).exists():
            shutil.copy(first.folder / name, second.folder / name)

    # What the first sent, and no journal knows: the broker gives it to the second when that connects.
    work(second, "X0", "hedge #99 @1")
    second.start()
    second.wait_for(
        "a journal of its own", lambda: second.journal is not None and second.journal.segments[-1].epoch == 2
    )
    second.wait_for("that the order is canceled", lambda: canceled(second) == ["X0"])
    why = "'hedge #99 @1', was sent by a process that led no more: this is term 2; it is canceled"
    second.wait_for("that this is said", lambda: logged(second, why))
    assert second.journal is not None
    count = len(second.journal.messages)
    second.wait_for("frames of the second", lambda: more_frames(second.journal, count))

    first.signal(signal.SIGCONT)
    first.end()
    assert logged(first, "this one, of term 1, saves and sends nothing more")
    assert tags(first) == sent_first

    # What it would send once it is woken: the second has not heard of it.
    work_meanwhile(second, "X1", "hedge #98 @1")
    second.wait_for("that it is canceled", lambda: canceled(second) == ["X0", "X1"])
    why = "the broker works 'hedge #98 @1' for GOOG, sent by a process that led no more: this is term 2; it is canceled"
    second.wait_for("that this is said, too", lambda: logged(second, why))
    assert all(tag.endswith(" @2") for tag in tags(second))
    numbers = [tag.split()[0] for tag in sent_first + tags(second)]
    assert len(numbers) == len(set(numbers))

    said = [line.partition("alo recovery: ")[2] for line in second.log if "led no more" in line and "recovery" in line]
    assert len(said) == len(set(said)) == 2

    # A third has gone on elsewhere.
    before = tags(second)
    work_meanwhile(second, "X2", "hedge #97 @3")
    second.end()
    assert logged(second, "the broker works 'hedge #97 @3' for GOOG of term 3, and this is term 2: another process")
    assert canceled(second) == ["X0", "X1"]
    assert tags(second) == before
    journal = second.journal
    assert journal is not None
    assert [segment.epoch for segment in journal.segments] == [1, 2]
    ours = [order.number for order in orders_of(journal.messages) if order.number]
    assert ours == sorted(set(ours))
    assert replay(journal).divergence is None
