"""Tells people that code is being compiled: a minute of silence would look like a command that hangs."""

import functools
import sys
import threading
from collections.abc import Callable
from typing import Any, Final

from alo_lib.cli.console import QUIET_SECONDS, say

__all__ = ["tells_compilation"]

_TEXT: Final = "Compiling the numerical code, which is kept for later runs; all of it takes a minute or two."


def tells_compilation(command: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a command so that it tells once that functions are compiled, not taken from disk.

    A terminal is told at the first one, a pipe when it has taken five seconds.
    """

    @functools.wraps(command)
    def run(*arguments: Any, **options: Any) -> Any:
        from numba.core import event

        told, expired, working = threading.Event(), threading.Event(), 0

        def tell() -> None:
            if not told.is_set():
                told.set()
                say(_TEXT)

        def expire() -> None:
            if working:
                tell()
            else:
                expired.set()

        due = threading.Timer(QUIET_SECONDS, expire)
        due.daemon = True

        class Teller(event.Listener):  # type: ignore[misc]
            def on_start(self, event: object) -> None:
                nonlocal working
                working += 1
                if sys.stderr.isatty() or expired.is_set():
                    tell()
                elif due.ident is None:
                    due.start()

            def on_end(self, event: object) -> None:
                nonlocal working
                working -= 1

        try:
            with event.install_listener("numba:compile", Teller()):
                return command(*arguments, **options)
        finally:
            due.cancel()

    return run
