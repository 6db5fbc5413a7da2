"""Processes that are killed: what was appended is there afterwards, once, in whichever call they were."""

import mmap
import os
import signal
import struct
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alo_lib.journal import Durability, Files, JournalWriter, recover
from tests.journal.failures import CALLS
from tests.journal.workload import SETTINGS, check, message

SEGMENT = 4096
ROUNDS_A_JOURNAL = 20

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


class DyingFiles(Files):
    """Files whose process is killed before or after its ``number``-th call."""

    def __init__(self, number: int, *, late: bool) -> None:
        self.number = number
        self.late = late
        self.calls = 0

    def __getattribute__(self, name: str) -> Any:
        real = super().__getattribute__(name)
        if name not in CALLS:
            return real

        def call(*arguments: Any) -> Any:
            number, self.calls = self.calls, self.calls + 1
            if number == self.number and not self.late:
                os.kill(os.getpid(), signal.SIGKILL)
            result = real(*arguments)
            if number == self.number:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return call


def child(folder: Path, acknowledged: mmap.mmap, durability: Durability, files: Files) -> None:
    """Continue the journal for ever; say after each append how many there are."""
    options = {"durability": durability, "segment_bytes": SEGMENT}
    if any(folder.glob("*.segment")):
        writer = recover(folder, files=files).writer(**options)
    else:
        writer = JournalWriter.create(folder, settings=SETTINGS, files=files, **options)
    while True:
        sequence = writer.append(message(writer.sequence))
        struct.pack_into("<qq", acknowledged, 0, sequence + 1, writer.durable)


def rounds(count: int, seed: int) -> Iterator[str]:
    """Kill ``count`` processes; yields what was wrong after one of them."""
    random = np.random.default_rng(seed)
    fast = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    acknowledged = mmap.mmap(-1, 16)
    done = 0
    while done < count:
        with tempfile.TemporaryDirectory(dir=fast) as name:
            folder = Path(name) / "journal"
            acknowledged[:] = bytes(16)
            durability = list(Durability)[int(random.integers(3))]
            for _ in range(ROUNDS_A_JOURNAL):
                done += 1
                named = random.random() < 0.5
                files = DyingFiles(int(random.integers(30)), late=bool(random.random() < 0.5)) if named else Files()
                process = os.fork()
                if process == 0:
                    try:
                        child(folder, acknowledged, durability, files)
                    finally:
                        os._exit(9)
                time.sleep(random.uniform(0, 0.004))
                os.kill(process, signal.SIGKILL)
                _, status = os.waitpid(process, 0)
                if not os.WIFSIGNALED(status):
                    yield f"round {done}: the process ended by itself, with status {status}"
                appended, durable = struct.unpack("<qq", acknowledged)
                if durable > appended:
                    yield f"round {done}: {appended} appended, {durable} durable"
                if not any(folder.glob("*.segment")):
                    if appended:
                        yield f"round {done}: {appended} were acknowledged, no segment is left"
                    continue
                found = recover(folder).journal.messages
                if problem := check(found, durable=appended, appended=appended + 1):
                    yield f"round {done} ({durability}): {problem}"
                struct.pack_into("<qq", acknowledged, 0, len(found), len(found))


def test_nothing_that_was_acknowledged_is_lost() -> None:
    assert list(rounds(120, seed=1)) == []


@pytest.mark.slow
def test_nothing_that_was_acknowledged_is_lost_in_ten_thousand_kills() -> None:
    assert next(rounds(10_000, seed=2), "") == ""
