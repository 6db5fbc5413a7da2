"""Splits and dividends: price factors by date, and the corporate events LEAN derives from them.

Source: LEAN's ``CorporateFactorRow.cs``, ``CorporateFactorProvider.cs``, ``SplitEventProvider.cs``,
``DividendEventProvider.cs`` and ``Dividend.cs``. A row ``date, price factor, split factor, reference price`` holds
for all days up to its date that no earlier row covers. Where two neighbouring rows differ, the event takes place on
the first trading day after the earlier row's date, and the reference price is the raw close of that date.
"""

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alo_lib.market.calendar import MarketHours
from alo_lib.market.distributions import Dividend
from alo_lib.market.faults import FaultKind, FaultLog
from alo_lib.market.layout import parse_date
from alo_lib.market.text_files import read_cells
from alo_lib.records.units import CENT

__all__ = ["CorporateEvents", "FactorFile", "FactorRow", "Split"]


class FactorRow(NamedTuple):
    """The factors in force until ``day``, inclusive, and that day's raw close where an event follows."""

    day: date
    price_factor: Decimal
    split_factor: Decimal
    reference_price: Decimal


class Split(NamedTuple):
    """``factor`` is old shares per new one (1/7 for seven new per old); LEAN warns in the session before it."""

    day: date
    warning_day: date
    factor: float
    reference_price: float


class CorporateEvents(NamedTuple):
    """The events of one security, oldest first."""

    splits: tuple[Split, ...]
    dividends: tuple[Dividend, ...]


@dataclass(frozen=True)
class FactorFile:
    """The factors of one security, oldest row first, one row a date. Without rows every factor is 1."""

    path: Path
    rows: tuple[FactorRow, ...] = ()

    @classmethod
    def load(cls, path: Path, faults: FaultLog) -> Self:
        """Read a factor file; rows that cannot be read are left out, those with a factor of 0 or infinity among them.

        LEAN itself drops the whole file when one row is malformed, and passes over infinite factors.
        """
        rows: dict[date, FactorRow] = {}
        distinct: set[tuple[str, ...]] = set()
        for line, cells in read_cells(path, faults):
            if tuple(cells) in distinct:
                continue
            distinct.add(tuple(cells))
            if len(cells) < 3:
                faults.record(FaultKind.COLUMNS, path, line=line, detail=f"{len(cells)} of at least 3")
                continue
            try:
                row = FactorRow(parse_date(cells[0]), *(_factor(cell) for cell in [*cells[1:4], "0"][:3]))
            except InvalidOperation:
                faults.record(FaultKind.NUMBER, path, line=line, detail=",".join(cells))
            except ValueError as error:
                faults.record(FaultKind.DATE, path, line=line, detail=str(error))
            else:
                if min(row[1:]) < 0:
                    faults.record(FaultKind.NEGATIVE, path, line=line, detail=",".join(cells))
                elif row.day in rows:
                    faults.record(FaultKind.DUPLICATE, path, line=line, detail=str(row.day))
                elif row.price_factor * row.split_factor == 0:
                    faults.record(FaultKind.NUMBER, path, line=line, detail=f"a factor of 0: {','.join(cells)}")
                else:
                    rows[row.day] = row
        return cls(path, tuple(rows[day] for day in sorted(rows)))

    def split_factors(self, days: ArrayLike) -> NDArray[np.float64]:
        """What raw prices on ``days`` (dates or datetime64, any shape) are multiplied by to adjust them for splits.

        The same as LEAN's ``DataNormalizationMode.SPLIT_ADJUSTED``.
        """
        factors = [float(row.split_factor) for row in self.rows]
        ends = np.array([row.day for row in self.rows], dtype="datetime64[D]")
        at = np.searchsorted(ends, np.asarray(days, dtype="datetime64[D]"), side="left")
        return np.asarray(np.append(factors, 1.0)[at], dtype=np.float64)

    def events(self, hours: MarketHours, faults: FaultLog) -> CorporateEvents:
        """All splits and dividends. ``hours`` are the security's; faults are events that LEAN would never raise."""
        splits: list[Split] = []
        dividends: list[Dividend] = []
        for row, following in zip(self.rows, self.rows[1:], strict=False):
            splitting = row.split_factor != following.split_factor
            paying = row.price_factor != following.price_factor
            if not (splitting or paying):
                continue
            if not hours.is_trading_day(row.day):
                faults.record(FaultKind.TIME, self.path, detail=f"{row.day} is no trading day")
                continue
            if row.reference_price == 0:
                faults.record(FaultKind.REFERENCE_PRICE, self.path, detail=str(row.day))
                continue
            day, reference = hours.next_trading_day(row.day), row.reference_price
            if splitting:
                factor = row.split_factor / following.split_factor
                splits.append(Split(day, row.day, float(factor), float(reference)))
            if paying:
                amount = reference - reference * (row.price_factor / following.price_factor)
                rounded = amount.quantize(CENT, ROUND_HALF_EVEN)
                dividends.append(Dividend(day, float(rounded), float(reference)))
        return CorporateEvents(tuple(splits), tuple(dividends))


def _factor(text: str) -> Decimal:
    value = Decimal(text)
    if not value.is_finite():
        raise InvalidOperation
    return value
