"""Where a value stands among those of the days before: rank, percentile and distance in standard deviations."""

import math
from collections.abc import Sequence
from itertools import islice

__all__ = ["percentile_of_last", "rank_of_last", "score_of_last"]


def rank_of_last(values: Sequence[float]) -> float:
    """How far the last of some finite ``values`` (n,) lies from the lowest to the highest of them, from 0 to 1.

    0 where all are alike; NaN of none.
    """
    if not values:
        return math.nan
    low, high = min(values), max(values)
    return (values[-1] - low) / (high - low) if high > low else 0.0


def percentile_of_last(values: Sequence[float]) -> float:
    """The share of the values before the last that were below it, from 0 to 1; 0 where there are none before."""
    before = len(values) - 1
    return sum(each < values[-1] for each in islice(values, before)) / before if before > 0 else 0.0


def score_of_last(values: Sequence[float]) -> float:
    """By how many standard deviations of the values before it (n - 1 in the denominator) the last is above their mean.

    NaN with fewer than two values before, or where these are alike.
    """
    before = list(values)[:-1]
    if len(set(before)) <= 1:
        return math.nan
    mean = math.fsum(before) / len(before)
    deviation = math.sqrt(math.fsum((each - mean) ** 2 for each in before) / (len(before) - 1))
    return (values[-1] - mean) / deviation
