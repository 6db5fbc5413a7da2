"""Segments of full size, written, left and gone on from: ``python -m tests.journal.full_segments FOLDER COUNT``.

Prints one line of JSON: anonymous memory and descriptors of the process after a quarter of the segments and at the
end, of the writer, of the recovery and of the reader of all messages.
"""

import gc
import json
import os
import sys
from pathlib import Path

import numpy as np

from alo_lib.journal import Durability, JournalWriter, read_journal, recover
from alo_lib.journal.writer import DEFAULT_SEGMENT
from alo_lib.records import LAYOUTS, Kind, Message

RECORDS = (1 << 20) // LAYOUTS[Kind.QUOTE].itemsize
"""Of a message: a MiB, so 64 segments are some 4,000 messages."""


def taken() -> dict[str, int]:
    gc.collect()
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {"bytes": int(status["RssAnon"].split()[0]) << 10, "descriptors": len(os.listdir("/proc/self/fd"))}


def numbered(number: int) -> Message:
    """A message whose every record tells its number and its own place."""
    rows = np.zeros(RECORDS, LAYOUTS[Kind.QUOTE])
    rows["instrument"], rows["bid"] = np.arange(RECORDS), number
    return Message(Kind.QUOTE, 1 + number, rows)


def write(writer: JournalWriter, first: int, segments: int, found: dict[str, dict[str, int]]) -> int:
    """Append until a writer has begun so many segments; returns the number of the next message."""
    number, begun = first, writer._number
    while writer._number < begun + segments:
        writer.append(numbered(number))
        number += 1
        if "writer_before" not in found and writer._number >= segments // 4:
            found["writer_before"] = taken()
    return number


def read(folder: Path, count: int, found: dict[str, dict[str, int]]) -> None:
    """Go through all messages, each as it was written."""
    journal = read_journal(folder)
    assert len(journal.messages) == count
    places = np.arange(RECORDS)
    for number, message in enumerate(journal.messages):
        assert message.time == 1 + number
        assert (message.records["bid"] == number).all()
        assert np.array_equal(message.records["instrument"], places)
        if number == count // 4:
            found["reader_before"] = taken()
    found["reader"] = taken()


def main(folder: Path, segments: int) -> int:
    found: dict[str, dict[str, int]] = {}
    writer = JournalWriter.create(folder, settings=b"{}", durability=Durability.OS)
    count = write(writer, 0, segments - 1, found)
    found["writer"] = taken()
    writer.abandon()
    sizes = [path.stat().st_size for path in folder.glob("*.segment")]
    assert len(sizes) == segments
    assert min(sizes) > DEFAULT_SEGMENT - (2 << 20)
    del writer
    found["before_recovery"] = taken()
    recovered = recover(folder)
    found["recovery"] = taken()
    assert len(recovered.journal.messages) == count
    writer = recovered.writer()
    del recovered
    writer.append(numbered(count))
    writer.close()
    read(folder, count + 1, found)
    print(json.dumps(found | {"messages": {"count": count + 1}}))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
