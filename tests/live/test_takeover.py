"""Live LEAN is started over an account that is not empty."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from alo_lib.journal import Journal, orders_of
from alo_lib.records import Kind, OrderReason
from alo_lib.runtime import replay
from alo_lib.settings import Settings
from tests.live.live_run import LiveLean, moved_clock
from tests.live.test_restart import SETTINGS, START, all_is_told, at_broker, filled, held

pytestmark = [pytest.mark.lean, pytest.mark.slow]

GOOG = {"id": "GOOCV VP83T1ZUHROL", "value": "GOOG"}
CALL = {"id": "GOOCV W7MROVWSP0CM|GOOCV VP83T1ZUHROL", "value": "GOOG  160129C00712500", "underlying": GOOG}
PUT = {"id": "GOOCV 306QRUBVZYTQE|GOOCV VP83T1ZUHROL", "value": "GOOG  160129P00712500", "underlying": GOOG}


@pytest.fixture
def lean(lean_data: Path, tmp_path: Path) -> Iterator[LiveLean]:
    account = LiveLean(tmp_path, lean_data, Settings.of(SETTINGS), moved_clock(tmp_path, START))
    yield account
    account.kill()


def entries(journal: Journal | None) -> list[tuple[int, bytes, int, int]]:
    messages = () if journal is None else journal.messages
    rows = [row for message in messages if message.kind is Kind.ENTRY for row in message.records]
    return [(int(row["trade"]), bytes(row["structure"]), int(row["direction"]), int(row["quantity"])) for row in rows]


def test_positions_that_no_journal_knows_are_refused_or_taken_over_and_hedged(lean: LiveLean) -> None:
    rows = [{"symbol": GOOG, "a": 740.0, "q": 40}, *({"symbol": each, "a": 25.0, "q": -3} for each in (CALL, PUT))]
    (lean.folder / "holdings.json").write_text(json.dumps(rows))
    lean.start()
    lean.end()
    refusal = (
        "the account holds GOOG, GOOG  160129C00712500, GOOG  160129P00712500, which no journal knows: set take-over "
        "to true to take it over as trades of the book, or close it first"
    )
    assert any(refusal in line for line in lean.log)
    assert not entries(lean.journal)

    lean.change(Settings.of(SETTINGS, {"take_over": True}))
    lean.start()
    lean.wait_for("a trade that was taken over", lambda: bool(entries(lean.journal)))
    assert entries(lean.journal)[0] == (1, b"straddle", -1, 3)
    lean.wait_for("its hedge", lambda: filled(lean.journal, OrderReason.HEDGE) > 0)
    lean.wait_for("its fills on the disk", lambda: all_is_told(lean, lean.journal))
    lean.kill()
    first = lean.journal
    assert first is not None

    lean.change(Settings.of(SETTINGS))
    lean.start()
    lean.wait_for("frames of the next life", lambda: more_frames(lean.journal, len(first.messages)))
    lean.wait_for("its fills on the disk", lambda: all_is_told(lean, lean.journal))
    lean.kill()
    journal = lean.journal
    assert journal is not None
    assert held(journal) == at_broker(lean)
    assert [trade for trade, *_ in entries(journal)].count(1) == 1
    assert sum(message.kind is Kind.TAKEOVER for message in journal.messages) == 1
    numbers = [order.number for order in orders_of(journal.messages) if order.number]
    assert numbers == sorted(set(numbers))
    assert replay(journal).divergence is None


def more_frames(journal: Journal | None, count: int) -> bool:
    """Whether options were quoted in two frames more."""
    later = () if journal is None else journal.messages[count:]
    return sum(message.kind is Kind.EXPOSURE for message in later) >= 2
