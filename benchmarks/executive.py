"""The executive: how fast logical time passes, and how punctual real time is.

Logical: frames without news of a real core, then a session of 6.5 hours of 10 ms frames with the real tasks over GOOG's
minute data of 2015-12-24, whose decisions are first compared with those of the embedded engine. The peer of the empty
frames is the same loop walking every frame through the table.

Real: releases 10 ms apart on CLOCK_MONOTONIC by a process of its own, prepared as ``alo core`` prepares itself, while
every processor is kept busy by another one that churns memory. The peer is the same loop with ``time.sleep`` in an
ordinary process. Journals are in memory: nothing here waits for a disk.
"""

import gc
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from alo_lib.core import TradingCore
from alo_lib.executive import RealClock, Release
from alo_lib.executive.isolation import Isolation, Preparation, isolate
from alo_lib.executive.releases import ReleaseLog
from alo_lib.journal import Journal, JournalWriter, MemoryStore, message_digest, read_journal
from alo_lib.records import Kind
from alo_lib.settings import Settings
from alo_lib.simulation import run_backtest
from benchmarks.harness import Row, options_of, report
from benchmarks.lean_data import add_data_option, data_options
from tests.core.logical import inputs_of, run_frames

DAY = {"underlyings": "GOOG", "start": "2015-12-24", "end": "2015-12-24"}
FRAME = 10_000_000
SESSION_FRAMES = 6 * 3600 * 100 + 1800 * 100
EMPTY_PER_SECOND = 2e6
SESSION_SECONDS = 5.0
RELEASE_GOALS = {"p50": 1_000, "p99": 25_000, "p99.9": 200_000}
FRAMES = {False: 59_000, True: 1_200}
"""Frames by whether it is quick: just below ten minutes, and twelve seconds."""


# Logical time ----------------------------------------------------------------------------------------------------


def recorded(data: Path) -> Journal:
    """The journal of the embedded engine's run of the day."""
    folder = Path(tempfile.mkdtemp(prefix="alo-benchmark-"))
    run_backtest(Settings.of(DAY), data, folder)
    return read_journal(folder / "journal")


def decide(journal: Journal, start: int) -> tuple[float, int, str]:
    """Seconds, frames that ran and digest of a session in logical time over a journal's inputs."""
    inputs = list(inputs_of(journal.messages))
    store = MemoryStore()
    writer = JournalWriter(store, settings=journal.settings)
    core = TradingCore(Settings.of(DAY), writer)
    begin = time.perf_counter()
    count = run_frames(core, inputs, start, start + SESSION_FRAMES * FRAME)
    seconds = time.perf_counter() - begin
    return seconds, count.run, message_digest(read_journal(store.images(), unfinished=True).messages)


def empty_frames(frames: int, *, skip_empty: bool) -> float:
    """Frames a second of a core that nothing reaches."""
    core = TradingCore(Settings.of(DAY), JournalWriter())
    begin = time.perf_counter()
    count = run_frames(core, (), FRAME, (frames + 1) * FRAME, skip_empty=skip_empty)
    seconds = time.perf_counter() - begin
    assert count.run + count.skipped == frames
    return frames / seconds


def logical(data: Path, quick: bool) -> Iterator[Row]:
    """Rows on logical time."""
    journal = recorded(data)
    first = next(message.time for message in journal.messages if message.kind is Kind.FRAME)
    runs = [decide(journal, first) for _ in range(1 if quick else 3)]
    right = all(digest == message_digest(journal.messages) for _, _, digest in runs)
    yield Row("decisions of the session that differ", float(not right), "", None, "0", right)
    skipping = max(empty_frames(1_000_000, skip_empty=True) for _ in range(3))
    walking = max(empty_frames(50_000, skip_empty=False) for _ in range(3))
    holds = skipping >= EMPTY_PER_SECOND
    yield Row(
        "empty frames (peer: walked)", skipping / 1e6, "M/s", walking / 1e6, f">= {EMPTY_PER_SECOND / 1e6:g}", holds
    )
    seconds = min(seconds for seconds, _, _ in runs)
    what = f"session, {SESSION_FRAMES:,} frames, {runs[0][1]} with news"
    yield Row(what, seconds, "s", None, f"<= {SESSION_SECONDS:g}", seconds <= SESSION_SECONDS)


# Real time -------------------------------------------------------------------------------------------------------


def churn() -> None:
    """Keep a processor and its caches busy, until it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    random = np.random.default_rng(1)
    block = random.random(4 << 20)
    while True:
        block[:] = (block[::-1] + block) * 0.5


@contextmanager
def load() -> Iterator[None]:
    """One process a processor that churns memory."""
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=churn, daemon=True) for _ in range(os.cpu_count() or 1)]
    for process in processes:
        process.start()
    time.sleep(1.0)
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.join()


def releases(frames: int, prepared: bool) -> tuple[list[Preparation], ReleaseLog]:
    """Wait for that many frames, as ``alo core`` waits, or as a plain loop would."""
    steps = isolate(Isolation(cpu=None if not prepared else (os.cpu_count() or 1) - 1), lambda: "nothing to compile")
    clock, log = RealClock(), ReleaseLog()
    deadline = clock.now() + 10 * FRAME
    for number in range(frames):
        log.begin()
        log.add(number, clock.wait_until(deadline + number * FRAME))
    return steps, log


def plain_releases(frames: int) -> ReleaseLog:
    """The same by ``time.sleep`` alone."""
    log = ReleaseLog()
    deadline = time.monotonic_ns() + 10 * FRAME
    for number in range(frames):
        log.begin()
        due = deadline + number * FRAME
        began = time.monotonic_ns()
        time.sleep(max(0, due - began) / 1e9)
        woken = time.monotonic_ns()
        log.add(number, Release(due, began, woken, woken))
    return log


def real(quick: bool) -> Iterator[Row]:
    """Rows on real time; what the host granted and why releases were late goes to standard error."""
    context = multiprocessing.get_context("spawn")
    frames = FRAMES[quick]
    with load():
        with context.Pool(1) as pool:
            steps, log = pool.apply(releases, (frames, True))
        with context.Pool(1) as pool:
            plain = pool.apply(plain_releases, (min(frames, 3_000) // (2 if quick else 1),)).lateness()
    for step in steps:
        print(f"{step.name}: {'yes' if step.done else 'no'} ({step.detail})", file=sys.stderr)
    lateness = log.lateness()
    told = zip(RELEASE_GOALS.items(), (lateness.p50, lateness.p99, lateness.p999), plain[1:4], strict=True)
    for (name, goal), ours, peer in told:
        what = f"release jitter at 10 ms under load, {name}"
        yield Row(what, ours / 1e3, "us", peer / 1e3, f"<= {goal / 1e3:g}", ours <= goal)
    yield Row(f"  longest of {lateness.frames:,} frames", lateness.worst / 1e3, "us", plain.worst / 1e3)
    for why, count in log.causes.most_common():
        yield Row(f"  late by 25 us or more: {why.value}", float(count), "frames")
        yield Row("    of them by 200 us or more", float(log.far[why]), "frames")
    for late in log.worst[:3]:
        print(f"frame {late.frame} was {late.late / 1e3:,.0f} us late: {late.why.value}", file=sys.stderr)


def main() -> int:
    parser = options_of(__doc__)
    add_data_option(parser)
    parser.add_argument("--frames", type=int, help="frames of real time, 10 ms each")
    options = data_options(parser)
    if options.frames is not None:
        if options.frames < 1:
            parser.error(f"--frames {options.frames} must be at least 1")
        FRAMES[options.quick] = options.frames
    rows = [*logical(options.data, options.quick), *real(options.quick)]
    gc.collect()
    return report(rows, as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
