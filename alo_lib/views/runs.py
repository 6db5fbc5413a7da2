"""The list of the runs in a folder."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from alo_lib.journal import JOURNAL_FOLDER, JournalError, holds_journal, read_journal
from alo_lib.records import Kind, Session, utc_moment
from alo_lib.records.spelling import spelled
from alo_lib.settings import Settings
from alo_lib.views.run import PARTIAL, Run, RunError
from alo_lib.views.spoken import DASH, or_dash, short_digest

__all__ = ["SORTS", "UnfinishedRun", "list_runs", "run_row", "runs_table", "sorted_rows", "unfinished_run"]

SORTS: Final = {"time": "started", "profit": "net_profit", "orders": "orders", "sharpe": "sharpe"}
"""What a list of runs can be sorted by, and the name of it in a row."""
_ROW: Final = {
    "engine": str, "underlyings": list, "start": str, "end": str, "orders": int, "net_profit": float,
}  # fmt: skip


@dataclass(frozen=True)
class UnfinishedRun:
    """The folder of a run that was cut short, or is at work, as far as it came."""

    folder: str
    underlyings: list[str] | None  # None where it was not told yet
    start: str | None
    end: str | None
    reached: str | None  # the last session that its journal tells of; None before the first
    written: str  # when anything was last written to its folder or its journal, UTC
    being_written: bool


def list_runs(folder: Path) -> Iterator[dict[str, Any] | UnfinishedRun | RunError]:
    """The runs in a folder, by name: what :func:`run_row` says of a finished one, how far another one came.

    RunError for one that cannot be read. A folder that is no run's is passed over.
    """
    for path in sorted(folder.iterdir()):
        finished = (path / "run.json").is_file()
        if finished or (path.suffix == PARTIAL and path.is_dir()):
            try:
                yield run_row(Run(path)) if finished else unfinished_run(path)
            except RunError as error:
                yield error


def unfinished_run(folder: Path) -> UnfinishedRun:
    """How far a run came whose folder is not complete. RunError when that cannot be read."""
    run = Run(folder)
    told: dict[str, Any] = dict.fromkeys(("underlyings", "start", "end"))
    if (folder / "settings.json").exists():
        told = {name: run.says("settings.json", run.settings, name, _ROW[name]) for name in told}
    journal = folder / JOURNAL_FOLDER
    reached, being_written = None, False
    try:
        if holds_journal(journal):
            reached, being_written = _reached(journal)
        written = max(path.stat().st_mtime_ns for path in (folder, *folder.glob("*"), *journal.glob("*")))
    except JournalError as error:
        raise RunError(str(error)) from None
    except ValueError as error:
        raise RunError(f"{journal} tells of a session on no day: {error}") from None
    except OSError as error:
        raise RunError(f"{error.filename} cannot be read: {error.strerror}") from None
    return UnfinishedRun(str(folder), **told, reached=reached, written=utc_moment(written), being_written=being_written)


def _reached(journal: Path) -> tuple[str | None, bool]:
    """The day of the last session that a journal tells of, and whether it is being written."""
    found = read_journal(journal, unfinished=True)
    last = next((each for each in reversed(found.messages) if each.kind is Kind.SESSION and len(each.records)), None)
    return None if last is None else str(Session.of_record(last.records[-1]).day), found.being_written


def run_row(run: Run) -> dict[str, Any]:
    """A run in one row. RunError when its folder does not say so much.

    ``sharpe`` is null where the run is too short for it; ``settings`` holds those that are not the defaults, but for
    underlyings and days, which the row has.
    """
    summary: Any = run.about.get("summary")
    return {
        "folder": str(run.folder),
        "started": run.says("run.json", run.about, "started", str),
        **{name: run.says("run.json", summary, name, kind) for name, kind in _ROW.items()},
        "sharpe": None if summary.get("sharpe") is None else run.says("run.json", summary, "sharpe", float),
        "data": run.says("data.json", run.data, "digest", str),
        "settings": _changed(run.settings),
    }


def _changed(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings that are not the defaults; all that this program does not know."""
    usual = Settings().model_dump(mode="json")
    return {
        name: value
        for name, value in settings.items()
        if name not in _ROW and (name not in usual or value != usual[name])
    }


def sorted_rows(rows: list[dict[str, Any]], by: str) -> list[dict[str, Any]]:
    """Rows in the order of one of SORTS: times from the earliest, figures from the largest, those without one last."""
    name = SORTS[by]
    if name == "started":
        return sorted(rows, key=lambda row: str(row[name]))
    return sorted(rows, key=lambda row: math.inf if row[name] is None else -row[name])


def runs_table(rows: list[dict[str, Any]]) -> Table:
    """The list for a terminal."""
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for title in ("folder", "started, UTC", "engine", "underlyings", "span"):
        table.add_column(title, no_wrap=title != "underlyings")
    for title in ("orders", "profit", "Sharpe"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("data", no_wrap=True)
    table.add_column("settings that are not the defaults", overflow="fold")
    for row in rows:
        cells = (
            Path(row["folder"]).name,
            row["started"][:16].replace("T", " "),
            row["engine"],
            ", ".join(row["underlyings"]),
            row["start"] if row["start"] == row["end"] else f"{row['start']} to {row['end']}",
            f"{row['orders']:,}",
            f"{row['net_profit']:z,.2f}",
            or_dash(row["sharpe"], "z.2f"),
            short_digest(row["data"]),
            ", ".join(f"{spelled(name)}={value}" for name, value in row["settings"].items()) or DASH,
        )
        table.add_row(*map(Text, cells))  # as text, or "[b]" in a name would be markup
    return table
