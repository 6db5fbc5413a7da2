"""Memory shared by two processes: rings, sequence lock, and the path of an event from its fields to the other side.

Both processes are pinned to a processor of their own where there are two; all loops are compiled. Times come from the
processor's time-stamp counter and include reading it. A hop is half of a round trip, so that it does not depend on how
well the processors' counters agree; the one-way figures of the event path are corrected by what the hops tell of that.
The machine is shared with what else runs on it. A round of 2,000 hops or events takes a millisecond or two: in the best
one both processes ran throughout. The figures over all rounds, other programs' turns included, are shown below it.
"""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from alo_lib.journal import Durability, JournalWriter, read_journal
from alo_lib.records import LAYOUTS, Kind
from alo_lib.transport import MessageRing, RecordRing, SeqLock
from alo_lib.transport.atomics import SUPPORTED
from alo_lib.transport.cycle_clock import cycle_nanoseconds
from benchmarks import transport_peer as both
from benchmarks.harness import Row, options_of, report

ROUND = 2_000

Times = npt.NDArray[np.float64]


def best_round(times: Times, size: int = ROUND) -> Times:
    """The round of ``size`` successive times whose 99th percentile is least."""
    rounds = times[: len(times) // size * size].reshape(-1, size)
    best: Times = rounds[np.argmin(np.percentile(rounds, 99, axis=1))]
    return best


def percentiles(times: Times) -> tuple[float, float, float]:
    """Median, 99th percentile and maximum."""
    middle, high = np.percentile(times, (50, 99))
    return float(middle), float(high), float(times.max())


def hops(folder: Path, seconds: float, cycle: float) -> tuple[Times, float]:
    """Half round trips, ns, and by how many nanoseconds the other processor's counter is ahead."""
    there = RecordRing.ensure(folder / "there.ring", both.LINE, capacity=1024).produce("ping")
    back = RecordRing.ensure(folder / "back.ring", both.LINE, capacity=1024).consume("ping")
    both.ping(there.words, there.epoch, back.words, back.epoch, np.zeros(0, np.int64))
    rounds: list[npt.NDArray[np.int64]] = []
    with there, back, both.peer("pong", folder):
        end = time.monotonic() + seconds
        while not rounds or time.monotonic() < end:
            times = np.zeros(3 * ROUND, np.int64)
            wrong = both.ping(there.words, there.epoch, back.words, back.epoch, times)
            if wrong >= 0:
                raise RuntimeError(f"record {wrong} did not come back as the next one")
            rounds.append(times)
    times = np.concatenate(rounds)
    trip, forth, home = (times[k::3] * cycle for k in range(3))
    return trip / 2, float(np.median(forth) - np.median(home)) / 2


def hop_rows(hop: Times, pipe: Times) -> Iterator[Row]:
    middle, high, _ = percentiles(best_round(hop))
    peer_middle, peer_high, _ = percentiles(best_round(pipe, 100))
    yield Row("ring hop, 56 B, best round, p50; peer: a pipe", middle, "ns", peer_middle, "<= 100", middle <= 100)
    yield Row("ring hop, 56 B, best round, p99; peer: a pipe", high, "ns", peer_high, "<= 500", high <= 500)
    for what, ours, theirs in zip(("p50", "p99", "maximum"), percentiles(hop), percentiles(pipe), strict=True):
        yield Row(f"  all {len(hop):,} hops, {what}", ours, "ns", theirs)


def pipe_hop(folder: Path, seconds: float) -> Times:
    """Half round trips through two pipes, ns."""
    record = bytes(56)
    times: list[float] = []
    with both.peer("pipe", folder) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        to, back = process.stdin.fileno(), process.stdout.fileno()
        end = time.monotonic() + seconds
        while len(times) < 100 or time.monotonic() < end:
            begin = time.perf_counter_ns()
            os.write(to, record)
            os.read(back, 56)
            times.append((time.perf_counter_ns() - begin) / 2)
    return np.array(times)


def batches(folder: Path, seconds: float) -> Iterator[Row]:
    """The best run of 200,000 records, fifty times what the ring holds, without a stop between the runs."""
    run = both.BATCH * 400
    pipe = pipe_batches(folder, seconds)
    for kind, goal in ((Kind.TRADE, 100), (Kind.QUOTE, None), (Kind.SIGNAL, None)):
        dtype = LAYOUTS[kind]
        ring = RecordRing.create(folder / "batch.ring", dtype, capacity=1 << 12)
        consumer, width = ring.consume("benchmark"), dtype.itemsize // 8
        both.pop_batches(consumer.words, consumer.epoch, width, 0, 0)
        taken, most = 0, 0.0
        with both.peer("batches", folder):
            first = time.perf_counter()
            while taken == 0 or time.perf_counter() < first + seconds:
                begin = time.perf_counter()
                wrong = both.pop_batches(consumer.words, consumer.epoch, width, taken, taken + run)
                most = max(most, run / (time.perf_counter() - begin) / 1e6)
                taken += run
                if wrong:
                    raise RuntimeError(f"{wrong} records of {run} were not the next ones")
            mean = taken / (time.perf_counter() - first) / 1e6
        ring.close()
        ring.remove()
        wanted, holds = ("", None) if goal is None else (f">= {goal}", most >= goal)
        yield Row(
            f"batches, {dtype.itemsize} B records, best run; peer: a pipe",
            most,
            "M/s",
            pipe / dtype.itemsize / 1e6,
            wanted,
            holds,
        )
        yield Row(f"  all {taken:.1e} records", mean, "M/s")


def pipe_batches(folder: Path, seconds: float) -> float:
    """Most bytes a second through a pipe that was filled in blocks of 64 KiB, over runs of 4 MiB."""
    most = 0.0
    with both.peer("pipe batches", folder) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        os.write(process.stdin.fileno(), b"\n")
        descriptor, end = process.stdout.fileno(), time.perf_counter() + seconds
        while not most or time.perf_counter() < end:
            left, begin = 1 << 22, time.perf_counter()
            while left > 0:
                left -= len(os.read(descriptor, 65536))
            most = max(most, ((1 << 22) - left) / (time.perf_counter() - begin))
    return most


def sequence_lock(folder: Path, count: int) -> Iterator[Row]:
    state = SeqLock.create(folder / "pairs.state", both.PAIR)
    words, counts = state.segment.words, np.zeros(3, np.int64)
    both.read_pairs(words, 0, counts)
    both.read_unchecked(words, 0)
    unchecked, trials = 0, 0
    with both.peer("pairs", folder):
        begin = time.perf_counter()
        both.read_pairs(words, count, counts)
        seconds = time.perf_counter() - begin
        while unchecked == 0 and trials < 100:  # a copy can only tear while both processes run
            unchecked += both.read_unchecked(words, 1_000_000)
            trials += 1
    torn, seen, unanswered = counts.tolist()
    yield Row(f"sequence lock: torn of {count:.0e} reads, 128 B", torn, "", None, "0", torn == 0)
    yield Row("  unanswered after 64 retries", unanswered, "", None, "0", unanswered == 0)
    what = f"  torn of {trials} M reads of one copy, no second look"
    yield Row(what, unchecked, "", None, "> 0", unchecked > 0)
    yield Row("  versions that were seen", seen, "")
    yield Row("  a read while it is rewritten without pause", seconds / count * 1e9, "ns")


def event_path(folder: Path, count: int, cycle: float, ahead: float, policy: Durability) -> Iterator[Row]:
    ring = MessageRing.create(folder / "events.ring", capacity=1 << 16)
    producer = ring.produce("lean")
    generator = np.random.default_rng(7)
    bids = np.round(generator.uniform(1.0, 50.0, count), 2)
    asks, times = bids + 0.05, np.zeros(count, np.int64)
    np.save(folder / "bids.npy", np.zeros(count))
    np.save(folder / "arrivals.npy", np.zeros(count, np.int64))
    told, arrivals = np.load(folder / "bids.npy", "r"), np.load(folder / "arrivals.npy", "r")
    disk = Path(tempfile.mkdtemp(prefix="alo-benchmark-"))
    try:
        journal = JournalWriter.create(disk / "journal", durability=policy)
        words, epoch, gap = producer.words, producer.epoch, int(1000 / cycle)
        both.send_events(bids[:0], asks[:0], 0, words, epoch, journal.words, journal.marks, gap, times)
        with both.peer("events", folder):
            sent = 0
            while sent < count:
                sent = both.send_events(bids, asks, sent, words, epoch, journal.words, journal.marks, gap, times)
                if sent < count:
                    journal.begin_segment()
            while ring.waiting:
                time.sleep(0.01)
        journal.close()
        entries = read_journal(disk / "journal").messages
        some = range(0, count, 997)
        journaled = np.array([entries[i].records["bid"][0] for i in some])
        if len(entries) != count or (journaled != bids[::997]).any() or (told != bids).any():
            raise RuntimeError("the journal or the other process does not have the quotes that were sent")
    finally:
        shutil.rmtree(disk)
    ring.close()
    ring.remove()
    what = f"event path, {policy.value}"
    for path, taken in (
        ("marshal, journal, push", times * cycle),
        ("until the other process has it", np.asarray(arrivals) * cycle - ahead),
    ):
        middle, high, _ = percentiles(best_round(taken))
        yield Row(f"{what}: {path}, best round, p50", middle, "ns", None, "<= 340", middle <= 340)
        yield Row(f"{what}: {path}, best round, p99", high, "ns", None, "<= 1250", high <= 1250)
        for name, value in zip(("p50", "p99", "maximum"), percentiles(taken), strict=True):
            yield Row(f"  all {count:,} events, {name}", value, "ns")


def main() -> int:
    options = options_of(__doc__).parse_args()
    if not SUPPORTED:
        print("benchmarks.transport: kernels on shared memory are compiled for x86-64 only", file=sys.stderr)
        return 2
    quick = options.quick
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="alo-benchmark-", dir=memory if memory.is_dir() else None))
    try:
        cycle = cycle_nanoseconds()
        seconds = 1.0 if quick else 5.0
        # Where a host puts two virtual processors decides over a hop, and changes: so some are timed now and then.
        moments = [hops(folder, seconds / 2, cycle)]
        rows = list(batches(folder, seconds))
        moments.append(hops(folder, seconds / 2, cycle))
        rows += sequence_lock(folder, 10_000_000 if quick else 1_000_000_000)
        for policy in (Durability.OS, Durability.GROUP):
            moments.append(hops(folder, seconds / 2, cycle))
            rows += event_path(folder, 200_000 if quick else 3_000_000, cycle, moments[-1][1], policy)
        rows[:0] = hop_rows(np.concatenate([hop for hop, _ in moments]), pipe_hop(folder, seconds))
    finally:
        shutil.rmtree(folder)
    return report(rows, as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
