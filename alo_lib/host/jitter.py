"""How late this host releases frames: a measured run of the executive's own clock, in a process of its own."""

import json
import os
import subprocess
import sys
from typing import Any, NamedTuple

from alo_lib.executive import RealClock
from alo_lib.executive.clocks import DEFAULT_SPIN
from alo_lib.executive.isolation import Isolation, isolate
from alo_lib.executive.releases import ReleaseLog
from alo_lib.records import MILLISECOND, SECOND
from alo_lib.records.json_reading import json_of

__all__ = ["JitterError", "JitterRun", "measure_jitter"]

_FRAME = 10 * MILLISECOND


class JitterError(RuntimeError):
    """The measured run ended badly; the message says how."""


class JitterRun(NamedTuple):
    """What became of the releases of a run, microseconds, and what the host had granted it."""

    frames: int
    p50: float
    p99: float
    p999: float
    worst: float
    causes: dict[str, int]  # of releases that were 25 us late or more
    refused: dict[str, str]  # preparations that the host did not grant, and why


def measure_jitter(seconds: float, isolation: Isolation, *, spin: int = DEFAULT_SPIN) -> JitterRun:
    """Release a frame each 10 ms for so long, as a core prepares itself and waits.

    :raises JitterError: when the process that measures ends badly.
    """
    arguments = json.dumps([seconds, isolation.cpu, isolation.priority, spin])
    command = [sys.executable, "-m", __name__, arguments]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}  # it finds what this process finds
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if run.returncode:
        last = (run.stderr.strip().splitlines() or ["without a word"])[-1]
        raise JitterError(f"the jitter run ended with status {run.returncode}: {last}")
    return JitterRun(**json_of(run.stdout))


def _run(seconds: float, cpu: int | None, priority: int, spin: int) -> dict[str, Any]:
    steps = isolate(Isolation(cpu, priority), lambda: "nothing to compile")
    clock, log = RealClock(spin), ReleaseLog()
    deadline = clock.now() + _FRAME
    for frame in range(max(1, round(seconds * SECOND / _FRAME))):
        log.begin()
        release = clock.wait_until(deadline)
        log.add(frame, release)
        deadline += _FRAME * (1 + release.late // _FRAME)
    late = log.lateness()
    return JitterRun(
        frames=late.frames,
        p50=late.p50 / 1e3,
        p99=late.p99 / 1e3,
        p999=late.p999 / 1e3,
        worst=late.worst / 1e3,
        causes={why.value: count for why, count in log.causes.most_common()},
        refused={step.name: step.detail for step in steps if not step.done},
    )._asdict()


if __name__ == "__main__":
    print(json.dumps(_run(*json_of(sys.argv[1]))))
