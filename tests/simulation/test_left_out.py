"""What a run leaves out of its data, counted after the run from its journal."""

from pathlib import Path

from alo_lib.journal import JOURNAL_FOLDER, read_journal
from alo_lib.market import DataKind, FaultKind, Resolution
from alo_lib.market.layout import OptionArchive, SecurityArchive
from alo_lib.simulation import data_left_out, run_backtest
from tests.simulation import damaged, tiny


def test_the_same_is_counted_as_by_the_run_itself(tmp_path: Path) -> None:
    root = tiny.write(tmp_path / "data")
    OptionArchive(root, "TINY", tiny.SECOND, Resolution.MINUTE, DataKind.QUOTE).path.write_bytes(b"no archive")
    SecurityArchive(root, "TINY", tiny.FIRST, Resolution.MINUTE, DataKind.QUOTE).path.unlink()
    universe = damaged.universe(root, tiny.FIRST)
    universe.write_text(universe.read_text() + "20240419,much,C,1,1,1,1,1,1\n")
    (tmp_path / "run").mkdir()
    settings = tiny.settings(min_coverage=0.5)
    found = run_backtest(settings, root, tmp_path / "run")
    assert set(found.skipped) == {FaultKind.CORRUPT_ARCHIVE, FaultKind.MISSING_FILE, FaultKind.NUMBER}
    counted = data_left_out(settings, root, read_journal(tmp_path / "run" / JOURNAL_FOLDER).messages)
    assert counted.counts == found.skipped
    assert list(counted) == list(found.faults)
    assert (counted.rows, counted.rows_left_out) == (found.faults.rows, found.faults.rows_left_out)
    assert found.faults.damaged == found.skipped[FaultKind.CORRUPT_ARCHIVE] + found.skipped[FaultKind.NUMBER]


def test_a_whole_folder_leaves_nothing_out(tmp_path: Path) -> None:
    root = tiny.write(tmp_path / "data")
    (tmp_path / "run").mkdir()
    found = run_backtest(tiny.settings(), root, tmp_path / "run")
    messages = read_journal(tmp_path / "run" / JOURNAL_FOLDER).messages
    assert data_left_out(tiny.settings(), root, messages).counts == found.skipped
