"""The processor's own counters for one thread, by perf_event_open; hosts that have none, or forbid it, are told so."""

import ctypes
import os
import platform
import struct
from typing import Final

from alo_lib.telemetry.layout import COUNTERS, NOT_SUPPORTED

__all__ = ["HardwareCounters"]

_CALLS: Final = {"x86_64": 298, "aarch64": 241}
"""perf_event_open's number by machine."""
_TYPE_HARDWARE: Final = 0
_CONFIGS: Final = {"cycles": 0, "instructions": 1, "cache_misses": 3, "branch_misses": 5}
_ATTRIBUTES: Final = struct.Struct("<IIQQQQQ72x")
"""perf_event_attr of 112 bytes: type, size, config, period, sample type, read format, flags; the rest is zero."""
_EXCLUDE: Final = (1 << 5) | (1 << 6)
"""Flags: neither the kernel's nor the hypervisor's work counts, which any user may ask for."""
_CLOEXEC: Final = 8
_VALUE: Final = struct.Struct("<q")


class HardwareCounters:
    """Counts for the thread that makes it, from then on.

    ``why`` says by counter what the system said of those that it does not have.
    """

    def __init__(self) -> None:
        self.why: dict[str, str] = {}
        self._files: dict[str, int] = {}
        for name in COUNTERS:
            try:
                self._files[name] = _opened(_CONFIGS[name])
            except OSError as error:
                self.why[name] = error.strerror or str(error)

    def read(self) -> list[int]:
        """The counts in the order of COUNTERS; NOT_SUPPORTED where there is none."""
        return [self._count(name) for name in COUNTERS]

    def close(self) -> None:
        """Count no more."""
        for file in self._files.values():
            os.close(file)
        self._files.clear()

    def _count(self, name: str) -> int:
        file = self._files.get(name)
        if file is None:
            return NOT_SUPPORTED
        told = os.read(file, _VALUE.size)
        return int(_VALUE.unpack(told)[0]) if len(told) == _VALUE.size else NOT_SUPPORTED


def _opened(config: int) -> int:
    """A descriptor that counts. OSError where the system has no such counter, or refuses it."""
    number = _CALLS.get(platform.machine())
    if number is None or platform.system() != "Linux":
        raise OSError(0, f"not known for {platform.system()} on {platform.machine()}")
    attributes = ctypes.create_string_buffer(
        _ATTRIBUTES.pack(_TYPE_HARDWARE, _ATTRIBUTES.size, config, 0, 0, 0, _EXCLUDE), _ATTRIBUTES.size
    )
    call = ctypes.CDLL(None, use_errno=True).syscall
    call.restype = ctypes.c_long
    numbers = [ctypes.c_long(each) for each in (0, -1, -1, _CLOEXEC)]  # this thread, any processor, no group
    file = call(ctypes.c_long(number), attributes, *numbers)
    if file < 0:
        problem = ctypes.get_errno()
        raise OSError(problem, os.strerror(problem))
    return int(file)
