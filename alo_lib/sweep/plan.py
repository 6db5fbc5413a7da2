"""A sweep as it was asked for, and the trials that it is made of."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alo_lib.records.spelling import spelled
from alo_lib.sweep.conditions import Condition, Role
from alo_lib.sweep.options import BYS, COUNTS, SAMPLERS, By, Sampler
from alo_lib.sweep.space import Axis, Point

__all__ = ["Sweep", "Trial", "trial_name"]


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One run of a sweep: a point of its settings, under one condition."""

    number: int
    point: Point
    condition: Condition
    settings: dict[str, str]  # all that are not the defaults, by name, as text
    market: str  # the data, or the seed and the truth of those that are generated, as a digest

    @property
    def digest(self) -> str:
        """Names what is run: the same settings on the same market."""
        return _digest([self.settings, self.market])

    @property
    def name(self) -> str:
        """Of its folder."""
        return trial_name(self.number)


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """All that decides which trials there are."""

    axes: tuple[Axis, ...]
    base: Mapping[str, str]  # settings that all trials share, as text
    conditions: tuple[Condition, ...]
    sampler: Sampler = SAMPLERS[0]
    by: By = BYS[0]
    trials: int = COUNTS["trials"].default  # points that random and optuna try
    points: int = COUNTS["points"].default  # of a range in a grid
    batch: int = COUNTS["batch"].default  # points that optuna proposes before it hears of them
    seed: int = COUNTS["seed"].default
    truth: Mapping[str, Any] | None = None  # of generated markets, but for their seed
    data: str | None = None  # folder of the data, where markets are not generated
    program: str = ""  # digest of the sources that decide

    def stated(self) -> dict[str, Any]:
        """All of it, for a file."""
        return {
            "set": {spelled(axis.setting): axis.stated for axis in self.axes},
            "base": {spelled(name): value for name, value in self.base.items()},
            "conditions": [each.stated() for each in self.conditions],
            "sampler": self.sampler,
            "by": self.by,
            "trials": self.trials,
            "points": self.points,
            "batch": self.batch,
            "seed": self.seed,
            "truth": self.truth,
            "data": self.data,
            "program": self.program,
        }

    @property
    def digest(self) -> str:
        """Names the sweep: the same one makes the same trials."""
        return _digest(self.stated())

    @property
    def chosen_by(self) -> tuple[Condition, ...]:
        """Conditions that settings are chosen by."""
        return tuple(each for each in self.conditions if each.window.role != "test")

    def of_fold(self, number: int, role: Role) -> tuple[Condition, ...]:
        """Conditions that settings of a step forward are chosen by, or tried on."""
        return tuple(each for each in self.conditions if (each.window.fold, each.window.role) == (number, role))

    def trials_of(self, points: Sequence[Point], first: int, conditions: Sequence[Condition]) -> Iterator[Trial]:
        """The trials of some points under some conditions, numbered from ``first``."""
        number = first
        for point in points:
            for condition in conditions:
                yield self._trial(number, point, condition)
                number += 1

    def _trial(self, number: int, point: Point, condition: Condition) -> Trial:
        window = condition.window
        settings = {
            **self.base,
            "underlyings": condition.underlyings,
            "start": str(window.start),
            "end": str(window.end),
            **point,
        }
        market = _digest([self.data] if condition.seed is None else [condition.seed, self.truth])
        return Trial(number=number, point=point, condition=condition, settings=dict(settings), market=market)


def trial_name(number: int) -> str:
    """Of the folder of a trial."""
    return f"{number:06d}"


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
