import io

from rich.console import Console
from rich.progress import Progress

from alo_lib.cli.console import say


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
