import io
import time

import pytest
from rich.console import Console
from rich.progress import Progress

from alo_lib.cli.console import bars, say, working


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
    told: list[str] = []
    monkeypatch.setattr("alo_lib.cli.console.say", told.append)

    def wait_for(text: str) -> None:
        end = time.monotonic() + 30.0
        while text not in told and time.monotonic() < end:
            time.sleep(0.01)

    with working("first") as update:
        wait_for("first")
        time.sleep(0.25)  # what is told already is not told again
        update("second")
        wait_for("second")
    assert told == ["first", "second"]
    with pytest.raises(ZeroDivisionError), working("failing"):
        raise ZeroDivisionError
    assert capsys.readouterr().err == ""


def test_bars_are_lines_in_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alo_lib.cli.console.QUIET_SECONDS", 0.01)
    told: list[str] = []
    monkeypatch.setattr("alo_lib.cli.console.say", told.append)
    with bars() as tell:
        tell("Learning", 0, 20_000)
        tell("Learning", 4_096, 20_000)
        end = time.monotonic() + 30.0
        while "Learning: 4,096 of 20,000" not in told and time.monotonic() < end:
            time.sleep(0.01)
    assert told[-1] == "Learning: 4,096 of 20,000"


def test_bars_are_drawn_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(
        "alo_lib.cli.console.console", lambda: Console(file=terminal, force_terminal=True, width=100, no_color=True)
    )
    with bars() as tell:
        tell("Learning", 1, 2)
        tell("Judging", 3, 4)
        tell("Judging", 4, 4)
    *_, last = terminal.getvalue().rpartition("Learning")
    assert "50%" in last
    assert "Judging" in last
    assert "100%" in last
