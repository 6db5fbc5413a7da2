"""ThetaData: CSV of its terminal, of version 3 and of version 2, for options, stocks and indices.

Source: docs.thetadata.us (version 3) and http-docs.thetadata.us (version 2). Times are New York's. A quote's time is
when it stood; a bar of trades is stamped with its start. Version 3 has strikes in dollars, version 2 in tenths of a
cent, with the date beside milliseconds of the day. The end-of-day report is made at 17:15 and has the last quote.
Files of one contract, and of stocks and indices, may lack the columns that say so: ``--ticker`` does.
"""

from collections.abc import Mapping
from typing import Any, Final

from alo_lib.market.importing.described import Column, Description
from alo_lib.market.importing.formats.vendors import Layout, VendorFiles
from alo_lib.market.layout import Resolution
from alo_lib.records import MINUTE

__all__ = ["thetadata_files"]

_QUOTE: Final = {name: Column(name) for name in ("bid", "ask", "bid_size", "ask_size")}
_TRADE: Final = {name: Column(name) for name in ("open", "high", "low", "close", "volume")}
_INTEREST: Final = {"open_interest": Column("open_interest")}
_NEW: Final = {
    "root": Column("symbol"),
    "expiry": Column("expiration"),
    "strike": Column("strike"),
    "right": Column("right"),
}
_OLD: Final = {
    "root": Column("root"),
    "expiry": Column("expiration"),
    "strike": Column("strike", 1000.0),
    "right": Column("right"),
}


def thetadata_files(options: Mapping[str, Any]) -> VendorFiles:
    """Files by the options of the command; ``lasts`` is the length of bars of trades, a minute by default."""
    lasts = (options.get("lasts") or 1) * MINUTE
    ticker = options.get("ticker")
    constants = {"symbol": ticker} if ticker else {}
    found: list[Layout] = []

    def add(name: str, who: Mapping[str, Column], when: Column | None, value: Mapping[str, Column]) -> None:
        # The end-of-day report has no time, but a day.
        columns = {
            **who,
            **({"date": Column("date"), "clock": Column("ms_of_day")} if when is None else {"time": when}),
        }
        length = Resolution.MINUTE
        if len(value) > len(_TRADE):
            columns = {**who, "date": when or Column("date")}
            length = Resolution.DAILY
        described = Description(
            {**columns, **value}, {} if who else constants, length, lasts=lasts if value is _TRADE else 0
        )
        needs = frozenset(column.name for column in (*columns.values(), *value.values()))
        found.append(Layout(name, needs, (described,)))

    for version, who, when, made in (
        ("version 3", _NEW, Column("timestamp"), Column("created")),
        ("version 2", _OLD, None, None),
    ):
        for each in (who, {}) if ticker else (who,):
            of = version if each else f"{version} of --ticker"
            add(f"{of}, end of day", each, made, {**_QUOTE, **_TRADE})
            add(f"{of}, open interest", each, when, _INTEREST)
            add(f"{of}, quotes", each, when, _QUOTE)
            add(f"{of}, bars", each, when, _TRADE)
            add(f"{of}, prices", each, when, {"close": Column("price")})
    return VendorFiles("ThetaData", found)
