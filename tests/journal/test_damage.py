"""Bytes that changed, went or came: all are noticed, a torn tail is cut, damage in the middle is refused."""

import pytest

from alo_lib.journal import JournalError, read_journal, recover
from alo_lib.journal.format import segment_name
from tests.journal import damage
from tests.journal.disk import FOLDER, SimulatedDisk


def test_every_flipped_bit_is_noticed() -> None:
    assert list(damage.flips()) == []


def test_a_cut_at_every_byte_of_the_last_entries_leaves_the_whole_ones() -> None:
    assert list(damage.truncations()) == []


def test_good_entries_in_wrong_places_are_noticed() -> None:
    assert list(damage.swaps()) == []


def test_an_earlier_writers_entries_are_not_taken() -> None:
    assert list(damage.leftovers()) == []


def test_damage_in_the_middle_is_told_by_its_place() -> None:
    image = bytearray(damage.sample().names_now[segment_name(0)].content())
    image[200] ^= 1
    disk = SimulatedDisk({segment_name(0): bytes(image)})
    told = r"entry 1 at byte 160 of 00000000.segment is damaged: 12 entries were on disk, and only 1 hold"
    with pytest.raises(JournalError, match=told):
        recover(FOLDER, files=disk)
    assert disk.names_now[segment_name(0)].content() == bytes(image)


def test_a_torn_tail_is_told() -> None:
    disk = damage.sample(close=False)
    file = disk.names_now[segment_name(0)]
    end = read_journal([file.content()], unfinished=True).segments[0].end
    file.words[end] = 12
    findings = recover(FOLDER, files=disk).findings
    assert findings == (
        f"entry 12 at byte {end * 8} of 00000000.segment was torn; it was cut off",
        "the writer of epoch 1 did not close the journal; 12 entries hold",
    )
    assert recover(FOLDER, files=disk).findings == ()


def test_a_segment_that_is_missing_is_refused() -> None:
    names = damage.sample().names_now
    content = names[segment_name(0)].content()
    with pytest.raises(JournalError, match=r"00000000.segment is missing"):
        recover(FOLDER, files=SimulatedDisk({segment_name(1): content}))
