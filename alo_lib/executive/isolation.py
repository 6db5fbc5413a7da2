"""Preparing a process for real time: each step is tried, and what the host refuses is reported and survived.

Linux only where it says so; elsewhere every step reports that there is no such thing. The steps hold for the calling
thread and process until it ends, so nothing but a process of its own should take them.
"""

import ctypes
import gc
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

__all__ = ["Isolation", "Preparation", "isolate", "processors", "stand_ready", "take_processor"]

DEFAULT_PRIORITY: Final = 80
"""Of SCHED_FIFO: above everything that is not the kernel's own."""

DEFAULT_HEAP: Final = 64 << 20
"""Bytes that are touched and then kept, so that frames find their memory there."""

_MCL_CURRENT, _MCL_FUTURE = 1, 2
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4
_MADV_HUGEPAGE, _MADV_COLLAPSE = 14, 25
_HUGE_PAGE: Final = 2 << 20
_THP: Final = Path("/sys/kernel/mm/transparent_hugepage/enabled")


class Preparation(NamedTuple):
    """One preparation: whether it was granted, and what it did or why not."""

    name: str
    done: bool
    detail: str


class Isolation(NamedTuple):
    """What is asked of the host. ``cpu`` None leaves the process where it is; ``priority`` 0 leaves it unprivileged."""

    cpu: int | None = None
    priority: int = DEFAULT_PRIORITY
    heap: int = DEFAULT_HEAP


def isolate(wanted: Isolation, warm_up: Callable[[], str]) -> list[Preparation]:
    """Take every step, in an order in which none undoes another; returns how each went.

    ``warm_up`` compiles and loads everything that frames will run and returns a word on it; it comes before memory is
    locked and the collector is frozen, so that what it leaves is locked and frozen too. An error in it is not survived.
    """
    steps = [Preparation("compiled", True, warm_up())]
    steps.append(_try("pinned", lambda: _pin(wanted.cpu)))
    steps += _of_memory(wanted)
    steps.append(_try("SCHED_FIFO", lambda: _first_in_first_out(wanted.priority)))
    return steps


def stand_ready(wanted: Isolation, warm_up: Callable[[], str]) -> list[Preparation]:
    """As :func:`isolate`, but for the processor and the priority, which are another process's as long as it lives."""
    return [Preparation("compiled", True, warm_up()), *_of_memory(wanted)]


def take_processor(wanted: Isolation) -> list[Preparation]:
    """What :func:`stand_ready` has left, now that they are this process's."""
    pinned = _try("pinned", lambda: _pin(wanted.cpu))
    return [pinned, _try("SCHED_FIFO", lambda: _first_in_first_out(wanted.priority))]


def _of_memory(wanted: Isolation) -> list[Preparation]:
    return [
        _try("heap kept", lambda: _keep_heap(wanted.heap)),
        _try("huge pages", _huge_pages),
        _try("memory locked", _lock_memory),
        _try("collector frozen", _freeze_collector),
    ]


class _RefusedError(Exception):
    """The host, or the caller, does not want this step; the message says why."""


def _try(name: str, step: Callable[[], str]) -> Preparation:
    try:
        return Preparation(name, True, step())
    except _RefusedError as error:
        return Preparation(name, False, str(error))
    except OSError as error:
        return Preparation(name, False, error.strerror or str(error))
    except AttributeError as error:
        return Preparation(name, False, f"{sys.platform} has no {error.name}")


def _c() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> None:
    if result:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def processors() -> list[int]:
    """The processors that this process may run on, ascending; none where the system does not say."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def _pin(cpu: int | None) -> str:
    if cpu is None:
        raise _RefusedError("not asked for; --cpu names a processor")
    os.sched_setaffinity(0, {cpu})
    isolated = _read(Path("/sys/devices/system/cpu/isolated"))
    alone = "isolated from the scheduler" if cpu in _cpus(isolated) else "shared: boot with isolcpus to have it alone"
    return f"processor {cpu}, {alone}"


def _cpus(text: str) -> set[int]:
    """Processors of a list such as ``2-3,6``."""
    found: set[int] = set()
    for part in filter(None, text.strip().split(",")):
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _keep_heap(size: int) -> str:
    """Touch memory once through the allocator, and tell it never to give any back nor to map pages afresh."""
    library = _c()
    if not (library.mallopt(_M_MMAP_MAX, 0) and library.mallopt(_M_TRIM_THRESHOLD, -1)):
        raise _RefusedError("the allocator does not let itself be told")
    library.malloc.restype, library.malloc.argtypes = ctypes.c_void_p, (ctypes.c_size_t,)
    library.free.argtypes = (ctypes.c_void_p,)
    block = library.malloc(size)
    if not block:
        raise _RefusedError(f"{size >> 20} MiB cannot be had")
    ctypes.memset(block, 1, size)
    library.free(block)
    return f"{size >> 20} MiB touched; none is given back"


def _huge_pages() -> str:
    """Ask for huge pages under the heap, now and for what it grows by; an allocator may have explicit ones already."""
    explicit = re.search(r"^Private_Hugetlb:\s+(\d+) kB", _read(Path("/proc/self/smaps_rollup")), re.MULTILINE)
    if explicit is not None and int(explicit[1]):
        return f"{int(explicit[1]) >> 10} MiB of explicit ones in use"
    mode = re.search(r"\[(\w+)\]", _read(_THP))
    if mode is None or mode[1] == "never":
        raise _RefusedError("transparent huge pages are switched off in the kernel")
    heap = re.search(r"^([0-9a-f]+)-([0-9a-f]+) .*\[heap\]$", Path("/proc/self/maps").read_text(), re.MULTILINE)
    if heap is None:
        raise _RefusedError("the process has no heap that could have them")
    start, end = (int(address, 16) for address in heap.groups())
    start, end = -(-start // _HUGE_PAGE) * _HUGE_PAGE, end // _HUGE_PAGE * _HUGE_PAGE
    if end <= start:
        raise _RefusedError("the heap is smaller than one of them")
    library = _c()
    library.madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    _checked(library.madvise(start, end - start, _MADV_HUGEPAGE), "madvise")
    library.madvise(start, end - start, _MADV_COLLAPSE)  # an older kernel does it later, by itself
    held = re.search(r"^AnonHugePages:\s+(\d+) kB", Path("/proc/self/smaps_rollup").read_text(), re.MULTILINE)
    return f"{int(held[1]) >> 10 if held else 0} MiB of them in use"


def _lock_memory() -> str:
    _checked(_c().mlockall(_MCL_CURRENT | _MCL_FUTURE), "mlockall")
    locked = re.search(r"^VmLck:\s+(\d+) kB", _read(Path("/proc/self/status")), re.MULTILINE)
    return f"{int(locked[1]) >> 10 if locked else 0} MiB, and all that is to come"


def _freeze_collector() -> str:
    gc.collect()
    gc.freeze()
    gc.disable()
    return f"{gc.get_freeze_count():,} objects set aside; young ones are collected between frames"


def _first_in_first_out(priority: int) -> str:
    if not priority:
        raise _RefusedError("not asked for; --priority sets one")
    lowest, highest = os.sched_get_priority_min(os.SCHED_FIFO), os.sched_get_priority_max(os.SCHED_FIFO)
    if not lowest <= priority <= highest:
        raise _RefusedError(f"priority {priority} must lie between {lowest} and {highest}")
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))
    return f"priority {priority}{_throttle()}"


def _throttle() -> str:
    runtime = _read(Path("/proc/sys/kernel/sched_rt_runtime_us"))
    period = _read(Path("/proc/sys/kernel/sched_rt_period_us"))
    if not runtime or not period or int(runtime) < 0:
        return ""
    return f"; the kernel grants it {int(runtime) / int(period):.0%} of a second"
