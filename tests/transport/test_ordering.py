"""The kernels on a memory that is as weak as their atomics allow, which x86-64 never shows.

A writer's stores become visible in any order that releases permit, and a reader's loads see any moment that acquires
permit. Each ordering step is then taken away in turn, and the same runs must find it missing.
"""

import random

import numpy as np
import pytest

from alo_lib.numerics.compilation import python_original
from alo_lib.transport import kernels
from alo_lib.transport.layout import CAPACITY, DATA, EPOCH, MESSAGE_WORDS, READER, RECORD_WORDS, STRIDE, WRITER

WIDTH = 3
RUNS = 400


class Writer:
    """Words whose stores wait in a buffer, and leave it in any order but that of one word's own."""

    def __init__(self, words, chance):
        self.words, self.chance = words, chance
        self.waiting: list[tuple[int, int]] = []
        self.seen: list[tuple[int, int]] = []  # in the order in which they became visible

    def __len__(self):
        return len(self.words)

    def __getitem__(self, index):
        return self.words[index]

    def __setitem__(self, index, value):
        self.words[index] = value
        self.waiting.append((index, value))

    def flush(self):
        while self.waiting:
            pick = self.chance.choice(self.waiting)
            self.seen.append(self.waiting.pop([index for index, _ in self.waiting].index(pick[0])))


class Reader:
    """Words whose history goes on between any two loads; a load sees any moment since the last acquire."""

    def __init__(self, words, seen, chance, hurry):
        self.words, self.seen, self.chance, self.hurry = words, seen, chance, hurry
        self.now = self.floor = 0

    def __len__(self):
        return len(self.words)

    def at(self, index, moment):
        for place in range(moment - 1, -1, -1):
            if self.seen[place][0] == index:
                return self.seen[place][1]
        return self.words[index]

    def __getitem__(self, index):
        self.now = min(len(self.seen), self.now + self.chance.randrange(self.hurry))
        return self.at(index, self.chance.randint(self.floor, self.now))

    def acquire(self, index):
        self.now = min(len(self.seen), self.now + self.chance.randrange(self.hurry))
        self.floor = self.now
        return self.at(index, self.now)

    def __setitem__(self, index, value):
        raise AssertionError("a reader of this test stores nothing")


def fence_acquire_of(reader):
    def fence():
        reader.floor = reader.now

    return fence


@pytest.fixture
def weak(monkeypatch):
    """Let the kernels' originals work on Writer and Reader; ``without`` names the step that is left out."""

    def patch(writer, reader, without=""):
        def store_release(words, index, value):
            if without != "store_release":
                words.flush()
            words[index] = value

        def load_acquire(words, index):
            return words[index] if isinstance(words, Writer) or without == "load_acquire" else words.acquire(index)

        fences = {"fence_release": writer.flush, "fence_acquire": fence_acquire_of(reader)}
        for name, fence in fences.items():
            monkeypatch.setattr(kernels, name, (lambda: None) if name == without else fence)
        monkeypatch.setattr(kernels, "store_release", store_release)
        monkeypatch.setattr(kernels, "store_relaxed", lambda words, index, value: words.__setitem__(index, value))
        monkeypatch.setattr(kernels, "load_acquire", load_acquire)
        monkeypatch.setattr(kernels, "load_relaxed", lambda words, index: words[index])
        for called in ("_claim", "_slots", "_is_claimed", "_message_capacity", "message_slots"):
            monkeypatch.setattr(kernels, called, python_original(getattr(kernels, called)))

    return patch


def segment(capacity, width=WIDTH):
    words = np.zeros(DATA + capacity * (1 + width), np.int64)
    words[CAPACITY], words[STRIDE], words[RECORD_WORDS] = capacity, 1 + width, width
    words[WRITER + EPOCH] = words[READER + EPOCH] = 1
    return words


def broken_rings(weak, without=""):
    """Runs in which a reader got a record that was not the one sent."""
    broken = 0
    for seed in range(RUNS):
        chance, before = random.Random(seed), segment(8)
        writer = Writer(before.copy(), chance)
        reader = Reader(before, writer.seen, chance, chance.choice((2, 3, 6)))
        weak(writer, reader, without)
        for first in (1, 4):
            python_original(kernels.ring_push)(writer, 1, np.repeat(np.arange(first, first + 3), WIDTH), 3)
        writer.flush()
        out = np.zeros(8 * WIDTH, np.int64)
        count = python_original(kernels.ring_peek)(reader, 1, out, 8)
        broken += out[: count * WIDTH].tolist() != np.repeat(np.arange(1, count + 1), WIDTH).tolist()
    return broken


def broken_messages(weak, without=""):
    """Runs in which a reader got a message that was not the one sent, or a part of it."""
    broken = 0
    for seed in range(RUNS):
        chance, before = random.Random(seed), segment(8, MESSAGE_WORDS)
        writer = Writer(before.copy(), chance)
        reader = Reader(before, writer.seen, chance, chance.choice((2, 6, 20)))
        weak(writer, reader, without)
        payload = np.arange(11, 23)  # of two slots
        python_original(kernels.message_push)(writer, 1, 7, 99, payload, 96)
        writer.flush()
        out = np.zeros(16, np.int64)
        length = python_original(kernels.message_peek)(reader, 1, out, 0)
        broken += out[:length].tolist() != [96 | 7 << 32, 99, *payload][:length] or length not in (0, 14)
    return broken


def broken_states(weak, without=""):
    """Runs in which a reader got a version that was not of one piece."""
    broken = 0
    for seed in range(4 * RUNS):
        chance, before = random.Random(seed), segment(2)  # fewer copies, so that they come round sooner
        writer = Writer(before.copy(), chance)
        reader = Reader(before, writer.seen, chance, chance.choice((2, 4, 16)))
        weak(writer, reader, without)
        for version in range(1, 12):
            python_original(kernels.seqlock_write)(writer, 1, np.full(WIDTH, version))
        writer.flush()
        out = np.zeros(1 + WIDTH, np.int64)
        version = python_original(kernels.seqlock_read)(reader, out, 64)
        broken += version > 0 and out.tolist() != [1, *[version] * WIDTH]
    return broken


def name(of):
    return getattr(of, "__name__", of)


CASES = {
    broken_rings: ("store_release", "load_acquire"),
    broken_messages: ("store_release", "load_acquire"),
    broken_states: ("store_release", "load_acquire", "fence_release", "fence_acquire"),
}


@pytest.mark.parametrize("broken", CASES, ids=name)
def test_nothing_is_seen_that_was_not_sent(weak, broken):
    assert broken(weak) == 0


@pytest.mark.parametrize(
    ("broken", "without"), [(broken, step) for broken, steps in CASES.items() for step in steps], ids=name
)
def test_every_ordering_step_is_needed(weak, broken, without):
    assert broken(weak, without) > 0
