"""One look at a run a second, for all who follow it, and sooner where its process has gone."""

import asyncio
import contextlib
import json
import math
import time
from collections.abc import Mapping
from typing import Any, Final

from alo_lib.journal import JournalError, read_journal, segments_in_object_store
from alo_lib.journal.format import OBJECT_STORE_KEY
from alo_lib.monitor.event_log import EventLog
from alo_lib.monitor.view import NOT_SEEN, Monitor, Seen
from alo_lib.views.risk_ladder import risk_view, stated_risk
from alo_lib.views.run import RunError

__all__ = ["Watching", "json_bytes"]

_EVERY: Final = 1.0
_RISK_EVERY: Final = 15.0
"""Seconds for which a stress grid that was reckoned is given again."""
_STALE: Final = 10.0
"""Seconds without a look after which the monitor itself is not healthy."""


class Watching:
    """Looks at a run on a thread, and keeps what it saw last."""

    def __init__(self, monitor: Monitor, log: EventLog | None = None) -> None:
        self.monitor = monitor
        self._log = log
        self.streams = 0
        self.seen: Seen | None = None
        self.problem = ""
        """Why nothing new was seen, in a sentence."""
        self.latest = b""
        """What was told last, as JSON."""
        self.number = 0
        """Counts what was told."""
        self._changed = asyncio.Condition()
        self._looked = 0.0
        self._risk: tuple[float, dict[str, Any]] = (-math.inf, {})
        self._reckoning = asyncio.Lock()

    async def run(self) -> None:
        """Look until it is cancelled."""
        while True:
            alive = self.monitor.alive  # before the look, which may come just before the process goes
            await self._look()
            until = time.monotonic() + _EVERY
            while time.monotonic() < until and self.monitor.alive == alive:
                await asyncio.sleep(self.monitor.frame_seconds)

    async def next(self, after: int, patience: float) -> int:
        """Wait for what is told after that number, for so many seconds at most. Returns the number told last."""
        async with self._changed:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait_for(lambda: self.number > after), patience)
        return self.number

    @property
    def healthy(self) -> bool:
        """Whether it has looked of late."""
        return time.monotonic() - self._looked < _STALE

    @property
    def ready(self) -> bool:
        """Whether the run was up when it was last looked at."""
        return not self.problem and self.seen is not None and bool(self.seen.told["up"])

    async def risk(self) -> dict[str, Any]:
        """The stress grid of the book, reckoned on a thread, one at a time.

        :raises RunError: where the journal has measured no book yet.
        :raises JournalError: where it is damaged.
        :raises SettingsError: where this program does not read the settings that it was written under.
        """
        async with self._reckoning:
            if time.monotonic() - self._risk[0] > _RISK_EVERY:
                self._risk = time.monotonic(), await asyncio.to_thread(self._reckoned)
            return self._risk[1]

    def _reckoned(self) -> dict[str, Any]:
        if self.seen is None:
            raise RunError("nothing was seen of the run yet")
        folder = self.monitor.source.journal(self.seen.telemetry)
        stored = any(folder.glob(f"{OBJECT_STORE_KEY}*"))
        return stated_risk(
            risk_view(read_journal(segments_in_object_store(folder) if stored else folder, unfinished=True))
        )

    async def _look(self) -> None:
        try:
            self.seen = await asyncio.to_thread(self.monitor.look)
            self.problem = ""
        except NOT_SEEN as error:
            self.problem = str(error)
        self._looked = time.monotonic()
        told: dict[str, Any] = {} if self.seen is None else self.seen.told
        self.latest = json_bytes({**told, "problem": self.problem or await asyncio.to_thread(self._logged)})
        async with self._changed:
            self.number += 1
            self._changed.notify_all()

    def _logged(self) -> str:
        """Write the log; returns why it could not be, which hinders nobody else."""
        if self._log is None or self.seen is None:
            return ""
        try:
            self._log.write(self.seen.telemetry)
        except (OSError, JournalError) as error:
            return f"the log is not written: {error}"
        return ""


def json_bytes(content: Any) -> bytes:
    """A value as JSON; null for a number that is not finite."""
    return json.dumps(_plain(content), allow_nan=False, separators=(",", ":")).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
