"""Mutants by the thousand in a process of their own: the loop that works through a range of them.

They are numbered and depend on the seed and their number alone, so that one can be looked at again. The process ends
with status 0, with 1 and the mutant's number where something was found, or by a signal: SIGALRM for a mutant that takes
too long.
"""

import gc
import os
import shutil
import signal
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

SECONDS = 20
"""That one mutant may take."""
SETTLED = 200
"""Mutants after which a process has open what it keeps."""


class Trial(Protocol):
    """What makes a mutant and uses it; anything that it raises is a finding."""

    refused: int
    used: int

    def run(self, number: int) -> None: ...


def work_through(made: Callable[[Path, int], Trial], seed: int, first: int, count: int) -> int:
    """Run the mutants from ``first`` on, in a folder that is taken away again. Returns the exit status."""
    warnings.simplefilter("error")
    folder = Path(tempfile.mkdtemp(prefix="alo-test-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))
    number, held = first, 0
    try:
        trial = made(folder, seed)
        for number in range(first, first + count):
            if number % 64 == 0 or number == first:
                print(number, flush=True)  # so that a signal can be told to a few
            signal.setitimer(signal.ITIMER_REAL, SECONDS)
            trial.run(number)
            if number == first + min(count, SETTLED) - 1:
                held = open_descriptors()
        signal.setitimer(signal.ITIMER_REAL, 0)
        assert open_descriptors() <= held, "descriptors are left open"
    except Exception:
        traceback.print_exc()
        print(f"mutant {number} of seed {seed}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder)
    print(f"{trial.refused} refused {trial.used} used", flush=True)
    return 0


def open_descriptors() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/fd"))
