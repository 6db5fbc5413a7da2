"""Dated curves of interest rates, from a file that its user keeps: what money earns to some days from then on, by date.

    # date, days from then: rate, ...
    2015-12-17, 30: 0.2%, 91: 0.25%, 365: 0.0065
    2015-12-28, 30: 0.18%, 91: 0.23%, 365: 0.0064

A curve counts from the session of its date until that of the next one. Rates are a year's, continuously compounded, in
decimals or percent; between two of its days, and beyond its ends, it says what :class:`alo_lib.pricing.curves.Curve`
does.
"""

import datetime as dt
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from alo_lib.market.faults import DataError
from alo_lib.market.text_files import day_of, kept_lines, read_kept
from alo_lib.pricing.curves import Curve
from alo_lib.records import DAYS_A_YEAR, RATES, years_between
from alo_lib.records.spelling import number_of

__all__ = ["OF_MODEL", "RateCurves", "curve_store_key", "curves_file", "curves_of", "is_of_file", "read_curves"]

OF_MODEL: Final = "model"
"""What names no file: in LEAN the algorithm's risk-free model is asked for the rate to each expiry."""

_FOLDER: Final = ("alternative", "alo", "rates")
_WHAT: Final = "interest rates"
_MOST_BYTES: Final = 1 << 22
_MOST_DAYS: Final = 50 * 365


class RateCurves(NamedTuple):
    """Curves, each from its day on."""

    days: tuple[dt.date, ...]  # ascending
    curves: tuple[Curve, ...]
    place: str
    """Where they were read."""

    def rates_to(self, day: dt.date, opens: int, expiries: Sequence[int]) -> list[float] | None:
        """The rates of a day's curve from its session's open to expiries (n,), both ns UTC; None before the first."""
        latest = bisect_right(self.days, day) - 1
        if latest < 0:
            return None
        told: list[float] = self.curves[latest].at(years_between(opens, np.array(expiries, np.int64))).tolist()
        return told

    def lacking(self, start: dt.date, end: dt.date) -> str:
        """What there is to say to a run over some days of which the first have no curve; nothing where all have.

        :raises DataError: where none of its days has one.
        """
        first = self.days[0]
        if first > end:
            raise DataError(f"the {_WHAT} in {self.place} begin on {first}, after the run, which ends on {end}")
        return (
            f"the {_WHAT} in {self.place} begin on {first}: until then, from {start} on, the one rate counts for all "
            "expiries"
            if first > start
            else ""
        )


def is_of_file(name: str) -> bool:
    """Whether a value of the setting rate-curve names a file."""
    return name not in ("", OF_MODEL)


def curves_file(root: Path, name: str) -> Path:
    """Where a LEAN data folder keeps the curves of a name."""
    return root.joinpath(*_FOLDER, f"{name}.csv")


def curve_store_key(name: str) -> str:
    """The key of the same text in LEAN's object store."""
    return f"alo-rates-{name}.csv"


def read_curves(path: Path) -> RateCurves:
    """The curves of a file.

    :raises DataError: for one that is not there or cannot be read.
    """
    content = read_kept(path, _WHAT, _MOST_BYTES)
    if content is None:
        raise DataError(f"there is no file of {_WHAT} {path}, which the setting rate-curve names")
    return curves_of(content, str(path))


def curves_of(content: bytes, place: str) -> RateCurves:
    """The curves that a text tells, in the order of their days.

    :raises DataError: naming ``place`` and the first line that is none, a text that is too long, or one without any.
    """
    found: dict[dt.date, Curve] = {}
    for number, text in kept_lines(content, place, _WHAT, _MOST_BYTES):
        try:
            day, curve = _curve(text)
            if day in found:
                raise ValueError(f"{day} has a curve in a line above; each day has one")
        except ValueError as error:
            raise DataError(f"{place}:{number}: {error}") from None
        found[day] = curve
    if not found:
        raise DataError(f"the {_WHAT} in {place} are of no day; a line is: date, days: rate, days: rate")
    days = tuple(sorted(found))
    return RateCurves(days, tuple(found[day] for day in days), place)


def _curve(text: str) -> tuple[dt.date, Curve]:
    first, *points = [cell.strip() for cell in text.split(",")]
    day = day_of(first)
    if not points:
        raise ValueError(f"{text!r:.80} must be a date and then days: rate, once or more")
    days, rates = [0.0], []
    for point in points:
        ahead, colon, rate = (part.strip() for part in point.partition(":"))
        if not colon:
            raise ValueError(f"{point!r:.80} must be days: rate")
        days.append(number_of(ahead))
        if not 0.0 < days[-1] <= _MOST_DAYS:
            raise ValueError(f"the days {ahead!r:.80} must be above 0, to {_MOST_DAYS:,}")
        if days[-1] <= days[-2]:
            raise ValueError(f"the days {ahead!r:.80} follow {days[-2]:g}; they must ascend")
        rates.append(number_of(rate))
        if not RATES.low <= rates[-1] <= RATES.high:
            raise ValueError(f"the rate {rate!r:.80} must be {RATES}")
    return day, Curve(np.array(days[1:]) / DAYS_A_YEAR, rates)
