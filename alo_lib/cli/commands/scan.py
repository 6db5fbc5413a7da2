"""``alo scan``."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alo_lib.cli.commands.backtest import assignment
from alo_lib.cli.console import say, working
from alo_lib.cli.failures import UserError
from alo_lib.cli.json_output import print_json
from alo_lib.cli.option_arguments import BASKET, CLOCK, DAY, FilePath
from alo_lib.cli.option_table import print_whole
from alo_lib.cli.project import CONFIG, DATA

if TYPE_CHECKING:
    from alo_lib.settings import Settings
    from alo_lib.settings.basket import Basket
    from alo_lib.views.dispersion import DispersionView
    from alo_lib.views.scan import ScanView

__all__ = ["scan"]


@click.command(short_help="What is worth trading on a day, why, and what was rejected.")
@click.argument("tickers", nargs=-1)
@click.option("--date", "day", type=DAY, required=True, metavar="DATE", help="The day, yyyy-mm-dd.")
@click.option(
    "--time",
    "clock",
    type=CLOCK,
    metavar="HH:MM",
    help="Time of day in New York.  [default: the last bar that ends before the close]",
)
@click.option(
    "--data",
    type=FilePath(),
    help="LEAN data folder.  [default: data/ of the project; a synthetic market is written there when it is empty]",
)
@click.option(
    "--set",
    "assignments",
    metavar="NAME=VALUE",
    multiple=True,
    help="A setting, as often as you like; 'alo backtest --settings' lists them.",
)
@click.option(
    "--basket",
    type=BASKET,
    help="An index of TICKERS with its members and their weights: what correlation their options imply.",
)
@click.option("--html", type=FilePath(), help="Write a page with smiles, candidates and all contracts there.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object with every contract.")
def scan(
    tickers: tuple[str, ...],
    day: dt.datetime,
    clock: dt.datetime | None,
    data: Path | None,
    assignments: tuple[str, ...],
    basket: "Basket | None",
    html: Path | None,
    as_json: bool,
) -> None:
    """Show what the strategy sees and ranks in the options of TICKERS at a moment of --date.

    The trading core is told the day's session and bars until then, as a backtest is, and decides once: what volatility
    options price beside what is forecast and was realized, where that stands among the days of the year before that
    the data have quotes of, which structures are worth the most after costs, and why other contracts are passed over.
    Without TICKERS it takes those of the setting underlyings; bars are the finest that have quotes on that day.

    \b
    Examples:
      alo scan GOOG --date 2015-12-24 --data ~/lean/data --time 12:30
      alo scan AAPL --date 2014-06-06 --data ~/lean/data --html aapl.html
      alo scan ALFA BRVO --date 2024-01-17 --json | jq '.scans[].candidates'
      alo scan INDX ALFA BRVO --date 2024-01-17 --basket INDX=ALFA:0.6,BRVO:0.4
    """
    from alo_lib.cli.market_data import ready_market
    from alo_lib.cli.targets import check_page
    from alo_lib.market import DataFolder
    from alo_lib.settings import Settings
    from alo_lib.views.dispersion import dispersion_view

    if html is not None:
        check_page(html)
    chosen: dict[str, Any] = dict(map(assignment, assignments)) | {"start": day.date(), "end": day.date()}
    if tickers:
        chosen["underlyings"] = ",".join(tickers)
    settings = Settings.of(Settings.parameters_of(CONFIG), chosen)
    folder = DataFolder(ready_market(data, DATA))
    at = None if clock is None else dt.timedelta(hours=clock.hour, minutes=clock.minute, seconds=clock.second)
    basket = settings.traded_basket if basket is None else basket
    if basket is not None:
        _require_scanned(basket, settings.underlyings)
    views = [_scanned(settings, ticker, folder.root, at, "resolution" in chosen) for ticker in settings.underlyings]
    correlation = None if basket is None else dispersion_view(basket, views)
    if html is not None:
        from alo_lib.records.whole_files import write_whole
        from alo_lib.views.scan_page import scan_html

        write_whole(html, scan_html(views, correlation))
    if as_json:
        page = None if html is None else str(html)
        told = {"date": str(day.date()), "scans": [view.to_dict() for view in views], "page": page}
        print_json(told if correlation is None else told | {"dispersion": correlation.to_dict()})
        return
    for view in views:
        _show(view)
    if correlation is not None:
        _show_dispersion(correlation)
    if html is not None:
        click.echo(f"Page: {html}")


def _scanned(
    settings: "Settings", ticker: str, data: Path, at: dt.timedelta | None, resolution_given: bool
) -> "ScanView":
    """One underlying, for itself: what it offers does not depend on the others."""
    from alo_lib.market import DataFolder
    from alo_lib.records.baskets import DISPERSION
    from alo_lib.simulation.moment import finest_resolution, market_at
    from alo_lib.views.scan import scan_view

    folder = DataFolder(data)
    with working(f"Looking at {ticker} ..."):
        of_one = [name for name in settings.structures if name != DISPERSION]
        alone = settings.model_dump(mode="json") | {"underlyings": ticker, "basket": ""}
        alone["structures"] = of_one or ["straddle"]  # what dispersion is made of
        finest = finest_resolution(folder, ticker, settings.start)
        if not resolution_given:
            alone["resolution"] = str(finest)
        view = scan_view(market_at(type(settings).of(alone), folder, at))
    if folder.faults:
        say(f"Left out of {ticker}: {folder.faults.with_first}.")
    return view


def _require_scanned(basket: "Basket", tickers: "Sequence[str]") -> None:
    from alo_lib.views.dispersion import require_scanned

    try:
        require_scanned(basket, tickers)
    except ValueError as error:
        raise UserError(str(error)) from None


def _show_dispersion(view: "DispersionView") -> None:
    from rich.table import Table

    from alo_lib.views.dispersion import dispersion_rows

    click.echo(f"{view.basket.index} against its members\n")
    figures = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for name, value in dispersion_rows(view):
        figures.add_row(name, value)
    print_whole(figures)


def _show(view: "ScanView") -> None:
    from textwrap import fill

    from rich.console import Console
    from rich.table import Table

    from alo_lib.records import MATURITIES
    from alo_lib.strategy.rejections import MEANINGS
    from alo_lib.views.run import exchange_moment
    from alo_lib.views.scan import market_rows, maturity_rows

    moment, market, width = view.moment, view.market, Console().width
    spot = f"spot {moment.underlying.book.spot:z,.10g}"
    click.echo(
        f"{view.ticker} {exchange_moment(moment.time)[:16]} New York, {moment.settings.resolution} bars; {spot}\n"
    )
    if market is None:
        click.echo("No expiry has quotes that tell a smile.\n")
    else:
        maturities = _table("", *(f"{days} days" for days in MATURITIES))
        for row in maturity_rows(market):
            maturities.add_row(*row)
        print_whole(maturities)
        figures = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        for name, value in market_rows(market):
            figures.add_row(name, value)
        print_whole(figures)
        click.echo()
    if view.opens_nothing:
        click.echo(f"{fill(view.opens_nothing, width)}\n")
    if not view.candidates:
        click.echo("No contracts make a structure now.")
    for place, one in enumerate(view.candidates, 1):
        legs = ", ".join(map(str, one.legs))
        click.echo(fill(f"{place}. {one.title}: {legs}; {one.why}", width, subsequent_indent="   "))
    click.echo()
    rejected = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    rejected.add_column("contracts", justify="right")
    rejected.add_column("means")
    for reason, count in view.reasons():
        rejected.add_row(f"{count:,}", MEANINGS[reason])
    Console(highlight=False).print(rejected)
    click.echo()


def _table(*titles: str) -> Any:
    from rich.table import Table

    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for place, title in enumerate(titles):
        table.add_column(title, justify="right" if place else "left", no_wrap=True)
    return table
