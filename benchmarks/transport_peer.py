"""The other process of benchmarks/transport.py, and the loops that both sides run compiled."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from numba import types

from alo_lib.journal.kernels import append
from alo_lib.records import Kind
from alo_lib.transport import MessageRing, RecordRing, SeqLock
from alo_lib.transport.atomics import Words, cycles, load_relaxed, pause, shared_kernel
from alo_lib.transport.kernels import (
    FULL,
    message_advance,
    message_peek,
    message_push,
    ring_pop,
    ring_push,
    seqlock_read,
    seqlock_write,
)
from alo_lib.transport.layout import DATA

ROOT: Final = Path(__file__).resolve().parents[1]

LINE: Final = np.dtype([("number", "<i8"), ("stamp", "<i8"), ("rest", "<i8", (5,))])
"""56 bytes: with its slot's stamp, a cache line."""
PAIR: Final = np.dtype([("number", "<i8"), ("square", "<i8"), ("rest", "<i8", (14,))])
"""128 bytes whose every word follows from the first, so that a torn read shows."""
BATCH: Final = 512
_URGENT: Final = -15
_PATIENT: Final = 0
_ENDLESS: Final = 1 << 62
_SPINS: Final = 1 << 22
"""Turns of a spin loop, some milliseconds, before the processor is left to others. With fewer, two processes that are
interrupted by others take turns in waiting for each other; without an end, they never meet on a single processor."""
_sched_yield = types.ExternalFunction("sched_yield", types.int32())
QUOTE: Final = int(Kind.QUOTE)
QUOTE_WORDS: Final = 5

Floats = npt.NDArray[np.float64]


def settle(place: int, role: str) -> None:
    """Stay on one processor, where there are several, and go before other programs where that matters and may be."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, _PATIENT if role == "pairs" else _URGENT)
    if hasattr(os, "sched_setaffinity"):
        allowed = sorted(os.sched_getaffinity(0))
        with suppress(OSError):
            os.sched_setaffinity(0, {allowed[place % len(allowed)]})


@contextmanager
def peer(role: str, folder: Path, count: int = _ENDLESS) -> Iterator["subprocess.Popen[str]"]:
    """The process in that role, compiled and ready; it is killed with the block where it still runs."""
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    command = [sys.executable, "-m", "benchmarks.transport_peer", role, str(folder), str(count)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    settle(0, role)
    with process:
        try:
            if process.stdout.readline() != "ready\n":
                raise RuntimeError(f"the other process, in the role {role}, did not start")
            yield process
        finally:
            process.kill()
            with suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, 0, _PATIENT)
            if allowed:
                os.sched_setaffinity(0, allowed)


@shared_kernel
def rest(turn: int) -> int:
    """One more turn of a spin loop."""
    if turn & (_SPINS - 1) == _SPINS - 1:
        _sched_yield()
    return turn + 1


# Ring hop ----------------------------------------------------------------------------------------------------------


@shared_kernel
def ping(there: Words, there_epoch: int, back: Words, back_epoch: int, times: Words) -> int:
    """Send a record and await it, once a row of ``times``, shape (n * 3): there and back, there, back, in cycles."""
    record, answer = np.zeros(7, np.int64), np.zeros(7, np.int64)
    for i in range(len(times) // 3):
        begin = cycles()
        record[0], record[1] = i, begin
        ring_push(there, there_epoch, record, 1)
        turn = 0
        while ring_pop(back, back_epoch, answer, 1) == 0:
            turn = rest(turn)
        end = cycles()
        if answer[0] != i:
            return i
        times[3 * i], times[3 * i + 1], times[3 * i + 2] = end - begin, answer[2] - begin, end - answer[2]
    return -1


@shared_kernel
def pong(there: Words, there_epoch: int, back: Words, back_epoch: int, count: int) -> None:
    record = np.zeros(7, np.int64)
    for _ in range(count):
        turn = 0
        while ring_pop(there, there_epoch, record, 1) == 0:
            turn = rest(turn)
        record[2] = cycles()
        ring_push(back, back_epoch, record, 1)


# Batches -----------------------------------------------------------------------------------------------------------


@shared_kernel
def push_batches(words: Words, epoch: int, width: int, count: int) -> None:
    """Push ``count`` records whose words are their number, in batches."""
    source = np.empty(BATCH * width, np.int64)
    for first in range(0, count, BATCH):
        for k in range(BATCH):
            for w in range(width):
                source[k * width + w] = first + k
        turn = 0
        while ring_push(words, epoch, source, BATCH) == FULL:
            pause()
            turn = rest(turn)


@shared_kernel
def pop_batches(words: Words, epoch: int, width: int, begin: int, end: int) -> int:
    """Take records ``begin`` to ``end``. Returns how many were not the next one."""
    out = np.empty(BATCH * width, np.int64)
    expected, wrong, turn = begin, 0, 0
    while expected < end:
        found = ring_pop(words, epoch, out, min(BATCH, end - expected))
        turn = rest(turn) if found == 0 else 0
        for k in range(found):
            wrong += (out[k * width] != expected + k) | (out[(k + 1) * width - 1] != expected + k)
        expected += found
    return wrong


# Sequence lock -----------------------------------------------------------------------------------------------------


@shared_kernel
def write_pairs(words: Words, epoch: int, count: int) -> None:
    source = np.empty(16, np.int64)
    for number in range(count):
        source[:] = number
        source[1] = number * number
        seqlock_write(words, epoch, source)


@shared_kernel
def is_torn(out: Words) -> bool:
    """Whether a copy of a pair, its epoch first, is not of one piece."""
    number = out[1]
    different = out[2] ^ (number * number)
    for w in range(3, 17):
        different |= out[w] ^ number
    return bool(different != 0)


@shared_kernel
def read_pairs(words: Words, count: int, counts: Words) -> None:
    """Read ``count`` times. ``counts`` gets torn reads, versions seen, and reads that all retries did not answer."""
    out = np.empty(17, np.int64)
    last = 0
    for _ in range(count):
        version = seqlock_read(words, out, 64)
        if version < 0:
            counts[2] += 1
            continue
        counts[0] += is_torn(out)
        counts[1] += version != last
        last = version


@shared_kernel
def read_unchecked(words: Words, count: int) -> int:
    """Torn reads of one copy without a second look: what the sequence lock is for."""
    out = np.empty(17, np.int64)
    torn = 0
    for _ in range(count):
        for w in range(17):
            out[w] = load_relaxed(words, DATA + w)
        torn += is_torn(out)
    return torn


# Event path --------------------------------------------------------------------------------------------------------


@shared_kernel
def send_events(
    bids: Floats,
    asks: Floats,
    begin: int,
    ring: Words,
    epoch: int,
    journal: Words,
    marks: Words,
    gap: int,
    times: Words,
) -> int:
    """Marshal quotes from ``begin`` on, journal each, push it; ``times`` gets the cycles that each took.

    Returns how many were sent: fewer than there are when the journal's segment is full. ``gap`` cycles pass between
    the beginnings of two events. A message's time is the cycle counter at which its event began.
    """
    payload = np.zeros(QUOTE_WORDS, np.int64)
    prices = payload.view(np.float64)
    begun = cycles()
    for i in range(begin, len(bids)):
        while cycles() - begun < gap:
            pause()
        begun = cycles()
        payload[0] = i & 0xFFFF
        prices[1], prices[2] = bids[i], asks[i]
        payload[3], payload[4] = 10, 20
        if append(journal, marks, begun, begun, QUOTE, 1, 8 * QUOTE_WORDS, payload) < 0:
            return i
        turn = 0
        while message_push(ring, epoch, QUOTE, begun, payload, 8 * QUOTE_WORDS) == FULL:
            turn = rest(turn)
        times[i] = cycles() - begun
    return len(bids)


@shared_kernel
def take_events(words: Words, epoch: int, bids: Floats, arrivals: Words) -> None:
    """Take messages; ``arrivals`` gets the cycles from each one's begin until it was here, ``bids`` what it said."""
    out = np.empty(64, np.int64)
    prices = out.view(np.float64)
    for i in range(len(arrivals)):
        turn = 0
        while message_peek(words, epoch, out, 0) == 0:
            turn = rest(turn)
        arrivals[i] = cycles() - out[1]
        bids[i] = prices[3]
        message_advance(words, epoch)


# The process -------------------------------------------------------------------------------------------------------


def end_with_parent() -> None:
    """End this process when the other side of its standard input does: nobody is left spinning."""

    def wait() -> None:
        sys.stdin.read()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def ready() -> None:
    print("ready", flush=True)


def main(role: str, folder: Path, count: int) -> None:
    settle(1, role)
    if not role.startswith("pipe"):
        end_with_parent()
    if role == "pong":
        there = RecordRing.open(folder / "there.ring").consume("pong")
        back = RecordRing.open(folder / "back.ring").produce("pong")
        pong(there.words, there.epoch, back.words, back.epoch, 0)
        ready()
        pong(there.words, there.epoch, back.words, back.epoch, count)
    elif role == "pipe":
        ready()
        while record := os.read(0, 56):
            os.write(1, record)
    elif role == "batches":
        ring = RecordRing.open(folder / "batch.ring")
        producer = ring.produce("batches")
        width = ring.dtype.itemsize // 8
        push_batches(producer.words, producer.epoch, width, 0)
        ready()
        push_batches(producer.words, producer.epoch, width, count)
    elif role == "pipe batches":
        ready()
        os.read(0, 1)  # else the reader of the line above would have the first block's bytes in its buffer
        block = np.zeros(65536, np.uint8).tobytes()
        for _ in range(count):
            os.write(1, block)
    elif role == "pairs":
        writer = SeqLock.open(folder / "pairs.state").write_as("pairs")
        write_pairs(writer.words, writer.epoch, 1)
        ready()
        write_pairs(writer.words, writer.epoch, count)
    elif role == "events":
        consumer = MessageRing.open(folder / "events.ring").consume("core")
        # In files that the other side maps too: what was written there stays when this process is killed.
        bids = np.load(folder / "bids.npy", "r+")
        arrivals = np.load(folder / "arrivals.npy", "r+")
        told, came = np.asarray(bids), np.asarray(arrivals)
        take_events(consumer.words, consumer.epoch, told[:0], came[:0])
        ready()
        take_events(consumer.words, consumer.epoch, told, came)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
