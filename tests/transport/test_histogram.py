"""Histograms against sorted values."""

import math

import numpy as np
import pytest

from alo_lib.numerics.compilation import python_original
from alo_lib.transport import Histograms, NotOwnerError, SegmentError
from alo_lib.transport.histogram import BUCKETS, STEPS, bucket_of, histogram_record, largest_of

SHARES = [0.0, 0.01, 0.5, 0.95, 0.99, 0.999, 1.0]


def bucket_by_logarithm(value):
    """The bucket by its definition: as many halvings as bring the value below 256, then what is left of it."""
    halvings = max(0, math.frexp(value)[1] - 8)
    return halvings * STEPS + int(value // 2**halvings)


@pytest.mark.parametrize("function", [bucket_of, python_original(bucket_of)], ids=["compiled", "uncompiled"])
def test_each_value_is_in_the_bucket_of_its_definition_and_ends_grow(function):
    edges = {max(0, (1 << power) + step) for power in range(36) for step in (-2, -1, 0, 1, 2)}
    values = sorted(edges | set(range(2000)))
    values = [value for value in values if value < 1 << 36]
    buckets = [function(value) for value in values]
    assert buckets == [bucket_by_logarithm(value) for value in values]
    for value, bucket in zip(values, buckets, strict=True):
        assert value <= largest_of(bucket) <= value + max(value / STEPS, 0)
        assert bucket == 0 or largest_of(bucket - 1) < value
    assert (function(-5), function(1 << 36), function((1 << 63) - 1)) == (0, BUCKETS - 1, BUCKETS - 1)
    assert bucket_of((1 << 36) - 1) == BUCKETS - 1


@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "uncompiled"])
def test_quantiles_are_those_of_the_sorted_values_to_their_bucket(tmp_path, compiled):
    chance = np.random.default_rng(20)
    values = np.concatenate(
        [chance.lognormal(9, 2, 1500), chance.integers(0, 300, 400), [3e11]]  # one beyond the last bucket
    ).astype(np.int64)
    histograms = Histograms.ensure(tmp_path / "h", 3, compiled=compiled)
    with histograms.record_as("me", ["first", "second"]) as writer:
        for value in values.tolist():
            writer.record(writer.places["second"], value)
        first, second = Histograms.open(tmp_path / "h", writable=False).readings()
    assert (first.name, first.count, first.least, first.largest) == ("first", 0, 0, 0)
    assert np.isnan(first.quantiles(SHARES)).all()
    ordered = np.sort(values)
    assert (second.count, second.total) == (len(values), int(values.sum()))
    assert (second.least, second.largest) == (ordered[0], ordered[-1])
    for share, found in zip(SHARES, second.quantiles(SHARES), strict=True):
        exact = int(ordered[max(math.ceil(share * len(ordered)), 1) - 1])
        expected = exact if share in (0.0, 1.0) else min(largest_of(bucket_of(exact)), int(ordered[-1]))
        assert found == expected
        assert exact <= found <= exact * (1 + 1 / STEPS)
    bounds = [255, 1023, (1 << 20) - 1, 1e12]  # ends of buckets, where the count is exact
    assert second.below(bounds[:3]).tolist() == [(values <= bound).sum() for bound in bounds[:3]]
    assert second.below(bounds[3]) == (values < largest_of(BUCKETS - 2) + 1).sum()  # the last bucket has no end


def test_one_process_records_and_begins_anew(tmp_path):
    histograms = Histograms.ensure(tmp_path / "h", 1)
    old = histograms.record_as("old", ["a"])
    old.record(0, 5)
    with pytest.raises(NotOwnerError, match="belongs to old"):
        histograms.record_as("new", ["a"])
    new = histograms.record_as("new", ["b"], force=True)
    with pytest.raises(NotOwnerError, match="taken over by new"):
        old.record(0, 5)
    with pytest.raises(SegmentError, match="damaged"):
        new.record(1, 5)
    assert [(each.name, each.count) for each in histograms.readings()] == [("b", 0)]
    new.close()
    with pytest.raises(SegmentError, match="room for 1 names"):
        histograms.record_as("new", ["a", "b"])


def test_the_kernel_touches_nothing_outside_of_its_row(tmp_path):
    histograms = Histograms.ensure(tmp_path / "h", 3)
    with histograms.record_as("me", ["a", "b", "c"]) as writer:
        words = writer.words
        before = words.copy()
        for value in (0, 1, 1 << 40, -3):
            assert histogram_record(words, writer.epoch, 1, value) == 0
        changed = np.flatnonzero(words != before)
        width = 16 + BUCKETS
        assert ((changed >= 512 + width) & (changed < 512 + 2 * width)).all()
        for row in (-1, 3, 1 << 50):
            assert histogram_record(words, writer.epoch, row, 1) < 0
        assert histogram_record(words, writer.epoch + 1, 1, 1) < 0
        assert len(np.flatnonzero(words != before)) == len(changed)
