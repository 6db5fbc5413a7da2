"""Which of LEAN's securities an option symbol or a root means.

Source: the Options Clearing Corporation's Options Symbology Initiative: a root of up to six characters, the expiry as
yymmdd, C or P, and the strike in thousandths with eight digits. A root that ends in a digit is of contracts that were
adjusted for a corporate action and deliver something else than 100 shares; one that begins with a digit is of FLEX
contracts. Weekly and p.m.-settled index options have roots of their own (SPXW beside SPX), which LEAN keeps apart.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, NamedTuple

from alo_lib.market.calendar import index_of_option
from alo_lib.market.importing.refusals import Reason
from alo_lib.market.layout import ContractKey, SecurityType
from alo_lib.records.spelling import check_ticker

__all__ = ["NAMES_OF_INDICES", "Name", "Roots", "UnmappedError", "contract_of_symbol", "underlying_name"]

_SYMBOL: Final = re.compile(r"(?:O:)?([A-Z0-9.]{1,6}?)[ _]*(\d{6})([CP])(\d{8})")
_RIGHTS: Final = {"C": 1, "P": -1}

_INDEX_ROOTS: Final = frozenset({"SPX", "SPXW", "NDX", "NDXP", "NQX", "RUT", "RUTW", "VIX", "VIXW"})
"""LEAN's index options (``IndexOptionSymbol.SupportedIndexOptionTickers``)."""
_OTHER_INDEX_ROOTS: Final = frozenset(
    {"XSP", "XSPW", "OEX", "XEO", "DJX", "MRUT", "XND", "NANOS", "MXEA", "MXEF", "RLG", "RLV", "RUI", "XSPAM", "CBTX"}
)
"""Cash indices with options that LEAN has not: taken for shares they would be exercised early."""

NAMES_OF_INDICES: Final = frozenset({"SPX", "NDX", "RUT", "VIX"})
"""Indices that those options are written on."""


class Name(NamedTuple):
    """What a file of LEAN's is of: options by their root, or what they are written on."""

    security: SecurityType
    ticker: str


class UnmappedError(Exception):
    """A symbol that no security of LEAN's stands for."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


def contract_of_symbol(symbol: str) -> tuple[str, ContractKey]:
    """Root and contract of an OCC symbol, padded or not, with ``O:`` before it or without.

    >>> contract_of_symbol("O:SPXW240119P04700000")
    ('SPXW', ContractKey(expiry=datetime.date(2024, 1, 19), strike=4700.0, right=-1))

    :raises UnmappedError: for another text.
    """
    found = _SYMBOL.fullmatch(symbol.strip().upper())
    if found is None:
        raise UnmappedError(
            Reason.SYMBOL, f"{symbol!r}; allowed: ROOT, yymmdd, C or P, 8 digits, as AAPL240119C00190000"
        )
    root, expiry, right, strike = found.groups()
    try:
        day = date(2000 + int(expiry[:2]), int(expiry[2:4]), int(expiry[4:]))
    except ValueError:
        raise UnmappedError(Reason.SYMBOL, f"{symbol!r}; {expiry} is no yymmdd") from None
    if not int(strike):
        raise UnmappedError(Reason.STRIKE, repr(symbol))
    return root, ContractKey(day, int(strike) / 1000.0, _RIGHTS[right])


def underlying_name(name: Name) -> Name:
    """What the options of a name are written on, itself for what is no option."""
    if name.security.underlying is name.security:
        return name
    ticker = index_of_option(name.ticker) if name.security is SecurityType.INDEX_OPTION else name.ticker
    return Name(name.security.underlying, ticker)


@dataclass
class Roots:
    """Names by root or ticker. ``renamed`` has what its user says of roots, such as ``{"BRKB": "BRK.B"}``.

    ``wanted`` are the tickers of underlyings that are imported, all where it is empty.
    """

    renamed: Mapping[str, str] = field(default_factory=dict)
    wanted: frozenset[str] = frozenset()

    def option(self, root: str) -> Name:
        """The name of a root's options.

        :raises UnmappedError: when LEAN has none for it.
        """
        root = root.strip().lstrip("^").upper()
        if root in self.renamed:
            return self._asked_for(Name(SecurityType.OPTION, self.renamed[root].upper()))
        if root[:1].isdigit():
            raise UnmappedError(Reason.FLEX_ROOT, f"root {root!r} begins with a digit")
        if root[-1:].isdigit():
            raise UnmappedError(Reason.ADJUSTED_ROOT, f"root {root!r} ends in a digit: it delivers no 100 shares")
        if root in _OTHER_INDEX_ROOTS:
            raise UnmappedError(Reason.UNKNOWN_INDEX, f"{root}; allowed: {', '.join(sorted(_INDEX_ROOTS))}")
        if root in _INDEX_ROOTS:
            return self._asked_for(Name(SecurityType.INDEX_OPTION, root))
        return self._asked_for(Name(SecurityType.OPTION, _checked(root)))

    def underlying(self, ticker: str) -> Name:
        """The name of a stock or an index; indices may begin with ``^`` or ``I:``.

        :raises UnmappedError: when it could name no file.
        """
        ticker = ticker.strip().upper().removeprefix("I:").lstrip("^$")
        ticker = self.renamed.get(ticker, ticker).upper()
        if ticker in _OTHER_INDEX_ROOTS:
            raise UnmappedError(Reason.UNKNOWN_INDEX, f"{ticker}; allowed: {', '.join(sorted(NAMES_OF_INDICES))}")
        security = SecurityType.INDEX if ticker in NAMES_OF_INDICES else SecurityType.EQUITY
        return self._asked_for(Name(security, _checked(ticker)))

    def _asked_for(self, name: Name) -> Name:
        if self.wanted and underlying_name(name).ticker not in self.wanted:
            raise UnmappedError(Reason.NOT_ASKED_FOR, name.ticker)
        return name


def _checked(ticker: str) -> str:
    try:
        return check_ticker(ticker)
    except ValueError as error:
        raise UnmappedError(Reason.TICKER, str(error)) from None
