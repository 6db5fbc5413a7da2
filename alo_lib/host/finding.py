"""What a check of the host finds: how it stands, what that costs, and what mends it."""

from enum import Enum
from typing import NamedTuple

__all__ = ["Change", "Finding", "Standing"]


class Standing(Enum):
    """Whether something of the host serves a core that is released by the clock."""

    GOOD = "good"
    COSTS = "costs"
    ABSENT = "not here"  # the host has no such thing, or does not show it


class Change(NamedTuple):
    """A file of the kernel's that mends something: its path below the root folder, and what is written to it."""

    path: str
    value: str


class Finding(NamedTuple):
    """One thing of the host. ``mend`` is a command or a line for people; ``changes`` is what can be done at once."""

    name: str
    standing: Standing
    found: str
    wanted: str
    cost: str = ""
    mend: str = ""
    changes: tuple[Change, ...] = ()

    @classmethod
    def good(cls, name: str, found: str, wanted: str) -> "Finding":
        """It is as it should be."""
        return cls(name, Standing.GOOD, found, wanted)

    @classmethod
    def absent(cls, name: str, found: str, wanted: str) -> "Finding":
        """There is nothing to be found, so nothing to be mended."""
        return cls(name, Standing.ABSENT, found, wanted)

    @classmethod
    def mended_by(cls, name: str, found: str, wanted: str, cost: str, changes: tuple[Change, ...]) -> "Finding":
        """It costs, and files that are written to at once mend it: the command is made of them."""
        first, more = changes[0], len(changes) - 1
        command = f"echo {first.value} > /{first.path}" + (f"  # and {more} more like it" if more else "")
        return cls(name, Standing.COSTS, found, wanted, cost, command, changes)
