"""A journal as Parquet files, for whoever wants to ask it questions in a data frame."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from alo_lib.journal import Journal
from alo_lib.records import LAYOUTS, Kind

__all__ = ["export_parquet"]


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
        path = folder / f"{kind.name.lower()}.parquet"
        pq.write_table(pa.table(columns), path)
        yield path, len(rows)
