"""``alo risk``."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alo_lib.cli.json_output import print_json
from alo_lib.cli.option_arguments import FilePath

if TYPE_CHECKING:
    from alo_lib.views.risk_ladder import RiskView

__all__ = ["risk"]


@click.command(short_help="Show what a book would lose: spot x volatility x days.")
@click.argument("run", metavar="RUN|NAME", type=FilePath())
@click.option(
    "--at", metavar="TIME", help="As of that time in New York, such as '2015-12-24 10:30'.  [default: its end]"
)
@click.option("--html", type=FilePath(), help="Write a page with charts of all of it there.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; everything else goes to standard error.")
def risk(run: Path, at: str | None, html: Path | None, as_json: bool) -> None:
    """Value a book again where spot, volatility and days move, by our own pricer; nothing is hedged on the way.

    RUN is its folder, or the name that 'alo runs' lists; NAME is that of a core, whose journal is read while it works.

    Moves of spot and volatility are relative. Beside the ladder stand greeks by underlying and expiry, and how much of
    each limit is used.

    \b
    Examples:
      alo risk backtests/20151224-101500-embedded
      alo risk backtests/20151224-101500-embedded --at "2015-12-24 10:30" --html risk.html
      alo risk core
    """
    from alo_lib.cli.commands.replay import new_york_time
    from alo_lib.cli.console import working
    from alo_lib.cli.journals import open_journal
    from alo_lib.cli.targets import check_page
    from alo_lib.records.whole_files import write_whole
    from alo_lib.views.risk_ladder import risk_view, stated_risk
    from alo_lib.views.risk_page import risk_html

    moment = None if at is None else new_york_time(at, "--at")
    if html is not None:
        check_page(html)
    with working(f"Reading the journal of {run} ..."):
        journal = open_journal(run)
    view = risk_view(journal, moment)
    if html is not None:
        write_whole(html, risk_html(view, run.resolve().name))
    if as_json:
        print_json(stated_risk(view))
    else:
        _show(view)
        if html is not None:
            click.echo(html)


def _show(view: "RiskView") -> None:
    from alo_lib.views.risk_ladder import LADDER_DAYS
    from alo_lib.views.risk_page import (
        DELIVERY_COLUMNS,
        GREEK_COLUMNS,
        LADDER_COLUMNS,
        LIMIT_COLUMNS,
        day_in_words,
        delivery_cells,
        facts_of,
        greek_cells,
        ladder_rows,
        limit_rows,
    )

    for name, value in facts_of(view):
        click.echo(f"{name:<14}{value}")
    _table("Limits, used of allowed", LIMIT_COLUMNS, limit_rows(view, whole=False), words=2)
    _table("Greeks", GREEK_COLUMNS, greek_cells(view), words=2)
    if view.deliveries:
        _table("Exercise and assignment", DELIVERY_COLUMNS, delivery_cells(view), words=2)
    for place, days in enumerate(LADDER_DAYS.tolist()):
        title = f"Profit {day_in_words(days)}, spot across, volatility down"
        _table(title, LADDER_COLUMNS, ladder_rows(view.together[place]), words=1)
    if view.left_out:
        click.echo(f"\nLeft out, for no volatility explains their quotes: {', '.join(view.left_out)}")


def _table(title: str, columns: Any, rows: Any, words: int) -> None:
    from rich.table import Table

    from alo_lib.cli.option_table import print_whole

    click.echo(f"\n{title}")
    table = Table(box=None, header_style="bold", padding=(0, 1, 0, 0))
    for place, column in enumerate(columns):
        table.add_column(column, justify="left" if place < words else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    print_whole(table)
