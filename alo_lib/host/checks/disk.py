"""How long the journal's disk takes to say that something is on it."""

import os
import tempfile
import time
from typing import Final

import numpy as np

from alo_lib.host.finding import Finding, Standing
from alo_lib.host.machine import Machine

__all__ = ["disk"]

_WRITES, _BYTES = 60, 4096
SLOWEST: Final = 10.0
"""Milliseconds at 99 %: a frame."""


def disk(machine: Machine) -> Finding:
    """Appends and syncs as the journal does, in a file of no name in the journal's folder."""
    name, wanted = "disk's fsync", f"at most {SLOWEST:g} ms at 99 %"
    if not machine.live or machine.journal is None:
        return Finding.absent(name, "the journal's folder is not there to be tried", wanted)
    folder = next(each for each in (machine.journal, *machine.journal.absolute().parents) if each.is_dir())
    try:
        took = _synced(str(folder))
    except OSError as error:
        return Finding.absent(name, f"{folder} cannot be tried: {error.strerror}", wanted)
    half, most, worst = (float(np.quantile(took, q)) for q in (0.5, 0.99, 1.0))
    found = f"{half:.2f} ms half of the time, {most:.2f} at 99 %, {worst:.2f} at most, in {folder}"
    if most <= SLOWEST:
        return Finding.good(name, found, wanted)
    cost = f"messages are durable {most:.0f} ms late; with durability 'every' each frame waits for that"
    mend = "put the journal on a local disk of its own, with a cache that outlives a power cut"
    return Finding(name, Standing.COSTS, found, wanted, cost, mend)


def _synced(folder: str) -> list[float]:
    """Milliseconds of each of some appends with fdatasync."""
    took = []
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        for _ in range(_WRITES):
            began = time.perf_counter_ns()
            file.write(bytes(_BYTES))
            os.fdatasync(file.fileno())
            took.append((time.perf_counter_ns() - began) / 1e6)
    return took
