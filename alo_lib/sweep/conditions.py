"""What settings are tried on: markets, underlyings and windows, and windows that walk forward."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from alo_lib.sweep.errors import SweepError

__all__ = ["Condition", "Role", "Window", "conditions", "walk_forward"]

Role = Literal["whole", "train", "test"]
"""Of a window: it is all there is, settings are chosen by it, or what was chosen is tried on it."""


class Window(NamedTuple):
    """Days that are traded, both included."""

    start: dt.date
    end: dt.date
    role: Role = "whole"
    fold: int = 0
    """Which part of a walk forward it belongs to, from 1; 0 without one."""


@dataclass(frozen=True)
class Condition:
    """One market, its names and days."""

    window: Window
    underlyings: str
    seed: int | None = None  # of a generated market; None: the data that were named

    @property
    def source(self) -> tuple[Any, ...]:
        """What a session's return belongs to beside its day."""
        return self.seed, self.underlyings

    @classmethod
    def of(cls, stated: Mapping[str, Any]) -> "Condition":
        """The condition of :meth:`stated` values.

        :raises KeyError: when one is not there.
        :raises ValueError: for a day that is none.
        """
        start, end = (dt.date.fromisoformat(stated[name]) for name in ("start", "end"))
        return cls(Window(start, end, stated["role"], stated["fold"]), stated["underlyings"], stated["seed"])

    def stated(self) -> dict[str, Any]:
        """Its values by name."""
        return {
            "seed": self.seed,
            "underlyings": self.underlyings,
            "start": str(self.window.start),
            "end": str(self.window.end),
            "role": self.window.role,
            "fold": self.window.fold,
        }


def conditions(
    windows: Sequence[Window], underlyings: Sequence[str], seeds: Sequence[int | None]
) -> Iterator[Condition]:
    """Each window of each underlying of each market."""
    for window in windows:
        for seed in seeds:
            for names in underlyings:
                yield Condition(window, names, seed)


def walk_forward(days: Sequence[dt.date], train: int, test: int) -> list[Window]:
    """Windows of ``train`` sessions, each followed by one of ``test`` sessions, which no other test window shares.

    :raises SweepError: for fewer days than one of each.
    """
    if len(days) < train + test:
        raise SweepError(
            f"there are {len(days)} sessions to walk through; {train} to choose by and {test} to try on are asked for"
        )
    found = []
    for fold, first in enumerate(range(0, len(days) - train - test + 1, test), 1):
        middle = first + train
        found += [
            Window(days[first], days[middle - 1], "train", fold),
            Window(days[middle], days[middle + test - 1], "test", fold),
        ]
    return found
