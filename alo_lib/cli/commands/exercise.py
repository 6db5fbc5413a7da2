"""``alo exercise``."""

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alo_lib.cli.chain_arguments import MANY, check_chain, cut, market_options, selection_options, snapshot_of
from alo_lib.cli.console import say, working
from alo_lib.cli.dividend_arguments import DatedCash
from alo_lib.cli.json_output import print_json
from alo_lib.cli.option_arguments import SCHEME, FilePath
from alo_lib.cli.option_table import print_whole

if TYPE_CHECKING:
    from alo_lib.market import ChainSnapshot, DataFolder
    from alo_lib.pricing import Scheme
    from alo_lib.views.exercise import CashCarry, ExerciseView, NextExDate

__all__ = ["exercise"]


@click.command(short_help="Which calls to exercise before an ex-date, and what waiting costs.")
@selection_options
@market_options
@click.option(
    "--dividend",
    "given",
    type=DatedCash(),
    multiple=True,
    help="Cash a share that goes ex at the open of a day, such as 2015-11-05:0.52; repeat it.  [default: those "
    "ahead in the factor file, and announced]",
)
@click.option(
    "--dividends",
    type=click.Choice(["cash", "cash-parity"]),
    default="cash",
    show_default=True,
    help="cash: as they are; cash-parity: beside the yield at which calls and puts agree, what borrowing costs.",
)
@click.option("--scheme", type=SCHEME, default="accurate", show_default=True, help="As in 'alo price'.")
@click.option("--all", "every", is_flag=True, help="List the calls that are to be held, too, and more than 200.")
@click.option("--html", type=FilePath(), help="Write a page with what exercise gains, and all calls.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object with every call.")
def exercise(
    ticker: str,
    day: dt.datetime,
    data: Path,
    clock: dt.datetime | None,
    resolution: str | None,
    expiries: tuple[dt.datetime, ...],
    days: tuple[float, float] | None,
    strike: tuple[float, float] | None,
    spot: float | None,
    rate: float | None,
    given: tuple[tuple[dt.date, float], ...],
    dividends: "CashCarry",
    scheme: "Scheme",
    every: bool,
    html: Path | None,
    as_json: bool,
) -> None:
    """Tell which calls of TICKER are to be exercised for its next dividend, as of DAY, from data in LEAN's format.

    Holders exercise on the evening before the ex-date, if at all. On that evening a call is to be exercised where spot
    less strike is more than what it is worth to hold it through the ex-date; what waiting loses is told a contract, and
    as a share of its value. On earlier days that is told of the evening to come, if spot keeps to its forward. Short
    calls are in danger of assignment where those are, or where spot is within two standard deviations of the critical
    one, a chance of 2.5 %. Volatilities are those of each expiry's out-of-the-money quotes.

    \b
    Examples:
      alo exercise AAPL 2015-11-04 --data ~/lean/data
      alo exercise AAPL 2014-06-06 --data ~/lean/data --dividends cash-parity --days 60 100 --html aapl.html
      alo exercise GOOG 2015-12-24 --data ~/lean/data --time 12:30 --dividend 2015-12-28:2.50
    """
    from alo_lib.cli.failures import UserError
    from alo_lib.market import DataFolder
    from alo_lib.views.exercise import exercise_view

    check_chain(days, strike, html)
    folder = DataFolder(data)
    snapshot = snapshot_of(folder, ticker, day, clock, resolution, spot)
    if not snapshot.american:
        raise UserError(f"options on {snapshot.ticker} are European; nothing is exercised early")
    snapshot, ex_date = _with_dividends(folder, snapshot, given)
    wanted = cut(snapshot, expiries, days, strike) & (snapshot.contracts["right"] > 0)
    living = wanted & (snapshot.expiry_time > ex_date.time)
    if not living.any():
        raise UserError(
            f"no call of {snapshot.ticker} that is quoted, and left by --expiry, --days and --strike, lives past "
            f"{ex_date.day}, when it next goes ex"
        )
    interest = folder.interest_rates.rate_at(day.date()) if rate is None else rate
    with working(f"Pricing {int(living.sum()):,} calls ..."):
        view = exercise_view(snapshot, wanted, ex_date, rate=interest, carry=dividends, scheme=scheme)
    if folder.faults:
        say(f"Left out: {folder.faults.with_first}.")
    if html is not None:
        from alo_lib.records.whole_files import write_whole
        from alo_lib.views.exercise_page import exercise_html

        write_whole(html, exercise_html(view))
    if as_json:
        print_json(_object(view))
        return
    _show(view, every)
    if html is not None:
        click.echo(f"\nPage: {html}")


def _with_dividends(
    folder: "DataFolder", snapshot: "ChainSnapshot", given: tuple[tuple[dt.date, float], ...]
) -> "tuple[ChainSnapshot, NextExDate]":
    """The snapshot with the dividends that are given, or its own, and the next of them. UserError where there is none.

    An ex-time is the open of its day's session, or of the next one where the market is closed.
    """
    from dataclasses import replace

    from alo_lib.cli.failures import UserError
    from alo_lib.market import SecurityType
    from alo_lib.records import NEW_YORK, SECOND
    from alo_lib.views.exercise import NextExDate

    hours = folder.hours(SecurityType.EQUITY, snapshot.ticker)
    if given:
        opens = sorted((hours.session(hours.next_trading_day(day - dt.timedelta(days=1))).open, cash)
                       for day, cash in given if day > snapshot.day)  # fmt: skip
        snapshot = replace(snapshot, dividends=tuple(each for each in opens if each[0] > snapshot.time))
    if not snapshot.dividends:
        told = "of --dividend goes ex" if given else f"of {snapshot.ticker} is known in {folder.root}"
        raise UserError(f"no dividend {told} after {snapshot.day}; give one that does, such as --dividend DATE:AMOUNT")
    time = snapshot.dividends[0][0]
    cash = sum(amount for when, amount in snapshot.dividends if when == time)
    day = dt.datetime.fromtimestamp(time // SECOND, NEW_YORK).date()
    evening = hours.previous_trading_day(day)
    return snapshot, NextExDate(day, time, cash, evening, evening == snapshot.day)


def _object(view: "ExerciseView") -> dict[str, Any]:
    from alo_lib.records import NEW_YORK
    from alo_lib.views.run import exchange_moment

    snapshot, ex_date = view.chain.snapshot, view.ex_date
    return {
        "ticker": snapshot.ticker,
        "time": exchange_moment(snapshot.time),
        "time_zone": str(NEW_YORK),
        "resolution": str(snapshot.resolution),
        "spot": snapshot.spot,
        "spot_from": snapshot.spot_from,
        "rate": view.chain.rate,
        "dividends": view.chain.carry,
        "ex_date": str(ex_date.day),
        "cash": ex_date.cash,
        "last_evening": str(ex_date.evening),
        "tonight": ex_date.tonight,
        "calls": list(view.rows_told()),
    }


def _show(view: "ExerciseView", every: bool) -> None:
    from rich.table import Table

    from alo_lib.views.exercise_page import COLUMNS, MOMENTS, WORDS, cell

    snapshot, ex_date, rows = view.chain.snapshot, view.ex_date, list(view.rows_told())
    counts = {word: sum(row["verdict"] == word for row in rows) for word in ("exercise", "in danger", "no volatility")}
    held = sum(row["open_interest"] or 0.0 for row in rows if row["verdict"] == "exercise")
    lost = sum((row["open_interest"] or 0.0) * row["lost_per_contract"] for row in rows if row["verdict"] == "exercise")
    when = "tonight" if ex_date.tonight else f"on the evening of {ex_date.evening}, if spot keeps to its forward"
    click.echo(
        f"{snapshot.ticker} {_object(view)['time'][:16]} New York, {snapshot.resolution} bars; "
        f"spot {snapshot.spot:z.10g} ({snapshot.spot_from}), rate {view.chain.rate:z.3%}, "
        f"dividends: {view.chain.carry_in_words}\n"
        f"{ex_date.cash:z.4g} a share goes ex on {ex_date.day}: to be exercised for it {when}"
    )
    told = f"{len(rows):,} {'call lives' if len(rows) == 1 else 'calls live'} past it: "
    told += f"{counts['exercise']:,} to be exercised"
    if held > 0.0:
        told += f" ({held:z,.0f} contracts, which lose {lost:z,.0f} by waiting)"
    told += f", {counts['in danger']:,} more in danger of assignment"
    click.echo(told + (f", {counts['no volatility']:,} without a volatility" if counts["no volatility"] else ""))
    shown = rows if every else [row for row in rows if row["verdict"] in ("exercise", "in danger")]
    if not shown:
        return
    click.echo()
    table = Table(box=None, header_style="bold", padding=(0, 1, 0, 0))
    for title in COLUMNS:
        table.add_column(title, justify="left" if title in WORDS else "right", no_wrap=True)
    for row in shown if every else shown[:MANY]:
        table.add_row(*(cell(row, title) for title in COLUMNS))
    print_whole(table)
    click.echo(MOMENTS)
    if not every and len(shown) > MANY:
        click.echo(f"The first {MANY} of {len(shown):,}; --all lists them all.")
