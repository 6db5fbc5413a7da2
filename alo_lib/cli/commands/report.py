"""``alo report``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from alo_lib.cli.failures import UserError
from alo_lib.cli.option_arguments import FilePath

if TYPE_CHECKING:
    from alo_lib.views import Run

__all__ = ["report"]


@click.command(short_help="Draw the report of a run, also of one that still runs.")
@click.argument("run", metavar="RUN|NAME", type=FilePath())
@click.option("--html", type=FilePath(), help="Write the page there.  [default: report.html in the run]")
def report(run: Path, html: Path | None) -> None:
    """Draw the report of a finished run again, from the files in its folder RUN alone; or of a journal, up to its end.

    RUN is a path, or a name that 'alo runs' lists; NAME is that of a core. A run that still works, a core's, and LEAN's
    object store (storage) hold a journal alone; their page goes where --html says.

    With --html it is one file of 5 MB that may be sent; in the run's folder plotly.min.js, beside it, draws it.

    \b
    Examples:
      alo report backtests/20240131-101500-embedded
      alo report core --html core.html
    """
    from alo_lib.cli.journals import journal_place
    from alo_lib.cli.run_folder import finished_run
    from alo_lib.cli.targets import check_page
    from alo_lib.records.whole_files import write_whole
    from alo_lib.views import REPORT_FILE, Run, report_html, write_report

    if html is not None:
        check_page(html)
        write_whole(html, report_html(_found(run), alone=True))
        click.echo(html)
        return
    folder = finished_run(journal_place(run))  # of an unfinished backtest it tells how to go on
    if not (folder / "run.json").is_file() and _holds_journal(folder):
        raise UserError(f"{run} holds a journal and no results; name a file for its page: alo report {run} --html FILE")
    write_report(Run(folder))
    click.echo(folder / REPORT_FILE)


def _found(run: Path) -> Run:
    """A finished run, or what a journal tells of one."""
    from alo_lib.cli.journals import journal_place, open_journal
    from alo_lib.views import Run
    from alo_lib.views.journaled_run import JournaledRun

    place = journal_place(run)
    if (place / "run.json").is_file() or not _holds_journal(place):
        return Run(place)
    return JournaledRun.of(open_journal(run), str(run))


def _holds_journal(place: Path) -> bool:
    from alo_lib.journal import journal_folder_of, segments_in_object_store

    return journal_folder_of(place) is not None or bool(segments_in_object_store(place))
