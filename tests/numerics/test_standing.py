"""Rank, percentile and score of the last of some values, by hand."""

import math
import statistics
from collections import deque

import pytest

from alo_lib.numerics.standing import percentile_of_last, rank_of_last, score_of_last


def test_by_hand() -> None:
    values = [0.30, 0.10, 0.20, 0.50, 0.30]
    assert rank_of_last(values) == pytest.approx(0.5)
    assert percentile_of_last(values) == pytest.approx(2 / 4)  # one before is the same, which is not below
    assert score_of_last(values) == pytest.approx((0.3 - 0.275) / statistics.stdev(values[:-1]))
    assert rank_of_last(deque(values)) == rank_of_last(values)
    assert (rank_of_last([*values, 0.6]), percentile_of_last([*values, 0.6])) == (1.0, 1.0)


def test_too_few_and_all_alike() -> None:
    assert math.isnan(rank_of_last([]))
    assert (rank_of_last([0.2]), percentile_of_last([0.2]), percentile_of_last([])) == (0.0, 0.0, 0.0)
    assert (rank_of_last([0.2, 0.2]), percentile_of_last([0.2, 0.2])) == (0.0, 0.0)
    assert math.isnan(score_of_last([0.2, 0.3]))
    assert math.isnan(score_of_last([0.2, 0.2, 0.3]))
