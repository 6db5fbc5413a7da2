"""What systemd, or whoever else supervises a core, hears of it: its own heartbeat, and nothing that could do without.

A core beats with each frame, and between two inputs while it takes in so many of them that its frame waits: one that
was away for long would else be killed for catching up, again and again.

The protocol is sd_notify's: datagrams of ``NAME=VALUE`` lines to the socket that NOTIFY_SOCKET names.
"""

import contextlib
import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from alo_lib.runtime.link import CorePhase

if TYPE_CHECKING:
    import numpy as np

__all__ = ["ServiceManager"]

_SHARE: Final = 4
"""Notices within the time that the watchdog waits for one: three may be lost."""
_SECOND: Final = 1_000_000_000
_STATE: Final = {
    CorePhase.STARTING: "",
    CorePhase.RUNNING: "READY=1\n",
    CorePhase.STOPPED: "STOPPING=1\n",
    CorePhase.FAILED: "STOPPING=1\n",
}


class ServiceManager:
    """Tells a supervisor that a core is ready once it releases frames, and from then on that it still beats.

    A supervisor that is gone or busy holds nothing up: what it does not hear, it takes for a core that is stuck.
    """

    def __init__(self, address: str, interval: int) -> None:
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._interval = interval  # nanoseconds between two notices of the same phase
        self._phase: CorePhase | None = None
        self._told = 0

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "ServiceManager | None":
        """Who started this process and wants to hear of it; None where nobody does.

        WATCHDOG_USEC says how long a watchdog waits; without one a notice a second keeps the status.
        """
        address, waits = environment.get("NOTIFY_SOCKET", ""), environment.get("WATCHDOG_USEC", "")
        if not address.startswith(("/", "@")):
            return None
        return cls(address, int(waits) * 1000 // _SHARE if waits.isdigit() and int(waits) else _SECOND)

    def hear(self, beat: "np.void") -> None:
        """Hear a heartbeat, and tell of it when its phase is new or the last notice is some time ago."""
        phase = list(CorePhase)[int(beat["phase"])]
        now = int(beat["monotonic"])
        if phase is self._phase and now - self._told < self._interval:
            return
        state = _STATE[phase] if phase is not self._phase else ""
        alive = "WATCHDOG=1\n" if phase is CorePhase.RUNNING else ""
        status = f"{phase.value}, frame {int(beat['frame'])}, {int(beat['overruns'])} overruns"
        with contextlib.suppress(OSError):
            self._send(f"{state}{alive}STATUS={status}\n")
            self._phase, self._told = phase, now

    def _send(self, notice: str) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sending:
            sending.setblocking(False)
            sending.sendto(notice.encode(), self._address)
