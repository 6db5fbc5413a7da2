"""Polygon's flat files (Massive): quotes, and aggregates of minutes and days, of options, stocks and indices.

Source: polygon.io/docs/flat-files. Symbols of options begin with ``O:``, of indices with ``I:``; times are nanoseconds
since 1970, UTC, of quotes when the tape had them (``sip_timestamp``), of aggregates their start (``window_start``).
Prices of 0 stand for a side that nobody quotes.
"""

from collections.abc import Mapping
from typing import Any, Final

from alo_lib.market.importing.described import Column, Description
from alo_lib.market.importing.formats.vendors import Layout, VendorFiles
from alo_lib.market.layout import Resolution
from alo_lib.records import MINUTE

__all__ = ["polygon_files"]

_QUOTES: Final = {
    "symbol": Column("ticker"),
    "time": Column("sip_timestamp"),
    "bid": Column("bid_price"),
    "ask": Column("ask_price"),
    "bid_size": Column("bid_size"),
    "ask_size": Column("ask_size"),
}
_BARS: Final = {
    "symbol": Column("ticker"),
    "time": Column("window_start"),
    **{name: Column(name) for name in ("open", "high", "low", "close", "volume")},
}


def polygon_files(options: Mapping[str, Any]) -> VendorFiles:
    """Files by the options of the command; aggregates are of minutes, with ``bar`` daily of days."""
    daily = options.get("bar") == "daily"
    length, lasts = (Resolution.DAILY, 0) if daily else (Resolution.MINUTE, MINUTE)
    return VendorFiles(
        "Polygon",
        [
            Layout("quotes", frozenset(each.name for each in _QUOTES.values()), (Description(_QUOTES),)),
            Layout(
                "aggregates",
                frozenset(each.name for each in _BARS.values()),
                (Description(_BARS, length=length, lasts=lasts),),
            ),
        ],
    )
