"""``alo volatility``."""

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from alo_lib.cli.json_output import print_json
from alo_lib.cli.option_arguments import DAY, FilePath, Whole
from alo_lib.cli.project import DATA

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from alo_lib.market.bars import Bars
    from alo_lib.market.volatility_files import VolatilityLine
    from alo_lib.views import VolatilityReportView
    from alo_lib.volatility import HorizonCheck

__all__ = ["volatility"]

_YEARS = 10
_CHECK_REFIT_DAYS = 126
"""Between fits of the models whose past forecasts are checked: half a year, which a reader waits for."""


@click.command(short_help="Show what is known of an underlying's volatility.")
@click.argument("ticker")
@click.option(
    "--data",
    type=FilePath(),
    help="LEAN data folder.  [default: data/ of the project; a synthetic market is written there when it is empty]",
)
@click.option(
    "--start",
    metavar="DATE",
    type=DAY,
    help=f"First day, yyyy-mm-dd.  [default: {_YEARS} years before the last]",
)
@click.option(
    "--end",
    metavar="DATE",
    type=DAY,
    help="Last day; the forecast is made after its close.  [default: the data's last]",
)
@click.option("--regimes", type=Whole(2, 5), default=2, show_default=True, help="Regimes of the hidden Markov model.")
@click.option(
    "--distribution",
    type=click.Choice(["normal", "t", "skewt"]),
    default="skewt",
    show_default=True,
    help="Distribution of the shocks.",
)
@click.option("--html", type=FilePath(), help="Write a page with charts of all of it there.")
@click.option(
    "--publish",
    type=FilePath(file_okay=False),
    help="LEAN data folder to write each day's forecast, regimes and implied-volatility surface to, as custom data.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; everything else goes to standard error.")
def volatility(
    ticker: str,
    data: Path | None,
    start: datetime | None,
    end: datetime | None,
    regimes: int,
    distribution: Literal["normal", "t", "skewt"],
    html: Path | None,
    publish: Path | None,
    as_json: bool,
) -> None:
    """Show what is known of the volatility of TICKER, from its daily bars.

    GJR-GARCH with its standard errors, conditional volatility and tests of its residuals, regimes as they were known on
    each day, changes of scale, the forecast up to a year ahead with its bands, what was realized by squared returns,
    ranges and, where the data have any, hours or minutes, and how such forecasts did on past days;
    sessions without a bar, dividends, splits and the events that you keep, and what options of the last day price where
    the data have any. What --publish writes was known on each day: models are fitted to the days before it alone, as if
    time went by.

    \b
    Examples:
      alo volatility SPY --data ~/lean/data --html spy.html
      alo volatility AAPL --data ~/lean/data --end 2014-06-06 --regimes 3
      alo volatility GOOG --data ~/lean/data --publish ~/lean/data
      alo volatility SPY --json | jq '.forecast[] | {days, volatility}'
    """
    from alo_lib.cli.console import working
    from alo_lib.cli.failures import UserError
    from alo_lib.cli.market_data import ready_market
    from alo_lib.cli.targets import check_page
    from alo_lib.records.spelling import check_ticker
    from alo_lib.records.whole_files import write_whole
    from alo_lib.views import volatility_html, volatility_table

    try:
        name = check_ticker(ticker)
    except ValueError as error:
        raise UserError(str(error)) from None
    if html is not None:
        check_page(html)
    folder = ready_market(data, DATA)
    with working(f"Fitting the models to {name} ..."):
        view, bars = _analysed(name, folder, start and start.date(), end and end.date(), regimes, distribution)
    written = [] if publish is None else _published(name, folder, bars, regimes, publish)
    if html is not None:
        write_whole(html, volatility_html(view))
    if as_json:
        print_json(view.to_dict() | {"page": None if html is None else str(html), "published": list(map(str, written))})
    else:
        from rich.console import Console

        Console(highlight=False).print(volatility_table(view))
        for path in [*([] if html is None else [html]), *written]:
            click.echo(path)


def _analysed(
    ticker: str,
    folder: Path,
    start: date | None,
    end: date | None,
    regimes: int,
    distribution: Literal["normal", "t", "skewt"],
) -> "tuple[VolatilityReportView, Bars]":
    """All that the models say of the days asked for, and their bars."""
    from alo_lib.cli.console import say
    from alo_lib.cli.failures import UserError
    from alo_lib.market import DataError, DataFolder
    from alo_lib.records import FIRST_DAY
    from alo_lib.views import VolatilityReportView
    from alo_lib.views.volatility_context import volatility_context
    from alo_lib.volatility import VolatilityError, report_volatility

    if start is not None and end is not None and start > end:
        raise UserError(f"start {start} is after end {end}; a range of days must not be empty")
    if end is not None and end < FIRST_DAY:
        raise UserError(f"end {end} is before {FIRST_DAY}, the first day that data can have")
    source = DataFolder(folder)
    bars = source.split_adjusted_bars(ticker, FIRST_DAY, end or date(2200, 1, 1))
    days = bars["time"].astype("datetime64[ns]").astype("datetime64[D]")
    if not len(days):
        raise UserError(f"{ticker} has no daily bars{f' up to {end}' if end else ''} in {folder}")
    if start is None:
        last = days[-1].astype(date)
        start = date(last.year - _YEARS, last.month, min(last.day, 28))
    use = days >= start
    bars, days = bars[use], days[use]
    try:
        prices = tuple(bars[name] for name in ("open", "high", "low", "close"))
        analysis = report_volatility(*prices, regimes=regimes, distribution=distribution, dates=days)
        context = volatility_context(source, ticker, bars, analysis)
    except VolatilityError as error:
        raise UserError(f"{ticker} from {start}{f' to {end}' if end else ''}: {error}") from None
    except DataError as error:
        raise UserError(str(error)) from None
    if source.faults:
        say(f"Left out: {source.faults.with_first}.")
    checks, note = _checked(prices, distribution, context.realized.intraday)
    return VolatilityReportView(ticker, days, analysis, context, checks, note), bars


def _checked(
    prices: "tuple[NDArray[np.float64], ...]",
    distribution: Literal["normal", "t", "skewt"],
    intraday: "NDArray[np.float64]",
) -> "tuple[tuple[HorizonCheck, ...], str]":
    """How forecasts as the report's did on past days, or why that is not known."""
    from alo_lib.volatility import DailyHistory, GjrGarch, HarModel, VolatilityError, verify_forecasts

    parts = {GjrGarch.name: {"distribution": distribution}, HarModel.name: {}}
    try:
        history = DailyHistory.from_bars(*prices)
        checks = verify_forecasts(history, refit_days=_CHECK_REFIT_DAYS, parts=parts, intraday=intraday)
    except VolatilityError as error:
        return (), str(error)
    return checks, "" if checks else "none of them is over"


def _published(ticker: str, folder: Path, bars: "Bars", regimes: int, target: Path) -> list[Path]:
    """Write what was known on each day as LEAN custom data; the files, of which one without a line is not written."""
    from alo_lib.cli.console import working
    from alo_lib.cli.failures import UserError
    from alo_lib.market import DataFolder
    from alo_lib.market.surfaces import daily_surfaces, exchange_datetime
    from alo_lib.market.volatility_files import ForecastLine, RegimeLine, volatility_file, write_lines
    from alo_lib.volatility import DailyHistory, VolatilityError, walk_forward

    source = DataFolder(folder)
    with working(f"Walking through the days of {ticker} ..."):
        try:
            history = DailyHistory.from_bars(*(bars[name] for name in ("open", "high", "low", "close")))
            walk = walk_forward(history, regimes=regimes)
        except VolatilityError as error:
            raise UserError(f"{ticker}: {error}") from None
        times = [exchange_datetime(time, source) for time in bars["time"][walk.first + 1 :].tolist()]
        surfaces = daily_surfaces(source, ticker, times[0].date(), times[-1].date())
    said = zip(times, walk.volatility.tolist(), walk.low.tolist(), walk.high.tolist(), strict=True)
    mixes = zip(times, walk.probabilities.tolist(), walk.regime_volatility.tolist(), strict=True)
    kinds: list[Sequence[VolatilityLine]] = [
        [ForecastLine(time, walk.days, *map(tuple, columns)) for time, *columns in said],
        [RegimeLine(time, tuple(mix), tuple(levels)) for time, mix, levels in mixes if mix[0] >= 0.0],  # NaN is not
        surfaces,
    ]
    written = []
    for lines in filter(None, kinds):
        written.append(volatility_file(target, type(lines[0]), ticker))
        write_lines(written[-1], lines)
    return written
