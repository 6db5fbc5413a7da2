"""Databento: quotes (bbo, cbbo, mbp-1), bars, open interest and definitions of options and stocks.

Source: databento.com/docs/schemas (bbo, cbbo, ohlcv, definition, statistics). Rows are CSV, packed or not, Parquet, or
DBN, which its own library reads where it is installed. Prices are decimals (``pretty_px``) or counts of 1e-9, times
ISO 8601 (``pretty_ts``) or nanoseconds; a value that is not defined is the largest of its type. ``ts_recv`` of quotes
on an interval is its end, ``ts_event`` of bars their start. Rows have their symbol (``map_symbols``), or definitions,
which are read before all else, say what an ``instrument_id`` means on a day.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np

from alo_lib.market.calendar import utc_to_local
from alo_lib.market.faults import DataError
from alo_lib.market.importing.cells import Cells
from alo_lib.market.importing.described import Column, Description
from alo_lib.market.importing.formats.described import rows_by
from alo_lib.market.importing.formats.vendors import Layout, VendorFiles
from alo_lib.market.importing.refusals import Reason, Refusals
from alo_lib.market.importing.rows import Rows
from alo_lib.market.importing.sources import Chunk, columns_of, read_chunks
from alo_lib.market.importing.symbols import Roots, UnmappedError
from alo_lib.market.layout import Resolution
from alo_lib.records import DAY, MINUTE, NEW_YORK, SECOND

__all__ = ["DatabentoFiles", "databento_files"]

_OPEN_INTEREST: Final = 9
"""The ``stat_type`` of open interest."""
_UNIT: Final = 1e9
_UNDEFINED: Final = 9.2e9
"""Dollars; the largest count of 1e-9 is 9,223,372,036.85 of them."""
_PRICES: Final = frozenset({"bid_px_00", "ask_px_00", "open", "high", "low", "close"})
_BARS: Final = {32: (Resolution.MINUTE, SECOND), 33: (Resolution.MINUTE, MINUTE), 35: (Resolution.DAILY, 0)}
"""By ``rtype``: bars of a second, a minute and a day, and how long each lasts."""
_ROWS: Final = 1 << 18

_SYMBOL: Final = {"symbol": Column("symbol")}
_QUOTES: Final = {
    "time": Column("ts_recv"),
    "bid": Column("bid_px_00"),
    "ask": Column("ask_px_00"),
    "bid_size": Column("bid_sz_00"),
    "ask_size": Column("ask_sz_00"),
}
_TRADES: Final = {"time": Column("ts_event")} | {
    name: Column(name) for name in ("open", "high", "low", "close", "volume")
}
_INTEREST: Final = {"time": Column("ts_recv"), "open_interest": Column("quantity")}


def _named(symbol: str) -> str:
    if not symbol:
        raise UnmappedError(Reason.UNKNOWN_INSTRUMENT, "no symbol, and no definition of its instrument_id for the day")
    return symbol


def _layout(name: str, columns: Mapping[str, Column], *more: str) -> Layout:
    needs = frozenset({*(column.name for column in columns.values()), *more, "instrument_id"})
    return Layout(name, needs, (Description({**_SYMBOL, **columns}, found=_named),))


_DEFINITIONS: Final = Layout("definitions", frozenset({"instrument_id", "raw_symbol", "ts_recv"}), ())


def databento_files(options: Mapping[str, Any]) -> "DatabentoFiles":
    """Files by the options of the command."""
    return DatabentoFiles(
        "Databento",
        [
            _DEFINITIONS,
            _layout("quotes", _QUOTES),
            _layout("statistics", _INTEREST, "stat_type"),
            _layout("bars", _TRADES, "rtype"),
        ],
    )


@dataclass
class DatabentoFiles(VendorFiles):
    """Files of Databento; definitions among them are read first."""

    _symbols: dict[tuple[int, int], str] = field(default_factory=dict)

    def prepare(self, paths: Sequence[Path], refusals: Refusals) -> Sequence[Path]:
        """The files that have rows; definitions are read here.

        :raises DataError: for a file of another layout, and for DBN without its library.
        """
        super().prepare(paths, refusals)
        for path in paths:
            if self.layouts_found[path] is _DEFINITIONS:
                for chunk in self.chunks(path, refusals):
                    self._define(chunk, refusals)
        return [path for path in paths if self.layouts_found[path] is not _DEFINITIONS]

    def columns_of(self, path: Path) -> list[str]:
        """The names of a file's columns."""
        if not _is_dbn(path):
            return columns_of(path)
        return list(next(iter(_dbn(path, 1))).columns)

    def chunks(self, path: Path, refusals: Refusals) -> Iterator[Chunk]:
        """A file, a chunk of rows at a time."""
        return _dbn(path, _ROWS) if _is_dbn(path) else read_chunks(path, refusals)

    def rows(self, path: Path, chunk: Chunk, refusals: Refusals, roots: Roots) -> Iterable[Rows]:
        """The rows of one chunk."""
        layout = self.layouts_found[path]
        cells = Cells(chunk, refusals, roots)
        if "stat_type" in layout.needs:
            chunk = _where(chunk, cells.numbers("stat_type") == _OPEN_INTEREST)
            cells = Cells(chunk, refusals, roots)
        lasts = np.zeros(len(chunk))
        if "rtype" in layout.needs:
            lasts = cells.numbers("rtype")
        chunk = self._with_symbols(_in_dollars(chunk), cells)
        for kind in np.unique(lasts).tolist():
            description = layout.descriptions[0]
            if kind:
                if int(kind) not in _BARS:
                    raise DataError(f"{path} has bars of rtype {kind:g}; allowed: {', '.join(map(str, _BARS))}")
                length, period = _BARS[int(kind)]
                description = Description(description.columns, {}, length, period, found=_named)
            yield from rows_by(path, _where(chunk, lasts == kind), [description], refusals, roots)

    def _define(self, chunk: Chunk, refusals: Refusals) -> None:
        cells = Cells(chunk, refusals, Roots())
        days, numbers = _days(cells, "ts_recv"), cells.numbers("instrument_id")
        for day, number, symbol in zip(days, numbers.tolist(), cells.text("raw_symbol").to_pylist(), strict=True):
            if number == number:
                self._symbols[day, int(number)] = symbol

    def _with_symbols(self, chunk: Chunk, cells: Cells) -> Chunk:
        """The chunk with the symbol of each row, by its definition where it has none."""
        import pyarrow as pa

        if not self._symbols or "symbol" in chunk.columns:
            has = pa.array([""] * len(chunk))
            return Chunk(chunk.file, {"symbol": has} | chunk.columns, chunk.lines)
        time = "ts_recv" if "ts_recv" in chunk.columns else "ts_event"
        days, numbers = _days(cells, time), cells.numbers("instrument_id").tolist()
        found = [
            self._symbols.get((day, int(number)), "") if number == number else ""
            for day, number in zip(days, numbers, strict=True)
        ]
        return Chunk(chunk.file, chunk.columns | {"symbol": pa.array(found)}, chunk.lines)


def _days(cells: Cells, name: str) -> list[int]:
    """New York's days of a column of times, counted from 1970."""
    days: list[int] = (utc_to_local(cells.moments(name, NEW_YORK), NEW_YORK) // DAY).tolist()
    return days


def _where(chunk: Chunk, mask: Any) -> Chunk:
    import pyarrow as pa

    if mask.all():
        return chunk
    kept = pa.array(mask)
    return Chunk(chunk.file, {name: each.filter(kept) for name, each in chunk.columns.items()}, chunk.lines[mask])


def _in_dollars(chunk: Chunk) -> Chunk:
    """The chunk with prices that are counts of 1e-9 in dollars; prices that are not defined are empty."""
    import pyarrow as pa
    import pyarrow.compute as pc

    columns = dict(chunk.columns)
    for name in _PRICES & set(columns):
        column = columns[name]
        counts = pa.types.is_integer(column.type)
        if pa.types.is_string(column.type):
            if pc.any(pc.match_substring(column, ".")).as_py():
                continue
            try:
                column = pc.cast(pc.if_else(pc.equal(column, ""), None, column), pa.float64())
            except pa.ArrowInvalid:
                continue  # told as no number, with its line, where it is read
            counts = True
        values = np.asarray(pc.cast(column, pa.float64(), safe=False).to_numpy(zero_copy_only=False), np.float64)
        values = values / _UNIT if counts else values
        columns[name] = pa.array(np.where(values > _UNDEFINED, np.nan, values))
    return Chunk(chunk.file, columns, chunk.lines)


def _is_dbn(path: Path) -> bool:
    return path.name.lower().endswith((".dbn", ".dbn.zst"))


def _dbn(path: Path, count: int) -> Iterator[Chunk]:
    """A DBN file by its own library.

    :raises DataError: without it, and for a file that it cannot read.
    """
    import pyarrow as pa

    if find_spec("databento") is None:
        raise DataError(f"{path} is DBN, which the package databento reads; install it, or ask Databento for CSV")
    databento: Any = __import__("databento")
    try:
        frames = databento.DBNStore.from_file(path).to_df(map_symbols=True, count=count)
        row = 0
        for frame in frames:
            table = pa.RecordBatch.from_pandas(frame.reset_index())
            lines = np.arange(row + 1, row + 1 + table.num_rows)
            yield Chunk(str(path), dict(zip(table.schema.names, table.columns, strict=True)), lines)
            row += table.num_rows
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}") from None
