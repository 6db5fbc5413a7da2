"""Volatility as custom data: forecasts, regimes and implied-volatility surfaces, one JSON object a line.

A file holds one kind for one underlying, oldest line first. Numbers are written so that reading them gives the same
bits. Times are New York's, without a zone, as LEAN's custom data has them: the moment from which a line is known.
"""

import datetime as dt
import itertools
import json
import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final, NamedTuple, Self, TypeVar

import numpy as np

from alo_lib.market.faults import DataError
from alo_lib.market.text_files import ENCODING
from alo_lib.pricing.quoted_chain import volatility_at_the_money
from alo_lib.records.json_reading import json_of
from alo_lib.records.spelling import check_ticker
from alo_lib.records.whole_files import write_whole

__all__ = [
    "ForecastLine",
    "RegimeLine",
    "SurfaceLine",
    "SurfacePoint",
    "VolatilityLine",
    "read_lines",
    "store_key",
    "text_of",
    "volatility_file",
    "write_lines",
]

_FOLDER: Final = ("alternative", "alo")


@dataclass(frozen=True)
class VolatilityLine(ABC):
    """What every kind of line has: the time from which it is known."""

    time: dt.datetime

    kind: ClassVar[str]
    """Name of the kind, in file names."""

    def text(self) -> str:
        """The line, without its end."""
        return json.dumps({"time": self.time.isoformat()} | self._content(), separators=(",", ":"), allow_nan=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Inverse of :meth:`text`, to the last bit.

        :raises DataError: for text that is no such line, or numbers that cannot be.
        """
        try:
            values = json_of(text)
            return cls(dt.datetime.fromisoformat(values.pop("time")), **cls._fields(values))
        except DataError:
            raise
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(f"{text[:80]!r} is no {cls.kind} line: {type(error).__name__} {error}") from None

    @abstractmethod
    def _content(self) -> dict[str, Any]:
        """What the line has beside its time, for JSON."""

    @classmethod
    @abstractmethod
    def _fields(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Inverse of :meth:`_content`: the fields of the class."""

    def _refuse(self, what: str, value: object) -> None:
        raise DataError(f"{what}, but it is {value!r} in the {self.kind} line of {self.time}")


@dataclass(frozen=True)
class ForecastLine(VolatilityLine):
    """Annualized volatility expected over each of ``days`` trading days, and the edges of its 90 % band.

    The band is that of past errors: after forecasts that were too high for long it lies below the forecast.
    """

    days: tuple[int, ...]
    volatility: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    kind = "forecast"

    def __post_init__(self) -> None:
        if not self.days or list(self.days) != sorted(set(self.days)) or self.days[0] < 1:
            self._refuse("days must be ascending and 1 or more", self.days)
        for name in ("volatility", "low", "high"):
            column = getattr(self, name)
            if len(column) != len(self.days) or not all(math.isfinite(x) and x > 0.0 for x in column):
                self._refuse(f"{name} must have a positive number for each of the days {self.days}", column)
        for low, high in zip(self.low, self.high, strict=True):
            if not low <= high:
                self._refuse("a band must not end below its beginning", (low, high))

    def at(self, days: float) -> float:
        """Forecast over ``days`` trading days: total variance is interpolated, mean variance kept outside the range."""
        return math.sqrt(_interpolated_mean(days, self.days, [x * x for x in self.volatility]))

    def _content(self) -> dict[str, Any]:
        return {"days": self.days, "volatility": self.volatility, "low": self.low, "high": self.high}

    @classmethod
    def _fields(cls, values: dict[str, Any]) -> dict[str, Any]:
        days = tuple(int(day) for day in values.pop("days"))
        return {"days": days} | {name: tuple(map(float, column)) for name, column in values.items()}


@dataclass(frozen=True)
class RegimeLine(VolatilityLine):
    """Filtered probability and annualized volatility of each regime, calmest first."""

    probability: tuple[float, ...]
    volatility: tuple[float, ...]

    kind = "regime"

    def __post_init__(self) -> None:
        if not (all(0.0 <= p <= 1.0 for p in self.probability) and abs(math.fsum(self.probability) - 1.0) < 1e-9):
            self._refuse("probability must be shares that sum to 1", self.probability)
        if len(self.volatility) != len(self.probability) or not all(
            math.isfinite(x) and x > 0.0 for x in self.volatility
        ):
            self._refuse("volatility must have a positive number a regime", self.volatility)
        if list(self.volatility) != sorted(self.volatility):
            self._refuse("volatility must ascend", self.volatility)

    @property
    def regime(self) -> int:
        """The likeliest regime; 0 is the calmest."""
        return self.probability.index(max(self.probability))

    def _content(self) -> dict[str, Any]:
        return {"probability": self.probability, "volatility": self.volatility}

    @classmethod
    def _fields(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {name: tuple(map(float, column)) for name, column in values.items()}


class SurfacePoint(NamedTuple):
    """One contract's implied volatility: expiry's date, strike, +1 call or -1 put, annualized volatility."""

    expiry: dt.date
    strike: float
    right: int
    volatility: float


@dataclass(frozen=True)
class SurfaceLine(VolatilityLine):
    """Implied volatilities of a chain at one time, by expiry, strike and right, and the ``spot`` they belong to."""

    spot: float
    points: tuple[SurfacePoint, ...]

    kind = "surface"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.spot) and self.spot > 0.0):
            self._refuse("spot must be finite and positive", self.spot)
        if not self.points or list(self.points) != sorted(set(self.points)):
            self._refuse("points must be there, distinct and in order", self.points[:2])
        for point in self.points:
            good = all(math.isfinite(x) and x > 0.0 for x in (point.strike, point.volatility))
            if not (good and point.right in (1, -1) and point.expiry >= self.time.date()):
                self._refuse("a point must be alive, with a right of 1 or -1 and positive numbers", point)

    @property
    def expiries(self) -> tuple[dt.date, ...]:
        """The expiries that have points, ascending."""
        return tuple(sorted({point.expiry for point in self.points}))

    def smile(self, expiry: dt.date) -> list[tuple[float, float]]:
        """Strikes and volatilities of one expiry's out-of-the-money contracts (at the money: the mean of both)."""
        by_strike: dict[float, list[float]] = {}
        for point in self.points:
            if point.expiry == expiry and (point.strike - self.spot) * point.right >= 0.0:
                by_strike.setdefault(point.strike, []).append(point.volatility)
        return [(strike, math.fsum(found) / len(found)) for strike, found in sorted(by_strike.items())]

    def at_the_money(self, expiry: dt.date) -> float:
        """Volatility at the spot along the smile, as :meth:`alo_lib.pricing.QuotedChain.at_the_money` reads it.

        NaN without strikes on both sides of the spot.
        """
        smile = self.smile(expiry)
        return volatility_at_the_money(
            [strike for strike, _ in smile], [volatility for _, volatility in smile], self.spot
        )

    def _content(self) -> dict[str, Any]:
        return {"spot": self.spot, "points": [[p.expiry.isoformat(), *p[1:]] for p in self.points]}

    @classmethod
    def _fields(cls, values: dict[str, Any]) -> dict[str, Any]:
        points = values.pop("points")
        return values | {
            "points": tuple(
                SurfacePoint(dt.date.fromisoformat(expiry), float(strike), int(right), float(volatility))
                for expiry, strike, right, volatility in points
            )
        }


Line = TypeVar("Line", bound=VolatilityLine)


def volatility_file(root: Path, kind: type[VolatilityLine], ticker: str) -> Path:
    """Where a LEAN data folder keeps the lines of one kind for one underlying."""
    return root.joinpath(*_FOLDER, kind.kind, f"{_name(ticker)}.jsonl")


def store_key(kind: type[VolatilityLine], ticker: str) -> str:
    """The key of the same text in LEAN's object store, which allows one dot."""
    return f"alo-{kind.kind}-{_name(ticker).replace('.', '-')}.jsonl"


def text_of(lines: Sequence[VolatilityLine]) -> str:
    """The lines as the text of a file.

    :raises DataError: for times that do not ascend.
    """
    _check_order(lines)
    return "".join(f"{line.text()}\n" for line in lines)


def write_lines(path: Path, lines: Sequence[VolatilityLine]) -> None:
    """Write a file whole, or not at all; errors as :func:`text_of`."""
    text = text_of(lines)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text)


def read_lines(path: Path, kind: type[Line]) -> list[Line]:
    """The lines of a file, oldest first.

    :raises DataError: naming the first line that cannot be read or is out of order; OSError without the file.
    """
    lines: list[Line] = []
    for number, text in enumerate(path.read_text(encoding=ENCODING).splitlines(), 1):
        try:
            lines.append(kind.parse(text))
            _check_order(lines[-2:])
        except DataError as error:
            raise DataError(f"{path}:{number}: {error}") from None
    return lines


def _name(ticker: str) -> str:
    try:
        return check_ticker(ticker).lower()
    except ValueError as error:
        raise DataError(str(error)) from None


def _check_order(lines: Sequence[VolatilityLine]) -> None:
    for earlier, later in itertools.pairwise(lines):
        if not earlier.time < later.time:
            raise DataError(f"lines must ascend in time, but {later.time} follows {earlier.time}")


def _interpolated_mean(days: float, at: Sequence[int], means: Iterable[float]) -> float:
    """Mean over ``days`` from means over each of ``at``: their totals are interpolated."""
    if not (math.isfinite(days) and days > 0.0):
        raise DataError(f"days must be finite and positive, but they are {days!r}")
    means = list(means)
    if days <= at[0]:
        return means[0]
    if days >= at[-1]:
        return means[-1]
    return float(np.interp(days, at, [day * mean for day, mean in zip(at, means, strict=True)])) / days
