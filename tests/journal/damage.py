"""Damage to a journal's bytes, and what must be made of it."""

from collections.abc import Iterator
from types import ModuleType

import numpy as np

import alo_lib.journal
from alo_lib.journal import Durability, JournalError
from alo_lib.journal.format import segment_name
from tests.journal.disk import FOLDER, SimulatedDisk
from tests.journal.workload import SETTINGS, check, message

COUNT = 12


def sample(room: ModuleType = alo_lib.journal, *, close: bool = True, count: int = COUNT) -> SimulatedDisk:
    """One segment with a dozen messages, all of them durable."""
    disk = SimulatedDisk()
    store = room.FolderStore(FOLDER, disk)
    writer = room.JournalWriter(store, settings=SETTINGS, durability=Durability.EVERY, segment_bytes=4096)
    for number in range(count):
        writer.append(message(number))
    if close:
        writer.close()
    else:
        writer.abandon()
    return disk


def read_strictly(image: bytes, room: ModuleType = alo_lib.journal) -> str:
    """Empty when a journal reader takes the segment, else the reason why not."""
    try:
        room.read_journal([image])
    except JournalError as error:
        return str(error)
    return ""


def recovered(image: bytes, room: ModuleType = alo_lib.journal) -> list[object] | None:
    """Messages after recovery, which leaves a whole journal; None when it refuses."""
    disk = SimulatedDisk({segment_name(0): image})
    try:
        found = room.recover(FOLDER, files=disk)
    except JournalError:
        return None
    try:
        alo_lib.journal.read_journal(FOLDER, files=disk)
    except JournalError as error:
        return [error]
    return list(found.journal.messages)


def flips(room: ModuleType = alo_lib.journal, bits: slice = slice(None)) -> Iterator[str]:
    """Flip every bit of a closed segment in turn; yields what goes unnoticed."""
    image = sample().names_now[segment_name(0)].content()
    seal = len(image) - 48
    for bit in range(len(image) * 8)[bits]:
        damaged = bytearray(image)
        damaged[bit // 8] ^= 1 << bit % 8
        if not read_strictly(bytes(damaged), room):
            yield f"bit {bit} was flipped and a reader took it"
        after = recovered(bytes(damaged), room)
        if after is None:
            if bit // 8 >= seal:
                yield f"bit {bit} of the seal was flipped and recovery refused a journal that has all its entries"
        elif bit // 8 < seal:
            yield f"bit {bit} was flipped before the seal and recovery went on"
        elif problem := check(after, durable=COUNT, appended=COUNT):
            yield f"bit {bit}: {problem}"


def swaps(room: ModuleType = alo_lib.journal) -> Iterator[str]:
    """Put good entries into wrong places; yields what goes unnoticed."""
    disk = sample(close=False)
    words = np.frombuffer(disk.names_now[segment_name(0)].content(), np.int64)
    offsets = alo_lib.journal.read_journal([words.tobytes()], unfinished=True).segments[0].offsets
    # Messages 1, 5 and 9 have equally many records; message 0 and 4 none.
    for one, two in ((1, 5), (5, 9), (0, 4), (2, 10)):
        size = int(offsets[one + 1] - offsets[one])
        mixed = words.copy()
        first, second = (slice(int(offsets[place]), int(offsets[place]) + size) for place in (one, two))
        mixed[first], mixed[second] = words[second], words[first]
        after = recovered(mixed.tobytes(), room)
        if after is not None:
            yield f"entries {one} and {two} changed places and recovery went on with {len(after)} messages"
    repeated = words.copy()
    size = int(offsets[10] - offsets[9])
    repeated[offsets[10] : offsets[10] + size] = words[offsets[9] : offsets[10]]
    after = recovered(repeated.tobytes(), room)
    if after is not None and len(after) > 10:
        yield "an entry that was there twice was taken twice"


def leftovers(room: ModuleType = alo_lib.journal) -> Iterator[str]:
    """Entries of an earlier epoch behind those of a later one, on sectors that both used; yields what is taken."""
    images = []
    for epoch in (1, 2):
        disk = SimulatedDisk()
        writer = alo_lib.journal.JournalWriter(
            alo_lib.journal.FolderStore(FOLDER, disk),
            settings=SETTINGS,
            segment_bytes=4096,
            position=alo_lib.journal.WriterStart(0, epoch, 0),
        )
        for number in range(8 if epoch == 1 else 5):
            writer.append(message(number))
        images.append(np.frombuffer(disk.names_now[segment_name(0)].content(), np.int64))
        end = int(writer.marks[2])
    mixed = np.concatenate([images[1][:end], images[0][end:]])
    after = recovered(mixed.tobytes(), room)
    if after is None or len(after) != 5:
        yield f"5 entries of this epoch, {None if after is None else len(after)} were taken"


def truncations(room: ModuleType = alo_lib.journal) -> Iterator[str]:
    """Cut a closed segment at every byte of its last four entries; yields what is wrong with what is left."""
    image = sample().names_now[segment_name(0)].content()
    offsets = alo_lib.journal.read_journal([image]).segments[0].offsets * 8
    for length in range(int(offsets[-4]), len(image)):
        whole = int(np.searchsorted(offsets, length, side="right")) - 1
        if length >= len(image) - 48:
            whole = COUNT
        if not read_strictly(image[:length], room):
            yield f"cut at byte {length}, and a reader took it"
        after = recovered(image[:length], room)
        if after is None:
            yield f"cut at byte {length}, and recovery refused"
        elif problem := check(after, durable=whole, appended=whole):
            yield f"cut at byte {length}: {problem}"
