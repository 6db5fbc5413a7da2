"""A basket: an index and its members, as people write it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

__all__ = ["EXAMPLE", "Basket"]

EXAMPLE: Final = "INDX=ALFA:0.6,BRVO:0.4"
"""How one is written: the index, then each member with its weight."""


@dataclass(frozen=True)
class Basket:
    """An index and the weights of its members: shares of the index's value, made to add up to 1.

    :raises ValueError: in words, for fewer than two members, an index among them, or a weight that is not above 0.
    """

    index: str
    weights: Mapping[str, float]

    def __post_init__(self) -> None:
        bad = next((weight for weight in self.weights.values() if not 0.0 < weight < math.inf), None)
        if bad is not None:
            raise ValueError(f"a weight in the basket of {self.index} is {bad:g}; weights are above 0")
        if len(self.weights) < 2:
            has = f"{len(self.weights)} member{'s' if not self.weights else ''}"
            raise ValueError(f"the basket of {self.index} has {has}; it takes two or more")
        if self.index in self.weights:
            raise ValueError(f"the basket of {self.index} names {self.index} itself; an index is no member of its own")
        whole = sum(self.weights.values())
        object.__setattr__(self, "weights", {name: weight / whole for name, weight in self.weights.items()})

    @classmethod
    def of(cls, text: str) -> Self:
        """The basket that a text means.

        :raises ValueError: in words, for a text that is none.
        """
        index, equals, members = text.upper().partition("=")
        pairs = [member.partition(":") for member in members.split(",")]
        try:
            weights = {name.strip(): float(weight) for name, _, weight in pairs}
        except ValueError:
            weights = {}
        index = index.strip()
        if not (equals and index and weights and all(weights)):
            raise ValueError(f"{text!r} is no basket; write one such as {EXAMPLE}")
        if len(weights) < len(pairs):
            raise ValueError(f"{text!r} is no basket: it names a member twice")
        return cls(index, weights)

    @property
    def names(self) -> tuple[str, ...]:
        """The index, then its members."""
        return (self.index, *self.weights)
