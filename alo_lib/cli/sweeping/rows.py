"""The trials of a sweep as rows: for programs, and as a Parquet file."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from alo_lib.cli.sweeping.trial import command_of
from alo_lib.records.spelling import spelled
from alo_lib.records.whole_files import whole_file
from alo_lib.settings import Settings
from alo_lib.sweep.outcomes import Result

__all__ = ["TABLE_MARK", "row_of", "write_rows"]

TABLE_MARK: Final = b"alo sweep"
"""In the metadata of the file: the digest of the sweep."""

_NOT_FIGURES: Final = ("engine", "start", "end", "underlyings", "results_folder", "wall_seconds")
"""Of a summary: what the row has already, or what no other run gives again."""


def row_of(result: Result, data: Path) -> dict[str, Any]:
    """All that is known of a trial, by name. A failed one has neither figures nor sessions."""
    trial = result.trial
    try:
        settings = Settings.of(trial.settings).as_parameters()
    except ValueError:  # which is why it failed
        settings = {spelled(name): value for name, value in trial.settings.items()}
    return {
        "trial": trial.number,
        "state": result.state,
        "why": result.why,
        "digest": trial.digest,
        **trial.condition.stated(),
        "point": {spelled(name): value for name, value in trial.point.items()},
        "settings": settings,
        "program": result.provenance.get("program"),
        "data_digest": result.provenance.get("data_digest"),
        "folder": result.provenance.get("folder"),
        "seconds": result.provenance.get("seconds"),
        "command": command_of(trial, data),
        "figures": {name: value for name, value in result.figures.items() if name not in _NOT_FIGURES},
        "days": list(result.days),
        "returns": list(result.returns),
    }


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]], digest: str) -> None:
    """Write rows as of :func:`row_of` as Parquet: a column a value, named by its way in with dots.

    Lists that are no returns or days, such as warnings, are JSON.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    flat = [_flat(row) for row in rows]
    names = list(dict.fromkeys(name for row in flat for name in row))
    columns = {name: _column(pa, [row.get(name) for row in flat]) for name in names}
    table = pa.table(columns).replace_schema_metadata({TABLE_MARK: digest})
    with whole_file(path) as file:
        pq.write_table(table, file)


def _column(pa: Any, values: Sequence[Any]) -> Any:
    """Values of one kind; where there are whole numbers and others, all are numbers."""
    kinds = {type(value) for value in values if value is not None}
    return pa.array(values, pa.float64()) if kinds == {int, float} else pa.array(values)


def _flat(row: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in row.items():
        at = f"{before}{name}"
        if isinstance(value, Mapping):
            found |= _flat(value, f"{at}.")
        elif isinstance(value, list | tuple) and at not in ("days", "returns"):
            found[at] = json.dumps(value)
        else:
            found[at] = value
    return found
