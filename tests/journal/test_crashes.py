"""The machine goes down: whatever a disk may have kept, nothing that was durable is lost."""

import numpy as np
import pytest

from alo_lib.journal import Durability, FolderStore, JournalWriter
from tests.journal.disk import FOLDER, SimulatedDisk
from tests.journal.workload import SETTINGS, check, message, violations

SAMPLE = 2_000
ALL = 1_000_000


def test_nothing_durable_is_lost() -> None:
    assert list(violations(SAMPLE, seed=1)) == []


@pytest.mark.slow
def test_nothing_durable_is_lost_in_a_million_states() -> None:
    assert next(violations(ALL, seed=2), "") == ""


def test_the_disk_loses_what_was_not_synced() -> None:
    random = np.random.default_rng(3)
    disk = SimulatedDisk()
    writer = JournalWriter(FolderStore(FOLDER, disk), settings=SETTINGS, segment_bytes=1 << 14)
    for number in range(60):
        writer.append(message(number))
    contents = {disk.after_crash(random)["00000000.segment"] for _ in range(50)}
    assert len(contents) > 40
    writer.wait(60)
    assert len({disk.after_crash(random)["00000000.segment"] for _ in range(50)}) == 1


def test_what_the_syncing_thread_publishes_is_durable() -> None:
    """The thread's own sync, of a simulated disk, at instants that the machine chooses."""
    from alo_lib.journal import recover

    random = np.random.default_rng(4)
    for _ in range(20):
        disk = SimulatedDisk()
        store = FolderStore(FOLDER, disk)
        writer = JournalWriter(store, settings=SETTINGS, durability=Durability.GROUP, segment_bytes=2048)
        for number in range(int(random.integers(1, 80))):
            writer.append(message(number))
        durable = writer.durable
        left = disk.after_crash(random)
        appended = writer.sequence
        writer.abandon()
        if not any(name.endswith(".segment") for name in left):
            assert durable == 0
            continue
        found = recover(FOLDER, files=SimulatedDisk(left))
        assert check(found.journal.messages, durable=durable, appended=appended) == ""
