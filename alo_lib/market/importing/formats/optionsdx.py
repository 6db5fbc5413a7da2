"""OptionsDX: chains at the end of each day, or of each half hour, a call and a put of one strike in each row.

Source: the vendor's description of its columns (optionsdx.com, field descriptions): names in brackets, times by New
York's clock, sizes as ``bid x ask``. The files do not say what the chain is of, so ``--ticker`` does. They have no open
interest; implied volatilities and greeks are not taken over, for a run computes its own.
"""

from collections.abc import Mapping
from typing import Any, Final

from alo_lib.market.importing.described import Column, Description, UnfitColumnsError
from alo_lib.market.importing.formats.vendors import Layout, VendorFiles
from alo_lib.market.layout import Resolution

__all__ = ["optionsdx_files"]

_NEEDS: Final = frozenset(
    {"quote_readtime", "underlying_last", "expire_date", "strike"}
    | {f"{letter}_{name}" for letter in "cp" for name in ("bid", "ask", "size", "last", "volume")}
)


def optionsdx_files(options: Mapping[str, Any]) -> VendorFiles:
    """Files by the options of the command.

    :raises UnfitColumnsError: without a ticker.
    """
    ticker = options.get("ticker")
    if not ticker:
        raise UnfitColumnsError("OptionsDX's files do not say what they are of; name it, such as --ticker SPY")
    length = Resolution.MINUTE if options.get("bar") == "minute" else Resolution.DAILY

    def side(letter: str, right: str) -> Description:
        columns = {
            "time": Column("quote_readtime"),
            "expiry": Column("expire_date"),
            "strike": Column("strike"),
            "bid": Column(f"{letter}_bid"),
            "ask": Column(f"{letter}_ask"),
            "bid_size": Column(f"{letter}_size", part=0),
            "ask_size": Column(f"{letter}_size", part=1),
        }
        if right == "C":
            columns["underlying"] = Column("underlying_last")
        if length is Resolution.DAILY:
            # The last trade may be of an earlier day, and has no time; a volume says that there was one.
            columns |= {"close": Column(f"{letter}_last"), "volume": Column(f"{letter}_volume")}
        return Description(columns, {"root": ticker, "right": right}, length)

    return VendorFiles("OptionsDX", [Layout("a chain", _NEEDS, (side("c", "C"), side("p", "P")))])
