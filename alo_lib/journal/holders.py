"""Who holds a file, as far as the system tells: for the sentence that refuses a second writer."""

import contextlib
import os
import shlex
import time
from pathlib import Path
from typing import Final, NamedTuple, Self

from alo_lib.records.processes import Process, command_line, this_process

__all__ = ["Holder", "holders_of"]

_PROC: Final = Path("/proc")
_LONGEST: Final = 200
"""Characters of a command line that are told."""


class Holder(NamedTuple):
    """A process that holds a file."""

    pid: int
    began: str
    command: str

    @classmethod
    def this(cls) -> Self:
        """The process that asks."""
        process = this_process()
        return cls(process.pid, _moment(process.began), command_line())

    @classmethod
    def of(cls, pid: int) -> Self:
        """Another process, as the system tells of it."""
        fields = _read(_PROC / str(pid) / "stat").rpartition(b")")[2].split()
        words = _read(_PROC / str(pid) / "cmdline").decode(errors="replace").split("\0")[:-1]
        began = Process(pid, int(fields[19]) if len(fields) > 19 else 0, 0).began
        return cls(pid, _moment(began), _in_one_line(words))

    @property
    def numbers(self) -> tuple[int, ...]:
        """Its numbers in this namespace of processes and in those within it; one where the system does not tell."""
        for line in _read(_PROC / str(self.pid) / "status").splitlines():
            if line.startswith(b"NSpid:"):
                return tuple(map(int, line.split()[1:]))
        return (self.pid,)

    @property
    def in_words(self) -> str:
        """For a sentence."""
        return f"process {self.pid} ({self.command}), which began at {self.began}"


def holders_of(path: Path) -> list[Holder]:
    """The processes that have a file open to write to it, as far as the system tells this user."""
    found = []
    for pid in sorted(int(name) for name in _names(_PROC) if name.isdigit()):
        own = _PROC / str(pid)
        for descriptor in _names(own / "fd"):
            with contextlib.suppress(OSError):  # it is closed by now, or the process has ended
                if os.path.samefile(own / "fd" / descriptor, path) and _is_to_write(own / "fdinfo" / descriptor):
                    found.append(Holder.of(pid))
                    break
    return found


def _is_to_write(descriptor: Path) -> bool:
    """Whether an open file is one to write to, by what the system tells of its descriptor."""
    for line in _read(descriptor).splitlines():
        if line.startswith(b"flags:"):
            return int(line.split()[1], 8) & os.O_ACCMODE != os.O_RDONLY
    return False


def _in_one_line(words: list[str]) -> str:
    """A command as a person would type it."""
    name = Path(words[0]).name if words else "?"
    told = "".join(each if each.isprintable() else "?" for each in shlex.join([name, *words[1:]]))
    return told if len(told) <= _LONGEST else f"{told[: _LONGEST - 3]}..."


def _moment(seconds: float) -> str:
    return f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(seconds))} UTC"


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
