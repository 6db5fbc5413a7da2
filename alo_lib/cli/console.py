"""What people are told: while a command works on standard error, so that standard output stays for results."""

import sys
from typing import Final

from rich.console import Console, RenderableType

__all__ = ["console", "print_table", "say"]

_WIDE: Final = 160


def console() -> Console:
    """A console on standard error as it is now."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """Tell people one thing, above a progress bar that is being drawn."""
    print(text, file=sys.stderr)  # the bar stands in for it meanwhile; another console would write into the bar


def print_table(table: RenderableType) -> None:
    """Print a wide table on standard output; in a pipe it is as wide as it wants to be."""
    shown = Console(highlight=False)
    Console(highlight=False, width=shown.width if shown.is_terminal else _WIDE).print(table)
