"""``alo import``."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from alo_lib.cli.option_arguments import FilePath, Whole

if TYPE_CHECKING:
    from alo_lib.market.importing import Format, Imported

__all__ = ["import_data"]

FORMATS: Final = ("csv", "optionsdx", "thetadata", "cboe", "polygon", "databento", "ib")


@click.command("import", short_help="Write other people's data in LEAN's format.")
@click.argument("format_name", metavar="FORMAT", type=click.Choice(FORMATS))
@click.argument("files", nargs=-1, required=True, type=FilePath(exists=True, dir_okay=False))
@click.option("--to", "folder", type=FilePath(file_okay=False), required=True, help="Data folder to write into.")
@click.option(
    "--columns",
    metavar="FIELD=COLUMN,...",
    help="csv: what each column is, as time=ts,symbol=osi,bid=b,strike=k/1000.",
)
@click.option(
    "--ticker", metavar="TICKER", help="Whose the rows are, where no column says so: a ticker, a root or an OCC symbol."
)
@click.option("--only", multiple=True, metavar="TICKER", help="Import this underlying alone; repeat it for more.")
@click.option("--root", "renamed", multiple=True, metavar="ROOT=TICKER", help="Whose a root is, as BRKB=BRK.B.")
@click.option(
    "--bar",
    type=click.Choice(["minute", "hour", "daily"]),
    default="minute",
    show_default=True,
    help="csv: what a row stands for; quotes of a moment are minute.",
)
@click.option("--lasts", type=Whole(1, 1440), metavar="MINUTES", help="Bars are stamped with their start, and last so.")
@click.option("--time-zone", metavar="ZONE", help="csv: of times without an offset.  [default: America/New_York]")
@click.option("--size", type=Whole(0, 1_000_000), help="Contracts displayed, where the files do not say.  [default: 0]")
@click.option(
    "--databases",
    type=FilePath(exists=True, file_okay=False),
    help="LEAN data folder with market hours and interest rates.  [default: hours by the exchanges' rules]",
)
@click.option("--replace", is_flag=True, help="Where the folder has other values already, take the new ones.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def import_data(
    format_name: str, files: tuple[Path, ...], folder: Path, databases: Path | None, as_json: bool, **options: Any
) -> None:
    """Read FILES of a vendor's FORMAT and write them into a folder in LEAN's format, which runs can then use.

    Quotes, trades and open interest become minute, hour and daily files; universes, map files and factor files are made
    from them. Rows that cannot be used are left out and counted by reason. A folder that has data already is added to.

    \b
    Examples:
      alo import csv chain.csv --to data --columns symbol=osi,time=ts,bid=bid,ask=ask,bid_size=bs,ask_size=as
      alo import csv daily.csv --to data --bar daily --columns ticker=t,date=d,open=o,high=h,low=l,close=c,volume=v
      alo import csv cash.csv --to data --columns ticker=t,date=ex_date,dividend=amount
    """
    from alo_lib.cli.console import say, working
    from alo_lib.cli.failures import UserError
    from alo_lib.cli.json_output import print_json
    from alo_lib.market.importing import Roots, import_files

    if find_spec("pyarrow") is None:
        raise UserError("the packages of requirements/export.txt are not installed; ./alo import installs them")
    roots = Roots(_renamed(options["renamed"]), frozenset(each.upper() for each in options["only"]))
    form = _format(format_name, options)
    with working("Reading ...") as update:
        found = import_files(
            form, files, folder, roots=roots, databases=databases, replace=options["replace"], progress=update
        )
    for warning in found.warnings:
        say(f"Warning: {warning}.")
    if as_json:
        print_json({"folder": str(folder), **found.told()})
        return
    _show(found, folder)


def _renamed(given: tuple[str, ...]) -> dict[str, str]:
    from alo_lib.cli.failures import UserError

    found = {}
    for text in given:
        root, equals, ticker = text.partition("=")
        if not (root and equals and ticker):
            raise UserError(f"--root {text} says nothing; write ROOT=TICKER, such as BRKB=BRK.B")
        found[root.strip().upper()] = ticker.strip().upper()
    return found


def _format(name: str, options: dict[str, Any]) -> "Format":
    from alo_lib.market.importing.formats.known import format_named

    return format_named(name, options)


def _show(found: "Imported", folder: Path) -> None:
    from rich.table import Table

    from alo_lib.cli.console import print_table

    told = found.told()
    click.echo(
        f"Rows read: {told['rows']:,}; bars and events taken: {told['taken']:,}; "
        f"files written to {folder}: {told['files']:,}"
    )
    table = Table(box=None, header_style="bold", padding=(0, 1, 0, 0))
    for title in ("type", "ticker", "days", "first", "last"):
        table.add_column(title, justify="right" if title == "days" else "left")
    for one in told["securities"]:
        table.add_row(one["type"], one["ticker"], f"{one['days']:,}", one.get("first", ""), one.get("last", ""))
    print_table(table)
    if told["left_out"]:
        click.echo("\nLeft out:")
        for reason, count in told["left_out"].items():
            first = next(str(each) for each in found.refusals if each.reason == reason)
            click.echo(f"{count:>12,}  {reason}; the first: {first}")
