"""Which data files a run could read, and what was in them."""

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from alo_lib.market import DataError, DataFolder, DataKind, Resolution, SecurityType
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
from alo_lib.market.text_files import in_place
from alo_lib.settings import Settings

__all__ = ["files_in_range", "fingerprint"]

_MARKET: Final = "usa"
_UNIVERSE_DAYS: Final = 10
"""Calendar days before the start from which a universe may still be in force."""


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


def files_in_range(data: Path, settings: Settings) -> list[Path]:
    """Every file in the settings' range that a run may read and that is there, sorted by path.

    DataError when the folder is no data folder, or an underlying has no prices or no option quotes in the range.
    """
    folder = DataFolder(data)
    found = {market_hours_path(data), symbol_properties_path(data), interest_rate_path(data)}
    for ticker in settings.underlyings:
        found |= set(_prices(folder, settings, ticker)) | set(_chain(folder, settings, ticker))
        history = folder.map_file(ticker)
        found |= {
            map_file_directory(data, _MARKET) / f"{history.permtick.lower()}.csv",
            factor_file_path(data, _MARKET, history.permtick),
        }
    return sorted(path for path in found if path.is_file())


def _prices(folder: DataFolder, settings: Settings, ticker: str) -> Iterator[Path]:
    resolution = Resolution(settings.resolution)
    traded = [
        SecurityArchive(folder.root, name, day, resolution, DataKind.TRADE, market=_MARKET).path
        for name, day in _days(folder, settings, ticker)
    ]
    _require(traded, settings, f"{ticker} has no {resolution} prices", folder.root)
    yield from traded
    history = folder.map_file(ticker)
    for first, _last, name in history.spans(dt.date(1900, 1, 1), settings.end):
        yield SecurityArchive(folder.root, name, first, Resolution.DAILY, DataKind.TRADE, market=_MARKET).path
    if resolution is Resolution.MINUTE:
        for name, day in _days(folder, settings, ticker):
            yield SecurityArchive(folder.root, name, day, resolution, DataKind.QUOTE, market=_MARKET).path


def _chain(folder: DataFolder, settings: Settings, ticker: str) -> Iterator[Path]:
    option, resolution = SecurityType.OPTION, Resolution(settings.resolution)
    days = list(_days(folder, settings, ticker))
    for kind in (DataKind.QUOTE, DataKind.TRADE, DataKind.OPEN_INTEREST):
        archives = [OptionArchive(folder.root, name, day, resolution, kind, market=_MARKET).path for name, day in days]
        if kind is DataKind.QUOTE:
            _require(archives, settings, f"{ticker} has no {resolution} option quotes", folder.root)
        yield from archives
    for name, day in _days(folder, settings, ticker, before=_UNIVERSE_DAYS):
        yield universe_directory(folder.root, option, _MARKET, name) / f"{day:%Y%m%d}.csv"


def _days(folder: DataFolder, settings: Settings, ticker: str, before: int = 0) -> Iterator[tuple[str, dt.date]]:
    """Each trading day of the range with the name that the underlying had on it."""
    hours = folder.hours(SecurityType.EQUITY, ticker)
    start = settings.start - dt.timedelta(days=before)
    for first, last, name in folder.map_file(ticker).spans(start, settings.end):
        for day in hours.trading_days(first, last):
            yield name, day


def _require(archives: Iterable[Path], settings: Settings, lack: str, data: Path) -> None:
    if not any(map(in_place, archives)):
        raise DataError(f"{lack} from {settings.start} to {settings.end} in {data}")
