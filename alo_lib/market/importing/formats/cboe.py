"""Cboe DataShop: the end-of-day summary of options, and quotes and trades at intervals.

Source: the layouts "Option EOD Summary" and "Option Quotes" (datashop.cboe.com). Times are New York's, and an
interval's is its end. Index names begin with ``^``, and the root says which options they are. A contract with a
``delivery_code`` delivers something else than 100 shares. Open interest is as of the start of the day. Of the summary
the quotes at the close are taken; those of 15:45, greeks and implied volatilities are not.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from alo_lib.market.importing.cells import Cells
from alo_lib.market.importing.described import Column, Description
from alo_lib.market.importing.formats.vendors import Layout, VendorFiles
from alo_lib.market.importing.refusals import Reason
from alo_lib.market.layout import Resolution

__all__ = ["cboe_files"]

_WHO: Final = {
    "root": Column("root"),
    "expiry": Column("expiration"),
    "strike": Column("strike"),
    "right": Column("option_type"),
}
_TRADE: Final = {name: Column(name) for name in ("open", "high", "low", "close")} | {"volume": Column("trade_volume")}


def _check_delivery(cells: Cells) -> None:
    """Refuse rows that have a code of what they deliver."""
    if cells.has("delivery_code"):
        codes = cells.text("delivery_code").to_pylist()
        coded = np.array([bool(code) for code in codes], np.bool_)
        cells.refuse(coded, Reason.ADJUSTED_ROOT, lambda row: f"delivery_code = {codes[row]!r}")


def _layout(name: str, when: tuple[str, str], suffix: str, length: Resolution, *, interest: bool) -> Layout:
    columns = {
        **_WHO,
        when[0]: Column(when[1]),
        **{each: Column(f"{each}{suffix}") for each in ("bid", "ask", "bid_size", "ask_size")},
        **{each: Column(f"{each}{suffix}") for each in ("underlying_bid", "underlying_ask")},
        **_TRADE,
        **({"open_interest": Column("open_interest")} if interest else {}),
    }
    needs = frozenset(column.name for column in columns.values())
    return Layout(name, needs, (Description(columns, length=length, check=_check_delivery),))


def cboe_files(options: Mapping[str, Any]) -> VendorFiles:
    """Files by the options of the command."""
    day, time = ("date", "quote_date"), ("time", "quote_datetime")
    at_times = "quotes at intervals"
    return VendorFiles(
        "Cboe DataShop",
        [
            _layout("the end-of-day summary", day, "_eod", Resolution.DAILY, interest=True),
            _layout(at_times, time, "", Resolution.MINUTE, interest=True),
            _layout(at_times, time, "", Resolution.MINUTE, interest=False),
        ],
    )
