"""What a data folder holds: of each security the sessions, contracts and rows by kind of file, gaps, and faults."""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from alo_lib.market.calendar import MarketHours
from alo_lib.market.faults import FaultKind
from alo_lib.market.folder import DataFolder
from alo_lib.market.layout import DataKind, OptionArchive, Resolution, SecurityArchive, SecurityType, parse_date
from alo_lib.market.lean_files import read_option_file, read_security_file
from alo_lib.market.universe import OptionUniverse
from alo_lib.records import DAY

__all__ = ["UNIVERSES", "Gap", "Holding", "holdings_of"]

UNIVERSES: Final = "universe"
"""The kind of what lists contracts, beside LEAN's kinds of bars."""


class Gap(NamedTuple):
    """Sessions in a row, both included, of which there is nothing between others of which there is."""

    first: date
    last: date
    sessions: int

    def __str__(self) -> str:
        return f"{self.first}" if self.sessions == 1 else f"{self.first} to {self.last}"


@dataclass(frozen=True)
class Holding:
    """One kind of file of one security; ``resolution`` of universes is daily.

    ``days`` are those with a usable row, ``rows`` all usable rows; ``contracts`` has how many contracts each day has.
    """

    security: SecurityType
    ticker: str
    resolution: Resolution
    kind: str
    days: tuple[date, ...]
    rows: int
    contracts: tuple[int, ...] = field(default=())
    gaps: tuple[Gap, ...] = field(default=())

    def told(self) -> dict[str, Any]:
        """As programs read it."""
        return {
            "type": str(self.security),
            "ticker": self.ticker,
            "resolution": str(self.resolution),
            "kind": str(self.kind),
            "sessions": len(self.days),
            "first": str(self.days[0]) if self.days else None,
            "last": str(self.days[-1]) if self.days else None,
            "rows": self.rows,
            "contracts": {"least": min(self.contracts), "most": max(self.contracts)} if self.contracts else None,
            "gaps": [{"first": str(gap.first), "last": str(gap.last), "sessions": gap.sessions} for gap in self.gaps],
        }


class _File(NamedTuple):
    """A file of bars, by its name."""

    path: Path
    security: SecurityType
    ticker: str
    resolution: Resolution
    kind: DataKind
    day: date


def holdings_of(
    folder: DataFolder, tickers: frozenset[str] = frozenset(), progress: Callable[[str], None] | None = None
) -> list[Holding]:
    """Everything that a folder holds, of ``tickers`` alone where any are named. Every row is read.

    What cannot be used is in the folder's fault log, files whose names LEAN would not look up among it. ``progress`` is
    told of each file.
    """
    found: dict[tuple[Any, ...], _Sum] = {}
    for file in _files(folder, tickers):
        if progress is not None:
            progress(f"Reading {file.path.relative_to(folder.root)}")
        key: tuple[Any, ...] = (file.security, file.ticker, file.resolution, file.kind)
        found.setdefault(key, _Sum()).read(folder, file)
    for security in (SecurityType.OPTION, SecurityType.INDEX_OPTION):
        for path in sorted((folder.root / security / folder.market / "universes").glob("*")):
            if path.is_dir() and _wanted(path.name, tickers):
                key = security, path.name.upper(), Resolution.DAILY, UNIVERSES
                found.setdefault(key, _Sum()).list(folder, path, american=security is SecurityType.OPTION)
    order = {kind: number for number, kind in enumerate((*DataKind, UNIVERSES))}
    keys = sorted(found, key=lambda key: (key[0], key[1], list(Resolution).index(key[2]), order[key[3]]))
    return [found[key].holding(folder, key) for key in keys]


def _wanted(name: str, tickers: frozenset[str]) -> bool:
    return not tickers or name.upper() in tickers


def _files(folder: DataFolder, tickers: frozenset[str]) -> Iterator[_File]:
    """Every file of bars, in the order of their paths."""
    for security in SecurityType:
        base = folder.root / security / folder.market
        for path in sorted((base / Resolution.MINUTE).glob("*/*.zip")):
            if _wanted(path.parent.name, tickers):
                yield from _named(folder, path, security, Resolution.MINUTE)
        for resolution in (Resolution.HOUR, Resolution.DAILY):
            for path in sorted((base / resolution).glob("*.zip")):
                if _wanted(path.stem.partition("_")[0], tickers):
                    yield from _named(folder, path, security, resolution)


def _named(folder: DataFolder, path: Path, security: SecurityType, resolution: Resolution) -> Iterator[_File]:
    """What a file's name says; one that says nothing is a fault."""
    parts = path.stem.split("_")
    of_options = security is not security.underlying
    minute = resolution is Resolution.MINUTE
    try:
        if not minute and not of_options:
            ticker, kind, day = path.stem, DataKind.TRADE, date(1970, 1, 1)
        elif minute:
            ticker, kind, day = path.parent.name, DataKind(parts[1]), parse_date(parts[0])
        else:
            ticker, kind, day = parts[0], DataKind(parts[2]), date(int(parts[1]), 1, 1)
        made = _archive(_File(path, security, ticker, resolution, kind, day), folder)
        if made.path != path:
            raise ValueError(f"expected {made.path.name}")
    except (IndexError, ValueError) as error:
        folder.faults.record(FaultKind.ENTRY_NAME, path, detail=str(error))
    else:
        yield _File(path, security, ticker.upper(), resolution, kind, day)


def _archive(file: _File, folder: DataFolder) -> OptionArchive | SecurityArchive:
    of = SecurityArchive if file.security is file.security.underlying else OptionArchive
    return of(folder.root, file.ticker, file.day, file.resolution, file.kind, file.security, folder.market)


class _Sum:
    """What files of one kind come to."""

    def __init__(self) -> None:
        self._rows = 0
        self._contracts: dict[date, int] = {}
        self._of_options = False

    def read(self, folder: DataFolder, file: _File) -> None:
        """Add a file of bars."""
        hours = folder.hours(file.security, file.ticker)
        archive = _archive(file, folder)
        if isinstance(archive, SecurityArchive):
            days = _days(read_security_file(archive, hours, folder.faults, extended=True)["time"])
            self._rows += len(days)
            self._contracts |= dict.fromkeys(np.unique(days).tolist(), 0)
            return
        chain = read_option_file(archive, hours, folder.faults)
        days = _days(chain.bars["time"])
        self._rows += len(days)
        self._of_options = True
        pairs = np.unique(np.stack([days.astype(np.int64), chain.contract.astype(np.int64)], axis=1), axis=0)
        numbers, counts = np.unique(pairs[:, 0], return_counts=True)
        self._contracts |= dict(zip(numbers.astype("datetime64[D]").tolist(), counts.tolist(), strict=True))

    def list(self, folder: DataFolder, place: Path, *, american: bool) -> None:
        """Add a folder of universes."""
        self._of_options = True
        for path in sorted(place.glob("*.csv")):
            try:
                day = parse_date(path.stem)
            except ValueError as error:
                folder.faults.record(FaultKind.ENTRY_NAME, path, detail=str(error))
                continue
            count = len(OptionUniverse.load(path, folder.faults, american=american).rows)
            self._rows += count
            if count:
                self._contracts[day] = count

    def holding(self, folder: DataFolder, key: tuple[Any, ...]) -> Holding:
        """All of it."""
        security, ticker, resolution, kind = key
        days = tuple(sorted(self._contracts))
        contracts = tuple(self._contracts[day] for day in days) if self._of_options else ()
        return Holding(
            security, ticker, resolution, kind, days, self._rows, contracts, _gaps(days, folder.hours(security, ticker))
        )


def _days(times: "np.ndarray[Any, np.dtype[np.int64]]") -> "np.ndarray[Any, np.dtype[np.datetime64]]":
    """A session begins and ends on its own date in UTC, too."""
    days: np.ndarray[Any, np.dtype[np.datetime64]] = ((times - 1) // DAY).astype("datetime64[D]")
    return days


def _gaps(days: tuple[date, ...], hours: MarketHours) -> tuple[Gap, ...]:
    """Sessions between the first day and the last that are none of the days."""
    if not days:
        return ()
    sessions, has = hours.trading_days(days[0], days[-1]), set(days)
    missing = [day for day in sessions if day not in has]
    found: list[Gap] = []
    for day in missing:
        place = bisect_left(sessions, day)
        if found and place and sessions[place - 1] == found[-1].last:
            found[-1] = Gap(found[-1].first, day, found[-1].sessions + 1)
        else:
            found.append(Gap(day, day, 1))
    return tuple(found)
