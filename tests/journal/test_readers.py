"""Readers of a journal that somebody writes, seals, cuts or recovers at the same time."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alo_lib.journal import Durability, Files, JournalError, JournalWriter, read_journal, recover
from alo_lib.journal.format import segment_name
from alo_lib.journal.index import messages_between, read_index
from tests.journal.workload import SETTINGS, check, message

ROOT = Path(__file__).parents[2]
WRITER = """
import sys, time
from pathlib import Path
from alo_lib.journal import Durability, JournalWriter, recover
from tests.journal.workload import SETTINGS, message

folder, options = Path(sys.argv[1]), {"segment_bytes": 2048, "durability": Durability[sys.argv[2]]}
writer = JournalWriter.create(folder, settings=SETTINGS, **options)
print("ready", flush=True)
for life in range(10**9):
    for _ in range(300):
        writer.append(message(writer.sequence))
        writer.flush()
        time.sleep(2e-4 * (1 + (writer.sequence / 400) ** 2))  # so that the reads of a long journal end, too
    if life % 2:
        writer.close()
    else:
        writer.abandon()
    writer = recover(folder).writer(**options)
"""
READER = """
import sys
from pathlib import Path
from alo_lib.journal import read_journal
from tests.journal.workload import check

seen = turn = 0
while turn < int(sys.argv[2]) or seen <= 300:  # a busy machine writes slowly, and a life is 300 messages
    turn += 1
    messages = read_journal(Path(sys.argv[1]), unfinished=True).messages
    seen, before = len(messages), seen
    if seen < before:
        sys.exit(f"turn {turn}: {seen} messages after {before}")
    if problem := check(messages[-50:], durable=0, appended=50) if seen < 50 else "":
        sys.exit(problem)
    for place in range(max(0, seen - 50), seen):
        if messages[place].time != 1_000 + place:
            sys.exit(f"turn {turn}: message {place} is another")
print(seen)
"""


def run(program: str, *arguments: str | Path, **options: Any) -> "subprocess.Popen[str]":
    command = [sys.executable, "-P", "-c", program, *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, **options)


@contextmanager
def busy_writer(folder: Path, durability: Durability) -> Iterator[None]:
    """A process that fills a segment every fifteen messages, and now and then closes, or dies and recovers."""
    with run(WRITER, folder, durability.name) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield
            assert process.poll() is None
        finally:
            process.kill()


@pytest.mark.parametrize("durability", [Durability.OS, Durability.GROUP])
def test_a_reader_survives_a_writer_that_seals_cuts_and_recovers(tmp_path: Path, durability: Durability) -> None:
    folder = tmp_path / "journal"
    with busy_writer(folder, durability), run(READER, folder, "60", stderr=subprocess.PIPE) as reader:
        out, err = reader.communicate(timeout=300)
    assert (reader.returncode, err) == (0, "")
    assert int(out) > 300


def test_what_was_read_outlives_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "run.partial"
    writer = JournalWriter.create(folder, settings=SETTINGS, segment_bytes=4 << 20)
    count = 0
    while len(list(folder.glob("*.segment"))) < 3:
        writer.append(message(count))
        count += 1
    journal = read_journal(folder, unfinished=True)
    assert journal.being_written
    writer.close()  # which cuts the last segment
    folder.rename(tmp_path / "run")  # as a run is that has ended
    for path in (tmp_path / "run").iterdir():
        path.unlink()
    assert check(journal.messages, durable=count, appended=count) == ""
    places = np.random.default_rng(1).integers(0, count, 300).tolist()
    assert [journal.messages[place].time for place in places] == [1_000 + place for place in places]
    backwards = [journal.messages[place].time for place in range(count - 1, count - 301, -1)]
    assert backwards == [1_000 + place for place in range(count - 1, count - 301, -1)]


def test_a_segment_that_was_cut_below_its_end_is_told(tmp_path: Path) -> None:
    writer = JournalWriter.create(tmp_path, settings=SETTINGS, segment_bytes=4 << 20)
    while not (tmp_path / segment_name(1)).exists():
        writer.append(message(writer.sequence))
    writer.close()
    journal = read_journal(tmp_path)
    os.truncate(tmp_path / segment_name(0), 1 << 20)  # by somebody else: no writer and no recovery does
    with pytest.raises(JournalError, match=r"^00000000\.segment was cut at byte 1048576 after it was checked$"):
        list(journal.messages)


def plant_pipe(path: Path) -> None:
    os.mkfifo(path)


def plant_folder(path: Path) -> None:
    path.mkdir()


def plant_link(path: Path) -> None:
    path.symlink_to(path.with_name(segment_name(0)))


@pytest.mark.parametrize("act", [read_journal, read_index, recover, lambda folder: messages_between(folder, 0, 9)])
@pytest.mark.parametrize(("plant", "is_"), [(plant_pipe, "a pipe"), (plant_folder, "a folder"), (plant_link, "a link")])
def test_what_is_no_file_among_segments_is_told(
    tmp_path: Path, act: Callable[[Path], object], plant: Callable[[Path], None], is_: str
) -> None:
    writer = JournalWriter.create(tmp_path, settings=SETTINGS)
    writer.append(message(0))
    writer.close()
    plant(tmp_path / segment_name(1))
    with pytest.raises(
        JournalError, match=rf"^journal {tmp_path} [a-z ]+: 00000001\.segment: it is {is_}, not a file$"
    ):
        act(tmp_path)


class Moving(Files):
    """Files of a folder in which somebody else is at work: at each look at the names, something has happened."""

    def __init__(self, events: Sequence[Callable[[], object]]) -> None:
        self.events = list(events)

    def names(self, path: Path) -> list[str]:
        names = super().names(path)
        if self.events:
            self.events.pop(0)()
        return names


def test_a_journal_whose_names_change_meanwhile_is_read_again(tmp_path: Path) -> None:
    writer = JournalWriter.create(tmp_path, settings=SETTINGS, segment_bytes=2048)
    for number in range(100):
        writer.append(message(number))
    writer.abandon()
    (tmp_path / "published").unlink()
    last = sorted(tmp_path.glob("*.segment"))[-1]
    hidden = last.with_suffix(".hidden")
    events = [lambda: None, lambda: last.rename(hidden), lambda: None, lambda: hidden.rename(last)]
    found = read_journal(tmp_path, unfinished=True, files=Moving(events))
    assert check(found.messages, durable=100, appended=100) == ""
    events = [lambda: last.rename(hidden) if last.exists() else hidden.rename(last) for _ in range(1000)]
    with pytest.raises(JournalError, match=r"changed each of the 20 times that it was read; read it again$"):
        read_journal(tmp_path, unfinished=True, files=Moving(events))


READ_ALL = """
import resource, sys
from pathlib import Path
from alo_lib.journal import message_digest, read_journal

read_journal(Path(sys.argv[1]) / "small")
message_digest(read_journal(Path(sys.argv[1]) / "small").messages)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
message_digest(read_journal(Path(sys.argv[1]) / "big").messages)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_reading_holds_about_a_segment(tmp_path: Path) -> None:
    payload = np.zeros(1 << 15, np.int64)  # 256 KiB
    for name, count in (("small", 1), ("big", 640)):
        writer = JournalWriter.create(tmp_path / name, settings=SETTINGS, segment_bytes=32 << 20)
        rows = payload.view(np.uint8)[: payload.nbytes // message(1).records.itemsize * message(1).records.itemsize]
        for number in range(count):
            writer.append(message(1)._replace(time=number, records=rows.view(message(1).records.dtype)))
        writer.close()
    assert len(list((tmp_path / "big").glob("*.segment"))) == 6
    with run(READ_ALL, tmp_path) as process:
        out, _ = process.communicate(timeout=300)
    assert int(out) < 48 << 10  # KiB, of 160 MiB
