"""LEAN's identifiers of securities, which its result files name symbols by.

Source: LEAN's ``SecurityIdentifier.cs``: a symbol and a base-36 number that packs date, style, right, strike, market
and type of security.
"""

import datetime as dt
from decimal import Decimal
from typing import Any, Final

from alo_lib.market.map_files import MapFile
from alo_lib.simulation.listing import Instrument

__all__ = ["equity_id", "first_ticker", "option_id", "symbol_object"]

_MARKET_USA: Final = 1
_EQUITY, _OPTION = 1, 2
_MARKET_UNIT: Final = 100
_SCALE_UNIT: Final = _MARKET_UNIT * 1000
_STRIKE_UNIT: Final = _SCALE_UNIT * 100
_STYLE_UNIT: Final = _STRIKE_UNIT * 1_000_000
_DAYS_UNIT: Final = _STYLE_UNIT * 10
_RIGHT_UNIT: Final = _DAYS_UNIT * 100_000
_OLE_EPOCH: Final = dt.date(1899, 12, 30)
_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def equity_id(ticker: str, history: MapFile) -> str:
    """The identifier of an American equity: its first ticker and the day from which it has data."""
    return _identifier(*_first(ticker, history), _EQUITY)


def option_id(option: Instrument, ticker: str, history: MapFile) -> str:
    """The identifier of an option on an American equity, its underlying's after a bar."""
    first, _ = _first(ticker, history)
    strike, scale = _packed_strike(option.strike)
    packed = (0 if option.right > 0 else 1) * _RIGHT_UNIT
    packed += (0 if option.american else 1) * _STYLE_UNIT + strike * _STRIKE_UNIT + scale * _SCALE_UNIT
    return f"{_identifier(first, option.expiry_date, _OPTION, packed)}|{equity_id(ticker, history)}"


def symbol_object(instrument: Instrument, ticker: str, history: MapFile) -> dict[str, Any]:
    """A symbol as LEAN's JSON has it."""
    equity = {"value": ticker, "id": equity_id(ticker, history), "permtick": ticker}
    if not instrument.is_option:
        return equity
    return {
        "value": instrument.symbol,
        "id": option_id(instrument, ticker, history),
        "permtick": instrument.symbol,
        "underlying": equity,
    }


def first_ticker(ticker: str, history: MapFile) -> str:
    """The ticker that an equity began with, which begins its identifier and those of its options."""
    return _first(ticker, history)[0]


def _first(ticker: str, history: MapFile) -> tuple[str, dt.date]:
    rows = history.rows
    return (rows[0].ticker.upper(), rows[0].day) if rows else (ticker, _OLE_EPOCH)


def _identifier(symbol: str, day: dt.date, security: int, packed: int = 0) -> str:
    packed += (day - _OLE_EPOCH).days * _DAYS_UNIT + _MARKET_USA * _MARKET_UNIT + security
    return f"{symbol} {_base36(packed)}"


def _packed_strike(strike: Decimal) -> tuple[int, int]:
    """The strike as a whole number of millionths, without trailing zeros, and how many were dropped."""
    number, scale = int(strike * 1_000_000), 0
    while number and number % 10 == 0:
        number //= 10
        scale += 1
    return number, scale


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"
