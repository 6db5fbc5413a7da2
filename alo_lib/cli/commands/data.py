"""``alo data``."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from alo_lib.cli.option_arguments import FilePath
from alo_lib.cli.project import DATA

if TYPE_CHECKING:
    from alo_lib.market import DataFolder
    from alo_lib.market.holdings import Holding

__all__ = ["data"]


@click.command(short_help="What a data folder holds: sessions, contracts, gaps, faults.")
@click.argument("folder", type=FilePath(file_okay=False), default=DATA)
@click.option("--ticker", "tickers", multiple=True, metavar="TICKER", help="This one alone; repeat it for more.")
@click.option("--html", type=FilePath(), help="Write a page with sessions, contracts, gaps and faults.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def data(folder: Path, tickers: tuple[str, ...], html: Path | None, as_json: bool) -> None:
    """Show what FOLDER, in LEAN's format, holds; without it the project's own data.

    Every row is read. Of each security and kind of file the sessions are told that have one that can be used, those
    that are missing between them, and what cannot be used.

    \b
    Examples:
      alo data ~/lean/data --ticker GOOG
      alo data imported --html coverage.html
    """
    from alo_lib.cli.console import working
    from alo_lib.cli.failures import UserError
    from alo_lib.cli.json_output import print_json
    from alo_lib.cli.targets import check_page
    from alo_lib.market import DataFolder
    from alo_lib.market.holdings import holdings_of

    if html is not None:
        check_page(html)
    opened = DataFolder(folder)
    wanted = frozenset(each.upper() for each in tickers)
    with working("Reading ...") as update:
        found = holdings_of(opened, wanted, update)
    if not found:
        of = f" of {', '.join(sorted(wanted))}" if wanted else ""
        raise UserError(f"there are no bars and no universe files{of} in {folder}; name a folder in LEAN's format")
    if html is not None:
        from alo_lib.records.whole_files import write_whole
        from alo_lib.views.holdings import holdings_html

        write_whole(html, holdings_html(str(folder), found, opened.faults))
    if as_json:
        print_json(
            {
                "folder": str(folder),
                "holdings": [each.told() for each in found],
                "faults": {str(kind): count for kind, count in opened.faults.counts.items()},
                "first_faults": [str(fault) for fault in opened.faults],
            }
        )
        return
    _show(opened, found)
    if html is not None:
        click.echo(f"\nPage: {html}")


def _show(folder: "DataFolder", found: "list[Holding]") -> None:
    from rich.table import Table

    from alo_lib.cli.option_table import print_whole
    from alo_lib.records.spelling import first_of
    from alo_lib.views.holdings import COLUMNS, NUMERIC, table_rows

    table = Table(box=None, header_style="bold", padding=(0, 1, 0, 0))
    for place, title in enumerate(COLUMNS):
        table.add_column(title, justify="right" if place in NUMERIC else "left", no_wrap=True)
    for row in table_rows(found):
        table.add_row(*row)
    print_whole(table)
    for each in found:
        if each.gaps:
            gaps = first_of([str(gap) for gap in each.gaps], 3)
            click.echo(f"{each.security} {each.ticker} {each.resolution} {each.kind}: nothing on {gaps}")
    if folder.faults:
        click.echo(f"Cannot be used: {folder.faults.with_first}")
    else:
        click.echo("Every row can be used.")
