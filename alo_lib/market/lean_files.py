"""Reading LEAN's bar archives: equities and indices, and option chains.

Formats: LEAN's ``TradeBar.cs``, ``QuoteBar.cs`` and ``OpenInterest.cs``. Every function takes the :class:`FaultLog`
into which it puts what it leaves out: rows whose numbers make no bar (a crossed quote among them, which LEAN would
pass on), entries and archives that cannot be read. A file that is not there is a fault too, and gives no rows.

A side that is missing in a row is missing here (NaN, size 0). LEAN's feed replaces it, when it fills forward, by the
same side of the contract's last bar (``QuoteBarFillForwardEnumerator.cs``), but leaves the bar's last size of it at 0.
"""

import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator
from datetime import date
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from alo_lib.market import parsing
from alo_lib.market.bars import BAR_DTYPES, CONTRACT, Bars, OptionBars, contract_array
from alo_lib.market.calendar import MarketHours, local_to_utc
from alo_lib.market.faults import FaultKind, FaultLog
from alo_lib.market.layout import Archive, ContractKey, DataKind, OptionArchive, Resolution, SecurityArchive
from alo_lib.market.parsing import GOOD, STATUS, Rows
from alo_lib.market.text_files import in_place, require_regular
from alo_lib.records import DAY, crossed

__all__ = ["Sample", "has_quotes", "read_option_file", "read_sample", "read_security_file", "two_sided"]

MAX_ENTRY_BYTES = 1 << 28
"""Entries that claim to unpack to more are not read."""

_EPOCH = date(1970, 1, 1)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_END_OF_ARCHIVE = b"PK\x05\x06"
_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError)

Key = TypeVar("Key")


def read_security_file(
    archive: SecurityArchive, hours: MarketHours, faults: FaultLog, *, extended: bool = False
) -> Bars:
    """The bars of one archive: of its day for minute bars, of the whole history for hour and daily bars.

    Minute bars outside the regular session are left out unless ``extended``, as LEAN does. Returns an array of dtype
    TRADE_BAR or QUOTE_BAR, in time order.
    """
    wanted = archive.entry
    before = len(faults)
    entries = list(_entries(archive.path, faults, lambda name: name if name == wanted else None))
    if not entries and len(faults) == before:
        faults.record(FaultKind.ENTRY_NAME, archive.path, detail=f"no entry {wanted}")
    bars, _ = _read_bars(archive, entries, hours, faults, extended)
    return bars


def read_option_file(
    archive: OptionArchive,
    hours: MarketHours,
    faults: FaultLog,
    *,
    contracts: Collection[ContractKey] | None = None,
) -> OptionBars:
    """The rows of one chain's archive: of its day for minute bars, of its year for hour and daily bars.

    Only the entries of ``contracts`` are read when they are given. Minute bars outside the regular session are left
    out, as LEAN does.
    """
    wanted = None if contracts is None else frozenset(contracts)
    entries = sorted(_contracts(archive, faults, wanted), key=lambda item: item[0])
    bars, owner = _read_bars(archive, entries, hours, faults, False)
    return _chain([key for key, _, _ in entries], owner, bars)


class Sample(NamedTuple):
    """Some rows of a chain's archive, and how many contracts it holds in all."""

    bars: OptionBars
    archived: int


def read_sample(
    archive: OptionArchive, hours: MarketHours, faults: FaultLog, contracts: Collection[ContractKey]
) -> Sample:
    """The rows of a few contracts. Of the others no more is read than that they are there, nor are they checked."""
    wanted, archived = {archive.entry(contract): contract for contract in contracts}, 0

    def select(name: str) -> ContractKey | None:
        nonlocal archived
        archived += 1
        return wanted.get(name)

    entries = sorted(_entries(archive.path, faults, select), key=lambda item: item[0])
    bars, owner = _read_bars(archive, entries, hours, faults, False)
    return Sample(_chain([key for key, _, _ in entries], owner, bars), archived)


def two_sided(bars: Bars) -> NDArray[np.bool_]:
    """Which QUOTE_BAR rows have a bid and an ask."""
    sides: NDArray[np.bool_] = (bars["bid_close"] > 0.0) & (bars["ask_close"] > 0.0)
    return sides


def has_quotes(archive: OptionArchive, hours: MarketHours, faults: FaultLog) -> bool:
    """Whether a chain's archive of quotes has one row, at least, with a bid and an ask. No more is read than it takes.

    Faults are those that were met on the way.
    """
    for entry in _contracts(archive, faults):
        bars, _ = _read_bars(archive, [entry], hours, faults, False)
        if two_sided(bars).any():
            return True
    return False


def _chain(keys: list[ContractKey], owner: NDArray[np.int32], bars: Bars) -> OptionBars:
    """Rows in time order, with the contracts that have any."""
    order = np.argsort(bars["time"], kind="stable")
    used, contract = np.unique(owner[order], return_inverse=True)
    contracts = contract_array(keys)[used] if len(used) else np.zeros(0, CONTRACT)
    return OptionBars(contracts, contract.astype(np.int32), bars[order])


def _contracts(
    archive: OptionArchive, faults: FaultLog, wanted: Collection[ContractKey] | None = None
) -> Iterator[tuple[ContractKey, str, bytes]]:
    """The entries of a chain's archive, of the wanted contracts only when they are given."""

    def select(name: str) -> ContractKey | None:
        try:
            key = archive.contract(name)
        except ValueError as error:
            faults.record(FaultKind.ENTRY_NAME, archive.path, entry=name, detail=str(error))
            return None
        return key if wanted is None or key in wanted else None

    return _entries(archive.path, faults, select)


def _entries(path: Path, faults: FaultLog, select: Callable[[str], Key | None]) -> Iterator[tuple[Key, str, bytes]]:
    """The selected entries of an archive that can be read, as (key, name, content); none of one that cannot."""
    if not in_place(path):
        faults.record(FaultKind.MISSING_FILE, path)
        return
    seen: set[Key] = set()
    try:
        require_regular(path)
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                key = select(info.filename)
                if key is None:
                    continue
                if key in seen:
                    faults.record(FaultKind.DUPLICATE_ENTRY, path, entry=info.filename)
                    continue
                seen.add(key)
                try:
                    if info.file_size > MAX_ENTRY_BYTES:
                        raise ValueError(f"unpacks to {info.file_size} bytes, more than {MAX_ENTRY_BYTES}")
                    content = archive.read(info)
                except _UNREADABLE as error:
                    faults.record(FaultKind.CORRUPT_ENTRY, path, entry=info.filename, detail=str(error))
                else:
                    yield key, info.filename, content.removeprefix(_BYTE_ORDER_MARK)
    except _UNREADABLE as error:
        faults.record(FaultKind.CORRUPT_ARCHIVE, path, detail=_what_is_wrong(path, error))


def _what_is_wrong(path: Path, error: Exception) -> str:
    """Why an archive cannot be opened, in words."""
    try:
        require_regular(path)
        content = path.read_bytes()
    except OSError as unread:
        return unread.strerror or str(unread)
    if not content:
        return "it is empty"
    if not content.startswith(b"PK"):
        return "it is no zip archive"
    if _END_OF_ARCHIVE not in content:
        return "it is cut off"
    return str(error)


def _read_bars(
    archive: Archive,
    entries: list[tuple[Key, str, bytes]],
    hours: MarketHours,
    faults: FaultLog,
    extended: bool,
) -> tuple[Bars, NDArray[np.int32]]:
    """The good rows of some entries as bars, with each row's entry number."""
    day, resolution, kind, price_scale = archive.day, archive.resolution, archive.kind, archive.security.price_scale
    dtype = BAR_DTYPES[kind]
    minute = resolution is Resolution.MINUTE
    rows = parsing.parse(
        [content for _, _, content in entries],
        len(dtype.names or ()) - 1,
        dated=not minute,
        midnight=(day - _EPOCH).days * DAY if minute else 0,
    )
    faults.count_row(len(rows.time))
    bars = np.zeros(len(rows.time), dtype)
    if kind is DataKind.QUOTE:
        _fill_quotes(rows, bars, price_scale)
    elif kind is DataKind.TRADE:
        _fill_trades(rows, bars, price_scale)
    else:
        _fill_whole(rows, 0, bars["open_interest"])
    _stamp(rows, bars, resolution, kind, hours)
    parsing.mark_disorder(rows)
    _report(archive.path, [name for _, name, _ in entries], rows, faults)

    keep = rows.status == GOOD
    if minute and kind is not DataKind.OPEN_INTEREST:
        keep &= hours.in_session(bars["time"], day, resolution.period, extended=extended)
    return bars[keep], rows.entry[keep]


def _mark(rows: Rows, bad: NDArray[np.bool_], status: int) -> None:
    rows.status[bad & (rows.status == GOOD)] = status


def _fill_whole(rows: Rows, column: int, out: NDArray[np.int64]) -> None:
    """A column of sizes, which must be whole numbers that are not negative."""
    value = rows.values[:, column]
    _mark(rows, value < 0.0, parsing.NEGATIVE)
    _mark(rows, ~(value == np.floor(value)), parsing.NUMBER)
    np.copyto(out, value, where=rows.status == GOOD, casting="unsafe")


def _fill_trades(rows: Rows, bars: Bars, price_scale: float) -> None:
    prices = rows.values[:, :4]
    _mark(rows, (prices < 0.0).any(axis=1), parsing.NEGATIVE)
    _mark(rows, np.isnan(prices).any(axis=1), parsing.NUMBER)
    _mark(rows, prices[:, 1] < prices[:, 2], parsing.HIGH_BELOW_LOW)
    _fill_whole(rows, 4, bars["volume"])
    for column, name in enumerate(("open", "high", "low", "close")):
        bars[name] = prices[:, column] / price_scale


def _fill_quotes(rows: Rows, bars: Bars, price_scale: float) -> None:
    """Each side's prices and size. As in LEAN a side whose four prices are empty or zero is missing."""
    for first, side in ((0, "bid"), (5, "ask")):
        prices = rows.values[:, first : first + 4]
        blank = np.isnan(prices)
        missing = (blank | (prices == 0.0)).all(axis=1)
        _mark(rows, (prices < 0.0).any(axis=1), parsing.NEGATIVE)
        _mark(rows, blank.any(axis=1) & ~missing, parsing.NUMBER)
        _mark(rows, ~missing & (prices[:, 1] < prices[:, 2]), parsing.HIGH_BELOW_LOW)
        rows.values[missing, first + 4] = 0.0
        _fill_whole(rows, first + 4, bars[f"{side}_size"])
        for column, name in enumerate(("open", "high", "low", "close")):
            bars[f"{side}_{name}"] = np.where(missing, np.nan, prices[:, column] / price_scale)
    _mark(rows, crossed(bars["bid_close"], bars["ask_close"]), parsing.CROSSED)


def _stamp(rows: Rows, bars: Bars, resolution: Resolution, kind: DataKind, hours: MarketHours) -> None:
    """Write each bar's end: its start plus its period, or the close of its session for a daily bar.

    Open interest has no period and keeps its own time, except daily, which LEAN stamps like any daily data.
    """
    if resolution is not Resolution.DAILY:
        bars["time"] = local_to_utc(rows.time, hours.data_zone)
        if kind is not DataKind.OPEN_INTEREST:
            bars["time"] += resolution.period
        return
    days, where = np.unique(rows.time // DAY, return_inverse=True)
    dates = days.astype("datetime64[D]").astype(object)
    closes = np.array([hours.session(day).close if hours.is_trading_day(day) else -1 for day in dates], np.int64)
    if len(rows.time):
        bars["time"] = closes[where]
        _mark(rows, bars["time"] < 0, parsing.TIME)


def _report(path: Path, names: list[str], rows: Rows, faults: FaultLog) -> None:
    for row in np.flatnonzero(rows.status != GOOD).tolist():
        faults.record(STATUS[int(rows.status[row])], path, entry=names[rows.entry[row]], line=int(rows.line[row]))
