"""Where LEAN keeps each file below its data folder, and how the entries of its archives are named.

Source: LEAN's ``Common/Util/LeanData.cs`` (GenerateRelativeZipFileDirectory, GenerateZipFileName,
GenerateZipEntryName).
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, final

from alo_lib.records import HOUR, MINUTE

__all__ = [
    "Archive",
    "ContractKey",
    "DataKind",
    "OptionArchive",
    "Resolution",
    "SecurityArchive",
    "SecurityType",
    "factor_file_path",
    "interest_rate_path",
    "map_file_directory",
    "market_hours_path",
    "parse_date",
    "symbol_properties_path",
    "universe_directory",
]


class Resolution(StrEnum):
    """The length of a bar, by LEAN's folder names."""

    MINUTE = "minute"
    HOUR = "hour"
    DAILY = "daily"

    @property
    def period(self) -> int:
        """Length in nanoseconds; a daily bar spans its session instead, so it has none and this raises ValueError."""
        if self is Resolution.DAILY:
            raise ValueError("a daily bar spans its session; only minute and hour bars have a fixed period")
        return MINUTE if self is Resolution.MINUTE else HOUR


class DataKind(StrEnum):
    """What a file holds, by LEAN's file names."""

    TRADE = "trade"
    QUOTE = "quote"
    OPEN_INTEREST = "openinterest"


class SecurityType(StrEnum):
    """The security types this room reads, by LEAN's folder names."""

    EQUITY = "equity"
    INDEX = "index"
    OPTION = "option"
    INDEX_OPTION = "indexoption"

    @property
    def style(self) -> str:
        """The exercise style in file names: LEAN's equity options are American, its index options European."""
        if self is SecurityType.OPTION:
            return "american"
        if self is SecurityType.INDEX_OPTION:
            return "european"
        raise ValueError(f"{self} has no exercise style; only option and indexoption do")

    @property
    def underlying(self) -> "SecurityType":
        """The security type of the underlying (of itself when it is no option)."""
        derived = {SecurityType.OPTION: SecurityType.EQUITY, SecurityType.INDEX_OPTION: SecurityType.INDEX}
        return derived.get(self, self)

    @property
    def price_scale(self) -> float:
        """What prices in bar files are divided by: LEAN stores deci-cents, except for indices."""
        return 1.0 if self is SecurityType.INDEX else 10_000.0


class ContractKey(NamedTuple):
    """What names an option contract beside its underlying; ``right`` is +1 for a call, -1 for a put."""

    expiry: date
    strike: float
    right: int


_RIGHTS = {"call": 1, "put": -1}


def parse_date(text: str) -> date:
    """``yyyymmdd`` as a date.

    :raises ValueError: when it is none.
    """
    if len(text) != 8 or not (text.isascii() and text.isdigit()):
        raise ValueError(f"'{text}' is no date; dates are written yyyymmdd")
    return date(int(text[:4]), int(text[4:6]), int(text[6:]))


@dataclass(frozen=True, slots=True)
class Archive(ABC):
    """Which of LEAN's archives of bars: ``ticker`` is the name in use on ``day``."""

    root: Path
    ticker: str
    day: date
    resolution: Resolution
    kind: DataKind
    security: SecurityType
    market: str = "usa"

    @property
    @abstractmethod
    def path(self) -> Path:
        """Where it lies."""

    @property
    def _folder(self) -> Path:
        return self.root / self.security / self.market / self.resolution


@final
@dataclass(frozen=True, slots=True)
class SecurityArchive(Archive):
    """The archive of an equity's or index's bars: one a day of minute bars, one in all of hour and daily bars."""

    security: SecurityType = SecurityType.EQUITY

    @property
    def path(self) -> Path:
        """Where it lies. Of hour and daily bars there are trades only, so the name does not tell the kind."""
        folder, name = self._folder, self.ticker.lower()
        if self.resolution is Resolution.MINUTE:
            return folder / name / f"{self.day:%Y%m%d}_{self.kind}.zip"
        return folder / f"{name}.zip"

    @property
    def entry(self) -> str:
        """The name of its one entry."""
        if self.resolution is Resolution.MINUTE:
            return f"{self.day:%Y%m%d}_{self.ticker.lower()}_minute_{self.kind}.csv"
        return f"{self.ticker.lower()}.csv"


@final
@dataclass(frozen=True, slots=True)
class OptionArchive(Archive):
    """The archive of a chain's bars: one a day of minute bars, one a year of hour and daily bars.

    ``ticker`` is the underlying's name in use on ``day`` (for index options the option's own).
    """

    security: SecurityType = SecurityType.OPTION

    @property
    def path(self) -> Path:
        """Where it lies."""
        folder, name = self._folder, self.ticker.lower()
        if self.resolution is Resolution.MINUTE:
            return folder / name / f"{self.day:%Y%m%d}_{self.kind}_{self.security.style}.zip"
        return folder / f"{name}_{self.day.year:04d}_{self.kind}_{self.security.style}.zip"

    @property
    def _prefix(self) -> str:
        if self.resolution is Resolution.MINUTE:
            return f"{self.day:%Y%m%d}_{self.ticker.lower()}_minute_{self.kind}_{self.security.style}_"
        return f"{self.ticker.lower()}_{self.kind}_{self.security.style}_"

    def entry(self, contract: ContractKey) -> str:
        """The name of a contract's entry; the strike is written in deci-cents without trailing zeros."""
        strike = f"{(Decimal(repr(contract.strike)) * 10_000).normalize():f}"
        right = "call" if contract.right > 0 else "put"
        return f"{self._prefix}{right}_{strike}_{contract.expiry:%Y%m%d}.csv"

    def contract(self, entry: str) -> ContractKey:
        """The contract an entry belongs to.

        :raises ValueError: when LEAN would not look the entry up by this name.
        """
        prefix = self._prefix
        parts = entry.removeprefix(prefix).removesuffix(".csv").split("_")
        if not (entry.startswith(prefix) and entry.endswith(".csv") and len(parts) == 3 and parts[0] in _RIGHTS):
            raise ValueError(f"expected {prefix}{{call|put}}_{{strike}}_{{yyyymmdd}}.csv")
        right, strike_text, expiry = parts
        if not strike_text.isascii() or not strike_text.replace(".", "", 1).isdigit() or float(strike_text) <= 0.0:
            raise ValueError(f"strike '{strike_text}' is no positive number of deci-cents")
        return ContractKey(parse_date(expiry), float(strike_text) / 10_000.0, _RIGHTS[right])


def map_file_directory(root: Path, market: str) -> Path:
    """The folder of ticker histories, one csv file a security."""
    return root / "equity" / market / "map_files"


def factor_file_path(root: Path, market: str, permtick: str) -> Path:
    """The price and split factors of one security, named by its permanent ticker."""
    return root / "equity" / market / "factor_files" / f"{permtick.lower()}.csv"


def universe_directory(root: Path, security: SecurityType, market: str, ticker: str) -> Path:
    """The folder of a chain's daily universe files, ``yyyymmdd.csv``."""
    return root / security / market / "universes" / ticker.lower()


def interest_rate_path(root: Path) -> Path:
    """The primary credit rate's changes."""
    return root / "alternative" / "interest-rate" / "usa" / "interest-rate.csv"


def market_hours_path(root: Path) -> Path:
    """The market-hours database."""
    return root / "market-hours" / "market-hours-database.json"


def symbol_properties_path(root: Path) -> Path:
    """The symbol-properties database."""
    return root / "symbol-properties" / "symbol-properties-database.csv"
