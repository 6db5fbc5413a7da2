import sys
import time
from collections.abc import Callable

import pytest
from numba.core import event

from alo_lib.cli.compiling import tells_compilation


def _compile(times: int) -> int:
    for _ in range(times):
        with event.trigger_event("numba:compile", data={}):
            pass
    return times


def _compile_slowly(times: int) -> int:
    """One function that takes longer than a pipe is left without a word."""
    with event.trigger_event("numba:compile", data={}):
        time.sleep(0.2)
    return _compile(times)


def _compile_with_pauses(times: int) -> int:
    """Functions that take no time, with other work between them."""
    for _ in range(times):
        _compile(1)
        time.sleep(0.2)
    return times


@pytest.mark.parametrize(
    ("is_terminal", "command", "times", "lines"),
    [
        (True, _compile, 3, 1),
        (True, _compile, 0, 0),
        (False, _compile, 3, 0),
        (False, _compile_slowly, 1, 1),
        (False, _compile_with_pauses, 2, 1),
    ],
)
def test_compilation_is_told_once(
    is_terminal: bool,
    command: Callable[[int], int],
    times: int,
    lines: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("alo_lib.cli.compiling.QUIET_SECONDS", 0.1)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal)
    assert tells_compilation(command)(times) == times
    _compile(1)  # nobody listens any more
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("Compiling the numerical code") == captured.err.count("\n") == lines
