"""What systemd, or whoever else supervises a core, hears of it: its own heartbeat, and nothing that could do without.

A core beats with each frame, and between two inputs while it takes in so many of them that its frame waits: one that
was away for long would else be killed for catching up, again and again.

The protocol is sd_notify's: datagrams of ``NAME=VALUE`` lines to the socket that NOTIFY_SOCKET names.
"""

import contextlib
import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from alo_lib.records import SECOND
from alo_lib.runtime.link import CorePhase
from alo_lib.settings.operation import STARTING_MINUTES

if TYPE_CHECKING:
    import numpy as np

__all__ = ["ServiceManager"]

_SHARE: Final = 4
"""Notices within the time that the watchdog waits for one: three may be lost."""
_TAKING_OVER: Final = STARTING_MINUTES * 60_000_000
"""Microseconds that a watchdog waits for a standby that takes over: as long as a start may take."""
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

    def __init__(self, address: str, interval: int, *, watched: bool = False) -> None:
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._interval = interval  # nanoseconds between two notices of the same phase
        self._phase: CorePhase | None = None
        self._told = 0
        self._watched = interval * _SHARE // 1000 if watched else 0  # microseconds that a watchdog waits
        self._stands_by = False

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "ServiceManager | None":
        """Who started this process and wants to hear of it; None where nobody does.

        WATCHDOG_USEC says how long a watchdog waits; without one a notice a second keeps the status.
        """
        address, waits = environment.get("NOTIFY_SOCKET", ""), environment.get("WATCHDOG_USEC", "")
        if not address.startswith(("/", "@")):
            return None
        watched = waits.isdigit() and int(waits) > 0
        return cls(address, int(waits) * 1000 // _SHARE if watched else SECOND, watched=watched)

    def hear(self, beat: "np.void") -> None:
        """Hear a heartbeat, and tell of it when its phase is new or the last notice is some time ago."""
        phase = list(CorePhase)[int(beat["phase"])]
        now = int(beat["monotonic"])
        if phase is self._phase and now - self._told < self._interval:
            return
        state = _STATE[phase] if phase is not self._phase else ""
        alive = "WATCHDOG=1\n" if phase is CorePhase.RUNNING else ""
        if self._stands_by and phase is CorePhase.RUNNING:
            alive, self._stands_by = f"WATCHDOG_USEC={self._watched}\n{alive}" if self._watched else alive, False
        status = f"{phase.value}, frame {int(beat['frame'])}, {int(beat['overruns'])} overruns"
        with contextlib.suppress(OSError):
            self._send(f"{state}{alive}STATUS={status}\n")
            self._phase, self._told = phase, now

    def stand_by(self, followed: int, now: int) -> None:
        """Hear that this process stands by at ``now``, CLOCK_MONOTONIC, and has followed so many messages.

        That is what it is to do, so it is ready.
        """
        if self._stands_by and now - self._told < self._interval:
            return
        ready = "" if self._stands_by else "READY=1\n"
        followed_in_words = f"{followed} messages followed" if followed >= 0 else "not warm"
        with contextlib.suppress(OSError):
            self._send(f"{ready}WATCHDOG=1\nSTATUS=standing by, {followed_in_words}\n")
            self._stands_by, self._told = True, now

    def take_over(self) -> None:
        """Hear that this process takes over: until its first frame it may have to decide much again."""
        if self._watched:
            with contextlib.suppress(OSError):
                self._send(f"WATCHDOG_USEC={_TAKING_OVER}\nSTATUS=taking over\n")

    def _send(self, notice: str) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sending:
            sending.setblocking(False)
            sending.sendto(notice.encode(), self._address)
