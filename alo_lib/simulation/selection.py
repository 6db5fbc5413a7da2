"""Which contracts a day's universe offers to a run."""

import datetime as dt
from typing import NamedTuple

from alo_lib.market import DataFolder, SecurityType
from alo_lib.records import CALENDAR_DAY, Contract
from alo_lib.settings import Settings
from alo_lib.strategy import select_contracts

__all__ = ["Selection", "selection_for"]


class Selection(NamedTuple):
    """What the universe file of ``day`` offers to the session after it."""

    day: dt.date
    price: float
    """Of the underlying; not above 0 where the file has none, and then nothing is selected."""
    listed: int
    """Contracts that had not expired."""
    contracts: list[Contract]
    """Those that the settings look at."""


def selection_for(settings: Settings, folder: DataFolder, ticker: str, day: dt.date) -> Selection | None:
    """LEAN selects from the file of the session before, at the midnight after that day or when the run begins.

    None without the file: then the last selection stays.
    """
    universe = folder.universe(ticker, day, lookback=1)
    if universe is None:
        return None
    price = 0.0 if universe.underlying is None else universe.underlying.close
    if not price > 0.0:
        return Selection(universe.day, 0.0, len(universe.rows), [])
    when = max(universe.day + CALENDAR_DAY, settings.start)
    listed = universe.contracts(folder.hours(SecurityType.OPTION, ticker))
    return Selection(universe.day, price, len(listed), select_contracts(settings, when, price, listed))
