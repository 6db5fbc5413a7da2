"""Which points of a sweep lie beside each other: a best that its neighbours do not share is luck, or soon gone."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from alo_lib.records.spelling import number_of
from alo_lib.sweep.space import Axis, Point

__all__ = ["neighbours", "places"]

Array = NDArray[np.float64]


def places(axes: Sequence[Axis], points: Sequence[Point]) -> Array:
    """Where points (n,) lie, (n, axes), in steps of each axis.

    Values that are listed are a step apart, in the order in which they were given. A range is as long as it would have
    steps if so many points were a grid.
    """
    found = np.zeros((len(points), len(axes)))
    steps = max(round(len(points) ** (1.0 / max(len(axes), 1))) - 1, 1)
    for column, axis in enumerate(axes):
        values = [point[axis.setting] for point in points]
        if axis.values:
            found[:, column] = [axis.values.index(value) for value in values]
        else:
            numbers = np.array([number_of(value) for value in values])
            found[:, column] = steps * (numbers - axis.low) / (axis.high - axis.low)
    return found


def neighbours(axes: Sequence[Axis], points: Sequence[Point]) -> list[NDArray[np.intp]]:
    """For each point itself and the nearest others, two for each axis: those a step away where points are a grid.

    Values that are no numbers are a step apart, whichever they are. Of equally near ones the earlier come first.
    """
    where = places(axes, points)
    named = np.array([not axis.is_number for axis in axes])
    found = []
    for row in where:
        apart = np.abs(where - row)
        apart[:, named] = np.minimum(apart[:, named], 1.0)
        order = np.argsort((apart * apart).sum(axis=1), kind="stable")
        found.append(order[: 1 + 2 * len(axes)])
    return found
