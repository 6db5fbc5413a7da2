"""What people are told while a command works: on standard error, so that standard output stays for results."""

import sys

from rich.console import Console

__all__ = ["console", "say"]


def console() -> Console:
    """A console on standard error as it is now."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """Tell people one thing, above a progress bar that is being drawn."""
    print(text, file=sys.stderr)  # the bar stands in for it meanwhile; another console would write into the bar
