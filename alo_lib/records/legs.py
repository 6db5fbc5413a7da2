"""The legs of a structure, as SIGNAL, ENTRY and EXTERNAL_INSIGHT records have them: up to four, each with a ratio.

A ratio is the signed whole number of contracts of the leg in one structure bought; what a trade wants of a leg is its
direction times its structures times that. The places after the last leg hold :data:`NO_LEG` and the ratio 0.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "LEGS",
    "LEG_FIELDS",
    "MAX_LEGS",
    "MAX_RATIO",
    "NO_LEG",
    "RATIOS",
    "STRUCTURE_NAME",
    "leg_columns",
    "legs_and_ratios",
    "legs_of",
    "ratios_of",
    "sides_of",
]

MAX_LEGS: Final = 4

MAX_RATIO: Final = 10
"""Most contracts of a leg in one structure."""

NO_LEG: Final = -1

STRUCTURE_NAME: Final = 24
"""Bytes of a structure's name, ASCII."""

LEGS: Final = tuple(f"leg{place}" for place in range(1, MAX_LEGS + 1))
RATIOS: Final = tuple(f"ratio{place}" for place in range(1, MAX_LEGS + 1))
LEG_FIELDS: Final = [(name, "<i4") for name in (*LEGS, *RATIOS)]
"""Fields of a record that has legs, beside their number in its field ``legs``."""


def leg_columns(legs: ArrayLike, ratios: Sequence[int]) -> dict[str, NDArray[np.int32] | int]:
    """Values of those fields for n structures: ``legs`` (n, k), or (k,) of one, and the ratios (k,) of all."""
    numbers = np.atleast_2d(np.asarray(legs, np.int32)).T
    if not len(numbers) == len(ratios) <= MAX_LEGS:
        raise ValueError(f"{len(numbers)} legs have {len(ratios)} ratios; allowed: as many, and up to {MAX_LEGS}")
    columns: dict[str, NDArray[np.int32] | int] = {"legs": len(ratios)}
    columns |= dict.fromkeys(LEGS, NO_LEG) | dict.fromkeys(RATIOS, 0)
    return columns | dict(zip(LEGS, numbers, strict=False)) | dict(zip(RATIOS, ratios, strict=False))


def legs_and_ratios(row: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Legs and ratios of a record, or of the first of an array of one."""
    return legs_of(row), ratios_of(row)


def legs_of(row: Any) -> tuple[int, ...]:
    """The instruments that are a record's legs, in their order."""
    return tuple(int(row[name].item()) for name in LEGS[: int(row["legs"].item())])


def ratios_of(row: Any) -> tuple[int, ...]:
    """Signed contracts of each leg in one structure bought."""
    return tuple(int(row[name].item()) for name in RATIOS[: int(row["legs"].item())])


def sides_of(row: Any) -> dict[int, int]:
    """Signed contracts of each leg in one structure of a record's ``direction``: above zero for those that are long."""
    return {leg: int(row["direction"].item()) * ratio for leg, ratio in zip(*legs_and_ratios(row), strict=True)}
