"""``alo journal``: look into what runs have recorded."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alo_lib.cli.console import print_table, say
from alo_lib.cli.json_output import print_json, record_rows
from alo_lib.cli.option_arguments import FilePath, Whole
from alo_lib.cli.project import BACKTESTS

if TYPE_CHECKING:
    from alo_lib.journal import Archived
    from alo_lib.journal.segments import Messages
    from alo_lib.records import Message

__all__ = ["journal"]

_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.group(short_help="Look into the journals of runs: list, show, verify, export, archive.")
def journal() -> None:
    """Look into the journals of runs.

    RUN is a run's folder, a name that 'alo runs' lists, that of a core, or the folder of a journal itself.
    """


@journal.command("list", short_help="Journals and their segments.")
@click.argument("folder", type=FilePath(), default=BACKTESTS)
@_JSON
def list_(folder: Path, as_json: bool) -> None:
    """List the segments of one run, or the journals of all runs in FOLDER (by default backtests/)."""
    from rich.table import Table

    from alo_lib.cli.journals import journal_place
    from alo_lib.journal import JournalError, journal_folder_of, still_being_written
    from alo_lib.journal.index import read_index
    from alo_lib.records import utc_moment

    folder = journal_place(folder)
    own = journal_folder_of(folder) or _from_object_store(folder)
    found: list[dict[str, Any]] = []
    for path in [own] if own is not None else _journals_below(folder):
        try:
            writing = still_being_written(path)
            rows = read_index(path)
        except JournalError as error:
            found.append({"journal": _run_name(path), "problem": str(error)})
            continue
        for row in rows if own is not None else [None]:
            part = rows if row is None else row[None]
            found.append(
                {
                    "journal": _run_name(path) if row is None else f"segment {row['number']}",
                    "epoch": int(part["epoch"].max()),
                    "messages": int(part["stop"][-1] - part["first"][0]),
                    "bytes": int(part["size"].sum()),
                    "begins": utc_moment(int(part["begins"][0])),
                    "ends": utc_moment(int(part["ends"].max())),
                    "closed": bool(part["sealed"][-1]),
                    "being_written": writing and bool(part["number"][-1] == rows["number"][-1]),
                }
            )
    if as_json:
        print_json({"journals": found})
        return
    if not found:
        click.echo(f"no journal is in {folder}")
        return
    numbers = ("epoch", "messages", "bytes")
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for title in ("journal", "epoch", "messages", "bytes", "begins, UTC", "ends, UTC", "closed"):
        table.add_column(title, justify="right" if title in numbers else "left", no_wrap=title == "journal")
    for row in found:
        if "problem" in row:
            table.add_row(row["journal"], "", "", "", "", "", row["problem"])
        else:
            table.add_row(
                row["journal"],
                str(row["epoch"]),
                f"{row['messages']:,}",
                f"{row['bytes']:,}",
                row["begins"][:16].replace("T", " ") if row["messages"] else "",
                row["ends"][:16].replace("T", " ") if row["messages"] else "",
                "still being written" if row["being_written"] else "yes" if row["closed"] else "no",
            )
    print_table(table)


@journal.command(short_help="Messages as text.")
@click.argument("run", type=FilePath())
@click.option(
    "--kind", "kinds", multiple=True, metavar="KIND", help="Only this kind, such as INTENT; repeat it for more."
)
@click.option("--from", "first", type=Whole(min=0), default=0, show_default=True, help="First sequence.")
@click.option("--count", type=Whole(min=1), default=20, show_default=True, help="How many messages.")
@click.option("--records", "limit", type=Whole(min=0), default=3, show_default=True, help="Records a message.")
@_JSON
def show(run: Path, kinds: tuple[str, ...], first: int, count: int, limit: int, as_json: bool) -> None:
    """Show messages: sequence, time in UTC, kind, and their first records.

    Instruments have their names, order states and reasons their words; --json has the numbers that are journaled.
    """
    from alo_lib.cli.failures import UserError
    from alo_lib.journal import still_being_written
    from alo_lib.journal.index import messages_between, read_index
    from alo_lib.records import Kind

    wanted = set()
    for name in kinds:
        try:
            wanted.add(Kind[name.upper()])
        except KeyError:
            known = ", ".join(kind.name for kind in Kind)
            raise UserError(f"{name!r} is not a kind of message; the kinds are {known}") from None
    folder = _required(run)
    writing = still_being_written(folder)
    end = int(read_index(folder)["stop"].max())
    stop = end if wanted else min(end, first + count)
    begin, messages = messages_between(folder, first, stop)
    shown = []
    for sequence in range(max(first, begin), min(stop, begin + len(messages))):
        message = messages[sequence - begin]
        if not wanted or message.kind in wanted:
            shown.append(_told(sequence, message, limit))
            if len(shown) == count:
                break
    if writing:
        say(f"Still being written, {end:,} messages so far.")
    if as_json:
        print_json({"messages": shown})
        return
    if not shown:
        say("The journal holds no such message." if wanted else f"The journal holds {end:,} messages.")
        return
    # What a message speaks of has been named before it.
    names = _names(messages_between(folder, 0, shown[-1]["sequence"] + 1)[1])
    for row in shown:
        click.echo(f"{row['sequence']:>8}  {row['time']}  {row['kind']:<11} {row['count']:>5}")
        for record in row["records"]:
            told = (f"{name}={_said(row['kind'], name, value, names)}" for name, value in record.items())
            click.echo(f"{'':10}{', '.join(told)}")


@journal.command(short_help="Check every byte.")
@click.argument("run", type=FilePath())
@_JSON
def verify(run: Path, as_json: bool) -> None:
    """Check every checksum and the sequence of a journal. The exit status is 1 when something does not hold.

    Of a run that goes on, what it has written so far is checked, and so is what a live run has saved in LEAN's object
    store: whether it goes on or was killed does not show there.
    """
    from alo_lib.cli.failures import RunFailedError
    from alo_lib.cli.journals import journal_place
    from alo_lib.journal import (
        JournalError,
        journal_folder_of,
        message_digest,
        read_journal,
        segments_in_object_store,
        still_being_written,
    )

    place = journal_place(run)
    try:
        if journal_folder_of(place) is None and (saved := segments_in_object_store(place)):
            found = read_journal(saved, unfinished=True)
        else:
            folder = _required(run)
            found = read_journal(folder, unfinished=still_being_written(folder))
    except JournalError as error:
        if as_json:
            print_json({"holds": False, "problem": str(error)})
        raise RunFailedError(str(error)) from None
    digest = message_digest(found.counted)
    if found.being_written:
        say(f"Still being written, {len(found.messages):,} messages so far.")
    elif not found.sealed:
        say(f"Not closed: LEAN is at work or was killed; {len(found.messages):,} messages so far, whole to there.")
    if as_json:
        print_json(
            {
                "holds": True,
                "being_written": found.being_written,
                "messages": len(found.messages),
                "segments": len(found.segments),
                "digest": digest,
            }
        )
        return
    segments, epochs = len(found.segments), len({segment.epoch for segment in found.segments})
    click.echo(f"Every byte holds: messages {len(found.messages):,}, segments {segments}, epochs {epochs}\n{digest}")


@journal.command(short_help="One file, for another machine.")
@click.argument("run", type=FilePath())
@click.option(
    "--to", "target", type=FilePath(), required=True, help="The file, or a folder for NAME.journal.tar.gz in it."
)
@_JSON
def archive(run: Path, target: Path, as_json: bool) -> None:
    """Write a journal to one compressed file, with the digests that 'alo journal restore' checks it by.

    Of a run that goes on, what it has written so far. Snapshots and the index are left out: both are made again.
    """
    from alo_lib.journal import ARCHIVE_SUFFIX, archive_journal

    folder = _required(run)
    file = target / f"{_run_name(folder)}{ARCHIVE_SUFFIX}" if target.is_dir() else target
    _tell_archived("archived", archive_journal(folder, file), file, as_json=as_json)


@journal.command(short_help="A journal from an archive, checked.")
@click.argument("archive", type=FilePath())
@click.option("--to", "target", type=FilePath(), required=True, help="Folder of the journal, which is not there yet.")
@_JSON
def restore(archive: Path, target: Path, as_json: bool) -> None:
    """Make the journal that 'alo journal archive' has written, on this machine or another.

    It is checked by its digests, and there whole or not at all. Start a core on it, 'alo core NAME --journal FOLDER',
    only once the original's core has ended for good: both would believe that they hold what the other holds.
    """
    from alo_lib.journal import restore_journal

    _tell_archived("restored", restore_journal(archive, target), target, as_json=as_json)


def _tell_archived(what: str, told: "Archived", place: Path, *, as_json: bool) -> None:
    if as_json:
        print_json({what: str(place), **told._asdict()})
        return
    closed = "closed" if told.closed else "not closed by its writer"
    click.echo(f"{what.capitalize()} in {place}: messages {told.messages:,}, segments {told.segments}, {closed}")
    click.echo(told.digest)


@journal.command("leave-out", short_help="Go on without an input that cannot be handled.")
@click.argument("run", type=FilePath())
@click.argument("sequence", type=Whole(min=0))
def leave_out(run: Path, sequence: int) -> None:
    """Let a journal go on without message SEQUENCE, an input of a frame that cannot be decided.

    RUN is a run's folder or a journal's, a core's name, or the folder of LEAN's object store. Whoever writes the
    journal must have ended. All else is decided again first; then the journal says that the message, and what its
    frame had decided, count no more. 'alo replay RUN --without SEQUENCE' tries it and writes nothing.
    """
    from alo_lib.cli.journals import journal_place
    from alo_lib.journal import journal_folder_of, segments_in_object_store
    from alo_lib.runtime.leaving_out import go_on_without, go_on_without_in_object_store

    where = journal_place(run)
    folder = journal_folder_of(where)
    if folder is None and segments_in_object_store(where):
        said = go_on_without_in_object_store(where, sequence)
    else:
        said = go_on_without(_required(run), sequence)
    click.echo(f"{said[:1].upper()}{said[1:]}.")


@journal.command(short_help="Parquet files, one a kind of message.")
@click.argument("run", type=FilePath())
@click.option("--output", type=FilePath(), help="Folder for the files.  [default: parquet in the run]")
def export(run: Path, output: Path | None) -> None:
    """Write one Parquet file a kind of message: sequence, both clocks, and a column a field."""
    from alo_lib.cli.failures import UserError
    from alo_lib.cli.journals import journal_place, open_journal
    from alo_lib.cli.targets import check_parquet

    if find_spec("pyarrow") is None:
        raise UserError("the packages of requirements/export.txt are not installed; ./alo journal export installs them")
    from alo_lib.views.parquet import export_parquet, table_paths

    run = journal_place(run)
    target = output or run / "parquet"
    journal = open_journal(run)
    target.mkdir(parents=True, exist_ok=True)
    for path in table_paths(target) if output is not None else ():
        check_parquet(path)
    for path, rows in export_parquet(journal, target):
        click.echo(f"{rows:>10,}  {path}")


def _run_name(journal: Path) -> str:
    from alo_lib.journal import JOURNAL_FOLDER

    return journal.parent.name if journal.name == JOURNAL_FOLDER else journal.name


def _required(run: Path) -> Path:
    from alo_lib.cli.failures import UserError
    from alo_lib.cli.journals import journal_place
    from alo_lib.journal import journal_folder_of

    run = journal_place(run)
    folder = journal_folder_of(run) or _from_object_store(run)
    if folder is None:
        raise UserError(f"{run} has no journal; name the folder of a run, such as one in backtests/")
    return folder


def _from_object_store(run: Path) -> Path | None:
    """A journal folder, for as long as the command runs, of the segments in LEAN's object store."""
    import atexit
    import shutil
    import tempfile

    from alo_lib.journal import segments_in_object_store
    from alo_lib.journal.format import segment_name

    if not (segments := segments_in_object_store(run)):
        return None
    folder = Path(tempfile.mkdtemp(prefix="alo-journal-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for number, segment in enumerate(segments):
        (folder / segment_name(number)).write_bytes(segment)
    return folder


def _journals_below(folder: Path) -> list[Path]:
    from alo_lib.journal import journal_folder_of

    found = []
    for path in sorted(folder.iterdir()):
        try:
            journal = journal_folder_of(path)
        except OSError:  # told with the others, when it is read
            journal = path
        if journal is not None:
            found.append(journal)
    return found


def _names(messages: "Messages") -> dict[int, str]:
    """The instruments that messages tell of, by their number, as people read them."""
    import numpy as np

    from alo_lib.records import Kind
    from alo_lib.views.run import instruments_of, records_of

    places = np.flatnonzero(messages.entries["kind"] == Kind.INSTRUMENT).tolist()
    rows = records_of([messages[place] for place in places], Kind.INSTRUMENT)
    return {number: instrument.label for number, instrument in instruments_of(rows).items()}


def _said(kind: str, name: str, value: Any, names: dict[int, str]) -> str:
    """A field's value in words."""
    from alo_lib.records import ACCOUNT_CASH, Kind
    from alo_lib.views.difference import NAMED, field_in_words

    if name in NAMED and value == ACCOUNT_CASH:
        return "the account" if kind in (Kind.INTEREST.name, Kind.ATTRIBUTION.name) else "none"
    return field_in_words(name, value, names)


def _told(sequence: int, message: "Message", limit: int) -> dict[str, Any]:
    from alo_lib.records import utc_moment

    rows = record_rows(message.records[:limit])
    kind, count = message.kind.name, len(message.records)
    return {"sequence": sequence, "time": utc_moment(message.time), "kind": kind, "count": count, "records": rows}
