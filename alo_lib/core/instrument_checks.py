"""What an INSTRUMENT record may say of an equity or an option: each answer is a field and a sentence, or None."""

import datetime as dt
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from alo_lib.records import (
    CALENDAR_DAY,
    EQUITY_MULTIPLIER,
    NEW_YORK,
    OPTION_MULTIPLIER,
    SECOND,
    osi_expiry,
    osi_symbol,
)

__all__ = ["Row", "day_of", "equity_problem", "option_problem"]

_MOST_EARLY: Final = 7 * CALENDAR_DAY
"""How long before the expiry date that its symbol names a contract's last session may be."""
_DAYS_KEPT: Final = 4096

Row = Mapping[str, Any]
"""A record's fields, as Python's own values."""


@lru_cache(_DAYS_KEPT)
def day_of(time: int) -> dt.date:
    """A time's day in New York: contracts of one expiry ask for the same."""
    return dt.datetime.fromtimestamp(time / SECOND, NEW_YORK).date()


def equity_problem(row: Row, symbol: str, *, known: bool) -> tuple[str, str] | None:
    """What is wrong with the record of an underlying, that was told of before or was not."""
    if known:
        return "instrument", f"{symbol} was told of before"
    if row["underlying"] != row["instrument"]:
        return "underlying", f"{symbol} is an equity and not its own underlying"
    if row["right"] or row["strike"]:
        return "right", f"{symbol} is an equity, and has a right or a strike"
    if row["multiplier"] != EQUITY_MULTIPLIER:
        return "multiplier", f"multiplier of {symbol} is {row['multiplier']}; an equity's is {EQUITY_MULTIPLIER}"
    return None


def option_problem(row: Row, symbol: str) -> tuple[str, str] | None:
    """What is wrong with the record of an option, whose symbol says what it is."""
    if row["multiplier"] != OPTION_MULTIPLIER:
        return "multiplier", f"multiplier of {symbol} is {row['multiplier']}; an option's is {OPTION_MULTIPLIER}"
    try:
        expiry = osi_expiry(symbol)
    except ValueError:
        return "symbol", f"symbol {symbol!r} is none of the OSI's"
    if osi_symbol(symbol[:6].rstrip(), expiry, row["strike"], row["right"]) != symbol or row["right"] == 0:
        return "strike", f"{symbol} is told of with strike {row['strike']:g} and right {row['right']:+}"
    if row["strike"] <= 0.0:
        return "strike", f"strike of {symbol} is {row['strike']:g}; it must be positive"
    last = day_of(row["expiry"])
    if not expiry - _MOST_EARLY <= last <= expiry:
        return "expiry", f"{symbol} would have its last session on {last}"
    return None
