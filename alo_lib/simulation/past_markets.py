"""What options priced on the days before, read from a data folder as a running core would have told it."""

import datetime as dt
from collections.abc import Iterator
from math import prod
from typing import Final

import numpy as np

from alo_lib.market import DataFolder, OptionBars, Resolution, SecurityType
from alo_lib.records import Contract, InstrumentTable, Kind, Session, records
from alo_lib.runtime import DIVIDENDS_LOOKED_BACK
from alo_lib.settings import Settings
from alo_lib.strategy import select_contracts
from alo_lib.strategy.book import CashDividend, MarketBook
from alo_lib.strategy.market_state import MarketDay, look_at

__all__ = ["past_markets"]

_YEAR: Final = dt.timedelta(days=365)


def past_markets(folder: DataFolder, ticker: str, settings: Settings, day: dt.date) -> list[MarketDay]:
    """What the last quotes of each day of the year before ``day`` say, oldest first.

    Of daily bars where there are any, else of hourly ones, else of minutes'. Days without option quotes, or a daily bar
    of the underlying, are not there. Faults of files are the folder's to tell.
    """
    hours = folder.hours()
    start, end = day - _YEAR, day - dt.timedelta(days=1)
    sessions = hours.sessions(start, end)
    closes = folder.bars(ticker, start, end, Resolution.DAILY)
    spots = dict(zip(closes["time"].tolist(), closes["close"].tolist(), strict=True))
    found: dict[dt.date, MarketDay] = {}
    for session, bars in _quotes(folder, ticker, sessions):
        spot = spots.get(session.close, 0.0)
        if session.day not in found and spot > 0.0:
            book = _book(folder, ticker, settings, session, bars, spot)
            if book is not None:
                look = look_at(book, settings, folder.interest_rates.rate_at(session.day), session.close)
                if look.quoted.told.any():
                    found[session.day] = look.day
    return [found[each] for each in sorted(found)]


def _quotes(folder: DataFolder, ticker: str, sessions: list[Session]) -> Iterator[tuple[Session, OptionBars]]:
    """The quotes of each session, in every resolution that has some, the coarsest first."""
    if not sessions:
        return
    for resolution in (Resolution.DAILY, Resolution.HOUR):
        days = {session.day.year: session.day for session in sessions}
        if any(folder.quote_archive(ticker, day, resolution).path.is_file() for day in days.values()):
            bars = folder.option_bars(ticker, sessions[0].day, sessions[-1].day, resolution)
            for session in sessions:
                first, last = np.searchsorted(bars.bars["time"], [session.open + 1, session.close + 1])
                if first < last:
                    yield session, OptionBars(bars.contracts, bars.contract[first:last], bars.bars[first:last])
    for session in sessions:
        if folder.quote_archive(ticker, session.day, Resolution.MINUTE).path.is_file():
            bars = folder.option_bars(ticker, session.day, session.day, Resolution.MINUTE)
            if len(bars):
                yield session, bars


def _book(
    folder: DataFolder, ticker: str, settings: Settings, session: Session, bars: OptionBars, spot: float
) -> MarketBook | None:
    """A market as it stood at the session's close; None where none of what is quoted would be looked at."""
    last = np.full(len(bars.contracts), -1)
    last[bars.contract] = np.arange(len(bars))  # in time order, so that the last one stays
    hours, places = folder.hours(SecurityType.OPTION, ticker), np.flatnonzero(last >= 0)
    expiries = {day: hours.expiry_time(day) for day in set(bars.contracts["expiry"][places].tolist())}
    listed = {
        (expiry, strike, right): place
        for place, (expiry, strike, right) in zip(places.tolist(), bars.contracts[places].tolist(), strict=True)
        if expiries[expiry] > session.close
    }
    offered = [Contract(*key, expiries[key[0]], 0) for key in listed]
    chosen = select_contracts(settings, session.day, spot, offered)
    if not chosen:
        return None
    table = InstrumentTable()
    table.add_equity(ticker)
    book = MarketBook(0, ticker, trade_price=spot, trade_time=session.close)
    book.list_contracts(table.add_contracts(ticker, chosen))
    quoted = bars.bars[last[[listed[each.expiry, each.strike, each.right] for each in chosen]]]
    rows = records(Kind.QUOTE, len(chosen), instrument=book.contracts["instrument"])
    for side in ("bid", "ask"):
        rows[side], rows[f"{side}_size"] = quoted[f"{side}_close"], quoted[f"{side}_size"]
    book.take_quotes(rows, session.close)
    book.dividends = _dividends(folder, ticker, session)
    book.announced = [CashDividend(*each) for each in folder.announced(ticker, session.day)]
    return book


def _dividends(folder: DataFolder, ticker: str, session: Session) -> list[CashDividend]:
    """Those of the time that a run is told of before its first session, for a share as there is then."""
    events, hours, since = folder.events(ticker), folder.hours(), session.day - DIVIDENDS_LOOKED_BACK
    found = []
    for one in events.dividends:
        if since <= one.ex_date <= session.day:
            factors = (split.factor for split in events.splits if one.ex_date < split.day <= session.day)
            found.append(CashDividend(hours.session(one.ex_date).open, one.amount * prod(factors)))
    return found
