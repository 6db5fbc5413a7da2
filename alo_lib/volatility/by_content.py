"""Equality of results that hold arrays: NumPy's own has no truth value, so a dataclass's comparison would raise."""

from dataclasses import fields
from typing import Any, ClassVar

import numpy as np

__all__ = ["ByContent"]


class ByContent:
    """A base of dataclasses made with ``eq=False``: equal where every field is, arrays by element, NaN to NaN."""

    __slots__ = ()
    __hash__: ClassVar[None]  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(_same(getattr(self, each.name), getattr(other, each.name)) for each in fields(self))  # type: ignore[arg-type]


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return np.array_equal(one, other, equal_nan=one.dtype.kind == "f" and other.dtype.kind == "f")
    return bool(one == other)
