"""What a sweep varies: settings with their values or ranges, and the points of the grid that these make."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, get_origin

import numpy as np
from pydantic import TypeAdapter

from alo_lib.records.spelling import number_of, spelled, unspelled, whole_number_of
from alo_lib.settings import Settings
from alo_lib.sweep.errors import SweepError

__all__ = ["MOST_POINTS", "RANGE", "TOGETHER", "Axis", "Key", "Point", "axes_of", "axis_of", "grid", "key_of"]

Point = Mapping[str, str]
"""A value, as people write it, by the name of each setting that is varied."""
Key = tuple[str, ...]
"""The values of a point, which tell it from the others of its sweep."""

MOST_POINTS: Final = 100_000
"""Of one sweep."""

RANGE: Final = ".."
"""Between the ends of what is given as a range."""
TOGETHER: Final = "+"
"""Joins what a setting of several takes together, as commas part what is tried in turn."""
_OF_MEMBERS: Final = ("basket",)
"""Settings of several that are a text, with commas of its own."""
_TRUTH: Final = TypeAdapter(bool)
_CONDITIONS: Final = {"underlyings": "--underlying", "start": "--window", "end": "--window"}
"""Settings that say on what is traded: they are no choice of the trader's, and have options of their own."""


@dataclass(frozen=True)
class Axis:
    """One setting and what is tried of it: ``values``, or a range of numbers from ``low`` to ``high``."""

    setting: str
    values: tuple[str, ...] = ()
    low: float = math.nan
    high: float = math.nan

    @property
    def is_range(self) -> bool:
        """Whether it is a range."""
        return not self.values

    @property
    def stated(self) -> list[str] | str:
        """It, for a file."""
        return list(self.values) if self.values else f"{self.low:z.12g}{RANGE}{self.high:z.12g}"

    @property
    def is_whole(self) -> bool:
        """Whether the setting is a whole number."""
        return Settings.model_fields[self.setting].annotation is int

    @property
    def is_number(self) -> bool:
        """Whether the setting is a number."""
        return Settings.model_fields[self.setting].annotation in (int, float)

    @property
    def discrete(self) -> int | None:
        """How many values there are; None for a range of numbers that are not whole."""
        if self.values:
            return len(self.values)
        return math.floor(self.high) - math.ceil(self.low) + 1 if self.is_whole else None

    def at(self, share: float) -> str:
        """The value at a share, from 0 to 1, of the way through it."""
        if self.values:
            return self.values[min(int(share * len(self.values)), len(self.values) - 1)]
        return self.drawn(self.low + share * (self.high - self.low))

    def drawn(self, value: float) -> str:
        """A number that was drawn from the range, to a thousandth of its length or less, which people can read."""
        decimals = 3 - math.floor(math.log10(self.high - self.low))
        return self.written(min(max(round(value, decimals), self.low), self.high))

    def written(self, value: float) -> str:
        """A number of the range as it is written: with all digits that matter."""
        return str(round(value)) if self.is_whole else f"{value:z.12g}"

    def steps(self, points: int) -> tuple[str, ...]:
        """Its values, or so many of its range, evenly spaced, both ends included."""
        if self.values:
            return self.values
        return tuple(dict.fromkeys(map(self.written, np.linspace(self.low, self.high, points).tolist())))


def key_of(point: Point) -> Key:
    """What tells a point from the others of its sweep."""
    return tuple(point.values())


def axes_of(assignments: Mapping[str, Any]) -> tuple[Axis, ...]:
    """The axes of settings by name, each with text as of :func:`axis_of`, a value or a list of values."""
    axes = tuple(axis_of(name, wanted) for name, wanted in assignments.items())
    names = [axis.setting for axis in axes]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise SweepError(f"setting {spelled(twice)} is varied twice")
    return axes


def axis_of(name: str, wanted: object) -> Axis:
    """What is tried of a setting: ``A,B,C`` or a list, or ``LOW..HIGH``. Values of several are joined by +.

    :raises SweepError: for an unknown setting, a value that it may not have, and a range that is empty.
    """
    setting = unspelled(name.strip())
    if setting in _CONDITIONS:
        raise SweepError(f"setting {spelled(setting)} is what settings are tried on: give it by {_CONDITIONS[setting]}")
    if isinstance(wanted, str) and wanted.count(RANGE) == 1:
        return _range(setting, wanted)
    listed: Sequence[object] = wanted.split(",") if isinstance(wanted, str) else _listed(setting, wanted)
    texts = [_written(setting, str(each).strip()) for each in listed]
    if not all(texts) and setting in Settings.model_fields and Settings.model_fields[setting].annotation is not str:
        raise SweepError(f"setting {spelled(setting)} has an empty value in {wanted!r}; write {spelled(setting)}=A,B,C")
    for text in texts:
        _check(setting, text)
    if len(set(texts)) < len(texts):
        twice = next(text for text in texts if texts.count(text) > 1)
        raise SweepError(f"setting {spelled(setting)} has the value {twice} twice")
    return Axis(setting, tuple(texts))


def _listed(setting: str, wanted: object) -> Sequence[object]:
    values = wanted if isinstance(wanted, list) else [wanted]
    if not values or any(isinstance(each, list | dict) or each is None for each in values):
        raise SweepError(
            f"setting {spelled(setting)} is {wanted!r}; a sweep takes a value, a list of values, or 'LOW..HIGH'"
        )
    return values


def _check(setting: str, text: str) -> None:
    """SweepError unless a setting may have a value, whatever the others are."""
    problem = Settings.problem_with(setting, text)
    if problem is not None:
        raise SweepError(problem)


def _written(setting: str, text: str) -> str:
    """A value as it is kept, whichever way it was written: of a number all digits that matter, of a switch a word."""
    field = Settings.model_fields.get(setting)
    if field is None:
        return text
    kind = field.annotation
    if get_origin(kind) is tuple or setting in _OF_MEMBERS:
        return text.replace(TOGETHER, ",")
    try:
        if kind is bool:
            return str(_TRUTH.validate_python(text)).lower()
        return str(whole_number_of(text)) if kind is int else f"{number_of(text):z.12g}" if kind is float else text
    except ValueError:
        return text  # which its check tells of


def _range(setting: str, text: str) -> Axis:
    _check_known_number(setting, text)
    ends = [_written(setting, end.strip()) for end in text.split(RANGE)]
    for end in ends:
        _check(setting, end)
    low, high = map(float, ends)
    if not low < high:
        raise SweepError(
            f"the range {text} of setting {spelled(setting)} is empty; write LOW..HIGH with LOW below HIGH"
        )
    return Axis(setting, low=low, high=high)


def _check_known_number(setting: str, text: str) -> None:
    field = Settings.model_fields.get(setting)
    if field is None:
        _check(setting, text)
    elif field.annotation not in (int, float):
        raise SweepError(
            f"setting {spelled(setting)} has no range {text}; allowed: {Settings.allowed(setting)}; write A,B,C"
        )


def grid(axes: Sequence[Axis], points: int) -> Iterator[Point]:
    """Every combination, the last axis varying first; ``points`` of each range.

    :raises SweepError: for more than :data:`MOST_POINTS`.
    """
    steps = [axis.steps(points) for axis in axes]
    if (count := math.prod(map(len, steps))) > MOST_POINTS:
        raise SweepError(
            f"the grid has {count:,} points; at most {MOST_POINTS:,} are allowed: take fewer, or --sampler random"
        )
    for values in itertools.product(*steps):
        yield {axis.setting: value for axis, value in zip(axes, values, strict=True)}
