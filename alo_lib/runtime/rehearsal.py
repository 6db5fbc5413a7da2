"""Compiling and loading all that a core process runs, before its first frame."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from alo_lib.executive import LogicalClock
from alo_lib.records import Kind
from alo_lib.runtime.link import Channel
from alo_lib.runtime.process import CoreProcess
from alo_lib.runtime.warm_up import kernels_ready, warm_up
from alo_lib.settings import Settings

__all__ = ["rehearse"]


def rehearse(settings: Settings) -> str:
    """Run a small day through a core process and a channel that are taken away again, in no time.

    All that frames and their answers will call is compiled and loaded afterwards. Returns how much that is, in words.
    """
    began = time.perf_counter()
    day = warm_up(settings)
    with TemporaryDirectory(prefix="alo-rehearsal-") as place:
        channel = Channel(Path(place), slots=1 << 14)
        clock = LogicalClock(time.monotonic_ns())
        process = CoreProcess(settings, channel, Path(place) / "journal", paced=True, clock=clock)
        host, answers = channel.host_side()
        for message in day:
            host.push(message)
        process.run(sum(message.kind is Kind.FRAME for message in day))
        while answers.pop() is not None:
            pass
        process.close()
        channel.remove()
    return f"{kernels_ready()} kernels in {time.perf_counter() - began:.1f} s"
