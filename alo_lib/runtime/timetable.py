"""When a session is told and when its frames may open, for every engine."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.records import MINUTE, Session
from alo_lib.settings import Settings

__all__ = ["Timetable"]

_BEFORE_THE_OPEN: Final = 30 * MINUTE
_LIVE_AFTER_THE_CLOSE: Final = 2 * MINUTE
"""By then a session's last bars and fills are in."""


@dataclass(frozen=True)
class Timetable:
    """The times of a run with these settings, in nanoseconds since the epoch, UTC."""

    settings: Settings

    def begin(self, session: Session) -> int:
        """When the core is told of a session: half an hour before it opens."""
        return session.open - _BEFORE_THE_OPEN

    def bar_ends(self, session: Session) -> NDArray[np.int64]:
        """The ends of a session's bars, whether there is data or not; bars begin at whole minutes or hours."""
        bar = self.settings.bar_nanoseconds
        return np.arange(session.open // bar * bar + bar, session.close + 1, bar, dtype=np.int64)

    def frames_after(self, time: int) -> list[int]:
        """When frames may open after a bar's end: a few in a row, one frame length apart."""
        length = self.settings.frame_nanoseconds
        return [time + number * length for number in range(1, self.settings.frames_per_bar + 1)]

    def preparation(self, told: int) -> int:
        """When the frame opens that prepares what a session needs, of a session that was told at ``told``."""
        return told + self.settings.frame_nanoseconds

    def events(self, session: Session) -> list[int]:
        """What a host schedules for a session: its beginning, then every time at which a frame may open."""
        frames = (time for end in self.bar_ends(session).tolist() for time in self.frames_after(end))
        return [self.begin(session), *frames]

    def may_open(self, session: Session, time: int) -> bool:
        """Whether a host that has no schedule, because fills come when they come, may open a frame at ``time``."""
        return self.begin(session) <= time < session.close + _LIVE_AFTER_THE_CLOSE
