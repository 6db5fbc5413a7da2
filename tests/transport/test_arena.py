import numpy as np
import pytest

from alo_lib.transport import Arena, ArenaFullError, NotOwnerError, SegmentError


def test_arrays_are_zero_aligned_and_apart():
    arena = Arena(1 << 12)
    taken = [arena.take(3), arena.take((2, 5), np.int32), arena.take(1, [("a", "<i8"), ("b", "S5")]), arena.take(0)]
    assert [array.shape for array in taken] == [(3,), (2, 5), (1,), (0,)]
    assert all(array.ctypes.data % 64 == 0 for array in taken)
    assert all(not array.view(np.uint8).any() for array in taken)
    taken[0][:] = 7.0
    taken[1][:] = 8
    assert taken[0].tolist() == [7.0] * 3
    assert arena.used == 3 * 64


def test_a_frame_ends_and_the_next_begins_from_zero():
    arena = Arena(1 << 12)
    arena.take(100)[:] = 5.0
    first = arena.take(1)
    arena.reset()
    assert (arena.used, arena.frames) == (0, 1)
    again = arena.take(100)
    assert not again.any()
    again[:] = 1.0
    assert arena.take(1).ctypes.data == first.ctypes.data
    arena.reset()
    assert arena.frames == 2


def test_what_does_not_fit_is_refused_and_the_rest_stays():
    arena = Arena(1 << 10)
    kept = arena.take(64)
    kept[:] = 3.0
    with pytest.raises(ArenaFullError, match=r"an array of 520 bytes does not fit .*: 512 of 1,024 bytes"):
        arena.take(65)
    assert arena.take(64).shape == (64,)
    assert kept.sum() == 192.0
    with pytest.raises(ArenaFullError):
        arena.take(1)


def test_poison_brings_an_array_kept_too_long_to_light():
    arena = Arena(1 << 10, poison=True)
    kept, count = arena.take(4), arena.take(4, np.int64)
    arena.reset()
    assert np.isnan(kept).all()
    assert (count == -1).all()
    assert not arena.take(4).any()


@pytest.mark.parametrize("capacity", [0, 63, 100, -64])
def test_the_capacity_is_whole_cache_lines(capacity):
    with pytest.raises(SegmentError, match=f"capacity {capacity} must be a multiple of 64 bytes"):
        Arena(capacity)


def test_objects_are_refused():
    with pytest.raises(SegmentError, match="holds no Python objects"):
        Arena(1 << 10).take(1, object)


def test_an_arena_in_a_segment_has_one_owner_and_starts_anew(folder):
    arena = Arena(1 << 12, path=folder / "frame.arena", name="core")
    arena.take(8)[:] = 1.0
    arena.reset()
    with pytest.raises(NotOwnerError, match=r"belongs to core"):
        Arena(1 << 12, path=folder / "frame.arena")
    arena.close()
    again = Arena(1 << 12, path=folder / "frame.arena", name="core")
    assert (again.used, again.frames) == (0, 1)
    assert not again.take(8).any()
