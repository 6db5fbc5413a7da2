"""``alo compare``."""

from pathlib import Path

import click

from alo_lib.cli.option_arguments import FilePath

__all__ = ["compare"]


@click.command(short_help="Show two runs side by side, and where they part.")
@click.argument("first", type=FilePath())
@click.argument("second", type=FilePath())
@click.option("--json", "as_json", is_flag=True, help="One object on standard output.")
def compare(first: Path, second: Path, as_json: bool) -> None:
    """Show how the runs in the folders FIRST and SECOND differ: settings, data, results, and where decisions part.

    A run is named by the path of its folder, or by the name that 'alo runs' lists.

    \b
    Example:
      alo compare backtests/20240131-101500-embedded backtests/20240131-104200-native
    """
    from alo_lib.cli.console import print_table
    from alo_lib.cli.json_output import print_json
    from alo_lib.cli.run_folder import finished_run
    from alo_lib.views import Run
    from alo_lib.views.comparison import compare as compared
    from alo_lib.views.comparison import comparison_table

    told = compared(*(Run(finished_run(folder)) for folder in (first, second)))
    if as_json:
        print_json(told)
    else:
        print_table(comparison_table(told))
