"""Commands that would write a journal that another process writes."""

import os

import pytest

from alo_lib.journal import read_journal
from tests.journal.test_lock import another_writer, contents
from tests.journal.workload import check


@pytest.mark.parametrize("lock_is_lost", [False, True])
def test_every_command_that_writes_leaves_a_living_journal_alone(run, tmp_path, lock_is_lost):
    journal = tmp_path / "run" / "journal"
    journal.parent.mkdir()
    with another_writer(journal) as other:
        if lock_is_lost:
            os.unlink(journal / "lock")
        before = contents(journal)
        for arguments in (
            ("core", "one", "--folder", tmp_path / "shared", "--journal", journal, "--priority", "0"),
            ("core", "one", "--folder", tmp_path / "shared", "--journal", journal, "--without", "49"),
            ("journal", "leave-out", journal.parent, "49"),
        ):
            outcome = run(*arguments)
            assert (outcome.status, outcome.out) == (2, "")
            told = outcome.err.splitlines()[-1]
            assert told.startswith(f"alo: journal {journal} is being written by process {other.pid} (")
            assert ("though its file lock was removed" in told) == lock_is_lost
        assert contents(journal) == before
        assert other.communicate("go on\n") == ("closed\n", "")
    assert check(read_journal(journal).messages, durable=51, appended=51) == ""
