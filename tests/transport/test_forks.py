"""A process that was forked owns none of its parent's sides."""

import os
from pathlib import Path

import numpy as np
import pytest

from alo_lib.transport import NotOwnerError, RecordRing, SeqLock

ROW = np.dtype([("number", "<i8")])


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_neither_writes_nor_gives_up_what_is_its_parents(tmp_path: Path) -> None:
    ring = RecordRing.create(tmp_path / "ring", ROW, capacity=8, compiled=False)
    state = SeqLock.create(tmp_path / "state", ROW, compiled=False)
    producer, consumer, writer = ring.produce("one"), ring.consume("one"), state.write_as("one")
    producer.push(np.zeros(1, ROW))
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        told = []
        for act in (lambda: producer.push(np.ones(1, ROW)), consumer.pop, lambda: writer.write(np.ones(1, ROW))):
            try:
                act()
            except NotOwnerError as error:
                told.append(str(error))
        for side in (producer, consumer, writer):
            side.close()
        os.write(writing, "\n".join(told).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read().splitlines()
    os.waitpid(child, 0)
    assert [line.endswith("belongs to the process that this one was forked from") for line in said] == [True] * 3
    assert (ring.producer.pid, ring.consumer.pid, state.owner.pid) == (os.getpid(),) * 3
    assert (ring.written, ring.read, state.version) == (1, 0, 0)
    producer.push(np.ones(1, ROW))
    assert consumer.pop()["number"].tolist() == [0, 1]
    assert writer.write(np.ones(1, ROW)) == 1
