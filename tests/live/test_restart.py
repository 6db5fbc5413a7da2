"""Live LEAN is killed in the middle of its day and goes on."""

import datetime as dt
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from alo_lib.journal import Journal, orders_of, read_journal
from alo_lib.records import HostEvent, Kind, OrderReason
from alo_lib.runtime import replay
from alo_lib.settings import Settings
from tests.live.live_run import LiveCore, LiveLean, moved_clock

pytestmark = [pytest.mark.lean, pytest.mark.slow]

SETTINGS = {"underlyings": "GOOG", "start": "2015-12-24", "end": "2015-12-24"}
START = dt.datetime(2015, 12, 24, 14, 34, tzinfo=dt.UTC).timestamp()
"""9:34 in New York, a minute before the strategy opens its first trade."""


@pytest.fixture
def lean(lean_data: Path, tmp_path: Path) -> Iterator[LiveLean]:
    account = LiveLean(tmp_path, lean_data, Settings.of(SETTINGS), moved_clock(tmp_path, START))
    yield account
    account.kill()


def filled(journal: Journal | None, reason: OrderReason) -> int:
    """How many orders sent for a reason are filled."""
    orders = [] if journal is None else orders_of(journal.messages)
    return sum(order.tag == reason.tag and order.filled == order.quantity for order in orders)


def held(journal: Journal) -> dict[str, int]:
    """What the journal's fills add up to."""
    found: dict[str, int] = {}
    for order in orders_of(journal.messages):
        found[order.symbol] = found.get(order.symbol, 0) + order.filled
    return {symbol: quantity for symbol, quantity in found.items() if quantity}


def at_broker(lean: LiveLean) -> dict[str, int]:
    return {row["symbol"]["value"]: int(row["q"]) for row in lean.holdings}


def all_is_told(lean: LiveLean, journal: Journal | None) -> bool:
    """Whether the journal has every fill that the broker has, and no order of it waits for one.

    Nor is one to come: a frame was decided behind the last event. What is bought behind a core's back would else be
    taken for a fill of an order that it waits for.
    """
    if journal is None or held(journal) != at_broker(lean):
        return False
    told = Kind.ORDER_EVENT, Kind.FRAME, Kind.ADOPTION  # a volume begins, with the last, where nothing is to come
    kinds = [message.kind for message in journal.messages if message.kind in told]
    done = all(order.filled == order.quantity or order.status.is_done for order in orders_of(journal.messages))
    return done and kinds[-1] is not Kind.ORDER_EVENT


def is_hedged(lean: LiveLean, journal: Journal | None) -> bool:
    """Whether all is told, with shares held.

    Where legs are filled frames apart, what hedges the first is sold again, and for a moment no share is held: an order
    has no more of them than is displayed.
    """
    return "GOOG" in at_broker(lean) and all_is_told(lean, journal)


def buy(lean: LiveLean, count: int) -> str:
    """Buy shares while LEAN is not there; returns what a recovery should find."""
    rows = lean.holdings
    (shares,) = (row for row in rows if row["symbol"]["value"] == "GOOG")
    before, shares["q"] = int(shares["q"]), shares["q"] + count
    (lean.folder / "holdings.json").write_text(json.dumps(rows))
    return f"the host holds {before + count} GOOG, the journal says {before}: the host is right"


def findings(journal: Journal) -> list[str]:
    """What recoveries found, as the journal has it."""
    return [
        row["text"].decode()
        for message in journal.messages
        if message.kind is Kind.EVENT
        for row in message.records
        if row["event"] == HostEvent.RECOVERY
    ]


def test_live_lean_that_was_killed_goes_on_from_its_object_store(lean: LiveLean) -> None:
    lean.start()
    lean.wait_for("a hedged trade", lambda: filled(lean.journal, OrderReason.HEDGE) > 0)
    lean.wait_for("its fills on the disk", lambda: is_hedged(lean, lean.journal))
    lean.kill()
    first = lean.journal
    assert first is not None
    assert not first.sealed
    assert filled(first, OrderReason.ENTRY) >= 2

    # While nobody looks, somebody buys seven shares, and the broker works an order that the journal knows nothing of.
    bought_behind = buy(lean, 7)
    (lean.folder / "work").write_text("5,hedge #99")

    lean.start()

    def went_on() -> bool:
        now = lean.journal
        assert now is not None
        ours = [m for m in now.messages[len(first.messages) :] if m.kind is Kind.FRAME]
        return now.segments[-1].epoch == 2 and len(ours) >= 2 and "FORECAST" in {m.kind.name for m in now.messages}

    lean.wait_for("two frames of the second life", went_on)
    lean.wait_for("its fills on the disk", lambda: all_is_told(lean, lean.journal))  # it may hedge what was bought
    told = [line.split("alo recovery: ", 1)[1] for line in lean.log if "alo recovery: " in line]
    lean.kill()

    second = lean.journal
    assert second is not None
    assert [m.records.tobytes() for m in second.messages[: len(first.messages)]] == [
        m.records.tobytes() for m in first.messages
    ]
    assert [segment.epoch for segment in second.segments] == [1, 2]
    assert findings(second) == [text[:120] for text in told]
    count = len(first.messages)
    assert told[0] == f"the writer of epoch 1 did not close the journal; {count} entries hold"
    assert told[1].startswith(f"{count} messages hold, of which ")
    assert " of which 0 are in a snapshot" not in told[1]
    assert bought_behind in told
    assert "the host works order 99, which the journal has no end of: it is to be canceled" in told
    assert any("cancel order" in line for line in lean.log)
    numbers = [order.number for order in orders_of(second.messages) if order.number]
    assert numbers == sorted(set(numbers))
    assert held(second) == at_broker(lean)
    assert replay(second).divergence is None


def test_live_lean_and_its_core_process_are_killed_in_turn(lean_data: Path, tmp_path: Path) -> None:
    name, clock = f"test_{os.getpid()}", moved_clock(tmp_path, START)
    settings = SETTINGS | {"frame-milliseconds": "500"}  # what is too late depends on it; the machine may be busy
    core = LiveCore(name, tmp_path / "journal", settings, clock)
    lean = LiveLean(tmp_path, lean_data, Settings.of(settings, {"core_process": name}), clock)

    def heard() -> int:
        """Core processes that LEAN has attached to; on a busy machine it may miss one and hear it again."""
        lines = [line for line in lean.log if "alo core attached: frame " in line]
        return len({line.rpartition("as process ")[2] for line in lines})

    def frames_after(count: int) -> bool:
        journal = core.journal
        return journal is not None and any(m.kind is Kind.EXPOSURE for m in journal.messages[count:])

    try:
        core.start()
        lean.start()
        lean.wait_for("a hedged trade", lambda: filled(core.journal, OrderReason.HEDGE) > 0)
        lean.wait_for("its fills", lambda: is_hedged(lean, core.journal))
        lean.kill()
        bought_behind = buy(lean, 7)
        lean.start()
        lean.wait_for("what the core did alone", lambda: any("alo recovery: " in line for line in lean.log))
        lean.wait_for("reconciliation", lambda: any(bought_behind in line for line in lean.log))
        assert heard() == 1
        core.end(signal.SIGKILL)
        lean.wait_for("that the core is gone", lambda: any("alo core gone" in line for line in lean.log))
        with_the_dead = read_journal(tmp_path / "journal", unfinished=True)
        core.start()
        lean.wait_for("the core again", lambda: heard() == 2)
        lean.wait_for("a frame of it", lambda: frames_after(len(with_the_dead.messages)))
        lean.wait_for("its fills", lambda: all_is_told(lean, core.journal))
        lean.kill()
        assert core.end(signal.SIGTERM) == 0
    finally:
        lean.kill()
        core.remove()
    journal = read_journal(tmp_path / "journal")
    assert replay(journal).divergence is None
    assert bought_behind in findings(journal)
    assert held(journal) == at_broker(lean)
    numbers = [order.number for order in orders_of(journal.messages) if order.number]
    assert numbers == sorted(set(numbers))
