"""``alo report``."""

from pathlib import Path

import click

from alo_lib.cli.option_arguments import FilePath

__all__ = ["report"]


@click.command(short_help="Draw the report of a finished run again.")
@click.argument("run", type=FilePath())
@click.option("--html", type=FilePath(), help="Write the page there.  [default: report.html in the run]")
def report(run: Path, html: Path | None) -> None:
    """Draw the report of a finished run again, from the files in its folder RUN alone.

    RUN is a path, or a name that 'alo runs' lists.

    With --html it is one file of 5 MB that may be sent; in the run's folder plotly.min.js, beside it, draws it.

    \b
    Example:
      alo report backtests/20240131-101500-embedded
    """
    from alo_lib.cli.run_folder import finished_run
    from alo_lib.cli.targets import check_page
    from alo_lib.records.whole_files import write_whole
    from alo_lib.views import REPORT_FILE, Run, report_html, write_report

    folder = finished_run(run)
    if html is None:
        write_report(Run(folder))
    else:
        check_page(html)
        write_whole(html, report_html(Run(folder), alone=True))
    click.echo(html or folder / REPORT_FILE)
