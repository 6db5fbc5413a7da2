"""Option universes: the contracts of a chain as listed at the end of a trading day.

Source: LEAN's ``OptionUniverse.cs``, ``BaseChainUniverseData.cs``, ``DataManager.cs`` and
``BacktestingChainProvider.cs``. The file of trading day D ends at the midnight after D, and is what LEAN selects from
until the next one ends: on a Monday the file of Friday, after a holiday that of the last session before it. A file
that is missing changes nothing: the last selection stays, and ``option_chain`` looks back over at most three trading
days.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from math import isfinite, nan
from pathlib import Path
from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from alo_lib.market.calendar import MarketHours
from alo_lib.market.faults import FaultKind, FaultLog
from alo_lib.market.layout import parse_date
from alo_lib.market.text_files import read_cells
from alo_lib.records import Contract

__all__ = ["LOOKBACK_DAYS", "UNIVERSE_ROW", "OptionUniverse", "UnderlyingRow", "universe_days"]

LOOKBACK_DAYS = 3
"""Trading days over which LEAN's chain provider looks back for a universe file."""

# Prices of the contract's day, money per share, NaN where the cell is empty; greeks in LEAN's units, as filed.
UNIVERSE_ROW: Final = np.dtype(
    [
        ("expiry", "<M8[D]"),
        ("strike", "<f8"),
        ("right", "i1"),
        ("open", "<f8"),
        ("high", "<f8"),
        ("low", "<f8"),
        ("close", "<f8"),
        ("volume", "<i8"),
        ("open_interest", "<i8"),
        ("implied_volatility", "<f8"),
        ("delta", "<f8"),
        ("gamma", "<f8"),
        ("vega", "<f8"),
        ("theta", "<f8"),
        ("rho", "<f8"),
    ]
)
_MIN_COLUMNS = 9  # through open interest; a file without model values is complete as well
_RIGHTS = {"C": 1, "P": -1}


class UnderlyingRow(NamedTuple):
    """The underlying's day."""

    open: float
    high: float
    low: float
    close: float
    volume: int


@dataclass(frozen=True)
class OptionUniverse:
    """``rows`` (n,) of dtype UNIVERSE_ROW, sorted by expiry, strike, puts before calls; ``day`` is the file's date."""

    day: date
    underlying: UnderlyingRow | None
    rows: NDArray[np.void]
    american: bool = True

    @classmethod
    def load(cls, path: Path, faults: FaultLog, *, american: bool = True) -> Self:
        """Read one universe file, named for its day; rows that cannot be read are left out."""
        underlying: UnderlyingRow | None = None
        found: dict[_Key, tuple[float, ...]] = {}
        for row in _rows(path, faults):
            if row.key is None:
                underlying = row.underlying
            elif row.key in found:
                faults.record(FaultKind.DUPLICATE, path, line=row.line, detail=str(row.key[:2]))
            else:
                found[row.key] = row.values
        rows = np.array([(*key, *found[key]) for key in sorted(found)], dtype=UNIVERSE_ROW)
        return cls(parse_date(path.stem), underlying, rows, american)

    def alive(self, day: date) -> Self:
        """Without the contracts that expired before ``day``."""
        rows = self.rows[self.rows["expiry"] >= np.datetime64(day, "D")]
        return type(self)(self.day, self.underlying, rows, self.american)

    def contracts(self, hours: MarketHours) -> list[Contract]:
        """The rows as contracts; ``hours`` are the option's, for the expiries' closing times."""
        expiries = {expiry: hours.expiry_time(expiry) for expiry in np.unique(self.rows["expiry"]).tolist()}
        columns = (self.rows[name].tolist() for name in ("expiry", "strike", "right", "open_interest"))
        return [
            Contract(expiry, strike, right, expiries[expiry], open_interest, self.american)
            for expiry, strike, right, open_interest in zip(*columns, strict=True)
        ]


_Key = tuple[date, float, int]


class _Row(NamedTuple):
    """A good row: of the underlying, which has no key, or of a contract."""

    line: int
    key: _Key | None
    values: tuple[float, ...]

    @property
    def underlying(self) -> UnderlyingRow:
        """The values as the underlying's day."""
        open_, high, low, close, volume = self.values[:5]
        return UnderlyingRow(open_, high, low, close, int(volume))


def _rows(path: Path, faults: FaultLog) -> Iterator[_Row]:
    """The rows that can be read; the others are faults."""
    for line, cells in read_cells(path, faults):
        if cells[0].startswith("#"):
            continue
        if len(cells) < _MIN_COLUMNS:
            faults.record(FaultKind.COLUMNS, path, line=line, detail=f"{len(cells)} of at least {_MIN_COLUMNS}")
            continue
        try:
            prices = tuple(_number(cell, nan) for cell in cells[3:7])
            sizes = tuple(_number(cell, 0.0) for cell in cells[7:9])
            model = tuple(_number(cell, nan) for cell in (cells[9:15] + [""] * 6)[:6])
            key = None
            if cells[0]:
                key = parse_date(cells[0]), _number(cells[1], nan), _RIGHTS[cells[2].upper()]
        except (KeyError, ValueError) as error:
            faults.record(FaultKind.NUMBER, path, line=line, detail=str(error))
            continue
        if min(prices + sizes) < 0.0 or (key is not None and not key[1] > 0.0):
            faults.record(FaultKind.NEGATIVE, path, line=line, detail=",".join(cells[:9]))
        else:
            yield _Row(line, key, prices + sizes + model)


def universe_days(day: date, hours: MarketHours, lookback: int = LOOKBACK_DAYS) -> list[date]:
    """The dates of the files that can be in force on ``day``, the one LEAN selects from first."""
    days: list[date] = []
    for _ in range(lookback):
        day = hours.previous_trading_day(day)
        days.append(day)
    return days


def _number(text: str, empty: float) -> float:
    value = float(text) if text else empty
    if text and not isfinite(value):
        raise ValueError(f"'{text}' is not finite")
    return value
