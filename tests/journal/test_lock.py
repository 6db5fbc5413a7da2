"""A journal has one writer, whoever else would like to be it."""

import datetime as dt
import errno
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from alo_lib.journal import Durability, Files, JournalError, JournalWriter, ObjectStoreJournal, WriterStart, recover
from tests.journal.on_disk import OnDisk
from tests.journal.workload import SETTINGS, check, message

ROOT = Path(__file__).parents[2]
WRITER = """
import sys, time
from pathlib import Path
from alo_lib.journal import Durability, JournalWriter
from tests.journal.workload import SETTINGS, message

writer = JournalWriter.create(Path(sys.argv[1]), settings=SETTINGS, durability=Durability[sys.argv[2]])
for number in range(50):
    writer.append(message(number))
print("ready", flush=True)
sys.stdin.readline()
writer.append(message(50))
writer.close()
print("closed", flush=True)
"""


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@contextmanager
def another_writer(folder: Path, durability: Durability = Durability.OS) -> Iterator[subprocess.Popen[str]]:
    """A process that has appended 50 messages and appends one more, and closes, once it is told to."""
    command = [sys.executable, "-P", "-c", WRITER, str(folder), durability.name]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def start_of(pid: int) -> float:
    """When a process began, seconds since the epoch, as ps tells it, which counts whole seconds."""
    elapsed = int(subprocess.run(["ps", "-o", "etimes=", "-p", str(pid)], capture_output=True, text=True).stdout)
    return time.time() - elapsed


def told_start(sentence: str) -> float:
    """The same as a sentence says it."""
    (moment,) = re.findall(r"which began at (\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}) UTC", sentence)
    return dt.datetime.fromisoformat(f"{moment}+00:00").timestamp()


@pytest.mark.parametrize("begin", [recover, JournalWriter.create])
def test_a_second_writer_is_refused_and_touches_nothing(tmp_path: Path, begin: Callable[[Path], object]) -> None:
    folder = tmp_path / "journal"
    with another_writer(folder) as other:
        before = contents(folder)
        told = (folder / "lock").read_text()
        with pytest.raises(JournalError) as refused:
            begin(folder)
        assert contents(folder) == before
        began = start_of(other.pid) if shutil.which("ps") else None
        sentence = rf"journal {folder} is being written by process {other.pid} \(-c \S*journal OS\), which began at "
        assert re.match(sentence, str(refused.value))
        assert began is None or told_start(str(refused.value)) == pytest.approx(began, abs=3.0)
        assert told.splitlines()[0] == f"process {other.pid}"
        out, _ = other.communicate("go on\n")
        assert (out, other.returncode) == ("closed\n", 0)  # as if nobody had come
    assert "lock" not in contents(folder)
    found = recover(folder)
    assert check(found.journal.messages, durable=51, appended=51) == ""
    assert found.findings == ()


def test_a_writer_that_was_killed_keeps_nobody_out(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    with another_writer(folder, Durability.GROUP) as other:
        other.kill()
        other.wait()
        assert (folder / "lock").exists()  # of which the kernel knows that nobody has it
        writer = recover(folder).writer()
    assert f"process {os.getpid()}\n" in (folder / "lock").read_text()
    writer.close()
    assert not (folder / "lock").exists()


def test_one_of_many_that_begin_at_once_writes(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    command = [sys.executable, "-P", "-c", WRITER, str(folder), "OS"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    several = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )
        for _ in range(4)
    ]
    ends = []
    for process in several:  # those that are refused end first, so they are not waited for in turn
        assert process.stdout is not None
        ends.append(process.stdout.readline())
    assert sorted(ends) == ["", "", "", "ready\n"]
    for process, end in zip(several, ends, strict=True):
        out, err = process.communicate("go on\n" if end else "")
        if end:
            assert (out, process.returncode) == ("closed\n", 0)
        else:
            assert "JournalHeldError: journal " in err
    assert check(recover(folder).journal.messages, durable=51, appended=51) == ""


@pytest.mark.parametrize("end", ["abandon", "leave", "close"])
def test_a_writer_lets_go_when_it_ends(tmp_path: Path, end: str) -> None:
    folder = tmp_path / "journal"
    writer = JournalWriter.create(folder, settings=SETTINGS)
    with pytest.raises(JournalError, match=f"is being written by process {os.getpid()} "):
        recover(folder)
    getattr(writer, end)()
    recovered = recover(folder)
    with pytest.raises(JournalError, match=f"is being written by process {os.getpid()} "):
        recover(folder)  # between recovery and the writer, too
    second = recovered.writer()
    second.abandon()
    with pytest.raises(JournalError, match="was let go of after it was recovered; recover it again"):
        recovered.writer()  # the journal may have gone on since
    recover(folder).release()
    recover(folder).writer().close()


def test_a_writer_that_cannot_begin_lets_go(tmp_path: Path) -> None:
    class Full(Files):
        def allocate(self, descriptor: int, size: int) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(JournalError, match="No space left"):
        JournalWriter.create(tmp_path / "journal", files=Full())
    JournalWriter.create(tmp_path / "journal").close()
    with pytest.raises(JournalError, match="holds a journal already"):
        JournalWriter.create(tmp_path / "journal")
    recover(tmp_path / "journal").writer().close()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_process_that_was_forked_does_not_keep_the_lock(tmp_path: Path) -> None:
    writer = JournalWriter.create(tmp_path / "journal")
    child = os.fork()
    if child == 0:
        signal.pause()
        os._exit(0)
    try:
        writer.abandon()
        recover(tmp_path / "journal").release()
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_what_is_no_file_is_no_lock(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("somebody's")
    for number, plant in enumerate(
        (lambda path: path.symlink_to(target), os.mkfifo, lambda path: path.mkdir(), lambda path: path.symlink_to("no"))
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        plant(folder / "lock")
        with pytest.raises(JournalError, match=rf"^journal {folder} cannot be locked: {folder}/lock: [^\n]+$"):
            JournalWriter.create(folder)
        assert [path.name for path in folder.iterdir()] == ["lock"]
    assert target.read_text() == "somebody's"


def test_a_system_without_locks_is_told(tmp_path: Path) -> None:
    class NoLocks(Files):
        def lock(self, path: Path) -> int:
            raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    with pytest.raises(JournalError, match=r"cannot be locked: .*lock: No locks available$"):
        JournalWriter.create(tmp_path, files=NoLocks())


def test_a_lock_that_names_nobody_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = JournalWriter.create(tmp_path)
    (tmp_path / "lock").write_bytes(b"\xff\x00" * 9)
    with pytest.raises(JournalError, match=rf"is being written by process {os.getpid()} \(.+\), which began at "):
        recover(tmp_path)  # who has the file open
    monkeypatch.setattr("alo_lib.journal.lock.holders_of", lambda path: [])  # as of a process of another user
    with pytest.raises(JournalError, match=r"is being written by another process, which .*/lock does not name; "):
        recover(tmp_path)
    writer.abandon()


def test_a_backtest_in_the_object_store_has_it_alone_until_its_journal_is_told(tmp_path: Path) -> None:
    store = OnDisk(tmp_path)
    first, second = ObjectStoreJournal(store), ObjectStoreJournal(store)
    writer = first.writer(b"{}", WriterStart())
    writer.append(message(0))
    refusal = f"^the journal in the object store is being written by process {os.getpid()} "
    for refused in (lambda: second.writer(b"{}", WriterStart()), lambda: second.take([b""])):
        with pytest.raises(JournalError, match=refusal):
            refused()
    writer.close()
    with pytest.raises(JournalError, match=refusal):
        second.take([b""])
    assert len(first.closed().messages) == 1
    writer = second.writer(b"{}", WriterStart())
    writer.abandon()
    first.take([b"whole"])
    assert store.all_keys() == ["alo-journal.00000000"]
