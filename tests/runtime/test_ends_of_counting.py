"""Rings whose positions come to their end between a host and its core: what was pushed is decided, then a sentence."""

from pathlib import Path

import pytest

from alo_lib.journal import read_journal
from alo_lib.records import Kind, Message, records
from alo_lib.runtime.link import Channel, CorePhase
from alo_lib.runtime.process import CoreProcess
from alo_lib.transport import SegmentError, TransportError
from tests.runtime.processes import SLOTS, TEN, by_hand, of_kind
from tests.transport.test_ends_of_counting import END, moved


def at_the_end(folder: Path, name: str, before: int) -> None:
    channel = Channel(folder / "channel", slots=SLOTS)
    moved(getattr(channel, name).segment.words, END - before)


def rate(number: int) -> Message:
    return Message(Kind.RATE, TEN, records(Kind.RATE, rate=number / 1000))


def test_a_host_that_can_push_no_more_is_told_and_its_core_decides_what_it_has(tmp_path: Path) -> None:
    at_the_end(tmp_path, "_to_core", 3)
    process, remote = by_hand(tmp_path, paced=False)
    for number in range(3):
        remote._inputs.push(rate(number))
    with pytest.raises(SegmentError, match=rf"to-core.ring has counted to {END}, beyond which nothing counts; remove"):
        remote._inputs.push(rate(3))
    process.run(3)
    assert process.phase is CorePhase.STOPPED
    process.close()
    journal = read_journal(tmp_path / "journal")
    assert [round(m.records["rate"][0] * 1000) for m in of_kind(journal, Kind.RATE)] == [0, 1, 2]
    with pytest.raises(TransportError, match=r"to-core.ring "):
        by_hand(tmp_path, paced=False)


def test_a_core_that_can_answer_no_more_stops_with_a_sentence(tmp_path: Path) -> None:
    at_the_end(tmp_path, "_to_host", 2)
    process, remote = by_hand(tmp_path, paced=False)
    told = ""
    for number in range(4):
        remote._inputs.push(rate(number))
        try:
            process._own_frame(TEN + (number + 1) * process.settings.frame_nanoseconds)
        except SegmentError as error:
            told = str(error)
            break
    assert "to-host.ring has counted to " in told
    assert isinstance(process, CoreProcess)
    process.close()
