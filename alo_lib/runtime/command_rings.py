"""The way of a person's commands to a core process: a ring of requests, one of answers, and how one is asked.

Their memory is of the user who runs the core and nobody else's (mode 0600, in a folder of mode 0700): whoever may write
into it may steer. One process at a time asks: it owns its sides of both rings, puts a request in, and waits for the
answer. A request that the core does not take in time is done no more.

Neither side is compiled: commands are rare, and a kernel that is compiled with the first of them would cost a frame.
"""

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple, Self, TypeVar

import numpy as np

from alo_lib.records import LAYOUTS, SECOND, BookMode, HaltCause, Kind, Records, bits_of, halts_of
from alo_lib.transport import NotOwnerError, RecordRing

__all__ = ["ANSWER", "GRACE", "PATIENCE", "REQUEST", "CommandRings", "NoAnswerError", "Outcome", "ask_core"]

T = TypeVar("T")

PATIENCE: Final = 5.0
"""Seconds that a request may wait for a core: some hundred frames."""
GRACE: Final = 1.0
"""Seconds more for the answer to one that was taken at the last moment."""
_NAP: Final = 0.002
"""Seconds between two looks."""
_SLOTS: Final = 16

REQUEST: Final[Any] = np.dtype([("until", "<i8"), *LAYOUTS[Kind.OPERATOR].descr])
"""An OPERATOR record, and until when it may be taken, CLOCK_MONOTONIC."""

ANSWER: Final[Any] = np.dtype(
    [
        ("request", "<i8"),
        ("done", "<i8"),
        ("mode", "<i8"),  # BookMode
        ("halts", "<i8"),  # HaltCause, as bits_of has them
        ("undoable", "<i8"),  # commands
        ("sentence", "S1000"),
    ]
)


class NoAnswerError(TimeoutError):
    """A core has not answered; what was asked is not done, unless the journal has it."""


class Outcome(NamedTuple):
    """What came of a command, and how the book stands, for programs."""

    done: bool
    sentence: str
    mode: BookMode = BookMode.NORMAL
    halts: tuple[HaltCause, ...] = ()
    undoable: int = 0

    def row(self, request: int) -> "np.ndarray[Any, Any]":
        """As an ANSWER record."""
        row = np.zeros(1, ANSWER)
        row["request"], row["done"], row["mode"], row["undoable"] = request, self.done, self.mode, self.undoable
        row["halts"] = bits_of(self.halts)
        row["sentence"] = self.sentence.encode()
        return row

    def told(self, core: str, command: str) -> dict[str, Any]:
        """For programs: what a core of that name answered to a command."""
        return {
            "core": core,
            "command": command,
            "done": self.done,
            "sentence": self.sentence,
            "mode": self.mode.name.lower(),
            "halts": [cause.name.lower() for cause in self.halts],
            "undoable": self.undoable,
        }

    @classmethod
    def of(cls, row: np.void) -> Self:
        """What an ANSWER record tells.

        :raises ValueError: for a mode that is none.
        """
        sentence = row["sentence"].decode(errors="replace")
        return cls(
            bool(row["done"]), sentence, BookMode(int(row["mode"])), halts_of(int(row["halts"])), int(row["undoable"])
        )


class CommandRings:
    """The two rings of a channel."""

    def __init__(self, requests: RecordRing, answers: RecordRing) -> None:
        self.requests, self.answers = requests, answers

    @classmethod
    def ensure(cls, folder: Path) -> Self:
        """Those of a folder, made now where there are none."""
        named = (("commands.ring", REQUEST), ("command-answers.ring", ANSWER))
        return cls(*(RecordRing.ensure(folder / name, each, capacity=_SLOTS, compiled=False) for name, each in named))

    @property
    def in_place(self) -> bool:
        """Whether who looks for them now finds the same ones."""
        return self.requests.segment.in_place and self.answers.segment.in_place

    def remove(self) -> None:
        """Take them away."""
        for ring in (self.requests, self.answers):
            ring.remove()
            ring.close()

    def close(self) -> None:
        """Unmap them."""
        self.requests.close()
        self.answers.close()


def ask_core(folder: Path, asked: Records, *, patience: float = PATIENCE, grace: float = GRACE) -> Outcome:
    """Ask the core whose channel is in a folder for what an OPERATOR record says, and wait for its answer.

    It may be taken for ``patience`` seconds; its answer is waited for ``grace`` seconds longer, without which a command
    that was taken at the last moment is done and nobody has heard so.

    :raises NoAnswerError: where there is no answer by then.
    :raises TransportError: for memory that is not this user's, or not what it should be.
    """
    end = time.monotonic_ns() + round(patience * SECOND)
    request = np.zeros(1, REQUEST)
    for name in asked.dtype.names or ():
        request[name] = asked[name]
    request["until"] = end
    with (
        closing(CommandRings.ensure(folder)) as rings,
        _owned(lambda: rings.requests.produce("command"), end) as requests,
        _owned(lambda: rings.answers.consume("command"), end) as answers,
    ):
        answers.pop()  # what others did not wait for
        requests.push(request)
        while time.monotonic_ns() < end + round(grace * SECOND):
            for row in answers.pop():
                if row["request"] == request["request"][0]:
                    return Outcome.of(row)
            time.sleep(_NAP)
    raise NoAnswerError(f"the core gave no answer within {patience:g} s, and will not do what was asked any more")


def _owned(own: Callable[[], T], end: int) -> T:
    """A side that is this process's, once whoever else asks has left it."""
    while True:
        try:
            return own()
        except NotOwnerError:
            if time.monotonic_ns() > end:
                raise
            time.sleep(_NAP)
