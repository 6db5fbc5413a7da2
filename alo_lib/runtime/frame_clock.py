"""The time of a core that keeps its own: the machine's UTC clock, which may be wrong, made to run forward only.

Frames are journaled with their times and none may be journaled before them, so one frame at an absurd time would keep a
run from going on until that time has come. A clock that cannot be right is therefore refused before it is believed.
"""

import datetime as dt
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from alo_lib.records import DAY, HOUR, SECOND, TIMES, utc_moment

__all__ = ["FURTHEST", "LAST_TIME", "ClockError", "WallClock", "is_sane", "offset_of"]

FURTHEST: Final = DAY
"""The most that two clocks may differ without one of them being at fault: a wrong time zone or date line is less, the
wrong date of a machine without a battery more. A restarted core goes on at most so far ahead of the machine's clock."""

_FIRST: Final = int(dt.datetime(2000, 1, 1, tzinfo=dt.UTC).timestamp()) * SECOND
LAST_TIME: Final = int(TIMES.high)
"""The end of the last day that data can have, ns UTC."""


class ClockError(Exception):
    """A clock is wrong; the message is one sentence that says how."""


class WallClock(NamedTuple):
    """What is believed of the time of day."""

    utc: Callable[[], int] = time.time_ns
    takes_old: bool = False  # what waited in the ring when the core began, however old it is


def is_sane(time: int) -> bool:
    """Whether an input of today can have this time, ns UTC: from 2000 on, to the last day that data can have."""
    return _FIRST <= time < LAST_TIME


def offset_of(now: int, utc: int, last: int = -1) -> tuple[int, str]:
    """UTC less a monotonic clock that says ``now``, for frames that follow the one at ``last``, all ns.

    ``last`` is -1 where no frame went before. Where the machine's clock is behind it, frames go on from there, and the
    finding, otherwise empty, says so.

    :raises ClockError: for a clock that is wrong beyond doubt.
    """
    if not is_sane(utc):
        raise ClockError(f"the machine's clock says {utc_moment(utc)}; set it, no core runs outside of 2000 to 2050")
    behind = last - utc
    if behind > FURTHEST:
        raise ClockError(
            f"the machine's clock says {utc_moment(utc)} and the journal's last frame is of {utc_moment(last)}, more "
            f"than {FURTHEST // HOUR} hours later; set the clock, or name another journal"
        )
    if behind <= 0:
        return utc - now, ""
    return last - now, (
        f"the machine's clock is {behind / SECOND:,.3f} s behind the journal's last frame, of {utc_moment(last)}; "
        f"frames go on from there"
    )
