"""What a standby and the core that leads share: how the standby stands, and whom it asks to leave.

Each process that takes the core's side of a channel does so under a number one higher than the last one's, as each that
writes a journal does so in the next epoch. The number that a standby writes here is the one of the core whose lease has
ended. That core looks at it before it takes anything in and before it answers, and leaves.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from alo_lib.records import SECOND
from alo_lib.transport import Owner, SeqLock, TransportError

__all__ = ["OLDEST_LOOK", "STANDBY", "STANDBY_NAME", "Fence", "FencedError"]

STANDBY_NAME: Final = "standby.state"
"""The file of a channel with how its standby stands."""

OLDEST_LOOK: Final = 2.0
"""Seconds since the last look of a standby that is well."""

STANDBY: Final["np.dtype[Any]"] = np.dtype(
    [
        ("monotonic", "<i8"),  # when it was written, CLOCK_MONOTONIC
        ("lease", "<i8"),  # nanoseconds without a heartbeat after which the core that leads is asked to leave
        ("followed", "<i8"),  # messages of the journal that are decided again; -1 while none can be
        ("fenced", "<i8"),  # the number under which the core that is to leave has the channel; 0 while none is
    ]
)


class FencedError(TransportError):
    """Another process takes over, or may: this one gave no heartbeat for its lease, or could not renew it."""


class Fence:
    """The side of the core that leads, which has the channel under a number; ``elsewhere`` looks at other hosts."""

    def __init__(self, state: SeqLock, number: int, elsewhere: Callable[[], None] = lambda: None) -> None:
        self._state = state
        self._number = number
        self._elsewhere = elsewhere

    def look(self) -> None:
        """Nothing, unless this core is asked to leave.

        :raises FencedError: where it is.
        """
        self._elsewhere()
        told = self._state.read().value
        if told["fenced"] == self._number:
            raise FencedError(
                f"{_in_words(self._state.owner)} takes over: this core gave no heartbeat for more than "
                f"{told['lease'] / SECOND:g} s, its lease; what it had not journaled or answered by then it leaves to "
                "that one. Start it again as a standby"
            )


def _in_words(standby: Owner) -> str:
    return f"the standby, process {standby.pid}," if standby.pid else "a standby that is a core by now"
