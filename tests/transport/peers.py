"""The other process of the tests: ``python -m tests.transport.peers ROLE PATH``; it prints a line when it is ready."""

import os
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numba  # noqa: F401  before the processor's name is changed
import numpy as np

if "other processor" in sys.argv:
    platform.machine = lambda: "aarch64"

from alo_lib.numerics.compilation import kernel
from alo_lib.records import Kind, Message, records
from alo_lib.transport import MessageRing, RecordRing, RingFullError, SegmentError, SeqLock, atomics
from alo_lib.transport.atomics import Words, load_acquire, shared_kernel
from alo_lib.transport.kernels import ring_push, seqlock_write

ROOT = Path(__file__).resolve().parents[2]

PAIR = np.dtype([("number", "<i8"), ("square", "<i8"), ("rest", "<i8", (12,))])
"""A record whose every word follows from its first, so that a torn one shows."""


def pair(number: int) -> np.ndarray:
    array = np.empty(1, PAIR)
    array["number"], array["square"], array["rest"] = number, number * number, number
    return array


def quotes_of(number: int) -> Message:
    """A message of 1 to 40 records, all of which follow from its number."""
    return Message(Kind.QUOTE, number, records(Kind.QUOTE, 1 + number * 7 % 40, bid=float(number), bid_size=number))


@contextmanager
def peer(role: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """The process in that role, ready; ended with the block, by force where it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.transport.peers", role, *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            process.kill()


@shared_kernel
def plain_spin(words: Words, index: int, limit: int) -> int:
    """The loop that the compiler breaks: the word is loaded once, before the loop."""
    for turn in range(limit):
        if words[index] != 0:
            return turn
    return -1


@shared_kernel
def acquire_spin(words: Words, index: int, limit: int) -> int:
    for turn in range(limit):
        if load_acquire(words, index) != 0:
            return turn
    return -1


@shared_kernel
def push_numbers(words: Words, epoch: int, first: int, end: int) -> int:
    """Push records of one word until the ring is full. Returns the first number that was not pushed."""
    source = np.empty(1, np.int64)
    for number in range(first, end):
        source[0] = number
        if ring_push(words, epoch, source, 1) < 0:
            return number
    return end


@shared_kernel
def write_pairs(words: Words, epoch: int, count: int) -> int:
    source = np.empty(14, np.int64)
    status = 0
    for number in range(count):
        source[:] = number
        source[1] = number * number
        status = seqlock_write(words, epoch, source)
    return status


def end_with_parent() -> None:
    """End this process when the tests do, whatever it is doing: kernels run without the interpreter's lock."""

    def wait() -> None:
        sys.stdin.read()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def main(role: str, path: Path, *arguments: str) -> None:
    if role != "other processor":
        end_with_parent()
    if role == "spin":
        words = RecordRing.open(path).segment.words
        plain_spin(words, 0, 1), acquire_spin(words, 0, 1)  # compiled before the other side stores
        print("ready", flush=True)
        print(plain_spin(words, int(arguments[0]), 1 << 62), flush=True)
        print(acquire_spin(words, int(arguments[0]), 1 << 62), flush=True)
    elif role == "numbers":
        with RecordRing.open(path).produce("numbers") as side:
            push_numbers(side.words, side.epoch, 0, 0)
            print("ready", flush=True)
            number, end = 0, int(arguments[0])
            while number < end:
                number = push_numbers(side.words, side.epoch, number, end)
                time.sleep(0)  # to the reader, where both share a processor
    elif role == "pairs":
        writer = SeqLock.open(path).write_as("pairs")
        write_pairs(writer.words, writer.epoch, 1)
        print("ready", flush=True)
        write_pairs(writer.words, writer.epoch, 1 << 62)
    elif role == "messages":
        producer = MessageRing.open(path).produce("messages")
        print("ready", flush=True)
        number = int(arguments[0])
        while True:
            try:
                producer.push(quotes_of(number))
                number += 1
            except RingFullError:
                time.sleep(0)
    elif role == "other processor":
        import pytest
        from numba.core.errors import TypingError

        assert not atomics.SUPPORTED
        with pytest.raises(TypingError, match="compiled for x86-64 only"):
            kernel(acquire_spin)(np.zeros(1, np.int64), 0, 1)
        with pytest.raises(SegmentError, match="compiled for x86-64 only"):
            MessageRing.create(path, compiled=True)
        path.unlink()
        ring = MessageRing.create(path)
        assert not ring.segment.compiled
        with ring.produce("one") as producer, ring.consume("other") as consumer:
            producer.push(quotes_of(30))
            assert consumer.pop().records.tobytes() == quotes_of(30).records.tobytes()  # type: ignore[union-attr]
        print("ready", flush=True)
    elif role == "hold":
        RecordRing.open(path).produce("holder")
        print("ready", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
