import errno
import os

import numpy as np
import pytest

from alo_lib.records import LAYOUTS, Kind, records
from alo_lib.transport import SegmentError, StableVector
from alo_lib.transport.inspection import Look
from alo_lib.transport.layout import CLAIMED, DATA, WRITER

INSTRUMENT = LAYOUTS[Kind.INSTRUMENT]


def rows(first: int, count: int) -> np.ndarray:
    array = records(Kind.INSTRUMENT, count, symbol=b"GOOG")
    array["instrument"] = np.arange(first, first + count)
    return array


def test_rows_never_move_while_the_table_grows(folder, compiled):
    vector = StableVector.create(folder / "a.vector", INSTRUMENT, capacity=100_000, compiled=compiled)
    reader = StableVector.open(folder / "a.vector", compiled=compiled)
    writer = vector.append_as("one")
    assert len(reader) == len(reader.rows) == 0
    assert writer.append(rows(0, 3)) == 0
    early = reader.rows
    address = early.ctypes.data
    total = 3
    while total < 60_000:
        assert writer.append(rows(total, 4999)) == total
        total += 4999
    assert early.tobytes() == rows(0, 3).tobytes()
    assert reader.rows.ctypes.data == address
    assert len(reader) == total
    assert (reader.rows["instrument"] == np.arange(total)).all()
    with pytest.raises(ValueError, match="read-only"):
        early["strike"] = 1.0


def test_memory_comes_as_the_rows_do(folder):
    path = folder / "a.vector"
    writer = StableVector.create(path, INSTRUMENT, capacity=1 << 24).append_as("one")
    assert path.stat().st_size > 1 << 30
    empty = path.stat().st_blocks * 512
    assert empty < 1 << 16
    writer.append(rows(0, 1))
    assert path.stat().st_blocks * 512 < 1 << 22


def test_a_table_that_is_full_or_without_memory_refuses(folder, monkeypatch):
    vector = StableVector.create(folder / "a.vector", INSTRUMENT, capacity=10)
    writer = vector.append_as("one")
    writer.append(rows(0, 8))
    with pytest.raises(SegmentError, match="may have 10 rows, not 11"):
        writer.append(rows(8, 3))
    writer.append(rows(8, 2))
    other = StableVector.create(folder / "b.vector", INSTRUMENT, capacity=10).append_as("one")

    def no_room(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("alo_lib.transport.segment._reserve", no_room)
    with pytest.raises(SegmentError, match="cannot grow by 640 bytes: No space left on device"):
        other.append(rows(0, 1))
    assert len(other.vector) == 0
    assert (vector.rows["instrument"] == np.arange(10)).all()


def test_rows_of_a_killed_writer_that_were_not_published_are_written_again(folder):
    vector = StableVector.create(folder / "a.vector", INSTRUMENT, capacity=100)
    vector.append_as("one").append(rows(0, 2))
    vector.segment.words[DATA + 16 : DATA + 20] = -1
    assert vector.segment.words[WRITER + CLAIMED] == 100
    vector.append_as("next", force=True).append(rows(2, 1))
    assert vector.rows.tobytes() == rows(0, 3).tobytes()


def test_other_rows_and_capacities_are_refused(folder):
    with pytest.raises(SegmentError, match="capacity 0 must be 1 row or more"):
        StableVector.create(folder / "a.vector", INSTRUMENT, capacity=0)
    with pytest.raises(SegmentError, match="do not belong into a vector of"):
        StableVector.create(folder / "b.vector", INSTRUMENT).append_as("one").append(records(Kind.RATE))


def test_who_looks_sees_the_rows(folder):
    vector = StableVector.ensure(folder / "a.vector", INSTRUMENT, capacity=100)
    assert StableVector.ensure(folder / "a.vector", INSTRUMENT, capacity=100).dtype == INSTRUMENT
    vector.append_as("one").append(rows(0, 5))
    entries = list(Look(vector.segment.path).entries(3))
    assert [(entry.position, int(entry.records["instrument"][0])) for entry in entries] == [(3, 3), (4, 4)]
