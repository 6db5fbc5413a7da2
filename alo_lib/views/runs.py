"""Runs side by side: the list of those in a folder, and how two differ."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

from rich.console import Group
from rich.table import Table
from rich.text import Text

from alo_lib.journal import JOURNAL_FOLDER, JournalError, Order, read_journal
from alo_lib.records import Kind, Message, Session, utc_moment
from alo_lib.records.spelling import spelled
from alo_lib.runtime import SETTINGS_OF_PLACE
from alo_lib.views.difference import parting_in_words
from alo_lib.views.run import PARTIAL, Run, RunError, exchange_moment
from alo_lib.views.spoken import DASH

__all__ = ["UnfinishedRun", "compare", "comparison_table", "list_runs", "run_row", "runs_table", "unfinished_run"]

_FINGERPRINT: Final = 12
"""Digits of a digest that people see."""
_ROWS: Final = 30
"""Differences of a kind that people see."""
_ROW: Final = {
    "engine": str, "underlyings": list, "start": str, "end": str, "orders": int, "net_profit": float,
}  # fmt: skip
_FIGURES: Final = (
    "orders", "fills", "net_profit", "realized_profit", "fees", "sharpe", "drawdown", "return_on_margin",
    "order_digest", "journal_digest",
)  # fmt: skip


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
        if any(journal.glob("*.segment")):
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
    """A run in one row. RunError when its folder does not say so much."""
    return {
        "folder": str(run.folder),
        "started": run.says("run.json", run.about, "started", str),
        **{name: run.says("run.json", run.about.get("summary"), name, kind) for name, kind in _ROW.items()},
        "data": run.says("data.json", run.data, "digest", str),
    }


def runs_table(rows: list[dict[str, Any]]) -> Table:
    """The list for a terminal."""
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for title in ("folder", "started, UTC", "engine", "underlyings", "span"):
        table.add_column(title, no_wrap=title != "underlyings")
    for title in ("orders", "profit"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("data", no_wrap=True)
    for row in rows:
        cells = (
            Path(row["folder"]).name,
            row["started"][:16].replace("T", " "),
            row["engine"],
            ", ".join(row["underlyings"]),
            row["start"] if row["start"] == row["end"] else f"{row['start']} to {row['end']}",
            f"{row['orders']:,}",
            f"{row['net_profit']:z,.2f}",
            row["data"][:_FINGERPRINT],
        )
        table.add_row(*map(Text, cells))  # as text, or "[b]" in a name would be markup
    return table


def compare(one: Run, two: Run) -> dict[str, Any]:
    """How two runs differ, for programs; values are pairs, of the first and of the second.

    ``settings``, ``data`` (by file) and ``results`` hold what is not the same. ``first_order`` is the number, from 1,
    of the first order that is not the same or did not come to the same, with both; ``first_message`` the first message
    of the journals. Both are null where there is none. RunError for a folder with the journal of another run.
    """
    for run in (one, two):
        _check_own_journal(run)
    return {
        "runs": [run_row(one), run_row(two)],
        "settings": _differences(one.settings, two.settings),
        "data": _differences(one.data_files, two.data_files),
        "results": _differences(*({name: _summary(run).get(name) for name in _FIGURES} for run in (one, two))),
        "first_order": _first_order(one.orders, two.orders),
        "first_message": _first_message(one, two),
    }


def comparison_table(told: dict[str, Any]) -> Group:
    """The comparison for a terminal."""
    names = [Path(row["folder"]).name for row in told["runs"]]
    parts: list[Any] = []
    for title in ("settings", "data", "results"):
        if not told[title]:
            parts.append(f"The same {title}.")
            continue
        table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
        for column in (title, *names):
            table.add_column(Text(column), overflow="fold")
        for name, pair in list(told[title].items())[:_ROWS]:
            table.add_row(*(Text(text, overflow="fold") for text in (name, *map(_shown, pair))))
        rest = len(told[title]) - _ROWS
        parts += [table, f"and {rest:,} more; --json has all." if rest > 0 else ""]
    order, message = told["first_order"], told["first_message"]
    if order is None:
        parts.append("The same orders.")
    else:
        parts.append(f"Orders part at order {order['number']:,}:")
        parts += [Text(f"  {name}: {text or 'none'}") for name, text in zip(names, order["orders"], strict=True)]
    parts.append("The same journals." if message is None else Text(f"Journals part at {message['words']}"))
    return Group(*parts)


def _summary(run: Run) -> dict[str, Any]:
    summary: dict[str, Any] = run.about.get("summary", {})
    return summary


def _check_own_journal(run: Run) -> None:
    """RunError where a run's journal was written under other settings than its folder states, as far as both tell."""
    journal = run.journal
    try:
        written = json.loads(journal.settings)
    except ValueError:
        written = None
    if not isinstance(written, dict):
        raise RunError(f"the journal in {run.folder} does not hold the settings of a run")
    different = [
        f"{spelled(name)} is {written[name]!r} there and {stated!r} in settings.json"
        for name, stated in run.settings.items()
        if name in written and name not in SETTINGS_OF_PLACE and written[name] != stated
    ]
    if different:
        raise RunError(f"the journal in {run.folder} is of other settings than its run: {', '.join(different)}")


def _differences(one: dict[str, Any], two: dict[str, Any]) -> dict[str, list[Any]]:
    names = [*one, *(name for name in two if name not in one)]
    return {name: [one.get(name), two.get(name)] for name in names if one.get(name) != two.get(name)}


def _first_order(one: list[Order], two: list[Order]) -> dict[str, Any] | None:
    both = [[_order_in_words(order) for order in orders] for orders in (one, two)]
    for place in range(max(map(len, both))):
        pair = [words[place] if place < len(words) else None for words in both]
        if pair[0] != pair[1]:
            return {"number": place + 1, "orders": pair}
    return None


def _order_in_words(order: Order) -> str:
    when = exchange_moment(order.time)
    told = f"{when} New York, {order.side} {abs(order.quantity):,} {order.symbol}, {order.tag}"
    if not order.filled:
        return f"{told}: {order.status.name.lower()}"
    return f"{told}: {abs(order.filled):,} filled at {order.price:z.4f}, fee {order.fee:z.4f}"


def _first_message(one: Run, two: Run) -> dict[str, Any] | None:
    pairs = zip_longest(one.journal.messages, two.journal.messages)
    for place, (mine, other) in enumerate(pairs):
        if not _same(mine, other):
            symbols, others = ({number: each.symbol for number, each in run.instruments.items()} for run in (one, two))
            return {"message": place, "words": parting_in_words(place, mine, other, symbols, others)}
    return None


def _same(one: Message | None, two: Message | None) -> bool:
    return one is not None and two is not None and one[:2] == two[:2] and one.records.tobytes() == two.records.tobytes()


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    text = DASH if value is None else str(value)
    return text[:_FINGERPRINT] if len(text) == 64 else text
