"""The options by which commands choose a chain, and the snapshot that they mean."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from alo_lib.cli.option_arguments import CLOCK, DAY, NUMBER, FilePath, Number
from alo_lib.cli.project import DATA

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from alo_lib.market import ChainSnapshot, DataFolder

__all__ = ["MANY", "check_chain", "cut", "market_options", "selection_options", "snapshot_of"]

Command = TypeVar("Command", bound=Callable[..., Any])

MANY: Final = 200
"""Contracts that are listed without being asked for."""

_SELECTION: Final = (
    click.argument("ticker"),
    click.argument("day", type=DAY, metavar="DAY"),
    click.option("--data", type=FilePath(), default=DATA, help="LEAN data folder.  [default: the project's]"),
    click.option(
        "--time",
        "clock",
        type=CLOCK,
        metavar="HH:MM",
        help="Time of day in New York; quotes are the last ones before it.  [default: the close]",
    ),
    click.option(
        "--resolution",
        type=click.Choice(["minute", "hour", "daily"]),
        help="Bars to read.  [default: the finest that has quotes]",
    ),
    click.option("--expiry", "expiries", type=DAY, multiple=True, metavar="DATE", help="Only this expiry; repeat it."),
    click.option(
        "--days", type=(NUMBER, NUMBER), metavar="LEAST MOST", help="Only expiries that are so many days ahead."
    ),
    click.option(
        "--strike", type=(NUMBER, NUMBER), metavar="LOW HIGH", help="Only strikes from LOW to HIGH, in money."
    ),
)
_MARKET: Final = (
    click.option("--spot", type=Number("spot"), help="Price of the underlying.  [default: from the data]"),
    click.option(
        "--rate",
        type=Number("rate"),
        help="Interest a year, compounded continuously.  [default: the data's of that day]",
    ),
)


def selection_options(command: Command) -> Command:
    """Which contracts, of which moment: from the ticker to --strike."""
    for option in reversed(_SELECTION):
        command = option(command)
    return command


def market_options(command: Command) -> Command:
    """--spot and --rate."""
    for option in reversed(_MARKET):
        command = option(command)
    return command


def check_chain(days: tuple[float, float] | None, strike: tuple[float, float] | None, html: Path | None) -> None:
    """UserError for a range that runs backwards, and for a page that cannot be written."""
    from alo_lib.cli.failures import UserError
    from alo_lib.cli.targets import check_page

    for option, ends in (("--days", days), ("--strike", strike)):
        if ends is not None and ends[0] > ends[1]:
            raise UserError(f"{option} is {ends[0]:g} {ends[1]:g}; the first must not be above the second")
    if html is not None:
        check_page(html)


def snapshot_of(
    folder: "DataFolder",
    ticker: str,
    day: dt.datetime,
    clock: dt.datetime | None,
    resolution: str | None,
    spot: float | None,
) -> "ChainSnapshot":
    """The chain at a moment. UserError where there is none."""
    from alo_lib.cli.failures import UserError
    from alo_lib.market import Resolution, take_snapshot

    try:
        return take_snapshot(
            folder,
            ticker,
            day.date(),
            at=None if clock is None else dt.timedelta(hours=clock.hour, minutes=clock.minute, seconds=clock.second),
            resolution=None if resolution is None else Resolution(resolution),
            spot=spot,
        )
    except ValueError as error:
        damaged = next(iter(folder.faults), None)  # may be why there is nothing
        raise UserError(str(error) if damaged is None else f"{error}; left out: {damaged}") from None


def cut(
    snapshot: "ChainSnapshot",
    expiries: tuple[dt.datetime, ...],
    days: tuple[float, float] | None,
    strike: tuple[float, float] | None,
) -> "NDArray[np.bool_]":
    """Which contracts the options leave, (n,)."""
    import numpy as np

    from alo_lib.records import DAYS_A_YEAR

    kept = np.ones(len(snapshot), np.bool_)
    if expiries:
        kept &= np.isin(snapshot.contracts["expiry"], [np.datetime64(one.date()) for one in expiries])
    for values, wanted in ((DAYS_A_YEAR * snapshot.years_to_expiry, days), (snapshot.contracts["strike"], strike)):
        if wanted is not None:
            kept &= (values >= wanted[0]) & (values <= wanted[1])
    return kept
