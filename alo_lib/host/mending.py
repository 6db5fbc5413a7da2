"""Changes to a host that can be taken back: each is written down before it is made, with what was there before.

The book of changes is a JSON file. It holds for one start of the machine: what is written below /sys and /proc is gone
with the next.
"""

import json
from pathlib import Path
from typing import Any, Final, NamedTuple

from alo_lib.host.finding import Change, Finding
from alo_lib.host.machine import Machine
from alo_lib.records.json_reading import json_of
from alo_lib.records.whole_files import write_whole

__all__ = ["BookError", "Outcome", "mend", "take_back"]

_BOOT: Final = "proc/sys/kernel/random/boot_id"
_PLACES: Final = ("sys/", "proc/sys/", "proc/irq/")
"""Where a book may have something written; a book that names another place is not ours."""


class BookError(ValueError):
    """A book of changes cannot be used; the message is one sentence."""


class Outcome(NamedTuple):
    """What became of one change: made or not, and what was there before and is there now, or why not."""

    path: str
    done: bool
    detail: str


class _Entry(NamedTuple):
    path: str
    before: str
    after: str


def mend(machine: Machine, findings: list[Finding], book: Path) -> list[Outcome]:
    """Make every change that the findings offer, and add those that are made to the book.

    :raises BookError: for a book that is none.
    :raises OSError: when the book cannot be written; then nothing has been changed that is not in it.
    """
    entries = _read(machine, book)
    outcomes = []
    for change in (each for finding in findings for each in finding.changes):
        before = machine.chosen(change.path)
        if before is None:
            outcomes.append(Outcome(change.path, False, "cannot be read"))
            continue
        _write(machine, book, [*entries, _Entry(change.path, before, change.value)])
        outcome = _set(machine, change)
        outcomes.append(outcome._replace(detail=f"was {before}, {outcome.detail}"))
        if machine.chosen(change.path) != before:  # a kernel may grant less than it was asked for
            entries.append(_Entry(change.path, before, machine.chosen(change.path) or change.value))
    _write(machine, book, entries)
    return outcomes


def take_back(machine: Machine, book: Path) -> list[Outcome]:
    """Put back what the book says was there before, the last change first; what it could not stays in the book.

    What somebody else has changed since is left as it is.

    :raises BookError: for a book that is none.
    """
    left, outcomes = [], []
    for entry in reversed(_read(machine, book)):
        now = machine.chosen(entry.path)
        if now not in (entry.after, entry.before):
            outcomes.append(Outcome(entry.path, False, f"somebody has made it {now} since; it is left so"))
            continue
        outcome = _set(machine, Change(entry.path, entry.before))
        outcomes.append(outcome)
        if not outcome.done:
            left.append(entry)
    _write(machine, book, left[::-1])
    return outcomes


def _set(machine: Machine, change: Change) -> Outcome:
    try:
        (machine.root / change.path).write_text(f"{change.value}\n")
    except OSError as error:
        return Outcome(change.path, False, f"cannot be made {change.value}: {error.strerror}")
    now = machine.chosen(change.path)
    if now != change.value:
        return Outcome(change.path, False, f"was to be {change.value}, and the kernel made it {now}")
    return Outcome(change.path, True, f"is {now}")


def _write(machine: Machine, book: Path, entries: list[_Entry]) -> None:
    if not entries:
        book.unlink(missing_ok=True)
        return
    book.parent.mkdir(parents=True, exist_ok=True)
    content = {"boot": machine.text(_BOOT), "changes": [entry._asdict() for entry in entries]}
    write_whole(book, json.dumps(content, indent=1) + "\n")


def _read(machine: Machine, book: Path) -> list[_Entry]:
    if not book.exists():
        return []
    try:
        content: Any = json_of(book.read_bytes())
        entries = [_Entry(**each) for each in content["changes"]]
        same_boot = content["boot"] == machine.text(_BOOT)
    except (ValueError, TypeError, KeyError):
        raise BookError(f"{book} is no book of changes of alo doctor; remove it, or name another") from None
    for entry in entries:
        inside = all(isinstance(part, str) for part in entry) and entry.path.startswith(_PLACES)
        if not inside or ".." in entry.path.split("/"):
            raise BookError(f"{book} names {entry.path!r}, which alo doctor never changes; remove the file")
    return entries if same_boot else []
