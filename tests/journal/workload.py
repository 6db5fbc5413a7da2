"""What crash tests do to a journal, and what must hold afterwards."""

from collections.abc import Iterator
from types import ModuleType

import numpy as np

import alo_lib.journal
from alo_lib.journal import Durability, JournalError
from alo_lib.records import Kind, Message, records
from tests.journal.disk import FOLDER, CrashError, Random, SimulatedDisk

SEGMENT = 2048
SETTINGS = b'{"a": 1}'


def message(number: int) -> Message:
    """The message that belongs at a place: anything else there is a fault."""
    rows = records(Kind.QUOTE, number % 4, instrument=number, bid=number / 3, ask_size=-number)
    return Message(Kind.QUOTE, 1_000 + number, rows)


def check(found: object, *, durable: int, appended: int) -> str:
    """What is wrong with recovered messages; empty when nothing is."""
    messages = list(found)  # type: ignore[call-overload]
    if any(isinstance(got, JournalError) for got in messages):
        return f"recovery left a journal that is none: {messages}"
    if len(messages) < durable:
        return f"{durable} messages were durable, {len(messages)} came back"
    if len(messages) > appended:
        return f"{appended} messages were appended, {len(messages)} came back"
    for number, got in enumerate(messages):
        want = message(number)
        if (got.kind, got.time, got.records.tobytes()) != (want.kind, want.time, want.records.tobytes()):
            return f"message {number} is another"
    return ""


class Session:
    """One life of a process: it continues what is on the disk, appends, and ends with the machine."""

    def __init__(self, disk: SimulatedDisk, room: ModuleType, durable: int, appended: int) -> None:
        self.disk = disk
        self.room = room
        self.durable = durable  # as published when the machine went down
        self.appended = appended

    def run(self, durability: Durability, count: int, random: Random, *, close: bool) -> bool:
        """Whether it ended well (otherwise the machine went down)."""
        writer = None
        options = {"durability": durability, "segment_bytes": SEGMENT}
        try:
            if any(name.endswith(".segment") for name in self.disk.names(FOLDER)):
                recovered = self.room.recover(FOLDER, files=self.disk)
                self.durable = self.appended = len(recovered.journal.messages)  # sealed: what is there stays
                writer = recovered.writer(**options)
            else:
                store = self.room.FolderStore(FOLDER, self.disk)
                writer = self.room.JournalWriter(store, settings=SETTINGS, **options)
            for _ in range(count):
                writer.append(message(writer.sequence))
                if durability is Durability.EVERY:
                    assert writer.durable == writer.sequence
                elif random.random() < 0.1:
                    writer.wait(writer.sequence)
            if close:
                writer.close()
        except CrashError:
            return False
        finally:
            if writer is not None:
                self.durable, self.appended = writer.durable, writer.sequence
        return True


def crashed_disks(random: Random, room: ModuleType = alo_lib.journal) -> Iterator[tuple[SimulatedDisk, int, int]]:
    """A disk at the moment of a crash, how much was durable and how much appended; one or two lives before it."""
    durability = Durability.EVERY if random.random() < 0.4 else Durability.OS
    disk = SimulatedDisk()
    durable = appended = 0
    for _ in range(int(random.integers(1, 4))):
        disk.go_down_at(disk.calls + int(random.integers(0, 40)), late=bool(random.random() < 0.5))
        session = Session(disk, room, durable, appended)
        session.run(durability, int(random.integers(0, 60)), random, close=bool(random.random() < 0.3))
        disk.go_down_at(None)
        durable, appended = session.durable, session.appended
        yield disk, durable, appended
        if random.random() < 0.5:  # otherwise only the process was killed, and the system still has what it was given
            disk = SimulatedDisk(disk.after_crash(random))


def violations(states: int, seed: int, room: ModuleType = alo_lib.journal, per_crash: int = 8) -> Iterator[str]:
    """Look at ``states`` disks as crashes may leave them; yields what is wrong with any."""
    random = np.random.default_rng(seed)
    seen = 0
    while seen < states:
        for disk, durable, appended in crashed_disks(random, room):
            for _ in range(per_crash):
                seen += 1
                problem = _problem(SimulatedDisk(disk.after_crash(random)), durable, appended, room)
                if problem:
                    yield problem


def _problem(disk: SimulatedDisk, durable: int, appended: int, room: ModuleType) -> str:
    if not any(name.endswith(".segment") for name in disk.names(FOLDER)):
        return f"{durable} messages were durable, no segment is left" if durable else ""
    try:
        recovered = room.recover(FOLDER, files=disk)
    except JournalError as error:
        return f"refused: {error}"
    return check(recovered.journal.messages, durable=durable, appended=appended)
