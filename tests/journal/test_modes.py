"""Whose a journal's files are, and what is not followed."""

import os
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from alo_lib.journal import (
    Durability,
    JournalError,
    JournalWriter,
    ObjectStoreJournal,
    Snapshots,
    WriterStart,
    recover,
    take_from_object_store,
)
from alo_lib.journal.index import read_index
from tests.journal.on_disk import OnDisk
from tests.journal.workload import SETTINGS, check, message


@pytest.fixture(params=[0, 0o022, 0o277], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def modes(folder: Path) -> dict[str, str]:
    return {path.name: oct(stat.S_IMODE(path.lstat().st_mode)) for path in folder.iterdir()}


def test_a_journal_is_its_owners_alone_whatever_the_umask(umask: int, tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    options = {"durability": Durability.GROUP, "segment_bytes": 1 << 18}
    writer = JournalWriter.create(folder, settings=SETTINGS, **options)  # type: ignore[arg-type]
    writer.append(message(0))
    end = time.monotonic() + 60.0
    while modes(folder).get("spare.new") != "0o600" and time.monotonic() < end:
        time.sleep(1e-3)  # a thread makes it, by the umask first
    Snapshots(folder, "program").save(writer.sequence, writer.checksum, b"state")
    assert set(modes(folder)) == {"00000000.segment", "000000000001.snapshot", "lock", "published", "spare.new"}
    assert set(modes(folder).values()) == {"0o600"}
    writer.close()
    recover(folder).writer(durability=Durability.EVERY).close()
    read_index(folder)
    names = {"00000000.segment", "00000001.segment", "000000000001.snapshot", "index"}
    assert modes(folder) == dict.fromkeys(names, "0o600")
    assert modes(tmp_path)["journal"] == "0o700"


def test_what_is_taken_from_the_object_store_is_so_too_and_its_values_are_as_leans(umask: int, tmp_path: Path) -> None:
    store = OnDisk(tmp_path / "storage")
    for name in ("storage", "run"):
        (tmp_path / name).mkdir(0o755)
        (tmp_path / name).chmod(0o755)
    ObjectStoreJournal(store).writer(b"{}", WriterStart()).close()
    assert modes(store.folder) == {"alo-journal.00000000": oct(0o644 & ~umask)}
    if umask & 0o200 and os.geteuid():
        return  # nobody can read its values
    assert take_from_object_store(store.folder, tmp_path / "run") == 1
    assert modes(tmp_path / "run") == {"journal": "0o700"}
    assert modes(tmp_path / "run" / "journal") == {"00000000.segment": "0o600"}


def test_links_that_were_planted_are_not_followed(tmp_path: Path) -> None:
    folder, target = tmp_path / "journal", tmp_path / "target"
    target.write_text("somebody's")
    folder.mkdir()
    for name in ("published", "spare.new", "00000000.new", "index.unfinished"):
        (folder / name).symlink_to(target)
    writer = JournalWriter.create(folder, settings=SETTINGS, durability=Durability.GROUP, segment_bytes=1 << 16)
    while writer._number < 3:
        writer.append(message(writer.sequence))
        writer.flush()
    writer.close()
    read_index(folder)
    assert target.read_text() == "somebody's"
    assert not any(path.is_symlink() for path in folder.iterdir())
    assert check(recover(folder).journal.messages, durable=writer.sequence, appended=writer.sequence) == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="gives folders to other users")
@pytest.mark.parametrize("begin", [recover, JournalWriter.create])
@pytest.mark.parametrize(
    ("owner", "mode", "refused"), [(12345, 0o777, True), (12345, 0o770, True), (12345, 0o755, False), (0, 0o777, False)]
)
def test_a_folder_of_somebody_else_that_others_can_write_to_is_refused(
    tmp_path: Path, begin: Callable[[Path], object], owner: int, mode: int, refused: bool
) -> None:
    folder = tmp_path / "journal"
    if begin is recover:
        JournalWriter.create(folder).close()
    else:
        folder.mkdir()
    os.chown(folder, owner, owner)
    folder.chmod(mode)
    before = sorted(folder.iterdir())
    if not refused:
        begin(folder)
        return
    sentence = (
        f"journal {folder} cannot be written: it belongs to user 12345, and others than its owner can write to it"
    )
    with pytest.raises(JournalError, match=rf"^{sentence} \(mode {mode:o}\)$"):
        begin(folder)
    assert sorted(folder.iterdir()) == before
