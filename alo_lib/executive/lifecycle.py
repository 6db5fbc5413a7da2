"""Lifecycles as explicit transition tables: what a thing may do next, and where that leads."""

from collections.abc import Mapping
from enum import Enum
from typing import Generic, TypeVar

__all__ = ["Lifecycle", "LifecycleError"]

P = TypeVar("P", bound=Enum)


class LifecycleError(RuntimeError):
    """A step was asked for that the phase does not allow."""


class Lifecycle(Generic[P]):
    """Where something stands, moved by named steps along the edges of a table and along nothing else.

    ``edges`` maps (phase, step) to the next phase; the phases' values are words that fit into "it is ...".
    """

    def __init__(self, what: str, start: P, edges: Mapping[tuple[P, str], P]) -> None:
        self._what = what
        self._edges = edges
        self.phase = start

    def move(self, step: str) -> P:
        """Take a step and return the phase it leads to.

        :raises LifecycleError: where there is no edge; the phase stays.
        """
        try:
            self.phase = self._edges[self.phase, step]
        except KeyError:
            raise LifecycleError(f"{self._what} cannot {step}: it is {self.phase.value}") from None
        return self.phase

    def allows(self, step: str) -> bool:
        """Whether the step leads anywhere from here."""
        return (self.phase, step) in self._edges
