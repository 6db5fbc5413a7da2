"""Altered journals end in a sentence or in what their bytes say: in no other error, in no signal, and soon."""

import subprocess
import sys
from pathlib import Path

import pytest

from alo_lib.journal import JournalError, order_digest, orders_of, read_journal, recover
from alo_lib.journal.format import segment_name
from alo_lib.journal.index import read_index
from alo_lib.records import Kind, Message, OrderStatus, records
from alo_lib.runtime.replay import UnusableMessageError, overruns_of, replay
from alo_lib.runtime.same_settings import settings_of
from tests.core.script import script
from tests.journal import altered, trial
from tests.transport.peers import ROOT

ENVIRONMENT = {"PYTHONPATH": str(ROOT), "PATH": "", "NUMBA_NUM_THREADS": "1"}


def worked_through(arguments: list[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-P", *arguments], cwd=ROOT, env=ENVIRONMENT, check=False, capture_output=True, text=True
    )


def run(seed: int, first: int, count: int) -> None:
    """Work through mutants in a process of their own; on a finding say which it was, so that it can be run again."""
    done = worked_through(["-m", "tests.journal.trial", str(seed), str(first), str(count)])
    last = (done.stdout.split("\n")[-2:-1] or ["none"])[0]
    assert done.returncode == 0, f"status {done.returncode} from mutant {last} of seed {seed} on: {done.stderr}"
    refused, used = int(last.split()[0]), int(last.split()[2])
    assert min(refused, used) > count / 10  # both are met


def test_some_mutants() -> None:
    run(17, 0, 80)


@pytest.mark.slow
@pytest.mark.parametrize(
    "left_out",
    [
        "reader.problem_of = lambda *_, **__: ''",
        "index._mark, index._marks_of = lambda contents: contents.size, lambda rows: rows['size'].tolist()",
        "store.segment_names = reader.segment_names = lambda folder, files: "
        "[name for name in files.names(folder) if name.endswith('.segment')]",
        "orders._symbol = lambda symbols, row: symbols[int(row['instrument'])]",
        "replay._usable = lambda *_: contextlib.nullcontext()",
    ],
    ids=["whole", "index", "names", "orders", "inputs"],
)
def test_a_check_that_is_left_out_is_missed(left_out: str) -> None:
    """The same mutants with one check taken away, in the process that works through them."""
    rooms = "import contextlib\nfrom alo_lib.journal import index, orders, reader, store\nfrom sys import modules\n"
    rooms += "import alo_lib.runtime.replay\nreplay = modules['alo_lib.runtime.replay']\n"
    done = worked_through(
        ["-c", f"{rooms}{left_out}\nfrom tests.journal.trial import main\nraise SystemExit(main(17, 0, 2000))"]
    )
    assert done.returncode < 0 or "of seed 17" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("part", range(20))
def test_a_million_mutants(part: int) -> None:
    run(18, part * 50_000, 50_000)


# What they found, each by itself --------------------------------------------------------------------------------------

NAMES = Message(Kind.INSTRUMENT, 1, records(Kind.INSTRUMENT, instrument=0, symbol=b"GOOG"))
SENT = Message(Kind.INTENT, 2, records(Kind.INTENT, order=1, reason=1, quantity=5))


def event(**columns: object) -> Message:
    return Message(Kind.ORDER_EVENT, 3, records(Kind.ORDER_EVENT, **{"order": 1, "status": 2, **columns}))


@pytest.mark.parametrize(
    ("messages", "why"),
    [
        ([NAMES, SENT, event(order=9)], "message 2, of kind ORDER_EVENT, .* order 9 was never sent"),
        ([SENT], "message 0, of kind INTENT, .* instrument 0 was never told of"),
        ([NAMES, event(order=0, instrument=3, quantity=1)], "instrument 3 was never told of"),
        ([NAMES, SENT, event(status=77)], "77 is not a valid OrderStatus"),
        ([NAMES, event(order=0, quantity=1, type=99)], "99 is not a valid OrderType"),
        ([NAMES, SENT, event(quantity=2), event(quantity=-2)], "the fills of order 1 take each other back"),
    ],
)
def test_orders_that_no_run_has_are_refused_in_a_sentence(messages: list[Message], why: str) -> None:
    with pytest.raises(JournalError, match=why):
        orders_of(messages)


def test_orders_are_told_as_they_were_filled() -> None:
    fills = [event(quantity=2, price=1.0, fee=0.5), event(quantity=3, price=2.0, fee=0.5, status=OrderStatus.FILLED)]
    (order,) = orders_of([NAMES, SENT, *fills])
    assert (order.filled, order.price, order.fee, order.status) == (5, 1.6, 1.0, OrderStatus.FILLED)
    assert order_digest([order]) != order_digest([])


def test_an_overrun_that_no_frame_has_is_refused_in_a_sentence() -> None:
    market = script()
    market.core.remark(Message(Kind.OVERRUN, 5, records(Kind.OVERRUN, cause=1, policy=200, task=b"size")))
    with pytest.raises(JournalError, match=r"message \d+ tells of an overrun .*200 is not a valid OverrunPolicy"):
        overruns_of(market.journal)


def test_an_input_and_a_frame_that_no_core_takes_are_named() -> None:
    market = script()
    time, sequence = market.core.last_frame, market.writer.sequence
    other = records(Kind.INSTRUMENT, instrument=0, underlying=0, multiplier=1, symbol=b"OTHER")
    market.writer.append(Message(Kind.INSTRUMENT, time, other))
    with pytest.raises(UnusableMessageError, match=rf"message {sequence} \(INSTRUMENT\) .*leave-out"):
        replay(market.journal)
    market = script()
    market.writer.append(Message(Kind.RATE, time, records(Kind.RATE, rate=0.03)))
    market.writer.append(Message(Kind.FRAME, time, records(Kind.FRAME)))
    with pytest.raises(UnusableMessageError, match=rf"message {sequence + 1} \(FRAME\) .*not after") as one:
        replay(market.journal)
    assert "leave-out" not in str(one.value)


@pytest.mark.parametrize("written", [b"", b"{", b"\xff", b"[]", b"[" * 100_000])
def test_settings_that_are_none_are_refused_in_a_sentence(written: bytes) -> None:
    with pytest.raises(JournalError, match=r"the settings in the journal|the journal's header has of settings is"):
        settings_of(written)


def folder_of(folder: Path, images: list[bytes]) -> Path:
    for number, image in enumerate(images):
        (folder / segment_name(number)).write_bytes(image)
    return folder


@pytest.mark.parametrize(
    "name",
    ["x.segment", "00000000 (copy).segment", "two\nlines.segment", "\udcff.segment", "0.segment", "²2345678.segment"],
)
def test_a_name_that_only_looks_like_a_segments_is_refused(tmp_path: Path, name: str) -> None:
    images = altered.a_run(20, bytes_each=2048)
    (folder_of(tmp_path, images) / name).write_bytes(images[0])
    for read in (read_journal, read_index, recover):
        with pytest.raises(JournalError, match="is no name of a segment") as one:
            read(tmp_path)
        trial.one_sentence(str(one.value))


def test_a_journal_without_its_beginning_is_not_whole(tmp_path: Path) -> None:
    images = altered.a_run(60, bytes_each=2048)
    with pytest.raises(JournalError, match="its beginning is missing: segment 0 has number 1"):
        read_journal(images[1:])
    (folder_of(tmp_path, images) / segment_name(0)).unlink()
    for read in (read_journal, read_index):
        with pytest.raises(JournalError, match="its beginning is missing: 00000001"):
            read(tmp_path)


@pytest.mark.parametrize(("offset", "what"), [(16, "number"), (24, "epoch"), (32, "first entry")])
@pytest.mark.parametrize("value", [-1, (1 << 62) + 1, (1 << 63) - 1])
def test_a_header_whose_numbers_no_writer_comes_to_is_refused(offset: int, what: str, value: int) -> None:
    segment = altered.taken_apart(altered.a_run(20, bytes_each=1 << 16)[0])
    segment.header[offset : offset + 8] = value.to_bytes(8, "little", signed=True)
    altered.mended(segment)
    with pytest.raises(JournalError, match=f"tells of {what} {value}; it must be from 0 to"):
        read_journal([bytes(segment.header) + b"".join(map(bytes, segment.entries))], unfinished=True)


def test_an_index_of_other_segments_is_made_anew(tmp_path: Path) -> None:
    one = altered.a_run(40, bytes_each=1 << 16)
    read_index(folder_of(tmp_path, one))
    segment = altered.taken_apart(one[0])
    del segment.entries[8:16]
    altered.renumbered([segment], 0)
    altered.mended(segment)
    image = bytes(segment.header) + b"".join(map(bytes, segment.entries))
    image += bytes(len(one[0]) - len(image))  # as big as the one before
    (tmp_path / segment_name(0)).write_bytes(image)
    assert read_index(tmp_path)["stop"].tolist() == [33]


def test_recovery_hears_what_an_earlier_segment_says_was_on_disk(tmp_path: Path) -> None:
    segments = [altered.taken_apart(image) for image in altered.a_run(60, bytes_each=2048)]
    segments[0].entries[3][24:32] = (1_000).to_bytes(8, "little")
    altered.mended(segments[0])
    folder_of(tmp_path, [bytes(each.header) + b"".join(map(bytes, each.entries)) for each in segments])
    with pytest.raises(JournalError, match="1000 entries were on disk, and only 61 hold"):
        recover(tmp_path)


def test_what_is_published_in_part_is_no_writers(tmp_path: Path) -> None:
    images = altered.a_run(20, bytes_each=2048)
    (folder_of(tmp_path, images) / "published").write_bytes(b"1234567")
    assert len(read_journal(tmp_path).messages) == 21
