"""An intake between a ring and a journal that is a list, for tests that end it at any step."""

from pathlib import Path
from typing import Any

from alo_lib.records import Kind, Message, OrderStatus, records
from alo_lib.runtime.frame_clock import WallClock
from alo_lib.runtime.intake import Intake
from alo_lib.runtime.link import TAKEN
from alo_lib.transport import MessageProducer, MessageRing, Reading, SeqLock
from tests.runtime.processes import FRAME, TEN

SLOTS = 1 << 14


def quote(instrument: int, bid: float, time: int = TEN) -> Message:
    return Message(Kind.QUOTE, time, records(Kind.QUOTE, instrument=instrument, bid=bid, ask=bid + 1.0))


def trade(instrument: int, close: float, volume: int, time: int = TEN) -> Message:
    return Message(Kind.TRADE, time, records(Kind.TRADE, instrument=instrument, close=close, volume=volume))


def event(order: int, time: int = TEN) -> Message:
    return Message(Kind.ORDER_EVENT, time, records(Kind.ORDER_EVENT, order=order, status=OrderStatus.SUBMITTED))


def told(message: Message) -> tuple[Kind, int, bytes]:
    return message.kind, message.time, message.records.tobytes()


class Journaled:
    """A ring, a reading side of it, and a journal that is a list and can end the process at a step."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.folder = folder
        self.ring = MessageRing.ensure(folder / "a.ring", capacity=SLOTS)
        self.notes = SeqLock.ensure(folder / "taken.state", TAKEN)
        self.host: MessageProducer = self.ring.produce("host")
        self.journal: list[Message] = []
        self.kill_at = -1
        self.steps = 0
        self.options: dict[str, Any] = {"paced": False, "length": FRAME, "wall": WallClock(lambda: TEN)} | options
        self.options.setdefault("beat", lambda: None)
        self.intake = self._new()

    def _new(self) -> Intake:
        return Intake(self.ring.consume("core", force=True), self.notes.write_as("core", force=True), **self.options)

    def put(self, message: Message) -> None:
        self.step()
        self.journal.append(message)
        self.step()

    def step(self) -> None:
        self.steps += 1
        if self.steps == self.kill_at:
            raise KeyboardInterrupt

    def ends(self) -> tuple[int, int]:
        return len(self.journal), self.checksum(len(self.journal))

    def checksum(self, count: int) -> int:
        """Of the first so many messages."""
        return hash(tuple(map(told, self.journal[:count]))) if count else 0

    def frame(self, time: int = TEN) -> list[Message]:
        """Take one frame's part; returns it."""
        before = len(self.journal)
        self.intake.take(self.intake.parcel(time), self.put, self.ends)
        return self.journal[before:]

    def again(self) -> int:
        """A new core after a kill."""
        taken: Reading = self.notes.read()
        self.intake = self._new()

        def holds(sequence: int, checksum: int) -> bool:
            return sequence <= len(self.journal) and self.checksum(sequence) == checksum

        return self.intake.resume(taken, len(self.journal), holds, self.put, self.ends)

    def all_frames(self, time: int = TEN) -> list[list[Message]]:
        taken = []
        while self.ring.waiting:
            taken.append(self.frame(time))
        return taken
