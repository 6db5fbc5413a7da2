"""Which data files a run could read, and what was in them."""

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from alo_lib.market import DataFolder, DataKind, Resolution, SecurityType
from alo_lib.market.event_files import events_file
from alo_lib.market.layout import (
    OptionArchive,
    SecurityArchive,
    factor_file_path,
    interest_rate_path,
    map_file_directory,
    market_hours_path,
    symbol_properties_path,
    universe_directory,
)
from alo_lib.market.rate_curves import curves_file, is_of_file
from alo_lib.records import FIRST_DAY
from alo_lib.settings import Settings

__all__ = ["changes_in_words", "files_in_range", "fingerprint"]

_MARKET: Final = "usa"


def fingerprint(data: Path, files: Iterable[Path]) -> dict[str, Any]:
    """Size and SHA-256 of each file by its path below ``data``, and one digest over all of them."""
    rows = []
    total = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        row = {"path": path.relative_to(data).as_posix(), "size": path.stat().st_size, "sha256": digest}
        total.update(f"{row['path']},{row['size']},{digest}\n".encode())
        rows.append(row)
    return {"digest": total.hexdigest(), "folder": str(data), "files": rows}


def changes_in_words(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """The first file, by path, that is not what it was, and how many more are not; empty where all are the same.

    Both are SHA-256 by path.
    """
    changed = sorted(path for path in before.keys() | now.keys() if before.get(path) != now.get(path))
    if not changed:
        return ""
    first, more = changed[0], len(changed) - 1
    what = "is gone" if first not in now else "was not there" if first not in before else "has changed"
    if not more:
        return f"{first} {what}"
    return f"{first} {what}, and {more:,} more {'file differs' if more == 1 else 'files differ'}"


def files_in_range(data: Path, settings: Settings) -> list[Path]:
    """Every file in the settings' range that a run may read and that is there, sorted by path."""
    folder = DataFolder(data)
    found = {market_hours_path(data), symbol_properties_path(data), interest_rate_path(data)}
    if is_of_file(settings.rate_curve):
        found.add(curves_file(data, settings.rate_curve))
    for ticker in settings.underlyings:
        found |= set(_prices(folder, settings, ticker)) | set(_chain(folder, settings, ticker))
        history = folder.map_file(ticker)
        found |= {
            map_file_directory(data, _MARKET) / f"{history.permtick.lower()}.csv",
            factor_file_path(data, _MARKET, history.permtick),
            events_file(data, ticker),
        }
    return sorted(path for path in found if path.is_file())


def _prices(folder: DataFolder, settings: Settings, ticker: str) -> Iterator[Path]:
    resolution = Resolution(settings.resolution)
    for name, day in _days(folder, settings, ticker):
        yield SecurityArchive(folder.root, name, day, resolution, DataKind.TRADE, market=_MARKET).path
    history = folder.map_file(ticker)
    for first, _last, name in history.spans(FIRST_DAY, settings.end):
        yield SecurityArchive(folder.root, name, first, Resolution.DAILY, DataKind.TRADE, market=_MARKET).path
    if resolution is Resolution.MINUTE:
        for name, day in _days(folder, settings, ticker):
            yield SecurityArchive(folder.root, name, day, resolution, DataKind.QUOTE, market=_MARKET).path


def _chain(folder: DataFolder, settings: Settings, ticker: str) -> Iterator[Path]:
    option, resolution = SecurityType.OPTION, Resolution(settings.resolution)
    days = list(_days(folder, settings, ticker))
    for kind in (DataKind.QUOTE, DataKind.TRADE, DataKind.OPEN_INTEREST):
        for name, day in days:
            yield OptionArchive(folder.root, name, day, resolution, kind, market=_MARKET).path
    hours = folder.hours(SecurityType.EQUITY, ticker)
    # Each session is offered what the universe of the one before lists.
    eve = hours.previous_trading_day(settings.start)
    for name, day in _days(folder, settings, ticker, since=eve):
        yield universe_directory(folder.root, option, _MARKET, name) / f"{day:%Y%m%d}.csv"


def _days(
    folder: DataFolder, settings: Settings, ticker: str, since: dt.date | None = None
) -> Iterator[tuple[str, dt.date]]:
    """Each trading day of the range, or from ``since`` to its end, with the name that the underlying had on it."""
    hours = folder.hours(SecurityType.EQUITY, ticker)
    for first, last, name in folder.map_file(ticker).spans(since or settings.start, settings.end):
        for day in hours.trading_days(first, last):
            yield name, day
