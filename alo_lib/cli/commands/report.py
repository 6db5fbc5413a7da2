"""``alo report``."""

from pathlib import Path

import click

from alo_lib.cli.project import shown

__all__ = ["report"]


@click.command(short_help="Draw the report of a finished run again.")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--output", type=click.Path(path_type=Path), help="Where to write it.  [default: report.html in the run]")
def report(run: Path, output: Path | None) -> None:
    """Draw the report of a finished run again, from the files in its folder RUN alone.

    With --output it is one file of 5 MB that may be sent; in the run's folder plotly.min.js, beside it, draws it.

    \b
    Example:
      alo report backtests/20240131-101500-embedded
    """
    from alo_lib.cli.failures import UserError
    from alo_lib.views import REPORT_FILE, Run, report_html, write_report

    if not run.is_dir():
        raise UserError(f"{run} is not a folder; name the folder of a run, such as one in backtests/")
    if output is None:
        write_report(Run(run))
    else:
        output.write_text(report_html(Run(run), alone=True), encoding="utf-8")
    click.echo(shown(output or run / REPORT_FILE))
