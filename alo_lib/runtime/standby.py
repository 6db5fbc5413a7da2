"""Standing by for a core: following it, and taking over when it has ended or its lease has.

The core that leads has a lease as long as its heartbeat is younger than that. Whoever is to take over needs more: the
lock of the journal, which the kernel gives to one process at a time and takes back when that ends. A core that is
stopped keeps the lock, and could write and answer when it is woken. So it is asked to leave
(:mod:`alo_lib.runtime.fence`); if it does not, it is killed, which a stopped process is as well; if this process may
not kill it, it is waited for. At no time do two processes have the lock, so nothing is journaled or answered twice.
"""

import gc
import os
import select
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import numpy as np

from alo_lib.journal import JournalHeldError, require_no_writer
from alo_lib.records import MINUTE, SECOND
from alo_lib.runtime.fence import STANDBY
from alo_lib.runtime.follower import Follower
from alo_lib.runtime.link import Channel, CorePhase
from alo_lib.runtime.process import CoreProcess
from alo_lib.settings.operation import STARTING_MINUTES
from alo_lib.transport import NotOwnerError, Owner, Reading

__all__ = ["Standby"]

_GRACE: Final = 0.1
"""Seconds in which a core that is asked to leave may do so, some frames."""
_ENDING: Final = 2.0
"""Seconds in which a process that ends may keep what it has."""
_LOOK: Final = 0.005
"""Seconds between two looks at the core that leads."""
_FOLLOW: Final = 0.02
"""Seconds of following between two of them at the most."""

_RUNNING: Final = list(CorePhase).index(CorePhase.RUNNING)


class Standby:
    """The standby of a channel, of which there is one at a time.

    ``hear`` hears in sentences what people should know, and ``beat`` with each look, how many messages are followed.
    ``may_lead`` tells whether this host may, where there are several (:mod:`alo_lib.runtime.leadership`); what it
    raises ends the standing by.

    :raises NotOwnerError: where the channel has a standby.
    """

    def __init__(
        self,
        channel: Channel,
        follower: Follower,
        *,
        lease: float,
        hear: Callable[[str], None] = lambda sentence: None,
        beat: Callable[[int], None] = lambda followed: None,
        may_lead: Callable[[], bool] = lambda: True,
    ) -> None:
        self._channel, self._follower, self._may_lead = channel, follower, may_lead
        self._lease = round(lease * SECOND)
        self._hear, self._beat = hear, beat
        self._state = channel.standby.write_as("standby")
        self._told = np.zeros(1, STANDBY)
        self._told["lease"] = self._lease
        self._stopping = False
        self._said = ""
        self._starting = (0, 0)  # number of a core that has released no frame yet, and since when that is known
        self._kept_out = 0.0  # since when nobody leads and somebody keeps this process out
        self._asked = 0  # when the core was asked to leave

    def stop(self) -> None:
        """Stand by no more; for signal handlers."""
        self._stopping = True

    def take_over(self, make: Callable[[Follower], CoreProcess]) -> CoreProcess | None:
        """Follow until nobody leads, then be who does: what ``make`` makes, behind what was followed.

        None where this is stopped before. Errors as of ``make``, but for those of somebody else having become it first.
        """
        try:
            while not self._stopping:
                self._pulse()
                if self._may_lead() and self._is_free():
                    try:
                        return make(self._follower)
                    except (NotOwnerError, JournalHeldError) as error:
                        self._wait_for_who_has_it(str(error))
                self._follower.follow(int(self._channel.heartbeat.read().value["sequence"]), _FOLLOW)
                gc.collect(0)
                time.sleep(_LOOK)
            return None
        finally:
            self._state.close()

    def _wait_for_who_has_it(self, why: str) -> None:
        """Of a process that ends the last thread may keep the journal for a moment; what lasts longer is told."""
        now = time.monotonic()
        self._kept_out = self._kept_out or now
        if now - self._kept_out > _ENDING:
            self._say(f"nobody leads, and this process cannot: {why}")

    # Whether somebody leads ------------------------------------------------------------------------------------------

    def _is_free(self) -> bool:
        """Whether nobody leads, once whoever did so beyond his lease has ended."""
        now = time.monotonic_ns()  # before the look: a standby that was stopped itself takes nobody for late
        reading, owner = self._channel.heartbeat.read(), self._channel.heartbeat.owner
        if not owner.pid or owner.alive is False:
            return True
        self._kept_out = 0.0
        silent = now - self._last_sign(reading, owner, now)
        if silent <= 0:
            self._told["fenced"], self._asked = 0, 0
            return False
        if self._told["fenced"] != owner.epoch:
            self._hear(f"the core, process {owner.pid}, has given no heartbeat for its lease: it is asked to leave")
            self._told["fenced"], self._asked = owner.epoch, now
            self._pulse()
            return False
        if now - self._asked > _GRACE * SECOND:
            return self._ended(owner)
        return False

    def _last_sign(self, reading: Reading, owner: Owner, now: int) -> int:
        """Until when a core that lives has its lease."""
        beat = reading.value
        if reading.epoch == owner.epoch and beat["phase"] == _RUNNING and beat["monotonic"]:
            return int(beat["monotonic"]) + self._lease
        if self._starting[0] != owner.epoch:
            self._starting = owner.epoch, now
        return self._starting[1] + STARTING_MINUTES * MINUTE

    def _ended(self, owner: Owner) -> bool:
        """Kill a core that did not leave. Returns whether nobody leads then."""
        if owner.alive is None:  # of another container: no other process can have the lock once it has ended
            with suppress(JournalHeldError):
                require_no_writer(self._follower.folder)
                self._channel.force = True
                return True
            self._say(f"the core, process {owner.pid} of another container, does not leave: end it there")
            return False
        try:
            handle = os.pidfd_open(owner.pid)
        except ProcessLookupError:
            return True
        try:
            if self._channel.heartbeat.owner != owner:  # it has left, and its number may be another process's
                return False
            signal.pidfd_send_signal(handle, signal.SIGKILL)
            select.select([handle], [], [], _GRACE)
        except PermissionError:
            self._say(f"the core, process {owner.pid}, does not leave, and this user may not end it: end it")
            return False
        finally:
            os.close(handle)
        self._say(f"the core, process {owner.pid}, did not leave and was killed")
        return False  # the next look sees whether it has ended

    def _pulse(self) -> None:
        self._told["monotonic"], self._told["followed"] = time.monotonic_ns(), self._follower.followed
        self._state.write(self._told)
        self._beat(self._follower.followed)

    def _say(self, sentence: str) -> None:
        if sentence != self._said:
            self._hear(sentence)
        self._said = sentence
