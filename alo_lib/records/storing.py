"""What a class says about its fields' place in snapshots, in ``Annotated``: all others are stored by their types.

An array of records names its layout by its :class:`~alo_lib.records.Kind`, or by its dtype where it has none.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["TRANSIENT", "Alternatives", "Linked", "Transient"]


@dataclass(frozen=True)
class Linked:
    """The field is no part of its object: it is the one that a record around it, or who loads it, calls ``name``."""

    name: str


@dataclass(frozen=True)
class Alternatives:
    """The field is of one of the classes that ``of`` gives, and of no class that comes of one of them."""

    of: Callable[[], Sequence[type]]


@dataclass(frozen=True)
class Transient:
    """The field is not stored, and None when it is loaded: what it holds can be made again."""


TRANSIENT: Final = Transient()
