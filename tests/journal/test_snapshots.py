"""Snapshots are aids: one that does not belong or does not hold is passed over."""

from pathlib import Path

import pytest

from alo_lib.journal import Durability, Journal, JournalWriter, Snapshots, read_journal
from tests.journal.workload import message


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A journal of ten messages, with snapshots after the third and the seventh."""
    writer = JournalWriter.create(tmp_path, durability=Durability.OS)
    snapshots = Snapshots(tmp_path, "program")
    for number in range(10):
        writer.append(message(number))
        if number in (2, 6):
            snapshots.save(writer.sequence, writer.checksum, f"state {number}".encode())
    writer.close()
    return tmp_path


def latest(folder: Path, journal: Journal | None = None, program: str = "program") -> bytes | None:
    found = Snapshots(folder, program).latest(journal or read_journal(folder))
    return None if found is None else found.state


def test_the_newest_is_found(folder: Path) -> None:
    assert latest(folder) == b"state 6"


def test_two_are_kept(folder: Path) -> None:
    snapshots = Snapshots(folder, "program")
    for sequence in (8, 9):
        snapshots.save(sequence, 0, b"")
    assert sorted(path.name for path in folder.glob("*.snapshot")) == ["000000000008.snapshot", "000000000009.snapshot"]
    snapshots.clear()
    assert not list(folder.glob("*.snapshot"))


def test_a_torn_one_is_passed_over(folder: Path) -> None:
    newest = max(folder.glob("*.snapshot"))
    whole = newest.read_bytes()
    for length in range(len(whole)):
        newest.write_bytes(whole[:length])
        assert latest(folder) == b"state 2"
    for place in range(len(whole)):
        newest.write_bytes(whole[:place] + bytes([whole[place] ^ 8]) + whole[place + 1 :])
        assert latest(folder) == b"state 2"


def test_one_of_another_program_or_another_history_is_passed_over(folder: Path, tmp_path: Path) -> None:
    assert latest(folder, program="another") is None
    writer = JournalWriter.create(tmp_path / "other")
    for number in range(10):
        writer.append(message(number + 1))
    writer.close()
    assert latest(folder, read_journal(tmp_path / "other")) is None
    short = JournalWriter.create(tmp_path / "short")
    for number in range(5):
        short.append(message(number))
    short.close()
    assert latest(folder, read_journal(tmp_path / "short")) == b"state 2"
