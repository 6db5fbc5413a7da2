"""``alo core --standby``: until it takes over, or is told to end."""

import signal
import time
from collections.abc import Callable

from alo_lib.cli.console import say
from alo_lib.runtime.follower import Follower
from alo_lib.runtime.link import Channel
from alo_lib.runtime.process import CoreProcess
from alo_lib.runtime.service import ServiceManager
from alo_lib.runtime.standby import Standby

__all__ = ["stood_by"]


def stood_by(
    channel: Channel,
    follower: Follower,
    lease: float,
    manager: ServiceManager | None,
    make: Callable[[Follower], CoreProcess],
) -> CoreProcess | None:
    """The core that this process has become; None where it was told to end before it had to.

    Errors as of :meth:`Standby.take_over`.
    """

    def beat(followed: int) -> None:
        if manager is not None:
            manager.stand_by(followed, time.monotonic_ns())

    def made(followed: Follower) -> CoreProcess:
        if manager is not None:
            manager.take_over()
        began = time.perf_counter()
        process = make(followed)
        say(f"Nobody leads any more: this process took over in {(time.perf_counter() - began) * 1e3:z.0f} ms.")
        return process

    standby = Standby(
        channel, follower, lease=lease, hear=lambda told: say(f"{told[:1].upper()}{told[1:]}."), beat=beat
    )
    ending = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = {number: signal.signal(number, lambda *_: standby.stop()) for number in ending}
    say(f"Standing by in {channel.folder}; the core that leads has a lease of {lease:g} s.")
    try:
        return standby.take_over(made)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
