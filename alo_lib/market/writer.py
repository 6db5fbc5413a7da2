"""Writing LEAN's file formats: bars, chains and the auxiliary files that a data folder needs.

The same content always gives the same bytes: archives carry a fixed time stamp and sorted entries. Formats are those
that the readers of this room and LEAN itself read (``LeanData.GenerateLine``, ``CorporateFactorRow.GetFileFormat``,
``OptionUniverse.ToCsv``).
"""

import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alo_lib.market.bars import Bars, OptionBars, contract_keys
from alo_lib.market.calendar import HoursSegment, MarketHours, utc_to_local
from alo_lib.market.factor_files import FactorRow
from alo_lib.market.hours_database import WEEKDAYS, database_key
from alo_lib.market.layout import (
    Archive,
    DataKind,
    OptionArchive,
    Resolution,
    SecurityArchive,
    SecurityType,
    factor_file_path,
    interest_rate_path,
    map_file_directory,
    market_hours_path,
    symbol_properties_path,
    universe_directory,
)
from alo_lib.market.map_files import MapFile
from alo_lib.market.universe import UNIVERSE_ROW, OptionUniverse
from alo_lib.records import DAY

__all__ = [
    "write_databases",
    "write_factor_file",
    "write_interest_rates",
    "write_map_file",
    "write_market_hours",
    "write_option_file",
    "write_security_file",
    "write_symbol_properties",
    "write_universe",
    "write_zip",
]

_ENTRY_TIME = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_FILE_MODE = 0o100644 << 16
_MILLISECOND = 1_000_000
_PROPERTIES_HEADER = (
    "market,symbol,type,description,quote_currency,contract_multiplier,minimum_price_variation,lot_size,market_ticker,"
    "minimum_order_size,price_magnifier,strike_multiplier"
)


def write_zip(path: Path, entries: Mapping[str, str]) -> None:
    """Write an archive whose bytes depend on nothing but ``entries``, which it holds sorted by name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(entries):
            info = zipfile.ZipInfo(name, _ENTRY_TIME)
            info.create_system = _UNIX
            info.external_attr = _FILE_MODE
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, entries[name])


def _write_text(path: Path, lines: Iterable[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")


def write_security_file(archive: SecurityArchive, bars: Bars, hours: MarketHours) -> None:
    """Write the archive of one equity or index: its day's minute bars, or the whole history of hour and daily bars.

    :raises ValueError: for a price that is not a whole number of deci-cents.
    """
    write_zip(archive.path, {archive.entry: "".join(_lines(archive, bars, hours))})


def write_option_file(archive: OptionArchive, chain: OptionBars, hours: MarketHours) -> None:
    """Write the archive of one chain: its day's minute bars, or its year's hour and daily bars."""
    order = np.argsort(chain.contract, kind="stable")
    lines = _lines(archive, chain.bars[order], hours)
    ends = np.searchsorted(chain.contract[order], np.arange(len(chain.contracts)), side="right").tolist()
    entries: dict[str, str] = {}
    start = 0
    for key, end in zip(contract_keys(chain.contracts), ends, strict=True):
        entries[archive.entry(key)] = "".join(lines[start:end])
        start = end
    write_zip(archive.path, entries)


def _lines(archive: Archive, bars: Bars, hours: MarketHours) -> list[str]:
    """One csv line a bar."""
    columns: list[Sequence[object]] = [_times(archive, bars["time"], hours)]
    for name in (bars.dtype.names or ())[1:]:
        if bars.dtype[name].kind == "i":
            columns.append(bars[name].tolist())
        else:
            columns.append(_prices(bars[name], archive.security.price_scale))
    row = ",".join(["%s"] * len(columns)) + "\n"
    return [row % cells for cells in zip(*columns, strict=True)]


def _times(archive: Archive, ends: NDArray[np.int64], hours: MarketHours) -> Sequence[object]:
    """The start of each bar as its file writes it."""
    day, resolution, kind = archive.day, archive.resolution, archive.kind
    has_period = kind is not DataKind.OPEN_INTEREST and resolution is not Resolution.DAILY
    local = utc_to_local(ends - resolution.period if has_period else ends, hours.data_zone)
    if resolution is Resolution.MINUTE:
        milliseconds, rest = np.divmod(local - (day - date(1970, 1, 1)).days * DAY, _MILLISECOND)
        if rest.any() or ((milliseconds < 0) | (milliseconds >= DAY // _MILLISECOND)).any():
            raise ValueError(f"minute bars must start on whole milliseconds of {day}")
        times: list[object] = milliseconds.tolist()
        return times
    form = "%Y%m%d 00:00" if resolution is Resolution.DAILY else "%Y%m%d %H:%M"
    return [moment.strftime(form) for moment in local.astype("datetime64[ns]").astype("datetime64[s]").tolist()]


def _prices(prices: NDArray[np.float64], scale: float) -> list[object]:
    """Prices as their cells: empty where missing, whole deci-cents where they are scaled."""
    if scale == 1.0:
        return ["" if price != price else repr(price) for price in prices.tolist()]
    missing = np.isnan(prices)
    scaled = np.where(missing, 0.0, prices * scale)
    whole = np.rint(scaled)
    wrong = np.abs(scaled - whole) > 1e-6 * np.maximum(1.0, whole)
    if wrong.any():
        raise ValueError(f"price {prices[wrong][0]!r} is not a whole number of deci-cents (0.0001)")
    cells: list[object] = whole.astype(np.int64).tolist()
    for row in np.flatnonzero(missing).tolist():
        cells[row] = ""
    return cells


def write_universe(
    root: Path,
    ticker: str,
    universe: OptionUniverse,
    *,
    security: SecurityType = SecurityType.OPTION,
    market: str = "usa",
) -> Path:
    """Write one universe file, named for ``universe.day``; prices with four decimals, model values with seven."""
    path = universe_directory(root, security, market, ticker) / f"{universe.day:%Y%m%d}.csv"
    lines = ["#" + ",".join(name for name in UNIVERSE_ROW.names or ())]
    if universe.underlying is not None:
        *prices, volume = universe.underlying
        lines.append(",,," + ",".join(f"{price:.4f}" for price in prices) + f",{volume},,,,,,,")
    for expiry, strike, right, *rest in universe.rows.tolist():
        cells = [f"{expiry:%Y%m%d}", f"{strike:.4f}".rstrip("0").rstrip("."), "C" if right > 0 else "P"]
        cells += ["" if price != price else f"{price:.4f}" for price in rest[:4]]
        cells += [str(size) for size in rest[4:6]]
        cells += ["" if value != value else f"{value:.7f}" for value in rest[6:]]
        lines.append(",".join(cells))
    _write_text(path, lines)
    return path


def write_map_file(root: Path, map_file: MapFile, market: str = "usa") -> Path:
    """Write one ticker history."""
    path = map_file_directory(root, market) / f"{map_file.permtick.lower()}.csv"
    rows = ([f"{row.day:%Y%m%d}", row.ticker.lower(), row.exchange] for row in map_file.rows)
    _write_text(path, (",".join(cell for cell in row if cell) for row in rows))
    return path


def write_factor_file(root: Path, permtick: str, rows: Iterable[FactorRow], market: str = "usa") -> Path:
    """Write one security's factors, rounded as LEAN rounds them: to 7, 8 and 4 decimals."""
    path = factor_file_path(root, market, permtick)
    cells = (
        (row.day, round(row.price_factor, 7), round(row.split_factor, 8), round(row.reference_price, 4)) for row in rows
    )
    _write_text(path, (f"{day:%Y%m%d}," + ",".join(f"{value.normalize():f}" for value in rest) for day, *rest in cells))
    return path


def write_interest_rates(root: Path, rates: Mapping[date, float]) -> Path:
    """Write the dates from which each rate, a decimal a year, continuously compounded, holds."""
    path = interest_rate_path(root)
    _write_text(path, ["DATE,PCREDIT8", *(f"{day},{round(100.0 * rates[day], 10):g}" for day in sorted(rates))])
    return path


def write_market_hours(
    root: Path, hours: Mapping[tuple[SecurityType, str | None], MarketHours], market: str = "usa"
) -> Path:
    """Write the market-hours database with one entry a (security type, symbol); None is the type's ``[*]`` entry."""
    path = market_hours_path(root)
    entries = {
        database_key(security, symbol, market): _hours_entry(value) for (security, symbol), value in hours.items()
    }
    _write_text(path, [json.dumps({"entries": entries}, indent=2)])
    return path


def _hours_entry(hours: MarketHours) -> dict[str, object]:
    week = {name: [_segment(part) for part in hours.week[number]] for number, name in enumerate(WEEKDAYS)}
    return {
        "dataTimeZone": hours.data_zone.key,
        "exchangeTimeZone": hours.exchange_zone.key,
        "sunday": week.pop("sunday"),
        **week,
        "holidays": [_slashed(day) for day in sorted(hours.holidays)],
        "earlyCloses": {_slashed(day): _clock(hours.early_closes[day]) for day in sorted(hours.early_closes)},
        "lateOpens": {_slashed(day): _clock(hours.late_opens[day]) for day in sorted(hours.late_opens)},
    }


def _segment(part: HoursSegment) -> dict[str, str]:
    return {"start": _clock(part.start), "end": _clock(part.end), "state": part.state}


def _slashed(day: date) -> str:
    return f"{day.month}/{day.day}/{day.year}"


def _clock(offset: timedelta) -> str:
    minutes, seconds = divmod(offset.seconds, 60)
    clock = f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}"
    return f"{offset.days}:{clock}" if offset.days else clock


def write_symbol_properties(
    root: Path, rows: Iterable[tuple[SecurityType, str | None, int, float]], market: str = "usa"
) -> Path:
    """Write the symbol-properties database: (security type, symbol or None, multiplier, smallest price step) a row."""
    path = symbol_properties_path(root)
    lines = [
        f"{market},{symbol or '[*]'},{security},,USD,{multiplier},{step:g},1"
        for security, symbol, multiplier, step in rows
    ]
    _write_text(path, [_PROPERTIES_HEADER, "", *lines])
    return path


def write_databases(root: Path, equity: MarketHours, option: MarketHours, of_index: MarketHours) -> None:
    """Write both databases that LEAN asks for, with one entry a security type that this room reads."""
    write_market_hours(
        root,
        {
            (SecurityType.EQUITY, None): equity,
            (SecurityType.OPTION, None): option,
            (SecurityType.INDEX, None): of_index,
            (SecurityType.INDEX_OPTION, None): of_index,
        },
    )
    write_symbol_properties(
        root,
        [
            (SecurityType.EQUITY, None, 1, 0.01),
            (SecurityType.OPTION, None, 100, 0.01),
            (SecurityType.INDEX, None, 1, 0.01),
            (SecurityType.INDEX_OPTION, None, 100, 0.05),
        ],
    )
