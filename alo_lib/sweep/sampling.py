"""Which points of its settings a sweep tries: all of a grid, some at random, or what Optuna proposes."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

import numpy as np

from alo_lib.sweep.errors import MissingPackagesError
from alo_lib.sweep.plan import Sweep
from alo_lib.sweep.space import Axis, Key, Point, grid, key_of

__all__ = ["Score", "batches"]

Score = Callable[[Point], float | None]
"""What came of a point that has been tried; None where it has no figure."""

_DRAWS_A_POINT: Final = 50
"""Tries to find a point that was not drawn before, in a space that may have no more."""


def batches(sweep: Sweep, score: Score) -> Iterator[list[Point]]:
    """Points to try, in batches: each is done before the next is asked for, and no point comes twice.

    The same sweep, with the same scores, gives the same points. Grid and random need no scores: they are one batch.

    :raises SweepError: for a grid that is too large.
    :raises MissingPackagesError: when Optuna is asked for and is not there.
    """
    if sweep.sampler == "grid":
        yield list(grid(sweep.axes, sweep.points))
    elif sweep.sampler == "random":
        yield list(islice(_drawn(sweep.axes, sweep.seed), sweep.trials))
    else:
        yield from _proposed(sweep, score)


def _drawn(axes: Sequence[Axis], seed: int) -> Iterator[Point]:
    """Distinct points, each axis uniform; until so many draws bring nothing new."""
    generator, seen = np.random.default_rng(seed), set()
    in_vain = 0
    while in_vain < _DRAWS_A_POINT:
        point = {axis.setting: axis.at(share) for axis, share in zip(axes, generator.random(len(axes)), strict=True)}
        key = key_of(point)
        in_vain = in_vain + 1 if key in seen else 0
        if key not in seen:
            seen.add(key)
            yield point


def _proposed(sweep: Sweep, score: Score) -> Iterator[list[Point]]:
    """What Optuna's tree-structured Parzen estimator proposes (Bergstra et al. 2011), some at once.

    Those that wait for their scores count as bad ones, so that proposals of a batch keep apart. A point without a
    figure is told to have failed.
    """
    try:
        import optuna
    except ImportError:
        raise MissingPackagesError("Optuna") from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = optuna.samplers.TPESampler(seed=sweep.seed, constant_liar=True)
    study: Any = optuna.create_study(direction="maximize", sampler=sampler)
    left, in_vain, seen = sweep.trials, 0, set[Key]()
    while left > 0 and in_vain < _DRAWS_A_POINT:
        asked = [study.ask() for _ in range(min(sweep.batch, left))]
        points: list[Point] = [{axis.setting: _suggested(trial, axis) for axis in sweep.axes} for trial in asked]
        new = list({key: point for point in points if (key := key_of(point)) not in seen}.values())
        seen |= {key_of(point) for point in new}
        if new:
            yield new
        for trial, point in zip(asked, points, strict=True):
            found = score(point)
            state = optuna.trial.TrialState.FAIL if found is None else optuna.trial.TrialState.COMPLETE
            study.tell(trial, found, state)
        left -= len(new)
        in_vain = 0 if new else in_vain + 1


def _suggested(trial: Any, axis: Axis) -> str:
    if axis.values:
        return str(trial.suggest_categorical(axis.setting, axis.values))
    if axis.is_whole:
        return axis.written(trial.suggest_int(axis.setting, round(axis.low), round(axis.high)))
    return axis.drawn(trial.suggest_float(axis.setting, axis.low, axis.high))
