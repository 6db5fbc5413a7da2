"""A run that is killed and goes on ends as if it had never been killed."""

import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from alo_lib.core import FrameTask
from alo_lib.core.tasks import Decisions, Work
from alo_lib.executive import Frame
from alo_lib.journal import JOURNAL_FOLDER, JournalError, message_digest, read_journal
from alo_lib.market import FaultKind
from alo_lib.market.event_files import events_file
from alo_lib.market.layout import DataKind, OptionArchive, Resolution, SecurityArchive
from alo_lib.records import Kind
from alo_lib.runtime import DivergenceError
from alo_lib.settings import Settings, SettingsError
from alo_lib.simulation import engine as engine_module
from alo_lib.simulation import run_backtest
from tests.simulation import damaged, tiny


class KilledError(BaseException):
    """Stands in for a signal, where the process has to live on."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def whole(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_backtest(tiny.settings(), data, tmp_path_factory.mktemp("whole")).folder


def dying_at(monkeypatch: pytest.MonkeyPatch, frame: int) -> Callable[[], None]:
    """Kill the run within its frame of that number; returns what lets it live again."""
    real, frames = FrameTask.EXECUTE.step, iter(range(10**9))

    def execute(work: Work, frame_open: Frame) -> Decisions:
        if next(frames) == frame:
            raise KilledError
        return real(work, frame_open)

    monkeypatch.setattr(FrameTask.EXECUTE, "step", execute)
    return lambda: monkeypatch.setattr(FrameTask.EXECUTE, "step", real)


def files_of(folder: Path) -> dict[str, bytes]:
    """The results, byte for byte, and of the journal its messages: its segments are of as many lives as the run had."""
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    return files | {JOURNAL_FOLDER: message_digest(read_journal(folder / JOURNAL_FOLDER).messages).encode()}


@pytest.mark.parametrize("bars", [2, 1000], ids=["with snapshots", "without"])
def test_a_killed_run_goes_on_to_the_same_end(
    whole: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bars: int
) -> None:
    monkeypatch.setattr(engine_module, "_BARS_A_SNAPSHOT", bars)
    frames = read_journal(whole / JOURNAL_FOLDER).messages
    for frame in (0, 9):
        live = dying_at(monkeypatch, frame)
        with pytest.raises(KilledError):
            run_backtest(tiny.settings(), data, tmp_path, resume=True)
        live()
    again = run_backtest(tiny.settings(), data, tmp_path, resume=True)
    assert files_of(tmp_path) == files_of(whole)
    assert len(read_journal(tmp_path / JOURNAL_FOLDER).messages) == len(frames)
    assert ("which 0 are in a snapshot" in again.recovery[-1]) == (bars == 1000)
    assert again.recovery[-1].endswith("are in a snapshot; the others are decided again")
    assert not list((tmp_path / JOURNAL_FOLDER).glob("*.snapshot"))


def test_interest_is_booked_once_by_a_run_that_is_killed_after_it(
    whole: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "_BARS_A_SNAPSHOT", 2)
    messages = read_journal(whole / JOURNAL_FOLDER).messages
    booked = max(place for place, message in enumerate(messages) if message.kind is Kind.INTEREST)
    frames = sum(message.kind is Kind.FRAME for message in messages[:booked])
    for frame in (frames, 20):  # within the one that takes it in, then, where that is in a snapshot, later
        live = dying_at(monkeypatch, frame)
        with pytest.raises(KilledError):
            run_backtest(tiny.settings(), data, tmp_path, resume=True)
        live()
    run_backtest(tiny.settings(), data, tmp_path, resume=True)
    assert files_of(tmp_path) == files_of(whole)


def test_a_dividend_that_is_announced_is_known_to_a_run_that_goes_on(
    whole: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "_BARS_A_SNAPSHOT", 2)
    root, runs = tmp_path / "data", [tmp_path / "whole", tmp_path / "killed"]
    shutil.copytree(data, root)
    events = events_file(root, "TINY")
    events.parent.mkdir(parents=True)
    events.write_text(f"2024-04-04,before,dividend,3.00,{tiny.FIRST}\n")
    for folder in runs:
        folder.mkdir()
    run_backtest(tiny.settings(), root, runs[0])
    for frame in (9, 30):
        live = dying_at(monkeypatch, frame)
        with pytest.raises(KilledError):
            run_backtest(tiny.settings(), root, runs[1], resume=True)
        live()
    run_backtest(tiny.settings(), root, runs[1], resume=True)
    assert files_of(runs[1]) == files_of(runs[0])
    assert files_of(runs[0])[JOURNAL_FOLDER] != files_of(whole)[JOURNAL_FOLDER]


def test_faults_that_were_found_before_a_snapshot_are_still_counted(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "_BARS_A_SNAPSHOT", 2)
    root = tmp_path / "data"
    shutil.copytree(data, root)
    archive = OptionArchive(root, "tiny", tiny.FIRST, Resolution.MINUTE, DataKind.QUOTE).path
    archive.write_bytes(archive.read_bytes()[:500])
    settings = tiny.settings(min_coverage=0.5)
    (tmp_path / "whole").mkdir()
    whole = run_backtest(settings, root, tmp_path / "whole")
    assert whole.faults.counts == {FaultKind.CORRUPT_ARCHIVE: 1}
    frames = [m for m in read_journal(whole.folder / JOURNAL_FOLDER).messages if m.kind is Kind.FRAME]
    live = dying_at(monkeypatch, len(frames) - 2)  # on the second day
    (tmp_path / "killed").mkdir()
    with pytest.raises(KilledError):
        run_backtest(settings, root, tmp_path / "killed")
    live()
    again = run_backtest(settings, root, tmp_path / "killed", resume=True)
    assert "which 0 are in a snapshot" not in again.recovery[-1]
    assert again.faults.counts == whole.faults.counts
    assert files_of(again.folder) == files_of(whole.folder)


def test_what_is_kept_for_all_sessions_is_counted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that goes on reads the rates and the hour bars once more, with the row of the night in them."""
    monkeypatch.setattr(engine_module, "_BARS_A_SNAPSHOT", 2)
    root = tiny.with_hours(tiny.write(tmp_path / "data"))
    archive = SecurityArchive(root, "TINY", tiny.FIRST, Resolution.HOUR, DataKind.TRADE).path
    damaged.edit_entries(archive, lambda text: f"{text.splitlines()[0]},garbage\n{text}")
    settings = tiny.settings(resolution="hour")
    for name in ("whole", "killed"):
        (tmp_path / name).mkdir()
    whole = run_backtest(settings, root, tmp_path / "whole")
    assert len(whole.faults) == 1
    frames = sum(m.kind is Kind.FRAME for m in read_journal(whole.folder / JOURNAL_FOLDER).messages)
    live = dying_at(monkeypatch, frames - 2)  # on the second day
    with pytest.raises(KilledError):
        run_backtest(settings, root, tmp_path / "killed")
    live()
    again = run_backtest(settings, root, tmp_path / "killed", resume=True)
    assert "which 0 are in a snapshot" not in again.recovery[-1]
    assert (again.faults.rows, again.faults.counts) == (whole.faults.rows, whole.faults.counts)


def test_other_settings_and_other_data_are_refused(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "_BARS_A_SNAPSHOT", 1000)
    live = dying_at(monkeypatch, 12)
    with pytest.raises(KilledError):
        run_backtest(tiny.settings(), data, tmp_path)
    live()
    with pytest.raises(JournalError, match="holds a journal already"):
        run_backtest(tiny.settings(), data, tmp_path)
    with pytest.raises(SettingsError, match=r"was written under other settings than these \(cash was .* and is 5.0\)"):
        run_backtest(tiny.settings(cash=5.0), data, tmp_path, resume=True)
    other = tiny.write(tmp_path / "other", split=True)
    with pytest.raises(DivergenceError, match=r"message \d+: the journal holds"):
        run_backtest(tiny.settings(), other, tmp_path, resume=True)


@pytest.mark.slow
def test_a_real_day_killed_at_ten_random_points_ends_as_if_it_had_never_been(lean_data: Path, tmp_path: Path) -> None:
    settings = Settings.of({"underlyings": "GOOG", "start": "2015-12-24", "end": "2015-12-24"})
    (tmp_path / "whole").mkdir()
    (tmp_path / "killed").mkdir()
    began = time.monotonic()
    run_backtest(settings, lean_data, tmp_path / "whole")
    seconds = time.monotonic() - began
    random = np.random.default_rng()
    for _ in range(10):
        child = os.fork()
        if child == 0:
            run_backtest(settings, lean_data, tmp_path / "killed", resume=True)
            os._exit(0)
        time.sleep(random.uniform(0.1, 0.6) * seconds)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    run_backtest(settings, lean_data, tmp_path / "killed", resume=True)
    assert files_of(tmp_path / "killed") == files_of(tmp_path / "whole")
