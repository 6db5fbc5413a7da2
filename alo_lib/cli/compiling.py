"""Tells people that code is being compiled: a minute of silence would look like a command that hangs."""

import functools
import sys
from collections.abc import Callable
from typing import Any

from alo_lib.cli.console import say

__all__ = ["tells_compilation"]


def tells_compilation(command: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a command so that it tells a terminal once when a function is compiled, not taken from disk."""

    @functools.wraps(command)
    def run(*arguments: Any, **options: Any) -> Any:
        if not sys.stderr.isatty():
            return command(*arguments, **options)
        from numba.core import event

        told = False

        class Teller(event.Listener):  # type: ignore[misc]
            def on_start(self, event: object) -> None:
                nonlocal told
                if not told:
                    told = True
                    say("Compiling the numerical code, which is kept for later runs; all of it takes a minute or two.")

            def on_end(self, event: object) -> None:
                pass

        with event.install_listener("numba:compile", Teller()):
            return command(*arguments, **options)

    return run
