"""The journal: appends under each durability against the disk, SQLite and LMDB; recovery against its size.

Every row names its durability. Peers write the same 128-byte records to the same disk: SQLite in WAL mode with one
transaction a record (``every``: synchronous FULL; ``os``: synchronous OFF, a thousand records a transaction), LMDB with
one transaction a record, and with sync off for ``os``. The answers are right when every record is read back.
"""

import argparse
import os
import shutil
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alo_lib.core import CoreState, pack, program, unpack
from alo_lib.journal import Durability, JournalWriter, Snapshots, entry_checksum, read_journal, recover
from alo_lib.journal.format import ENTRY_WORDS
from alo_lib.journal.kernels import APPENDED, DURABLE, append
from alo_lib.numerics.compilation import kernel
from alo_lib.records import Kind
from benchmarks.harness import Row, options_of, report
from benchmarks.lean_data import add_data_option

RECORD = 128
WORDS = RECORD // 8
GROUP_WITHIN = 0.010
GROUP_RATE = 0.52e6
"""Records a second that are asked for: a little more than the goal."""
CHUNK = 500
"""Records appended at once, some thousand times a second."""
TAIL = 5
"""Frames between the snapshot and the kill: as many as a run has between two snapshots."""
LARGE = 1 << 28
"""Bytes a segment where a stream is measured: beginning one takes two syncs."""
TURN = 5
"""Calls in a row, so that the disk's moods are shared fairly."""


@kernel
def append_many(words: Any, marks: Any, first: int, count: int, kind: int, payload: Any) -> int:
    """Append up to ``count`` records, numbered in their first word; returns how many went in."""
    for number in range(count):
        payload[0] = first + number
        if append(words, marks, first + number, 0, kind, 1, len(payload) * 8, payload) < 0:
            return number
    return count


def fill(writer: JournalWriter, count: int, payload: Any, first: int = 0) -> None:
    """Append ``count`` records, beginning segments as they are needed."""
    done = 0
    while done < count:
        done += int(append_many(writer.words, writer.marks, first + done, count - done, 64, payload))
        if done < count:
            writer.begin_segment(RECORD)


class Raw:
    """128 bytes over zeros that are there, and fdatasync: what the disk can do."""

    def __init__(self, folder: Path) -> None:
        self._file = os.open(folder / "raw", os.O_RDWR | os.O_CREAT)
        os.posix_fallocate(self._file, 0, 1 << 24)
        os.fsync(self._file)
        self._record = bytes(range(RECORD))

    def __call__(self, number: int) -> None:
        os.pwrite(self._file, self._record, number * RECORD % (1 << 24))
        os.fdatasync(self._file)


def every(folder: Path, seconds: float) -> Iterator[Row]:
    """One record, one sync: ours, the raw disk, SQLite and LMDB take turns, so that the disk's moods are shared."""
    payload = np.arange(WORDS)
    writer = JournalWriter.create(folder / "every", durability=Durability.EVERY)
    actions: dict[str, Callable[[int], object]] = {
        "ours": lambda number: writer._append(number, 64, 1, RECORD, payload),
        "raw": Raw(folder),
        "sqlite": _sqlite(folder / "every.sqlite", "FULL"),
    }
    lmdb = _lmdb(folder / "every.lmdb", sync=True)
    if lmdb is not None:
        actions["lmdb"] = lmdb
    spent, calls = dict.fromkeys(actions, 0.0), dict.fromkeys(actions, 0)
    for action in actions.values():
        action(0)
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for name, action in actions.items():
            begin = time.perf_counter()
            for _ in range(TURN):
                calls[name] += 1
                action(calls[name])
            spent[name] += time.perf_counter() - begin
    writer.close()
    rate = {name: calls[name] / spent[name] for name in actions}
    share = rate["ours"] / rate["raw"]
    yield Row("every: appends, against the disk's raw fdatasync", rate["ours"], "1/s", rate["raw"])
    yield Row("every: share of the raw rate", share, "", None, ">= 0.8", share >= 0.8)
    for peer in ("sqlite", "lmdb"):
        if peer in rate:
            name = f"every: appends, against {peer}"
            yield Row(name, rate["ours"], "1/s", rate[peer], "> peer", rate["ours"] > rate[peer])


def disk_alone(folder: Path, count: int) -> NDArray[np.float64]:
    """Seconds until each chunk is on disk when nothing but the disk is in the way.

    The same bytes in the same rhythm, written straight into a file that was written once before: whatever has become
    due is written, then synced, again and again.
    """
    chunk = CHUNK * (RECORD + ENTRY_WORDS * 8)
    chunks = count // CHUNK
    file = os.open(folder / "alone", os.O_RDWR | os.O_CREAT)
    for at in range(0, chunks * chunk, 1 << 20):
        os.pwrite(file, bytes(1 << 20), at)
    os.fsync(file)
    delays: list[float] = []
    data = bytes(range(256)) * (chunk // 256 + 1)
    begin = time.perf_counter()
    while len(delays) < chunks:
        due = min(chunks, int((time.perf_counter() - begin) * GROUP_RATE / CHUNK))
        if due == len(delays):
            time.sleep(1e-4)
            continue
        for place in range(len(delays), due):
            os.pwrite(file, data[:chunk], place * chunk)
        os.fdatasync(file)
        now = time.perf_counter() - begin
        delays += [now - (place + 1) * CHUNK / GROUP_RATE for place in range(len(delays), due)]
    os.close(file)
    os.unlink(folder / "alone")
    return np.array(delays)


def group(folder: Path, count: int) -> Iterator[Row]:
    """A stream of 0.5 M records a second and more: how long each is not durable, against the disk alone around it."""
    alone = [disk_alone(folder, count // 4)]
    payload = np.arange(WORDS)
    writer = JournalWriter.create(folder / "group", durability=Durability.GROUP, segment_bytes=LARGE)
    delays: list[float] = []
    done = threading.Event()

    def watch() -> None:
        pending: list[tuple[int, float]] = []
        last = int(writer.marks[APPENDED])
        while not done.is_set() or pending:
            now = time.perf_counter()
            appended, durable = int(writer.marks[APPENDED]), int(writer.marks[DURABLE])
            if appended > last:
                pending.append((appended, now))
                last = appended
            while pending and pending[0][0] <= durable:
                delays.append(now - pending.pop(0)[1])
            time.sleep(1e-4)

    fill(writer, 1000, payload)
    writer.wait(1000)
    while not writer.prepared:  # as a process is after its first second
        time.sleep(0.01)
        writer.flush()
    watcher = threading.Thread(target=watch)
    watcher.start()
    begin, first = time.perf_counter(), writer.sequence
    for start in range(0, count, CHUNK):
        fill(writer, CHUNK, payload, start)
        ahead = begin + (start + CHUNK) / GROUP_RATE - time.perf_counter()
        if ahead > 0:
            time.sleep(ahead)
    writer.wait(first + count)
    elapsed = time.perf_counter() - begin
    done.set()
    watcher.join()
    writer.close()
    alone.append(disk_alone(folder, count // 4))
    within, peer = np.array(delays), np.concatenate(alone)
    yield Row("group: durable records", count / elapsed / 1e6, "M/s", None, ">= 0.5", count / elapsed >= 0.5e6)
    for name, quantile in (("median", 0.5), ("p99", 0.99), ("maximum", 1.0)):
        ours, disk = (float(np.quantile(each, quantile)) * 1e3 for each in (within, peer))
        what = f"group: append to durable, {name}, against the disk alone"
        if quantile == 0.99:
            yield Row(what, ours, "ms", disk, "<= 10", ours <= GROUP_WITHIN * 1e3)
        else:
            yield Row(what, ours, "ms", disk)


def by_os(folder: Path, count: int) -> Iterator[Row]:
    """Into the operating system's hands, segments begun as they fill."""
    payload = np.arange(WORDS)
    rates: list[float] = []
    processor: list[float] = []
    peers: dict[str, list[float]] = {}
    for turn in range(5):
        for name, run in (
            ("sqlite", _sqlite_many(folder / f"{turn}.sqlite")),
            ("lmdb", _lmdb_many(folder / f"{turn}.lmdb")),
        ):
            if run is not None:
                peers.setdefault(f"{name} (1000 a transaction)", []).append(run(100_000))
        writer = JournalWriter.create(folder / f"os{turn}", durability=Durability.OS, segment_bytes=LARGE)
        begin, used = time.perf_counter(), time.process_time()
        fill(writer, count, payload)
        rates.append(count / (time.perf_counter() - begin))
        processor.append(count / (time.process_time() - used))
        writer.close()
        assert len(read_journal(folder / f"os{turn}").messages) == count
        shutil.rmtree(folder / f"os{turn}")  # the next turn finds memory that the machine has used before
    ours = max(rates)
    yield Row("os: appends, compiled", ours / 1e6, "M/s", None, ">= 3", ours >= 3e6)
    yield Row("os: appends a second of processor time", max(processor) / 1e6, "M/s")
    for name, each in peers.items():
        yield Row(f"os: appends, against {name}", ours / 1e6, "M/s", max(each) / 1e6, "> peer", ours > max(each))
    writer = JournalWriter.create(folder / "python", durability=Durability.OS)
    begin = time.perf_counter()
    for number in range(100_000):
        writer._append(number, 64, 1, RECORD, payload)
    yield Row("os: appends, one call from Python each", 1e-1 / (time.perf_counter() - begin), "M/s")
    writer.close()


def recovery(folder: Path, count: int) -> Iterator[Row]:
    """Finding the end of a journal that was not closed."""
    writer = JournalWriter.create(folder / "recovery", durability=Durability.OS)
    fill(writer, count, np.arange(WORDS))
    writer.abandon()
    os.sync()
    begin = time.perf_counter()
    found = recover(folder / "recovery")
    seconds = time.perf_counter() - begin
    assert len(found.journal.messages) == count
    per_million = seconds * 1e6 / count
    yield Row(f"recovery, {count:,} messages, a million", per_million, "s", None, "<= 0.25", per_million <= 0.25)


def first_frame(folder: Path, data: Path) -> Iterator[Row]:
    """The GOOG day with a kill near its end: journal, snapshot and tail, to the first frame decided."""
    from alo_lib.core import TradingCore
    from alo_lib.runtime import Replayer
    from alo_lib.settings import Settings
    from alo_lib.simulation import run_backtest

    if not data.is_dir():
        return
    settings = Settings.of({"underlyings": "GOOG", "start": "2015-12-24", "end": "2015-12-24"})
    run_backtest(settings, data, folder)
    messages = read_journal(folder / "journal").messages
    killed = folder / "killed"
    writer = JournalWriter.create(killed, settings=settings.model_dump_json().encode())
    frames = [place for place, message in enumerate(messages) if message.kind is Kind.FRAME]
    snapshot_at, end = frames[-1 - TAIL], frames[-1]
    core = TradingCore(settings, writer)
    snapshots = Snapshots(killed, program())
    for place, message in enumerate(messages[:end]):
        if place == snapshot_at:
            snapshots.save(writer.sequence, writer.checksum, pack(core.snapshot()))
        if message.kind is Kind.FRAME:
            core.open_frame(message.time)
            core.run()
        elif not message.kind.is_decision:
            core.accept(message)
    writer.abandon()
    begin = time.perf_counter()
    found = recover(killed)
    journal = found.journal
    snapshot = snapshots.latest(journal)
    assert snapshot is not None
    assert entry_checksum(journal, snapshot.sequence)
    state = unpack(CoreState, snapshot.state, settings=settings)
    again = TradingCore(settings, writer)
    waiting = [m for m in journal.messages[frames[-2 - TAIL] : snapshot.sequence] if not m.kind.is_decision]
    again.resume(state, [message for message in waiting if message.kind is not Kind.FRAME])
    replayer = Replayer(journal, core=again, start=snapshot.sequence)
    done = sum(1 for _ in replayer.frames())
    seconds = time.perf_counter() - begin
    first = f"snapshot and a tail of {done} frames, to the first new frame (os)"
    yield Row(first, seconds * 1e3, "ms", None, "<= 100", seconds <= 0.1)


def _sqlite(path: Path, synchronous: str) -> Callable[[int], object]:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("pragma journal_mode=wal")
    connection.execute(f"pragma synchronous={synchronous}")
    connection.execute("create table journal (sequence integer primary key, record blob)")
    record = bytes(RECORD)
    return lambda number: connection.execute("insert into journal (record) values (?)", (record,))


def _sqlite_many(path: Path) -> Callable[[int], float]:
    def run(count: int) -> float:
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("pragma journal_mode=wal")
        connection.execute("pragma synchronous=off")
        connection.execute("create table journal (sequence integer primary key, record blob)")
        rows = [(bytes(RECORD),)] * 1000
        begin = time.perf_counter()
        for _ in range(count // 1000):
            connection.execute("begin")
            connection.executemany("insert into journal (record) values (?)", rows)
            connection.execute("commit")
        return count / (time.perf_counter() - begin)

    return run


def _lmdb(path: Path, *, sync: bool) -> Callable[[int], object] | None:
    try:
        import lmdb
    except ImportError:
        return None
    environment = lmdb.open(str(path), map_size=1 << 30, sync=sync, metasync=sync)
    record = bytes(RECORD)

    def put(number: int) -> None:
        with environment.begin(write=True) as transaction:
            transaction.put(number.to_bytes(8, "big"), record, append=False)

    return put


def _lmdb_many(path: Path) -> Callable[[int], float] | None:
    try:
        import lmdb
    except ImportError:
        return None

    def run(count: int) -> float:
        environment = lmdb.open(str(path), map_size=1 << 30, sync=False, metasync=False)
        record = bytes(RECORD)
        begin = time.perf_counter()
        for start in range(0, count, 1000):
            with environment.begin(write=True) as transaction:
                for number in range(start, start + 1000):
                    transaction.put(number.to_bytes(8, "big"), record, append=True)
        return count / (time.perf_counter() - begin)

    return run


def measure(options: argparse.Namespace) -> Iterator[Row]:
    quick = options.quick
    if _lmdb_many(Path()) is None:
        print("no LMDB: the package lmdb is not installed; it is left out", file=sys.stderr)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        yield from every(folder, 6.0 if quick else 20.0)
        yield from group(folder, 1_000_000 if quick else 5_000_000)
        yield from by_os(folder, 1_000_000)
        yield from recovery(folder, 1_000_000)
        yield from first_frame(folder, options.data)


def main() -> int:
    parser = options_of(__doc__)
    parser.add_argument("--folder", type=Path, default=None, help="where to write; the disk that is measured")
    add_data_option(parser)
    options = parser.parse_args()
    return report(measure(options), as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
