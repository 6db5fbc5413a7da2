import io
import time

import pytest
from rich.console import Console
from rich.progress import Progress

from alo_lib.cli.console import say, working


def test_what_is_said_stands_above_a_progress_bar() -> None:
    terminal = io.StringIO()
    bar = Progress(console=Console(file=terminal, force_terminal=True, width=60), auto_refresh=False)
    with bar:
        bar.add_task("working", total=1.0)
        bar.refresh()
        say("news [bold]as it is[/bold]")
        bar.refresh()
    # Nothing wipes the line once it is written: it ends before the bar is drawn again.
    _, _, after = terminal.getvalue().partition("news [bold]as it is[/bold]")
    assert after.startswith("\n")


def test_work_in_a_pipe_is_told_when_it_takes_long(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("alo_lib.cli.console.QUIET_SECONDS", 0.1)
    with working("short"):
        pass
    assert capsys.readouterr().err == ""
    with working("first") as update:
        time.sleep(0.35)
        update("never seen")
        update("second")
        time.sleep(0.25)
    assert capsys.readouterr() == ("", "first\nsecond\n")
    with pytest.raises(ZeroDivisionError), working("failing"):
        raise ZeroDivisionError
    assert capsys.readouterr().err == ""
