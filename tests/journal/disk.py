"""A disk that loses what was not synced: it drops, reorders and tears sectors, and forgets names.

What is synced is there after a crash. Of everything else any part may be: each sector that was changed may be the old
one, the new one, or torn between the two, whatever became of its neighbours; a file's length may be the old or the new
one; of the names created, given and removed since the directory was synced, any first few may have happened.
"""

import ctypes
import errno
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alo_lib.journal.contents import HeldContents
from alo_lib.journal.files import Files

SECTOR = 512
WORDS = SECTOR // 8
FOLDER = Path("/simulated")

Random = np.random.Generator


class CrashError(BaseException):
    """The machine went down."""


@dataclass
class File:
    """Content as it is read, ``size`` bytes of ``words``, and as it is on disk."""

    words: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    size: int = 0
    durable: bytes = b""

    def content(self) -> bytes:
        return self.words.tobytes()[: self.size]

    def grow(self, size: int) -> None:
        if size > self.words.nbytes:
            words = np.zeros((size + 7) // 8, np.int64)
            words[: len(self.words)] = self.words
            self.words = words
        self.size = size

    def after_crash(self, random: Random) -> bytes:
        size = self.size if random.random() < 0.5 else len(self.durable)
        count = (size + SECTOR - 1) // SECTOR
        new, old = (_sectors(content, count) for content in (self.content(), self.durable))
        for sector in np.flatnonzero((new != old).any(axis=1)):
            fate = random.integers(4)
            if fate == 0:
                new[sector] = old[sector]
            elif fate == 1:  # torn at one place
                cut = random.integers(WORDS + 1)
                new[sector, cut:] = old[sector, cut:]
            elif fate == 2:  # torn at many
                lost = random.random(WORDS) < 0.5
                new[sector, lost] = old[sector, lost]
        return new.tobytes()[:size]


def _sectors(content: bytes, count: int) -> NDArray[np.int64]:
    padded = content[: count * SECTOR].ljust(count * SECTOR, b"\0")
    return np.frombuffer(padded, np.int64).reshape(count, WORDS).copy()


class SimulatedDisk(Files):
    """One folder on such a disk."""

    def __init__(self, names: dict[str, bytes] | None = None) -> None:
        made = {name: File() for name in names or {}}
        for name, content in (names or {}).items():
            made[name].grow(len(content))
            made[name].words.view(np.uint8)[: len(content)] = np.frombuffer(content, np.uint8)
            made[name].durable = content
        self._one_at_a_time = threading.RLock()
        self.names_now = made
        self.history = [dict(made)]  # since the directory was synced
        self.open_files: list[File] = []
        self.calls = 0
        self.go_down_at(None)
        self._callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(self._sync_for_c)
        self.sync_address = ctypes.cast(self._callback, ctypes.c_void_p).value or 0

    def go_down_at(self, call: int | None, *, late: bool = False) -> None:
        """Let the machine go down at a call, ``late`` after it has had its effect; None for never."""
        self.crash_at = call
        self.late = late

    def after_crash(self, random: Random) -> dict[str, bytes]:
        """Names and contents that the disk might hold if the machine went down now."""
        names = self.history[random.integers(len(self.history))]
        return {name: file.after_crash(random) for name, file in names.items()}

    def _call(self, effect: Callable[[], object] = lambda: None) -> None:
        with self._one_at_a_time:  # a writer has threads
            number, self.calls = self.calls, self.calls + 1
            if number == self.crash_at and not self.late:
                raise CrashError
            effect()
            if number == self.crash_at:
                raise CrashError

    def _renamed(self, names: dict[str, File]) -> None:
        self.names_now = names
        self.history.append(dict(names))

    def create(self, path: Path) -> int:
        if path.name in self.names_now:
            raise FileExistsError(errno.EEXIST, "File exists")
        file = File()
        self._call(lambda: self._renamed(self.names_now | {path.name: file}))
        return self._opened(file)

    def check_folder(self, path: Path) -> None:
        pass

    def lock(self, path: Path) -> int:
        return -1  # a crash test has one process

    def hold(self, path: Path) -> int:
        return -1

    def let_go(self, descriptor: int) -> None:
        pass

    def inode(self, descriptor: int) -> int:
        return HeldContents.inode

    def is_at(self, path: Path, descriptor: int) -> bool:
        return self.names_now.get(path.name) is self.open_files[descriptor]

    def write_lock(self, descriptor: int, told: bytes) -> None:
        pass

    def unlock(self, path: Path, descriptor: int) -> None:
        pass

    def open(self, path: Path) -> int:
        self._call()
        return self._opened(self.names_now[path.name])

    def _opened(self, file: File) -> int:
        with self._one_at_a_time:
            self.open_files.append(file)
            return len(self.open_files) - 1

    def allocate(self, descriptor: int, size: int) -> None:
        self._call(lambda: self.open_files[descriptor].grow(size))

    def write_zeros(self, descriptor: int, at: int, size: int) -> None:
        def effect() -> None:
            self.open_files[descriptor].words.view(np.uint8)[at : at + size] = 0

        self._call(effect)

    def map(self, descriptor: int, size: int) -> NDArray[np.int64]:
        self._call()
        return self.open_files[descriptor].words[: size // 8]

    def append(self, descriptor: int, data: bytes) -> None:
        def effect() -> None:
            file = self.open_files[descriptor]
            at = file.size
            file.grow(at + len(data))
            file.words.view(np.uint8)[at : file.size] = np.frombuffer(data, np.uint8)

        self._call(effect)

    def sync(self, descriptor: int) -> None:
        def effect() -> None:
            file = self.open_files[descriptor]
            file.durable = file.content()

        self._call(effect)

    def _sync_for_c(self, descriptor: int) -> int:
        self.sync(descriptor)
        return 0

    def sync_directory(self, path: Path) -> None:
        def effect() -> None:
            self.history = [dict(self.names_now)]

        self._call(effect)

    def truncate(self, descriptor: int, size: int) -> None:
        def effect() -> None:
            file = self.open_files[descriptor]
            file.words.view(np.uint8)[size:] = 0
            file.grow(size)

        self._call(effect)

    def rename(self, old: Path, new: Path) -> None:
        def effect() -> None:
            names = dict(self.names_now)
            names[new.name] = names.pop(old.name)
            self._renamed(names)

        self._call(effect)

    def remove(self, path: Path) -> None:
        def effect() -> None:
            names = dict(self.names_now)
            del names[path.name]
            self._renamed(names)

        self._call(effect)

    def close(self, descriptor: int) -> None:
        pass

    def names(self, path: Path) -> list[str]:
        return sorted(self.names_now)

    def contents(self, path: Path) -> HeldContents:
        return HeldContents(self.names_now[path.name].content())
