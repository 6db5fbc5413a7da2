"""A journal as Parquet files, for whoever wants to ask it questions in a data frame."""

from contextlib import ExitStack
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from alo_lib.journal import Journal
from alo_lib.records import LAYOUTS, Kind, Message
from alo_lib.records.whole_files import whole_file

__all__ = ["TABLE_MARK", "export_parquet", "table_paths"]

TABLE_MARK: Final = b"alo journal"
"""Names, in a file's metadata, the kind of message that it holds."""

_GROUP: Final = 1 << 21
"""Bytes of a kind's records that are written at once, as a row group."""
_HEADS: Final = ("sequence", "time", "clock")


def table_paths(folder: Path) -> list[Path]:
    """Every file that an export into ``folder`` may write."""
    return [_path(folder, kind) for kind in Kind]


def _path(folder: Path, kind: Kind) -> Path:
    return folder / f"{kind.name.lower()}.parquet"


def export_parquet(journal: Journal, folder: Path) -> list[tuple[Path, int]]:
    """Write ``KIND.parquet`` for each kind that occurs; returns each file and its number of rows.

    A row is a record: ``sequence`` and ``time`` of its message (ns UTC), ``clock`` (ns; 0 in logical time), then its
    fields by name. Text is UTF-8; a byte that is none is written as ``\\xNN``, a backslash and two hexadecimal digits.
    The journal is gone through once, and no more of it is held than a few megabytes a kind.
    """
    with ExitStack() as stack:
        tables: dict[Kind, _Table] = {}
        for segment in journal.segments:
            clocks = segment.entries["clock"].tolist()
            for place, (clock, message) in enumerate(zip(clocks, segment.messages(0, len(clocks)), strict=True)):
                if message.kind not in tables:
                    tables[message.kind] = _Table(message.kind, folder, stack)
                tables[message.kind].add(segment.first + place, clock, message)
        for table in tables.values():
            table.finish()
    return [(tables[kind].path, tables[kind].rows) for kind in Kind if kind in tables]


class _Table:
    """The file of one kind, written a row group at a time."""

    def __init__(self, kind: Kind, folder: Path, stack: ExitStack) -> None:
        self.path = _path(folder, kind)
        self.rows = 0
        self._layout = LAYOUTS[kind]
        heads = [("sequence", pa.int64()), ("time", pa.timestamp("ns", "UTC")), ("clock", pa.int64())]
        columns = [(_column(name), _type(self._layout[name])) for name in _names(self._layout)]
        self._schema = pa.schema([*heads, *columns], {TABLE_MARK: kind.name})
        self._writer = stack.enter_context(pq.ParquetWriter(stack.enter_context(whole_file(self.path)), self._schema))
        self._records = bytearray()
        self._heads: list[tuple[int, int, int]] = []
        self._counts: list[int] = []

    def add(self, sequence: int, clock: int, message: Message) -> None:
        """Take a message's records."""
        self._records += message.records.tobytes()
        self._heads.append((sequence, message.time, clock))
        self._counts.append(len(message.records))
        if len(self._records) >= _GROUP:
            self._write()

    def finish(self) -> None:
        """Write what is left, and the end of the file."""
        if self._heads:
            self._write()
        self._writer.close()

    def _write(self) -> None:
        rows = np.frombuffer(bytes(self._records), self._layout)
        heads = np.repeat(np.array(self._heads, np.int64).reshape(-1, len(_HEADS)), self._counts, axis=0)
        columns = [*heads.T, *(rows[name] for name in _names(self._layout))]
        arrays = [_array(values, field.type) for values, field in zip(columns, self._schema, strict=True)]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))
        self.rows += len(rows)
        self._records.clear()
        self._heads.clear()
        self._counts.clear()


def _names(layout: np.dtype) -> list[str]:  # type: ignore[type-arg]
    return [name for name in layout.names or () if not name.startswith("pad")]


def _column(name: str) -> str:
    return f"record_{name}" if name in _HEADS else name


def _type(layout: np.dtype) -> pa.DataType:  # type: ignore[type-arg]
    return pa.string() if layout.kind == "S" else pa.from_numpy_dtype(layout)


def _array(values: NDArray[np.generic], kind: pa.DataType) -> pa.Array:
    values = np.ascontiguousarray(values)
    if values.dtype.kind == "S":
        return pa.array([text.decode(errors="backslashreplace") for text in values.tolist()], kind)
    return pa.array(values).cast(kind)
