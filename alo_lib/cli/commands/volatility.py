"""``alo volatility``."""

import json
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from alo_lib.cli.project import DATA

if TYPE_CHECKING:
    from alo_lib.views import AnalysisView

__all__ = ["volatility"]

_YEARS = 10


@click.command(short_help="Show what is known of an underlying's volatility.")
@click.argument("ticker")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="LEAN data folder.  [default: data/ of the project; a synthetic market is written there when it is empty]",
)
@click.option(
    "--start",
    metavar="DATE",
    type=click.DateTime(["%Y-%m-%d"]),
    help=f"First day, yyyy-mm-dd.  [default: {_YEARS} years before the last]",
)
@click.option(
    "--end",
    metavar="DATE",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Last day; the forecast is made after its close.  [default: the data's last]",
)
@click.option(
    "--regimes", type=click.IntRange(2, 5), default=2, show_default=True, help="Regimes of the hidden Markov model."
)
@click.option(
    "--distribution",
    type=click.Choice(["normal", "t", "skewt"]),
    default="skewt",
    show_default=True,
    help="Distribution of the shocks.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write the page to.  [default: volatility-TICKER.html]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; everything else goes to standard error.")
def volatility(
    ticker: str,
    data: Path | None,
    start: datetime | None,
    end: datetime | None,
    regimes: int,
    distribution: Literal["normal", "t", "skewt"],
    output: Path | None,
    as_json: bool,
) -> None:
    """Show what is known of the volatility of TICKER, from its daily bars, and write it as a page for a browser.

    GJR-GARCH with its standard errors and conditional volatility, regimes as they were known on each day, changes of
    scale, and the forecast up to a year ahead with the band that its past errors give it.

    \b
    Examples:
      alo volatility SPY --data ~/lean/data
      alo volatility AAPL --data ~/lean/data --end 2014-06-06 --regimes 3
      alo volatility SPY --json | jq '.forecast[] | {days, volatility}'
    """
    from alo_lib.cli.failures import UserError
    from alo_lib.cli.market_data import ready_market
    from alo_lib.cli.project import shown
    from alo_lib.market.map_files import check_ticker
    from alo_lib.views import analysis_html, analysis_table

    try:
        name = check_ticker(ticker)
    except ValueError as error:
        raise UserError(str(error)) from None
    target = output or Path(f"volatility-{name}.html")
    if not target.parent.is_dir():
        raise UserError(f"there is no folder {target.parent} to write {target.name} to; make it first")
    view = _analysed(name, ready_market(data, DATA), start and start.date(), end and end.date(), regimes, distribution)
    target.write_text(analysis_html(view), encoding="utf-8")
    if as_json:
        click.echo(json.dumps(view.to_dict() | {"page": str(target)}))
    else:
        from rich.console import Console

        Console(highlight=False).print(analysis_table(view))
        click.echo(shown(target))


def _analysed(
    ticker: str,
    folder: Path,
    start: date | None,
    end: date | None,
    regimes: int,
    distribution: Literal["normal", "t", "skewt"],
) -> "AnalysisView":
    """The bars of the days asked for, and all that the models say of them."""
    from alo_lib.cli.failures import UserError
    from alo_lib.market import DataFolder
    from alo_lib.views import AnalysisView
    from alo_lib.volatility import VolatilityError, analyse

    if start is not None and end is not None and start > end:
        raise UserError(f"start {start} is after end {end}; a range of days must not be empty")
    bars = DataFolder(folder).split_adjusted_bars(ticker, date(1970, 1, 2), end or date(2200, 1, 1))
    days = bars["time"].astype("datetime64[ns]").astype("datetime64[D]")
    if not len(days):
        raise UserError(f"{ticker} has no daily bars{f' up to {end}' if end else ''} in {folder}")
    if start is None:
        last = days[-1].astype(date)
        start = date(last.year - _YEARS, last.month, min(last.day, 28))
    use = days >= start
    try:
        analysis = analyse(
            *(bars[name][use] for name in ("open", "high", "low", "close")),
            regimes=regimes,
            distribution=distribution,
        )
    except VolatilityError as error:
        raise UserError(f"{ticker} from {start}{f' to {end}' if end else ''}: {error}") from None
    return AnalysisView(ticker, days[use], analysis)
