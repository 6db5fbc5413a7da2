"""What a process has used of its machine: processor time, switches, page faults, memory."""

import os
import resource
from pathlib import Path
from typing import Final, NamedTuple

__all__ = ["Usage", "usage_now"]

_PAGES: Final = Path("/proc/self/statm")


class Usage(NamedTuple):
    """Since the process began; times in ns, memory in bytes."""

    user: int
    system: int
    voluntary: int  # switches of the thread that asks
    involuntary: int
    minor: int  # page faults, of the process
    major: int
    resident: int  # 0 where the system does not tell


def usage_now() -> Usage:
    """Of this process, and of the thread that asks."""
    whole, thread = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_THREAD)
    return Usage(
        user=round(whole.ru_utime * 1e9),
        system=round(whole.ru_stime * 1e9),
        voluntary=thread.ru_nvcsw,
        involuntary=thread.ru_nivcsw,
        minor=whole.ru_minflt,
        major=whole.ru_majflt,
        resident=_resident(),
    )


def _resident() -> int:
    try:
        return int(_PAGES.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return 0
