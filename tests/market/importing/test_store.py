"""A folder that is imported into has all of an import, or nothing."""

import fcntl
import shutil
import signal

import pytest

from alo_lib.cli.interruption import Interrupted
from alo_lib.market.importing import store as stores
from alo_lib.market.importing.building import Builder
from tests.market.importing.conftest import files

COLUMNS = "--columns", "symbol=osi,time=ts,bid=bid,ask=ask"
ROWS = "osi,ts,bid,ask\nAAPL240419C00190000,2024-03-14T10:00:00,1.2,1.3\n"


@pytest.fixture
def bring(run, tmp_path):
    (tmp_path / "rows.csv").write_text(ROWS)
    return lambda: run("import", "csv", tmp_path / "rows.csv", "--to", tmp_path / "data", *COLUMNS)


def content(folder):
    return {name: path.read_bytes() for name, path in files(folder).items()}


def test_what_came_of_an_import_is_said(run, bring, tmp_path):
    """Dividends are events of a day, and no bars."""
    paid, folder = tmp_path / "paid.csv", tmp_path / "data"
    paid.write_text("sym,day,cash\nAAPL,2024-03-15,0.24\nAAPL,2024-06-14,0.25\n")
    outcome = run("import", "csv", paid, "--to", folder, "--columns", "ticker=sym,date=day,dividend=cash")
    assert outcome.out.startswith(f"Rows read: 2; bars and events taken: 2; files written to {folder}: ")
    assert bring().out.startswith(f"Rows read: 1; bars and events taken: 1; files written to {folder}: ")


def test_a_folder_after_a_failure_is_what_it_was(bring, monkeypatch, tmp_path):
    def full(*arguments):
        raise OSError(28, "No space left on device", "somewhere")

    with monkeypatch.context() as patched:
        patched.setattr(Builder, "hour_file", full)
        outcome = bring()
    assert (outcome.status, outcome.err) == (2, "alo: somewhere: No space left on device\n")
    assert content(tmp_path / "data") == {}


def test_a_move_that_was_cut_short_is_finished_by_the_next_import(bring, monkeypatch, tmp_path):
    assert bring().status == 0
    whole = content(tmp_path / "data")
    shutil.rmtree(tmp_path / "data")
    moved = []

    def move(self):
        if self.to_be_moved:
            path = next(path for path in sorted(self.made.rglob("*")) if path.is_file())
            target = self.root / path.relative_to(self.made)
            target.parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)
            moved.append(target)
            raise Interrupted(signal.SIGINT)

    with monkeypatch.context() as patched:
        patched.setattr(stores.Store, "move", move)
        assert bring().status == 130
    assert len(moved) == 1
    with stores.opened_store(tmp_path / "data"):
        assert {name: each for name, each in content(tmp_path / "data").items() if not name.startswith(".")} == whole
    assert content(tmp_path / "data") == whole


def test_one_import_at_a_time_writes_into_a_folder(bring, tmp_path):
    (tmp_path / "data").mkdir()
    with (tmp_path / "data" / ".import.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        outcome = bring()
    assert outcome.status == 2
    assert "another import is writing into" in outcome.err
    assert bring().status == 0
    assert ".import.lock" not in content(tmp_path / "data")


def test_a_file_is_no_folder_to_import_into(run, tmp_path):
    (tmp_path / "rows.csv").write_text(ROWS)
    outcome = run("import", "csv", tmp_path / "rows.csv", "--to", tmp_path / "rows.csv", *COLUMNS)
    assert outcome.status == 2
