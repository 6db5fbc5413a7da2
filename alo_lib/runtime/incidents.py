"""What people should hear while a core runs live: each overrun with what follows from it, and each change of a halt."""

from collections.abc import Callable
from typing import Final

import numpy as np

from alo_lib.core.protocol import Core
from alo_lib.executive import Cause, OverrunPolicy
from alo_lib.records import BookMode, HaltCause, Kind, Message
from alo_lib.strategy.halts import MEANINGS

__all__ = ["OVERRUNS", "HaltsHeard", "NoticesHeard", "OverrunsHeard", "overrun_in_words", "overruns_counted"]

OVERRUNS: Final = ("overrun: ", "core: ")
"""How sentences begin that tell of overruns, one by one or counted."""

_FOLLOWS = {
    OverrunPolicy.FINISH: "the frame went on",
    OverrunPolicy.SKIP: "the task is left out of the next frame",
    OverrunPolicy.DEGRADE: "degraded: the next frame opens no risk",
    OverrunPolicy.STOP: "the core stops",
}


class OverrunsHeard:
    """Hears of overruns, of what was journaled."""

    def __init__(self, hear: Callable[[str], None]) -> None:
        self._hear = hear

    def follow(self, message: Message) -> None:
        """Say each overrun of a message."""
        if message.kind is Kind.OVERRUN:
            for row in message.records:
                self._hear(overrun_in_words(row))


class NoticesHeard:
    """Hears what a core says of its decisions, of what was journaled."""

    def __init__(self, hear: Callable[[str], None]) -> None:
        self._hear = hear

    def follow(self, message: Message) -> None:
        """Say each notice of a message."""
        if message.kind is Kind.NOTICE:
            for row in message.records:
                self._hear(f"notice, {row['text'].decode(errors='replace')}")


class HaltsHeard:
    """Hears of each cause for which a book is halted, and of its end."""

    def __init__(self, core: Core, hear: Callable[[str], None]) -> None:
        self._core = core
        self._hear = hear
        self._known: set[HaltCause] = set()

    def look(self) -> None:
        """Compare the book's halts with those that were heard of; between frames."""
        halts = self._core.halts
        if halts == self._known:
            return
        mode = max((cause.mode for cause in halts), default=BookMode.NORMAL).name.lower().replace("_", "-")
        for cause in sorted(halts - self._known):
            self._hear(f"halt, {cause.words}: {MEANINGS[cause]}; the mode is {mode}")
        for cause in sorted(self._known - halts):
            self._hear(f"halt, {cause.words}: it has ended; the mode is {mode}")
        self._known = set(halts)


def overrun_in_words(row: np.void) -> str:
    """An OVERRUN record as a sentence."""
    elapsed, cause = row["elapsed"] / 1e6, Cause(row["cause"])
    if cause is Cause.LATE:
        missed = f", and {row['missed']} before it never" if row["missed"] else ""
        return f"overrun: frame {row['frame']} was released {elapsed:z.1f} ms late{missed}"
    what = f"task {row['task'].decode('ascii', 'replace')} took {elapsed:z.1f} ms of its {row['budget'] / 1e6:z.1f} ms"
    return f"overrun: {what} in frame {row['frame']} ({cause.words}); {_FOLLOWS[OverrunPolicy(row['policy'])]}"


def overruns_counted(more: int, all_: int) -> str:
    """Overruns of a core process as a sentence."""
    return f"core: {more} overruns more, {all_} so far; its journal has each"
