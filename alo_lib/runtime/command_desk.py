"""Where a core process takes a person's commands, between two frames, and answers them."""

from typing import Any

import numpy as np

from alo_lib.core.trading import TradingCore
from alo_lib.executive import Clock
from alo_lib.records import Kind, OperatorCommand, Records, range_fault, records
from alo_lib.runtime.command_rings import Outcome
from alo_lib.runtime.steering import Answer, standing, steer
from alo_lib.transport import RecordConsumer, RecordProducer, RingFullError

__all__ = ["CommandDesk"]


class CommandDesk:
    """The core's sides of :class:`~alo_lib.runtime.command_rings.CommandRings`.

    What is done is journaled with its request's number before its place in the ring is given back, so that a core that
    is killed in between does it once.
    """

    def __init__(self, requests: RecordConsumer, answers: RecordProducer, clock: Clock) -> None:
        self._requests, self._answers, self._clock = requests, answers, clock
        self.wants_snapshot = False
        """Whether the state is to be kept as soon as there is time, see :meth:`kept`."""
        self._to_keep: list[int] = []  # requests of snapshots that are not answered yet

    def take(self, core: TradingCore, time: int) -> None:
        """Do what is asked, at ``time``, ns UTC."""
        while self._requests.waiting:
            request = self._requests.peek(1)[0]
            asked = _asked(request)
            answer = self._done(core, asked, int(request["until"]), time)
            number = int(request["request"])
            self._requests.advance(1)
            if answer.done and asked["command"][0] == OperatorCommand.SNAPSHOT:
                self.wants_snapshot = True
                self._to_keep.append(number)
            else:
                self._give(core, number, answer)

    def kept(self, core: TradingCore, sequence: int) -> None:
        """Answer who asked for a snapshot: the state is kept, as of so many messages."""
        self.wants_snapshot = False
        self._answer_kept(core, f"the state is kept as of message {sequence}")

    def put_off(self, core: TradingCore) -> None:
        """Answer who asked for a snapshot that it has to wait for a frame that makes up for an overrun."""
        self._answer_kept(core, "the state is kept after the next frame with news, which makes up for an overrun")

    def close(self) -> None:
        """Give the rings up."""
        self._requests.close()
        self._answers.close()

    def _done(self, core: TradingCore, asked: Records, until: int, time: int) -> Answer:
        if (fault := range_fault(Kind.OPERATOR, asked)) is not None:
            return Answer(False, f"no command: {fault.sentence}")
        word = OperatorCommand(asked["command"][0]).word
        if asked["request"][0] and asked["request"][0] == core.steering.last_request:
            return Answer(True, f"{word}: it was done already, by the process before this one")
        if until < self._clock.now():
            return Answer(False, f"{word}: it was not taken in time, and is not done")
        return steer(core, asked, time)

    def _answer_kept(self, core: TradingCore, sentence: str) -> None:
        for number in self._to_keep:
            self._give(core, number, Answer(True, f"snapshot: {sentence}"))
        self._to_keep.clear()

    def _give(self, core: TradingCore, number: int, answer: Answer) -> None:
        stands = standing(core)
        try:
            self._answers.push(
                Outcome(answer.done, answer.sentence, stands.mode, stands.halts, stands.undoable).row(number)
            )
        except RingFullError:
            return  # of those who ask, nobody takes answers: nor would this one be


def _asked(request: "np.void") -> Records:
    rows = records(Kind.OPERATOR)
    names: Any = rows.dtype.names
    for name in names:
        rows[name] = request[name]
    return rows
