"""What people are told: while a command works on standard error, so that standard output stays for results."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

__all__ = ["QUIET_SECONDS", "Counted", "bars", "console", "print_table", "say", "working"]

Counted = Callable[[str, int, int], None]
"""Called with what is done, how much of it, and of how much."""

QUIET_SECONDS: Final = 5.0
"""How long a command may work in a pipe without a word."""
_WIDE: Final = 160
"""Columns where the output is no terminal's."""


def console() -> Console:
    """A console on standard error as it is now."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """Tell people one thing, above a progress bar that is being drawn."""
    print(text, file=sys.stderr)  # the bar stands in for it meanwhile; another console would write into the bar


@contextmanager
def working(text: str) -> Iterator[Callable[[str], None]]:
    """While this lasts people see what is done: at once on a terminal, in a pipe a line every five seconds.

    Yields what to call with a new text; the same one is not told twice.
    """
    shown = console()
    if shown.is_terminal:
        with shown.status(text) as status:
            yield status.update
        return
    latest, told, ended = text, "", threading.Event()

    def tell() -> None:
        nonlocal told
        while not ended.wait(QUIET_SECONDS):
            if latest != told:
                told = latest
                say(told)

    def update(new: str) -> None:
        nonlocal latest
        latest = new

    teller = threading.Thread(target=tell, name="alo-working", daemon=True)
    teller.start()
    try:
        yield update
    finally:
        ended.set()
        teller.join()


@contextmanager
def bars() -> Iterator[Counted]:
    """While this lasts people see how far each thing is: a bar each on a terminal, in a pipe a line now and then."""
    shown = console()
    if not shown.is_terminal:
        with working("Beginning ...") as update:
            yield lambda what, done, total: update(f"{what}: {done:,} of {total:,}")
        return
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    with Progress(*columns, console=shown) as drawn:
        tasks: dict[str, TaskID] = {}

        def draw(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = drawn.add_task(what, total=total)
            drawn.update(tasks[what], completed=done)

        yield draw


def print_table(table: RenderableType) -> None:
    """Print a wide table on standard output; in a pipe it is as wide as it wants to be."""
    shown = Console(highlight=False)
    Console(highlight=False, width=shown.width if shown.is_terminal else _WIDE).print(table)
