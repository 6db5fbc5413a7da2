"""A journal as Parquet files, for whoever wants to ask it questions in a data frame."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from alo_lib.journal import Journal
from alo_lib.records import LAYOUTS, Kind
from alo_lib.records.whole_files import whole_file

__all__ = ["TABLE_MARK", "export_parquet", "table_paths"]

TABLE_MARK: Final = b"alo journal"
"""Names, in a file's metadata, the kind of message that it holds."""


def table_paths(folder: Path) -> list[Path]:
    """Every file that an export into ``folder`` may write."""
    return [_path(folder, kind) for kind in Kind]


def _path(folder: Path, kind: Kind) -> Path:
    return folder / f"{kind.name.lower()}.parquet"


def export_parquet(journal: Journal, folder: Path) -> Iterator[tuple[Path, int]]:
    """Write ``KIND.parquet`` for each kind that occurs; yields each file and its number of rows.

    A row is a record: ``sequence`` and ``time`` of its message (ns UTC), ``clock`` (ns; 0 in logical time), then its
    fields by name.
    """
    entries = np.concatenate([segment.entries for segment in journal.segments])
    for kind in Kind:
        places = np.flatnonzero(entries["kind"] == kind)
        if not len(places):
            continue
        messages = [journal.messages[int(place)] for place in places]
        counts = [len(message.records) for message in messages]
        rows = np.concatenate([np.zeros(0, LAYOUTS[kind]), *(message.records for message in messages)])
        columns = {
            "sequence": pa.array(np.repeat(entries["sequence"][places], counts)),
            "time": pa.array(np.repeat(entries["time"][places], counts)).cast(pa.timestamp("ns", "UTC")),
            "clock": pa.array(np.repeat(entries["clock"][places], counts)),
        }
        for name in rows.dtype.names or ():
            if not name.startswith("pad"):
                column = "record_time" if name in columns else name
                values = np.ascontiguousarray(rows[name])
                columns[column] = pa.array(values.astype("U") if values.dtype.kind == "S" else values)
        path = _path(folder, kind)
        with whole_file(path) as file:
            pq.write_table(pa.table(columns).replace_schema_metadata({TABLE_MARK: kind.name}), file)
        yield path, len(rows)
