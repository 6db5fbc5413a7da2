import numpy as np
import pytest

from alo_lib.numerics.compilation import python_original
from alo_lib.records import LAYOUTS, Kind, records
from alo_lib.transport import SegmentError, SeqLock, SeqLockBusyError, kernels
from alo_lib.transport.inspection import Look
from alo_lib.transport.layout import DATA, POSITION, STRIDE, WRITER
from alo_lib.transport.seqlock import COPIES

EXPOSURE = LAYOUTS[Kind.EXPOSURE]


def test_the_last_version_is_read_with_its_writers_epoch(folder, compiled):
    state = SeqLock.create(folder / "a.state", EXPOSURE, compiled=compiled)
    nothing = state.read()
    assert (nothing.epoch, nothing.version, nothing.value.tobytes()) == (0, 0, bytes(EXPOSURE.itemsize))
    with state.write_as("core") as writer:
        for version in range(1, 3 * COPIES):
            assert writer.write(records(Kind.EXPOSURE, spot=float(version))) == version
            found = SeqLock.open(folder / "a.state", compiled=compiled).read(retries=0)
            assert (found.epoch, found.version, found.value["spot"]) == (1, version, version)
    assert state.owner.pid == 0
    again = state.write_as("core")
    assert state.read().epoch == 1  # what the last one wrote stays until there is something new
    again.write(records(Kind.EXPOSURE)[0])
    assert (state.read().epoch, state.version) == (2, 3 * COPIES)


def test_a_snapshot_is_a_copy(folder):
    state = SeqLock.create(folder / "a.state", EXPOSURE)
    writer = state.write_as("core")
    writer.write(records(Kind.EXPOSURE, spot=1.0))
    found = state.read()
    writer.write(records(Kind.EXPOSURE, spot=2.0))
    state.read()
    assert found.value["spot"] == 1.0


@pytest.mark.parametrize("words_done", range(EXPOSURE.itemsize // 8 + 2))
def test_a_write_that_stopped_anywhere_is_not_seen(folder, words_done):
    state = SeqLock.create(folder / "a.state", EXPOSURE)
    writer = state.write_as("core")
    for spot in range(COPIES + 3):
        writer.write(records(Kind.EXPOSURE, spot=float(spot)))
    words = state.segment.words
    slot = DATA + (state.version + 1) % COPIES * int(words[STRIDE])
    words[slot : slot + words_done] = -1
    assert state.read(retries=0).value["spot"] == COPIES + 2
    following = state.write_as("next", force=True)
    following.write(records(Kind.EXPOSURE, spot=99.0))
    assert state.read(retries=0)[:2] == (2, COPIES + 4)


def test_tries_are_bounded_when_the_writer_always_overtakes(folder, monkeypatch):
    """Between the two looks of each try, exactly as many versions come as make the copy unsafe, or one fewer."""
    state = SeqLock.create(folder / "a.state", EXPOSURE, compiled=False)
    state.write_as("core").write(records(Kind.EXPOSURE))
    words = state.segment.words
    tries = []

    def overtaking(count):
        def fence():
            tries.append(1)
            words[WRITER + POSITION] += count

        return fence

    monkeypatch.setattr(kernels, "fence_acquire", overtaking(COPIES - 2))
    assert state.read(retries=5).version == 1
    assert len(tries) == 1
    monkeypatch.setattr(kernels, "fence_acquire", overtaking(COPIES - 1))
    with pytest.raises(SeqLockBusyError, match="was rewritten during each of 6 tries to read it"):
        state.read(retries=5)
    assert len(tries) == 7


def test_kernels_and_originals_agree(folder):
    state = SeqLock.create(folder / "a.state", EXPOSURE)
    writer = state.write_as("core")
    source = np.arange(EXPOSURE.itemsize // 8)
    out = [np.zeros(1 + len(source), np.int64) for _ in range(2)]
    assert kernels.seqlock_write(writer.words, writer.epoch, source) == 1
    assert python_original(kernels.seqlock_write)(writer.words, writer.epoch, source) == 2
    assert kernels.seqlock_read(writer.words, out[0], 0) == python_original(kernels.seqlock_read)(
        writer.words, out[1], 0
    )
    assert out[0].tolist() == out[1].tolist() == [1, *source]
    assert kernels.seqlock_write(writer.words, 7, source) == kernels.FENCED


def test_only_one_record_of_its_layout_is_a_state(folder):
    writer = SeqLock.create(folder / "a.state", EXPOSURE).write_as("core")
    with pytest.raises(SegmentError, match=r"cannot hold 2 of"):
        writer.write(records(Kind.EXPOSURE, 2))
    with pytest.raises(SegmentError, match="cannot hold 1 of"):
        writer.write(records(Kind.RATE))


def test_who_looks_sees_the_last_version(folder):
    state = SeqLock.create(folder / "a.state", EXPOSURE)
    look = Look(state.segment.path)
    assert list(look.entries(0)) == []
    writer = state.write_as("core")
    for spot in range(5):
        writer.write(records(Kind.EXPOSURE, spot=float(spot)))
    (entry,) = look.entries(0)
    assert (entry.position, entry.end, entry.records["spot"].tolist()) == (5, 5, [4.0])
    assert list(look.entries(entry.end)) == []
