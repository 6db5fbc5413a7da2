"""Notifications by LEAN of what its log says of a live run: a few of them an hour, however much befalls it.

QuantConnect's cloud sends them; a LEAN of one's own sends none, and says so in its log. The cloud counts how many an
hour are sent, so what is said within five minutes of one waits for the next.
"""

import json
import threading
from collections.abc import Callable, Sequence
from typing import Final

from AlgorithmImports import QCAlgorithm

from alo_lib.records import MINUTE
from alo_lib.runtime.incidents import OVERRUNS
from alo_lib.settings.run import Notified

__all__ = ["Notifications"]

_EVERY: Final = 5 * MINUTE
_MOST: Final = 50
"""Lines that wait, at most; of more their number is told."""
_ROUTINE: Final = tuple(f"alo {word}" for word in (*OVERRUNS, "kernels", "slot trace", "journal digest"))
"""How the lines begin that call nobody."""
_LONGEST: Final = {"sms": 160, "telegram": 4096, "email": 10_000, "web": 10_000}
"""Characters of a text, by LEAN's documents; of the web's as of a mail's."""


class Notifications:
    """Collects lines of the log, on any thread, and tells them those who are ``notified``, several in one text."""

    def __init__(self, algorithm: QCAlgorithm, notified: Sequence[Notified]) -> None:
        self._algorithm, self._notified = algorithm, notified
        self._gate = threading.Lock()
        self._waiting: list[str] = []
        self._left_out = 0
        self._next = 0

    def tell(self, line: str) -> None:
        """Tell a line of the log with the next text, unless it is one of ours that is routine, or none of ours."""
        if not self._notified or not line.startswith("alo") or line.startswith(_ROUTINE):
            return
        with self._gate:
            if len(self._waiting) < _MOST:
                self._waiting.append(line)
            else:
                self._left_out += 1

    def send(self, time: int, *, at_once: bool = False) -> None:
        """Send what waits, at ``time``, ns UTC, unless the last text is too recent; an end waits for nothing."""
        if time < self._next and not at_once:
            return
        with self._gate:
            lines, left_out = self._waiting, self._left_out
            self._waiting, self._left_out = [], 0
        if not lines:
            return
        self._next = time + _EVERY
        if left_out:
            lines.append(f"and {left_out} lines more, which LEAN's log has")
        ways = self._ways
        for each in self._notified:
            ways[each.way](each.where, _fitting(lines, _LONGEST[each.way]), lines[0])

    @property
    def _ways(self) -> dict[str, Callable[[str, str, str], object]]:
        manager = self._algorithm.notify
        return {
            "email": lambda where, text, subject: manager.email(where, subject[:100], text),
            "sms": lambda where, text, _: manager.sms(where, text),
            "telegram": lambda where, text, _: manager.telegram(where, text),
            "web": lambda where, text, _: manager.web(where, json.dumps({"text": text})),
        }


def _fitting(lines: Sequence[str], most: int) -> str:
    text = "\n".join(lines)
    return text if len(text) <= most else f"{text[: most - 4]} ..."
