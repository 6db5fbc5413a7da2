"""Ctrl-C, SIGTERM and SIGHUP: each ends a command in good order, with the exit status that shells expect."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

__all__ = ["Interrupted", "interruptible"]

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """A signal asks the command to end; no ``except Exception`` takes it for an error."""

    def __init__(self, number: int, kept: str = "") -> None:
        super().__init__(f"interrupted; {kept}" if kept else "interrupted")
        self.number = number

    @property
    def status(self) -> int:
        """Exit status: 128 and the signal's number, as shells have it."""
        return 128 + self.number


@contextmanager
def interruptible() -> Iterator[None]:
    """Within this, the first of the signals raises Interrupted, and later ones leave the ending alone.

    A signal that the caller ignores (``nohup``) stays ignored.
    """
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    heard = [number for number, handler in before.items() if handler is not signal.SIG_IGN]

    def raise_once(number: int, frame: FrameType | None) -> None:
        for each in heard:
            signal.signal(each, signal.SIG_IGN)
        raise Interrupted(number)

    try:
        for number in heard:
            signal.signal(number, raise_once)
        yield
    finally:
        for number in heard:
            signal.signal(number, before[number])
