"""A journal read on and on while it is written: the same as one that is read at once."""

import numpy as np
import pytest

from alo_lib.journal import GrowingJournal, JournalError, JournalWriter, read_journal, recover
from alo_lib.journal.files import Files
from alo_lib.journal.growing import still_checked
from tests.journal.workload import message


def written(writer, count):
    for _ in range(count):
        writer.append(message(writer.sequence))


def same(one, other):
    return [(each.kind, each.time, each.records.tobytes()) for each in one.messages] == [
        (each.kind, each.time, each.records.tobytes()) for each in other.messages
    ]


def test_each_look_holds_what_a_reader_finds_then(tmp_path):
    random = np.random.default_rng(1)
    growing = GrowingJournal(tmp_path / "j")
    assert growing.look() is None  # not there yet
    writer = JournalWriter.create(tmp_path / "j", segment_bytes=1 << 14)
    for count in random.integers(0, 60, 40):
        written(writer, int(count))
        found, whole = growing.look(), read_journal(tmp_path / "j", unfinished=True)
        if found is None:
            assert len(whole.messages) == (growing.checked[-1].stop if growing.checked else 0)
        else:
            assert same(found, whole)
            assert found.left_out == whole.left_out
    assert len(growing.checked) > 3
    writer.close()
    assert growing.look() is None  # nobody writes it


def test_what_another_process_goes_on_with_is_followed(tmp_path):
    growing, folder = GrowingJournal(tmp_path / "j"), tmp_path / "j"
    writer = JournalWriter.create(folder)
    written(writer, 30)
    growing.look()
    written(writer, 5)
    writer.abandon()
    recovered = recover(folder, known=growing.checked)
    again = recovered.writer()
    written(again, 7)
    found = growing.look()
    assert found is not None
    assert same(found, read_journal(folder, unfinished=True))
    assert [each.epoch for each in found.segments] == [1, 2]
    again.close()


def test_a_segment_in_the_place_of_another_is_found_out(tmp_path):
    growing, folder = GrowingJournal(tmp_path / "j"), tmp_path / "j"
    writer = JournalWriter.create(folder)
    written(writer, 3)
    growing.look()
    segment = folder / "00000000.segment"
    data = segment.read_bytes()
    segment.unlink()
    segment.write_bytes(data)
    written(writer, 1)
    with pytest.raises(JournalError, match=r"00000000.segment was replaced since it was read"):
        growing.look()
    writer.abandon()


def test_recovery_takes_only_what_is_as_it_was_for_checked(tmp_path):
    growing, folder = GrowingJournal(tmp_path / "j"), tmp_path / "j"
    writer = JournalWriter.create(folder, segment_bytes=1 << 14)
    written(writer, 200)
    growing.look()
    writer.abandon()
    first, *_, last = growing.checked
    assert first.sealed
    assert not last.sealed
    assert still_checked(first, folder, Files())
    assert not still_checked(last, folder, Files())
    (folder / "copy").write_bytes((folder / first.name).read_bytes())
    (folder / "copy").rename(folder / first.name)
    assert not still_checked(first, folder, Files())
    whole = recover(folder, known=growing.checked)
    assert len(whole.journal.messages) == 200
    whole.release()
