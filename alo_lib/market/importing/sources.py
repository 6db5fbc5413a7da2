"""Files as they come, a chunk of rows at a time: CSV, plain or packed (gzip, zstandard, bzip2, zip), and Parquet.

No more than a chunk is held. Every cell of a CSV file is text here; what is no number is told by whoever reads it as
one, with its line.
"""

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.market.faults import DataError
from alo_lib.market.importing.refusals import Reason, Refusals

__all__ = ["Chunk", "columns_of", "read_chunks"]

_BLOCK: Final = 1 << 24
"""Bytes of a CSV file that make a chunk."""
_ROWS: Final = 1 << 18
"""Rows of a Parquet file that make a chunk."""
_BLANK: Final = frozenset(" \r\t")


@dataclass(frozen=True)
class Chunk:
    """Rows of a file. ``columns`` are pyarrow arrays by name, ``lines`` (n,) where each row stands."""

    file: str
    columns: dict[str, Any]
    lines: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.lines)


def _clean(name: str) -> str:
    """A column's name as it is asked for: without blanks, brackets, quotes and a byte-order mark, in lower case."""
    return name.strip().strip("\ufeff").strip().strip("[]\"'").strip().lower()


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() in (".parquet", ".pq")


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO | Any]:
    """A text file's bytes, unpacked.

    :raises DataError: for a zip archive that holds other than one file.
    """
    import pyarrow as pa

    if path.suffix.lower() == ".zip":
        with zipfile.ZipFile(path) as archive:
            names = [info.filename for info in archive.infolist() if not info.is_dir()]
            if len(names) != 1:
                raise DataError(f"{path} holds {len(names)} files; an archive that is imported holds one")
            with archive.open(names[0]) as entry:
                yield entry
        return
    with pa.input_stream(str(path), compression="detect") as stream:
        yield stream


def columns_of(path: Path) -> list[str]:
    """The names of a file's columns.

    :raises DataError: when it cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if _is_parquet(path):
            return [_clean(name) for name in pq.read_schema(path).names]
        with _opened(path) as stream:
            first = io.BytesIO(stream.read(1 << 16)).readline()
            return [_clean(name) for name in first.decode("utf-8").split(",")]
    except (OSError, EOFError, UnicodeDecodeError, zipfile.BadZipFile, pa.ArrowException) as error:
        raise DataError(_unreadable(path, error)) from None


def read_chunks(path: Path, refusals: Refusals) -> Iterator[Chunk]:
    """The rows of a file, with its columns' names cleaned.

    Rows with another number of cells than the header are refused. Blank lines are passed over.

    :raises DataError: when the file cannot be read, or is cut off.
    """
    import pyarrow as pa

    try:
        yield from _parquet(path) if _is_parquet(path) else _csv(path, refusals)
    except (OSError, EOFError, zipfile.BadZipFile, pa.ArrowException) as error:
        raise DataError(_unreadable(path, error)) from None


def _unreadable(path: Path, error: Exception) -> str:
    words = " ".join((getattr(error, "strerror", None) or str(error)).split())
    return f"{path} cannot be read: {words or 'it is cut off'}"


def _parquet(path: Path) -> Iterator[Chunk]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        row = 0
        for batch in file.iter_batches(batch_size=_ROWS):
            names = [_clean(name) for name in batch.schema.names]
            lines = np.arange(row + 1, row + 1 + batch.num_rows)
            yield Chunk(str(path), dict(zip(names, batch.columns, strict=True)), lines)
            row += batch.num_rows


def _csv(path: Path, refusals: Refusals) -> Iterator[Chunk]:
    import pyarrow as pa
    from pyarrow import csv

    skipped: list[int] = []

    def refuse(row: Any) -> str:
        skipped.append(row.number)
        if set(row.text or "") - _BLANK:
            detail = f"{row.actual_columns} cells of {row.expected_columns}: {row.text[:80]!r}"
            refusals.record(Reason.COLUMNS, str(path), row.number, detail)
        return "skip"

    given = columns_of(path)
    columns = [f"{place}" for place in range(len(given))]  # names in a file may occur twice; places do not
    with _opened(path) as stream:
        reader = csv.open_csv(
            stream,
            csv.ReadOptions(column_names=columns, skip_rows=1, block_size=_BLOCK, use_threads=False),
            csv.ParseOptions(invalid_row_handler=refuse, ignore_empty_lines=False),
            csv.ConvertOptions(
                column_types=dict.fromkeys(columns, pa.string()), strings_can_be_null=False, check_utf8=True
            ),
        )
        line = 2
        for batch in reader:
            lines = _lines(line, batch.num_rows, skipped)
            if len(lines):
                line = int(lines[-1]) + 1
            chunk = Chunk(str(path), dict(zip(given, batch.columns, strict=True)), lines)
            yield _without_blank_lines(chunk)


def _without_blank_lines(chunk: Chunk) -> Chunk:
    import pyarrow as pa
    import pyarrow.compute as pc

    blank = np.ones(len(chunk), np.bool_)
    for column in chunk.columns.values():
        if not blank.any():
            return chunk
        blank &= pc.equal(column, "").to_numpy(zero_copy_only=False)
    kept = pa.array(~blank)
    return Chunk(chunk.file, {name: each.filter(kept) for name, each in chunk.columns.items()}, chunk.lines[~blank])


def _lines(first: int, count: int, skipped: list[int]) -> NDArray[np.int64]:
    """The lines of ``count`` rows from line ``first`` on, those that were ``skipped`` passed over."""
    passed = [number for number in skipped if number >= first]
    lines = np.arange(first, first + count + len(passed))
    return np.setdiff1d(lines, passed)[:count]
