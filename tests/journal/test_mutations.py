"""Each step that keeps a journal safe is needed: without it, a check of the other tests turns red."""

import contextlib
import itertools
from collections.abc import Callable, Iterator
from types import ModuleType

import numpy as np
import pytest

from alo_lib.journal import kernels as journal_kernels
from tests.journal import damage, failures
from tests.journal.mutants import mutant
from tests.journal.workload import violations

STATES = 4_000

Check = Callable[[ModuleType], Iterator[str]]


def some_flips(room: ModuleType) -> Iterator[str]:
    return damage.flips(room, slice(5, None, 37))


def crashes(room: ModuleType) -> Iterator[str]:
    return violations(STATES, 5, room)


def rounds(room: ModuleType) -> Iterator[str]:
    """Let the world move on while the syncing thread works, and see what it publishes."""
    kernels: ModuleType = room.__dict__.get("kernels", journal_kernels)
    thread = room.syncing

    def run(during: str) -> int:
        marks = np.zeros(kernels.MARKS, np.int64)
        marks[kernels.APPENDED] = 5

        calls = itertools.count()

        def call(address: int, argument: int) -> int:
            if next(calls) > 20:
                raise TimeoutError
            if address == 1 and during == "sync":
                marks[kernels.APPENDED] += 3
                marks[kernels.SWITCH] += 1
            if address == 2 and during == "look":  # the writer goes on to the next segment
                marks[kernels.SWITCH] += 1
                marks[kernels.APPENDED] += 2
            return 0

        thread.call = call
        with contextlib.suppress(TimeoutError):
            thread._rounds(marks, 0, 7, 1, 0, 2, *thread._UNTIMED)
        return int(marks[kernels.DURABLE])

    if (durable := run("sync")) != 5:
        yield f"5 entries were appended when the sync began, {durable} are said to be durable"
    if (durable := run("look")) > 5:
        yield f"5 entries are in the segment that is synced, {durable} are said to be durable"


MUTATIONS: list[tuple[str, str, str, Check]] = [
    # syncs
    (
        "writer",
        "            self.store.sync(self._segment)\n        self.marks[DURABLE] = appended",
        "            pass\n        self.marks[DURABLE] = appended",
        crashes,
    ),
    ("writer", "            self.store.sync(self._unsynced[0])", "            pass", crashes),
    (
        "writer",
        "                if self.durability is Durability.EVERY:\n                    self._sync_all()",
        "                if self.durability is Durability.EVERY:\n"
        "                    self.marks[DURABLE] = self.sequence",
        crashes,
    ),
    ("store", "            self.files.sync(file.descriptor)\n", "", crashes),
    ("store", "            self.files.sync_directory(self.folder)\n", "", crashes),
    (
        "recovery",
        "            _sync(folder, files, segment)\n",
        "            pass\n",
        crashes,
    ),
    (
        "recovery",
        "to be on disk than others have\n        files.sync(descriptor)\n",
        "\n",
        crashes,
    ),
    # order
    (
        "writer",
        "        appended = self.sequence\n        assert self._segment is not None\n",
        "        self.marks[DURABLE] = appended = self.sequence\n        assert self._segment is not None\n",
        crashes,
    ),
    (
        "writer",
        "        while self._unsynced:\n            self._sync_oldest()\n        appended",
        "        appended",
        crashes,
    ),
    ("syncing", "        marks[DURABLE] = appended", "        marks[DURABLE] = marks[APPENDED]", rounds),
    (
        "syncing",
        "        if marks[SWITCH] != switch or marks[STATE] != 0:\n            return 0\n",
        "",
        rounds,
    ),
    ("preparing", " and not self._thread.is_alive()", "", failures.spares),
    # checksums and places
    (
        "kernels",
        "        if (words[at + 5] >> 32) & ALL_ONES != _entry_crc(words, at, size, epoch):\n            break\n",
        "",
        some_flips,
    ),
    ("kernels", "    crc = np.uint64(crc32c_words(words, at, at + ENTRY_WORDS - 1, crc))\n", "", some_flips),
    (
        "kernels",
        "    crc = np.uint64(crc32c_words(words, at + ENTRY_WORDS, at + ENTRY_WORDS + count, crc))\n",
        "",
        some_flips,
    ),
    ("kernels", "crc32c_word(np.uint64(ALL_ONES), epoch)", "crc32c_word(np.uint64(ALL_ONES), 1)", damage.leftovers),
    ("kernels", "        if words[at] != sequence or size", "        if size", damage.swaps),
    ("reader", ' or header["crc"] != crc32c(checked.tobytes() + settings)', "", some_flips),
    (
        "reader",
        "            if last and not segment.sealed and not unfinished:",
        "            if False:",
        damage.truncations,
    ),
    # what recovery cuts and refuses
    ("recovery", "        if max(claims) > expected:", "        if False:", some_flips),
    ("recovery", "        files.truncate(descriptor, last.end * WORD)\n", "", damage.truncations),
    # stopping
    ("writer", "            self.marks[STATE] = error.errno or 1\n", "            pass\n", failures.going_on),
    ("files", "        if _FDATASYNC(descriptor):", "        if _FDATASYNC(descriptor) and False:", failures.unheard),
    ("files", "        if written != len(data):", "        if False:", failures.unheard),
]


@pytest.mark.parametrize(("module", "old", "new", "check"), MUTATIONS)
def test_something_turns_red(module: str, old: str, new: str, check: Check) -> None:
    assert next(check(mutant(module, old, new)), None) is not None


@pytest.mark.parametrize("check", list(dict.fromkeys(mutation[-1] for mutation in MUTATIONS)))
def test_nothing_is_red_as_it_is(check: Check) -> None:
    assert next(check(mutant("writer", "nothing can follow it", "nothing can follow  it")), None) is None
