"""Live LEAN on a brokerage that errs: nothing is sent twice, and what is held is what the journal says in the end."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from alo_lib.journal import Journal, orders_of
from alo_lib.records import HaltCause, Kind, OrderReason
from alo_lib.runtime import replay
from alo_lib.settings import Settings
from tests.live.live_run import LiveLean, moved_clock
from tests.live.test_restart import SETTINGS, START, at_broker, findings, held

pytestmark = [pytest.mark.lean, pytest.mark.slow]

MISDEEDS = {"Seed": 5, "Reject": 0.1, "Delay": 2.0, "Parts": 0.5, "Late": 1.5, "Twice": 0.3, "Tagless": True}


@pytest.fixture
def lean(lean_data: Path, tmp_path: Path) -> Iterator[LiveLean]:
    account = LiveLean(tmp_path, lean_data, Settings.of(SETTINGS), moved_clock(tmp_path, START))
    account.err(**MISDEEDS)
    yield account
    account.kill()


def received(lean: LiveLean) -> list[str]:
    """Numbers of ours of the orders that the broker took, as their tags have them; empty where one has no tag."""
    path = lean.folder / "received.txt"
    lines = path.read_text().splitlines() if path.exists() else []
    return [line[line.index("#") :].rpartition(" @")[0] if "#" in line else "" for line in lines]


def sent(journal: Journal | None, reason: OrderReason) -> int:
    if journal is None:
        return 0
    rows = [row for message in journal.messages if message.kind is Kind.INTENT for row in message.records]
    return sum(row["reason"] == reason for row in rows)


def agrees(lean: LiveLean) -> bool:
    """Whether the journal has what the broker has, and both sides are reconciled."""
    journal = lean.journal
    if journal is None or held(journal) != at_broker(lean):
        return False
    halts = [row for message in journal.messages if message.kind is Kind.HALT for row in message.records]
    doubts = [int(row["halted"]) for row in halts if row["cause"] == HaltCause.RECONCILIATION]
    return not doubts or doubts[-1] == 0


def logged(lean: LiveLean, what: str) -> bool:
    return any(what in line for line in lean.log)


def change_holdings(lean: LiveLean, symbol: str, count: int) -> None:
    """Trade at the broker while LEAN is not connected."""
    rows = lean.holdings
    for row in rows:
        if (row["symbol"].get("value") or row["symbol"].get("Value")) == symbol:
            row["q"] = row["q"] + count
    (lean.folder / "holdings.json").write_text(json.dumps(rows))


def test_a_broker_that_errs_loses_its_connection_and_comes_back_otherwise(lean: LiveLean) -> None:
    lean.start()
    lean.wait_for(
        "a hedge that was sent", lambda: sent(lean.journal, OrderReason.HEDGE) > 0 and "GOOG" in at_broker(lean)
    )
    (lean.folder / "disconnect").touch()
    lean.wait_for("that the connection is lost", lambda: logged(lean, "the broker is disconnected"))
    change_holdings(lean, "GOOG", 7)
    (lean.folder / "disconnect").unlink()
    lean.wait_for("that it is back", lambda: logged(lean, "the connection is back"))
    lean.wait_for("agreement", lambda: agrees(lean))
    lean.wait_for("that LEAN's log says so", lambda: logged(lean, "alo recovery: the broker holds"))
    lean.kill()
    first = lean.journal
    assert first is not None

    lean.start()
    lean.wait_for(
        "a reconciliation",
        lambda: (
            lean.journal is not None
            and lean.journal.segments[-1].epoch == 2
            and len(findings(lean.journal)) > len(findings(first))
        ),
    )
    lean.wait_for("agreement", lambda: agrees(lean))
    lean.kill()
    journal = lean.journal
    assert journal is not None
    assert held(journal) == at_broker(lean)
    sent_numbers = [number for number in received(lean) if number]
    assert sent_numbers
    assert len(sent_numbers) == len(set(sent_numbers))  # no order reached the broker twice
    numbers = [order.number for order in orders_of(journal.messages) if order.number]
    assert numbers == sorted(set(numbers))
    assert replay(journal).divergence is None
