import sys

import pytest
from numba.core import event

from alo_lib.cli.compiling import tells_compilation


def _compile(times: int) -> int:
    for _ in range(times):
        with event.trigger_event("numba:compile", data={}):
            pass
    return times


@pytest.mark.parametrize(("is_terminal", "times", "lines"), [(True, 3, 1), (True, 0, 0), (False, 3, 0)])
def test_a_terminal_is_told_of_compilation_once(
    is_terminal: bool, times: int, lines: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal)
    assert tells_compilation(_compile)(times) == times
    _compile(1)  # nobody listens any more
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("Compiling the numerical code") == captured.err.count("\n") == lines
