"""The risk-free rate by date, as LEAN's ``InterestRateProvider`` has it: the Federal Reserve's primary credit rate.

LEAN's pricers discount by exp(-r T) with the file's number over 100 as r. So that both price alike, that number is a
continuously compounded rate here too, wherever it is used; :func:`continuous_rate` alone says so.
"""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Self

from alo_lib.market.faults import FaultKind, FaultLog
from alo_lib.market.layout import interest_rate_path
from alo_lib.market.text_files import read_cells

__all__ = ["DEFAULT_RATE", "InterestRates", "continuous_rate"]

DEFAULT_RATE = 0.01
"""LEAN's rate when it has no file, continuously compounded."""

_LOWEST, _HIGHEST = -5.0, 50.0
"""Percent. What lies outside is no rate of a central bank but a slip, such as a point that was left out."""
_FIRST_DATE = date(1998, 1, 1)


def continuous_rate(percent: float) -> float:
    """The continuously compounded rate, a decimal a year, that a number of LEAN's interest-rate file stands for."""
    return percent / 100.0


@dataclass(frozen=True)
class InterestRates:
    """Rates from their dates on: ``days`` ascending, ``rates`` continuously compounded, decimals a year."""

    days: tuple[date, ...]
    rates: tuple[float, ...]
    first_rate: float = DEFAULT_RATE

    @classmethod
    def load(cls, data_folder: Path | str, faults: FaultLog) -> Self:
        """Read ``alternative/interest-rate/usa/interest-rate.csv``: a header, then ``yyyy-mm-dd,percent``.

        Rows that cannot be used are left out: no date, no rate from -5 to 50 percent, a second rate for a date.
        """
        path = interest_rate_path(Path(data_folder))
        found: dict[date, float] = {}
        first_rate: float | None = None
        for place, (line, cells) in enumerate(read_cells(path, faults)):
            if place == 0:
                if _is_date(cells[0]):
                    faults.record(FaultKind.COLUMNS, path, line=line, detail="the header is missing, LEAN skips a line")
                continue
            if len(cells) < 2:
                faults.record(FaultKind.COLUMNS, path, line=line, detail=f"{len(cells)} of 2")
                continue
            try:
                day = date.fromisoformat(cells[0])
            except ValueError:
                faults.record(FaultKind.DATE, path, line=line, detail=cells[0])
                continue
            try:
                percent = float(cells[1])
            except ValueError:
                percent = float("nan")
            if not _LOWEST <= percent <= _HIGHEST:
                allowed = f"allowed: {_LOWEST:g} to {_HIGHEST:g} percent"
                faults.record(FaultKind.NUMBER, path, line=line, detail=f"{cells[1]}; {allowed}")
                continue
            rate = continuous_rate(percent)
            if found.get(day, rate) != rate:
                faults.record(FaultKind.DUPLICATE, path, line=line, detail=cells[0])
                continue
            found[day] = rate
            first_rate = found[day] if first_rate is None else first_rate
        days = tuple(sorted(found))
        return cls(days, tuple(found[day] for day in days), DEFAULT_RATE if first_rate is None else first_rate)

    @property
    def known(self) -> bool:
        """Whether the file gave any rate; without one LEAN's own stands in."""
        return bool(self.days)

    def rate_at(self, day: date) -> float:
        """The rate in force on ``day``: the last one on or before it, the file's first one before that.

        LEAN fills its table from 1998-01-01 on; a rate dated earlier holds on its own date only.
        """
        at = bisect_right(self.days, day) - 1
        if at >= 0 and (self.days[at] == day or self.days[at] >= _FIRST_DATE):
            return self.rates[at]
        return self.first_rate


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
