"""An operating system whose calls fail, and what must be made of it."""

import ctypes
import errno
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import alo_lib.journal
from alo_lib.journal import Durability, Files, JournalError
from tests.journal.workload import SETTINGS, check, message

CALLS = (
    "create",
    "hold",
    "open",
    "allocate",
    "write_zeros",
    "map",
    "append",
    "sync",
    "sync_directory",
    "truncate",
    "rename",
    "remove",
)
PROBLEMS = (errno.EIO, errno.ENOSPC, errno.EINTR)
SHORT = 0
"""In place of an error's number: the call does half of what it was asked to."""


class FailingFiles(Files):
    """Files whose ``number``-th call, of all in CALLS, fails; ``late`` after it has had its effect."""

    def __init__(self, number: int, problem: int = errno.EIO, *, late: bool = False) -> None:
        self.number = number
        self.problem = problem
        self.late = late
        self.calls: list[str] = []
        self.last_life = False
        self.unheard = False
        """Whether it failed on another thread of a process that was killed, perhaps before it could say so, or where a
        spare was made, without which the journal goes on."""
        self._callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, use_errno=True)(self._sync_for_c)
        self.sync_address = ctypes.cast(self._callback, ctypes.c_void_p).value or 0

    def _sync_for_c(self, descriptor: int) -> int:
        try:
            self.sync(descriptor)
        except OSError as error:
            ctypes.set_errno(error.errno or 0)
            return -1
        return 0

    def __getattribute__(self, name: str) -> Any:
        real = super().__getattribute__(name)
        return self._failing(name, real) if name in CALLS else real

    def _failing(self, name: str, real: Any) -> Any:
        def call(*arguments: Any) -> Any:
            self.calls.append(name)
            if len(self.calls) - 1 != self.number:
                return real(*arguments)
            thread = threading.current_thread()
            self.unheard = thread.name == "journal-prepare" or not (self.last_life or thread is threading.main_thread())
            if self.problem == SHORT:
                if name == "append":
                    os.lseek(arguments[0], 0, os.SEEK_END)
                    os.write(arguments[0], arguments[1][: len(arguments[1]) // 2])
                elif name == "allocate":
                    real(arguments[0], arguments[1] // 2)
                raise OSError("short write")
            if self.late:
                result = real(*arguments)
                if name == "hold":  # nobody has what this process could not be given
                    self.let_go(result)
            raise OSError(self.problem, os.strerror(self.problem))

        return call


def life(folder: Path, files: Files, durability: Durability, room: ModuleType = alo_lib.journal) -> tuple[int, str]:
    """Two processes one after the other, the first one killed. Returns what was durable, and the failure."""
    durable = 0
    for first in (True, False):
        writer = None
        files.__dict__["last_life"] = not first
        try:
            options = {"durability": durability, "segment_bytes": 1024}
            if first:
                writer = room.JournalWriter.create(folder, settings=SETTINGS, files=files, **options)
            else:
                writer = room.recover(folder, files=files).writer(**options)
            for _ in range(15):
                writer.append(message(writer.sequence))
                writer.flush()
            writer.wait(writer.sequence)
            if not first:
                writer.close()
        except JournalError as error:
            durable = writer.durable if writer is not None else durable
            problem = str(error)
            if writer is not None:
                problem += _still_stopped(writer)
            return durable, problem
        durable = writer.durable
        writer.abandon()
    return durable, ""


def _still_stopped(writer: Any) -> str:
    """A journal that failed takes nothing more, although every call would now succeed."""
    before = writer.sequence
    for act in (lambda: writer.append(message(before)), writer.flush, writer.close):
        try:
            act()
        except JournalError:
            continue
        return " - and it went on"
    writer.abandon()
    return ""


def problems(
    durability: Durability, problem: int, *, late: bool = False, room: ModuleType = alo_lib.journal
) -> Iterator[str]:
    """Let each call of the operating system fail in turn; yields what is wrong afterwards."""
    number = 0
    while True:
        with tempfile.TemporaryDirectory(dir=_fast()) as name:
            folder, files = Path(name) / "journal", FailingFiles(number, problem, late=late)
            durable, failure = life(folder, files, durability, room)
            if number >= len(files.calls):
                return
            what = f"call {number}, {files.calls[number]}"
            # A segment for which there is no room is made of the spare, where there is one.
            spared = durability is Durability.GROUP and problem == errno.ENOSPC
            spared = spared and files.calls[number] in ("create", "allocate", "map", "hold", "remove")
            if not failure and not (files.unheard or spared):
                yield f"{what} failed, and nobody heard of it"
            elif failure.endswith("went on"):
                yield f"{what}: {failure}"
            if any(folder.glob("*.segment")):
                try:
                    found = alo_lib.journal.recover(folder)
                except JournalError as error:
                    yield f"{what}: not readable afterwards: {error}"
                    return
                if wrong := check(found.journal.messages, durable=durable, appended=30):
                    yield f"{what}: {wrong}"
            elif durable:
                yield f"{what}: no segment is left"
        number += 1


def spares(room: ModuleType) -> Iterator[str]:
    """A spare may be taken once all of it is written, not before: its other zeros would be written over entries."""
    early: list[bool] = []

    class Watched(Files):
        def write_zeros(self, descriptor: int, at: int, size: int) -> None:
            early.append(preparer.ready)
            super().write_zeros(descriptor, at, size)

    with tempfile.TemporaryDirectory(dir=_fast()) as name:
        preparer = room.preparing.Preparer(room.FolderStore(Path(name), Watched()), 1 << 17)
        preparer.begin()
        while len(early) < 4:
            time.sleep(1e-3)
        preparer.stop(remove=True)
        if any(early):
            yield "a spare was ready before it was written"


def going_on(room: ModuleType) -> Iterator[str]:
    return problems(Durability.EVERY, errno.EIO, room=room)


def unheard(room: ModuleType) -> Iterator[str]:
    """Descriptors that cannot be synced or written to."""
    files = room.__dict__.get("files", alo_lib.journal.files).Files()
    try:
        files.sync(-1)
        yield "a sync failed and nobody heard of it"
    except OSError:
        pass
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        os.lseek, seek = lambda *_: 0, os.lseek
        files.append(writer, bytes(1 << 22))
        yield "a write was short and nobody heard of it"
    except OSError:
        pass
    finally:
        os.lseek = seek
        os.close(reader)
        os.close(writer)


def _fast() -> str | None:
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
