"""Names of securities, and the table that numbers them."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Self

from alo_lib.records.kinds import InstrumentKind, Kind
from alo_lib.records.layouts import Records, records

__all__ = [
    "EQUITY_MULTIPLIER",
    "OPTION_MULTIPLIER",
    "Contract",
    "InstrumentTable",
    "is_option_symbol",
    "osi_expiry",
    "osi_symbol",
]

EQUITY_MULTIPLIER = 1
OPTION_MULTIPLIER = 100
"""Shares a standard equity option contract delivers."""
_OSI_LENGTH = 21


def osi_symbol(ticker: str, expiry: dt.date, strike: float, right: int) -> str:
    """The 21-character OSI symbol: ticker padded to six, yymmdd, C or P, strike in thousandths.

    >>> osi_symbol("GOOG", dt.date(2016, 1, 15), 750.0, +1)
    'GOOG  160115C00750000'
    """
    return f"{ticker:<6}{expiry:%y%m%d}{'C' if right > 0 else 'P'}{round(strike * 1000):08d}"


def osi_expiry(symbol: str) -> dt.date:
    """The expiry date that an OSI symbol names.

    >>> osi_expiry("GOOG  160115C00750000")
    datetime.date(2016, 1, 15)

    :raises ValueError: for another symbol.
    """
    return _date(symbol[6:12])


def is_option_symbol(symbol: str) -> bool:
    """Whether it is an OSI symbol, and no ticker.

    >>> is_option_symbol("GOOG  160115C00750000"), is_option_symbol("GOOG")
    (True, False)
    """
    return len(symbol) == _OSI_LENGTH


@cache
def _date(text: str) -> dt.date:
    return dt.datetime.strptime(text, "%y%m%d").date()


@dataclass(frozen=True, slots=True, order=True)
class Contract:
    """An option contract as a market lists it. Contracts sort by expiry, strike, puts before calls."""

    expiry: dt.date
    strike: float
    right: int
    expiry_time: int  # close of its last session, ns UTC
    open_interest: int = 0
    american: bool = True

    def same_as(self, other: "Contract") -> bool:
        """Whether both are the same contract, whatever their open interest."""
        return (self.expiry, self.strike, self.right) == (other.expiry, other.strike, other.right)


class InstrumentTable:
    """Numbers instruments in the order in which they are added.

    Every engine adds the underlyings in the settings' order and then, session by session, each underlying's selected
    contracts in sorted order; so a number means the same in every engine.
    """

    def __init__(self) -> None:
        self._number: dict[str, int] = {}
        self._symbol: list[str] = []

    def stored(self) -> list[str]:
        """The symbols in the order of their numbers."""
        return self._symbol

    @classmethod
    def of_stored(cls, symbols: list[str]) -> Self:
        """What :meth:`stored` gave the symbols of.

        :raises ValueError: for one that is there twice.
        """
        table = cls()
        for symbol in symbols:
            if symbol:
                table._add(symbol)
            else:
                table._symbol.append(symbol)
        return table

    def __len__(self) -> int:
        return len(self._symbol)

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._number

    def number(self, symbol: str) -> int:
        """The number of ``symbol`` (KeyError when it was never added)."""
        return self._number[symbol]

    def symbol(self, number: int) -> str:
        """The symbol that has ``number``."""
        return self._symbol[number]

    def know(self, rows: Records) -> None:
        """Take over the numbers in INSTRUMENT records as another table gave them; what is known stays.

        A number between that nobody told of has the symbol "" until somebody does.

        :raises ValueError: for a number that another symbol has, or a symbol that has another number.
        """
        for number, symbol in zip(rows["instrument"].tolist(), rows["symbol"].tolist(), strict=True):
            name = symbol.decode()
            self._symbol += [""] * (number + 1 - len(self._symbol))
            if self._number.get(name, number) != number or self._symbol[number] not in ("", name):
                raise ValueError(f"instrument {name!r} cannot have number {number}")
            self._symbol[number], self._number[name] = name, number

    def add_equity(self, ticker: str) -> Records:
        """Number an underlying and return its record."""
        number = self._add(ticker)
        return records(
            Kind.INSTRUMENT,
            instrument=number,
            underlying=number,
            kind=InstrumentKind.EQUITY,
            multiplier=EQUITY_MULTIPLIER,
            symbol=ticker.encode(),
        )

    def add_contracts(self, ticker: str, contracts: Iterable[Contract]) -> Records:
        """Number the contracts of one underlying and return their records, sorted as contracts sort.

        A contract that has a number keeps it; its record is given again, with the open interest of today.
        """
        chain = sorted(contracts)
        array = records(Kind.INSTRUMENT, len(chain), underlying=self.number(ticker), kind=InstrumentKind.OPTION)
        array["multiplier"] = OPTION_MULTIPLIER
        for row, contract in zip(array, chain, strict=True):
            symbol = osi_symbol(ticker, contract.expiry, contract.strike, contract.right)
            row["instrument"] = self._number[symbol] if symbol in self._number else self._add(symbol)
            row["american"] = contract.american
            row["right"] = contract.right
            row["strike"] = contract.strike
            row["expiry"] = contract.expiry_time
            row["open_interest"] = contract.open_interest
            row["symbol"] = symbol.encode()
        return array

    def _add(self, symbol: str) -> int:
        if symbol in self._number:
            raise ValueError(f"instrument {symbol!r} is numbered already; each symbol may be added once")
        self._number[symbol] = len(self._symbol)
        self._symbol.append(symbol)
        return self._number[symbol]
