"""Processes, told apart also where a number is used again."""

import os
import shlex
import sys
import time
from pathlib import Path
from typing import Final, NamedTuple

__all__ = ["Process", "command_line", "is_in_this_container", "this_process"]

_PROC: Final = Path("/proc")
_LONGEST: Final = 200
"""Characters of a command line that are told."""


class Process(NamedTuple):
    """A process, told apart from others that have had its number."""

    pid: int
    started: int  # ticks since boot; 0 where the system does not tell
    namespace: int  # that its number is of; 0 where the system does not tell

    @property
    def alive(self) -> bool | None:
        """Whether it runs; None where it cannot be told: its number is of another namespace."""
        if not self.pid:
            return False
        return _started(self.pid) == self.started if self.namespace == _namespace() else None

    @property
    def began(self) -> float:
        """When it began, seconds since the epoch, UTC; now where the system does not tell."""
        if not self.started:
            return time.time()
        booted = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
        return booted + self.started / os.sysconf("SC_CLK_TCK")


def command_line() -> str:
    """The command that this process is, as a person would type it, in one line."""
    path, *arguments = sys.argv or [""]
    name = Path(path).name
    if name == "__main__.py":
        name = "alo" if Path(path).parent.name == "cli" else Path(path).parent.name
    told = shlex.join([name, *arguments]) if name else Path(sys.executable or "python").name
    printable = "".join(each if each.isprintable() else "?" for each in told)
    return printable if len(printable) <= _LONGEST else f"{printable[: _LONGEST - 3]}..."


def this_process() -> Process:
    """The process that asks."""
    return Process(os.getpid(), _started(os.getpid()), _namespace())


def is_in_this_container(pid: int) -> bool:
    """Whether a process has the file systems of this one: both are of one container, or of none.

    False also where this user may not know.
    """
    try:
        theirs, ours = (os.stat(_PROC / whose / "ns" / "mnt") for whose in (str(pid), "self"))
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False
    return (theirs.st_dev, theirs.st_ino) == (ours.st_dev, ours.st_ino)


def _started(pid: int) -> int:
    """When a process began, in ticks since boot; -1 when there is none, 0 where the system does not tell."""
    if not _PROC.joinpath("self").exists():
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return -1
        except PermissionError:
            return 0
        return 0
    try:
        fields = _PROC.joinpath(str(pid), "stat").read_bytes().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return -1
    return -1 if fields[0] in (b"Z", b"X") else int(fields[19])


def _namespace() -> int:
    try:
        return os.stat(_PROC / "self" / "ns" / "pid").st_ino
    except FileNotFoundError:
        return 0
