"""Generated markets whose option quotes come late, as the hour bars of a lagging feed have them."""

import datetime as dt
from pathlib import Path

from alo_lib.market import QUOTE_BAR, DataFolder, DataKind, OptionBars, Resolution, SecurityType
from alo_lib.market.aggregation import hour_chain
from alo_lib.market.layout import OptionArchive
from alo_lib.market.writer import write_option_file
from alo_lib.records import MINUTE

__all__ = ["delay_hour_quotes"]


def delay_hour_quotes(root: Path, tickers: tuple[str, ...], start: dt.date, end: dt.date, minutes: int) -> None:
    """Make the hour bars of options anew from minute quotes that come so many minutes late."""
    folder = DataFolder(root)
    hours = folder.hours(SecurityType.OPTION)
    for ticker in tickers:
        days = []
        for session in hours.sessions(start, end):
            chain = folder.option_bars(ticker, session.day, session.day, Resolution.MINUTE)
            bars = chain.bars.copy()
            bars["time"] += minutes * MINUTE
            late = OptionBars(chain.contracts, chain.contract, bars)
            days.append(hour_chain(late.where(bars["time"] <= session.close)))
        archive = OptionArchive(root, ticker, start, Resolution.HOUR, DataKind.QUOTE)
        write_option_file(archive, OptionBars.concatenate(days, QUOTE_BAR), hours)
