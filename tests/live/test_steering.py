"""A person steers live LEAN by command files: what is done, answered, kept over a kill and undone."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from alo_lib.journal import Journal
from alo_lib.records import Kind, OrderReason
from alo_lib.runtime import replay
from alo_lib.settings import Settings
from tests.live.live_run import LiveLean, moved_clock
from tests.live.test_restart import SETTINGS, START, all_is_told, at_broker, filled, held

pytestmark = [pytest.mark.lean, pytest.mark.slow]

UNKNOWN = ({"command": "flaten"}, {"command": 3}, {"command": {"command": "pause"}}, {"command": ["pause"]}, {"x": 1})

LIMITS = (
    ({"command": "set-limit", "limit": "max-drawdown=10%"}, True),
    ({"command": "set-limit", "limit": "max-drawdown=15%"}, False),
    ({"command": "set-limit", "limit": "max-drawdown=15%", "confirm": True}, True),
)


@pytest.fixture
def lean(lean_data: Path, tmp_path: Path) -> Iterator[LiveLean]:
    settings = Settings.of(SETTINGS, {"notify": "email:desk@example.com"})
    account = LiveLean(tmp_path, lean_data, settings, moved_clock(tmp_path, START))
    yield account
    account.kill()


def quoted(journal: Journal | None) -> int:
    """How many times options were quoted."""
    return 0 if journal is None else sum(len(m.records) > 1 for m in journal.messages if m.kind is Kind.QUOTE)


def is_asked_to_notify(lean: LiveLean) -> bool:
    """Whether LEAN has a mail to send; one that is not in the cloud says that it cannot."""
    return any("Send not implemented for notification of type: NotificationEmail" in line for line in lean.log)


def shows_the_book(lean: LiveLean) -> bool:
    """Whether LEAN's results have our charts, and its statistics how the book stands."""
    charts, stated = lean.results.get("charts", {}), lean.results.get("runtimeStatistics", {})
    return {"Book", "Book limits", "GOOG exposure"} <= charts.keys() and stated.get("Book mode") == "normal"


def test_flatten_in_live_lean_closes_the_book_outlives_a_kill_and_is_undone(lean: LiveLean) -> None:
    number = os.getpid()
    lean.start()
    lean.wait_for("a hedged trade", lambda: filled(lean.journal, OrderReason.HEDGE) > 0)
    lean.wait_for("its fills on the disk", lambda: all_is_told(lean, lean.journal))
    for place, payload in enumerate(UNKNOWN):
        assert lean.command(f"{number}-u{place}", payload) is False
        assert "allowed are pause" in lean.answers[-1].replace("Allowed", "allowed")
    assert "did you mean flatten?" in lean.answers[0]
    assert lean.command(f"{number}-1", {"command": "status"}) is True
    assert lean.answers[-1].startswith("status: the mode is normal")
    at = quoted(lean.journal)
    assert lean.command(f"{number}-2", {"command": "flatten"}) is True
    assert lean.answers[-1].startswith("flatten: from the next frame on the mode is flatten (operator flatten)")
    lean.wait_for("a flat book", lambda: lean.journal is not None and held(lean.journal) == at_broker(lean) == {})
    assert quoted(lean.journal) - at <= 2
    lean.kill()
    lean.start()
    lean.wait_for("two minutes of quotes", lambda: quoted(lean.journal) >= at + 4)
    assert at_broker(lean) == {}
    assert is_asked_to_notify(lean)  # of what the start found, at least
    assert lean.command(f"{number}-3", {"command": "status"}) is True
    assert "mode is flatten (operator flatten)" in lean.answers[-1]
    assert lean.command(f"{number}-4", {"command": "undo"}) is True
    lean.wait_for("a trade again", lambda: at_broker(lean) != {})
    lean.wait_for("its fills on the disk", lambda: all_is_told(lean, lean.journal))
    assert lean.command(f"{number}-5", {"command": "undo"}) is False
    for place, (payload, done) in enumerate(LIMITS):
        assert lean.command(f"{number}-l{place}", payload) is done
    assert "max-drawdown is 0.15 in place of 0.2" in lean.answers[-1]
    lean.wait_for("the book in LEAN's results", lambda: shows_the_book(lean))
    lean.kill()
    journal = lean.journal
    assert journal is not None
    assert replay(journal).divergence is None
    assert sum(message.kind is Kind.OPERATOR for message in journal.messages) == 4
