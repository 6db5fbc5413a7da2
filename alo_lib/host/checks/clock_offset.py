"""How far the machine's clock may be from the true time."""

import ctypes
from typing import Final, NamedTuple

from alo_lib.host.finding import Finding, Standing
from alo_lib.host.machine import Machine

__all__ = ["ClockState", "clock_offset", "judge"]

LARGEST: Final = 50.0
"""Milliseconds: five frames, and less than a broker's or an exchange's own stamps are good for."""
_WANTED: Final = f"synchronized, at most {LARGEST:g} ms off"
_UNSYNCHRONIZED: Final = 0x40  # STA_UNSYNC of <sys/timex.h>
_NANOSECONDS: Final = 0x2000  # STA_NANO
_WORDS: Final = 32  # struct timex has 208 bytes on 64-bit Linux; more than it needs is harmless


class ClockState(NamedTuple):
    """What the kernel knows of its clock, milliseconds."""

    synchronized: bool
    offset: float
    largest_error: float


def clock_offset(machine: Machine) -> Finding:
    """What the kernel was last told by whoever disciplines its clock (adjtimex)."""
    if not machine.live:
        return Finding.absent("clock offset", "only a live kernel tells", _WANTED)
    return judge(_asked())


def judge(state: ClockState) -> Finding:
    """Whether a clock's state will do."""
    name = "clock offset"
    cost = "frames and sessions begin early or late by as much; beyond 24 hours the core refuses to start"
    if not state.synchronized:
        return Finding(name, Standing.COSTS, "nothing synchronizes the clock", _WANTED, cost, "run chrony")
    found = f"{state.offset:.3f} ms at the last look, at most {state.largest_error:.0f} ms off"
    if abs(state.offset) <= LARGEST:
        return Finding.good(name, found, _WANTED)
    return Finding(name, Standing.COSTS, found, _WANTED, cost, "chronyc makestep, while the market is closed")


def _asked() -> ClockState:
    """By struct timex: modes, offset, freq, maxerror, esterror, status (each in a word of 8 bytes)."""
    timex = (ctypes.c_int64 * _WORDS)()
    if ctypes.CDLL(None, use_errno=True).adjtimex(timex) < 0:
        return ClockState(False, 0.0, 0.0)
    status = timex[5] & 0xFFFFFFFF
    return ClockState(not status & _UNSYNCHRONIZED, timex[1] / (1e6 if status & _NANOSECONDS else 1e3), timex[3] / 1e3)
