"""``alo generate``."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from alo_lib.cli.option_arguments import BASKET, DAY, FilePath, Whole
from alo_lib.cli.project import DATA

__all__ = ["generate"]

Command = TypeVar("Command", bound=Callable[..., Any])

_OF_NAMES: Final = (
    ("--dynamics", "KIND,NAME=NUMBER...", "What moves the price: constant, garch or heston, and its figures."),
    ("--jumps", "RATE:MEAN:DEVIATION", "Jumps a year, which come overnight, and their logarithmic size."),
    ("--drift", "NUMBER", "Expected return above the interest rate, a year: an edge of the stock."),
    ("--overnight", "SHARE", "Of a day's variance, what comes before the open."),
    ("--correlation", "NUMBER", "Of its moves with the index, from 0 to 1."),
    ("--dividend", "MONEY", "Paid a share each quarter."),
    ("--borrow", "NUMBER", "What borrowing a share costs a year, as options price it."),
    ("--edge", "MEAN:DEVIATION:DAYS", "Implied over fair volatility: mean, how far it wanders, and half-life."),
    ("--skew-edge", "MEAN:DEVIATION:DAYS", "The same for each deviation of the strike above the forward."),
    ("--curvature-edge", "MEAN:DEVIATION:DAYS", "The same for each squared deviation of the strike."),
    ("--term-edge", "MEAN:DEVIATION:DAYS", "The same for each doubling of 30 days to expiry."),
    ("--split", "DATE:RATIO", "Each share becomes so many before the open."),
    ("--event", "DATE:MOVE", "The price moves before the open, by this standard deviation; its date is known."),
    ("--halt", "DATE:HH:MM-HH:MM", "No trades and no quotes from one minute to the other."),
)
"""Options that are for one name where a ticker and = come before the value, else for all."""


def _options_of_names(command: Command) -> Command:
    for option, metavar, words in reversed(_OF_NAMES):
        command = click.option(option, multiple=True, metavar=f"[TICKER=]{metavar}", help=words)(command)
    return command


def _dates(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """Days of what click took for moments."""
    if isinstance(value, tuple):
        return tuple(each.date() for each in value)
    return value and value.date()


@click.command(short_help="Write the synthetic market.")
@click.option(
    "--output",
    type=FilePath(),
    default=DATA,
    help="Folder to write to; it must be empty or new.  [default: data/ of the project]",
)
@click.option(
    "--truth",
    type=FilePath(exists=True, dir_okay=False),
    metavar="FILE",
    help="Begin with the truth.json of another market; the options here change it.",
)
@click.option("--seed", type=Whole(0, 2**63 - 1), help="The same seed writes the same bytes.  [default: 1]")
@click.option("--start", type=DAY, callback=_dates, metavar="DATE", help="First day.  [default: 2024-01-02]")
@click.option("--end", type=DAY, callback=_dates, metavar="DATE", help="Last day.  [default: 2024-01-31]")
@click.option("--history-days", type=Whole(1, 2520), help="Daily bars before the first day.  [default: 756]")
@click.option("--quote-minutes", type=Whole(1, 60), help="Minutes from one option quote to the next.  [default: 5]")
@click.option("--quote-lag", type=Whole(0, 60), help="Minutes that option quotes are behind the stock.  [default: 0]")
@click.option(
    "--name",
    "names",
    multiple=True,
    metavar="TICKER[:PRICE[:VOLATILITY]]",
    help="A stock, in the place of ALFA and BRVO; repeat it for more.",
)
@click.option("--index", metavar="TICKER", help="Add an index, which the others are correlated with.")
@click.option("--basket", type=BASKET, help="Add an index that is worth these names, by weight as the market begins.")
@_options_of_names
@click.option(
    "--early-close", "early_closes", type=DAY, callback=_dates, multiple=True, metavar="DATE", help="Close at 13:00."
)
@click.option(
    "--spread",
    multiple=True,
    metavar="NAME=NUMBER",
    help="Of option quotes: fixed, volatility, share, wings, tick, dear-tick, dear-from, size.",
)
@click.option(
    "--listing",
    multiple=True,
    metavar="NAME=NUMBER",
    help="Of options: weeklies and monthlies, expiries ahead, and strikes, at most of an expiry and day.",
)
@click.option(
    "--resolution",
    type=click.Choice(["minute", "hour"]),
    help="Write bars of this length alone: files of minutes take most of the time.  [default: both]",
)
@click.option("--workers", type=Whole(1, 1_000), help="Names that are made at a time.  [default: all processors]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object: the truth, and what came of it.")
def generate(
    output: Path, truth: Path | None, resolution: str | None, workers: int | None, as_json: bool, **options: Any
) -> None:
    """Write a synthetic market in LEAN's format, and beside it the truth that it was made from (truth.json).

    A command that was cut short goes on with the names that are not whole when it is given again.

    Unless told otherwise: two underlyings (ALFA, which pays dividends, and BRVO), a month of minute bars with three
    years of days before it, and full option chains, priced at what they are worth: there is no edge to find.

    \b
    Examples:
      alo generate --output market --edge ALFA=0.02
      alo generate --output market --dynamics heston,vol-of-vol=0.8 --jumps BRVO=4:-3%:4% --skew-edge=-0.01:0.005
      alo generate --output year --end 2024-12-31 --resolution hour --quote-minutes 60 --listing strikes=7
      alo generate --output market --index INDX --correlation ALFA=0.6 --event BRVO=2024-01-24:6%
      alo generate --output market --basket INDX=ALFA:0.6,BRVO:0.4 --dynamics constant --dividend 0 --correlation 0.6
    """
    from alo_lib.cli.console import say
    from alo_lib.cli.failures import UserError
    from alo_lib.cli.json_output import print_json
    from alo_lib.cli.market_data import write_market
    from alo_lib.cli.truth_arguments import truth_of
    from alo_lib.executive.isolation import processors

    wanted = truth_of(options, truth)
    try:
        made = write_market(output, wanted, resolution, workers or len(processors()) or 1)
    except ValueError as error:
        raise UserError(str(error)) from None
    say(f"The synthetic market is in {output}.")
    counts = {} if made is None else {"quotes": made.quotes, "arbitrage": made.arbitrage}
    if as_json:
        print_json({"folder": str(output), "truth": wanted.model_dump(mode="json"), **counts})
        return
    for ticker, sentence in wanted.in_words():
        click.echo(f"{ticker + ': ' if ticker else ''}{sentence}")
    if made is not None:
        click.echo(f"{made.quotes:,} option quotes, {made.arbitrage:,} of them in a sure gain after rounding")
