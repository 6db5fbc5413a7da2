"""What ``alo cloud stage`` writes trades live, as in the cloud: nothing of ours may be written but the object store.

It is killed, started again and steered meanwhile.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from alo_lib.cli.cloud.staging import PROGRAMS, stage
from alo_lib.cli.cloud.tiers import TIERS
from alo_lib.journal import orders_of
from alo_lib.records import Kind, OrderReason
from alo_lib.runtime import replay
from alo_lib.settings import Settings
from alo_lib.telemetry.layout import TELEMETRY_FOLDER
from tests.live.live_run import LiveLean, moved_clock
from tests.live.test_restart import SETTINGS, START, all_is_told, at_broker, filled, held, is_hedged

pytestmark = [pytest.mark.lean, pytest.mark.slow]  # kernels are compiled anew

WRITTEN = ("store/alo-", "live_market", "log.txt", "console-", "lean-config.json", "holdings.json", TELEMETRY_FOLDER)
"""How the names of what lies in the account's folder begin: the object store's, LEAN's results and logs, the tests'."""
COLD = 500.0
"""Seconds for a start that compiles, on a busy machine."""


@pytest.fixture
def lean(lean_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveLean]:
    """An account of the staged program; files stand in place of every other folder that might be written."""
    for name in ("NUMBA_CACHE_DIR", "ALO_KERNELS", "ALO_KEEP_KERNELS"):
        monkeypatch.delenv(name, raising=False)
    project, account = tmp_path / "project", tmp_path / "account"
    for folder in (project, account):
        folder.mkdir()
    for place in (project / "__pycache__", tmp_path / "cache", tmp_path / "home", account / TELEMETRY_FOLDER):
        place.touch()
    stage(PROGRAMS["strategy"], TIERS["researcher"], project, keep_kernels=True)
    elsewhere = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "HOME": str(tmp_path / "home")}
    lean = LiveLean(account, lean_data, Settings.of(SETTINGS), moved_clock(tmp_path, START) | elsewhere)
    lean.change(tree=project)
    yield lean
    lean.kill()


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def processor_seconds(pid: int) -> float:
    """What a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def frames(lean: LiveLean) -> int:
    journal = lean.journal
    return 0 if journal is None else sum(message.kind is Kind.EXPOSURE for message in journal.messages)


def first_frame(lean: LiveLean) -> tuple[float, float]:
    """Start it; seconds of the clock and of the processor to the end of its first frame."""
    before, began = frames(lean), time.monotonic()
    lean.start()
    lean.wait_for("the first frame", lambda: frames(lean) > before, patience=COLD)
    return time.monotonic() - began, processor_seconds(lean.pid)


def kernels(lean: LiveLean) -> list[str]:
    """What LEAN's log says of kernels."""
    return [line.split("alo kernels: ", 1)[1] for line in lean.log if "alo kernels: " in line]


def test_the_staged_strategy_trades_live_is_killed_steered_and_goes_on(lean: LiveLean, tmp_path: Path) -> None:
    project, number = tmp_path / "project", os.getpid()
    staged = contents(project)
    cold = first_frame(lean)
    assert kernels(lean)[0].startswith("none are kept yet")
    lean.wait_for("a hedged trade", lambda: filled(lean.journal, OrderReason.HEDGE) > 0, patience=COLD)
    lean.wait_for("its fills on the disk", lambda: is_hedged(lean, lean.journal))
    assert lean.command(f"{number}-1", {"command": "pause"}) is True
    compiled = kernels(lean)
    assert len(compiled) > 2  # those of the frames are kept, too, and not only those of the start
    lean.kill()
    first = lean.journal
    assert first is not None
    assert not first.sealed

    warm = first_frame(lean)
    print(f"to the first frame, of the clock and of the processor: cold {cold}, warm {warm}")
    assert warm[1] < cold[1] < 90.0  # of the processor: what the clock says is the machine's load
    assert kernels(lean)[: len(compiled)] == compiled
    assert lean.command(f"{number}-2", {"command": "status"}) is True
    assert "mode is halted (operator)" in lean.answers[-1]
    assert lean.command(f"{number}-3", {"command": "set-limit", "limit": "max-drawdown=10%"}) is True
    assert lean.command(f"{number}-4", {"command": "resume"}) is True
    at = frames(lean)
    lean.wait_for("two more frames", lambda: frames(lean) >= at + 2)
    lean.wait_for("its fills on the disk", lambda: all_is_told(lean, lean.journal))
    lean.kill()
    second = lean.journal
    assert second is not None
    assert [m.records.tobytes() for m in second.messages[: len(first.messages)]] == [
        m.records.tobytes() for m in first.messages
    ]
    assert [segment.epoch for segment in second.segments] == [1, 2]
    numbers = [order.number for order in orders_of(second.messages) if order.number]
    assert numbers == sorted(set(numbers))
    assert held(second) == at_broker(lean)
    assert sum(message.kind is Kind.OPERATOR for message in second.messages) == 3
    assert replay(second).divergence is None
    assert contents(project) == staged
    assert not [path for path in contents(lean.folder) if not path.startswith(WRITTEN)]
