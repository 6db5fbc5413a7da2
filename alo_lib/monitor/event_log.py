"""The log of a run for programs that gather logs: JSON lines beside it, each once, however often who writes it ends."""

import fcntl
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from alo_lib.monitor.event_lines import LOGGED, EventLines
from alo_lib.monitor.journal_tail import JournalTail
from alo_lib.monitor.source import Source
from alo_lib.records import Message
from alo_lib.records.json_reading import json_of
from alo_lib.telemetry.log import json_line
from alo_lib.telemetry.reading import Telemetry

__all__ = ["EventLog", "EventLogError"]

_JOURNAL: Final = "alo.journal"
_TAIL: Final = 1 << 16
"""Bytes at a file's end in which its last whole line begins."""


class EventLogError(OSError):
    """The log cannot be written; the message is one sentence."""


class EventLog:
    """Follows a run's journal and writes NAME-DAY.json into a folder, a file for each of the journal's days, UTC.

    A line has the journal's mark and its own place, the message's sequence and the record's number in it; who writes
    on looks the last one up. A file that somebody takes away is not written again. What another volume of a journal
    tells again is written as far as it is later than what was written of the one before.

    :raises EventLogError: where the folder cannot be written to, or another process writes this log.
    """

    def __init__(self, source: Source, folder: Path) -> None:
        self._source = source
        self._folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = (folder / f"{source.name}.lock").open("w")
        except OSError as error:
            raise EventLogError(f"{folder} cannot be written to: {error.strerror}") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise EventLogError(f"{folder} has the log of {source.name} written by another process already") from None
        host = {"host.name": socket.gethostname(), "log.logger": "alo.journal"}
        self._who = {"service.name": source.name, "service.type": "alo", **host}
        self._last: tuple[int, int] | None
        self._latest: tuple[str, frozenset[str]]
        self._begin()

    def write(self, telemetry: Telemetry | None) -> None:
        """Write what the journal has had since.

        :raises JournalError: where the journal is damaged.
        :raises OSError: where no line can be written; the next call goes on behind the last one that was.
        """
        self._tail.folder = self._source.journal(telemetry)
        try:
            messages = self._tail.new()
            if messages is None:  # another journal, or this one without messages that were passed
                self._begin()
                return self.write(telemetry)
            lines = self._new_lines(messages)
            for name, text in lines.items():
                _append(self._folder / name, text)
        except OSError:
            self._begin()
            raise

    def close(self) -> None:
        """Write no more, so that another may."""
        self._lock.close()

    def _begin(self) -> None:
        """Read the journal from its first message; what was written of it is not written again."""
        self._tail, self._lines, self._last = JournalTail(Path(), LOGGED), EventLines(), None
        self._latest = "", frozenset()

    def _new_lines(self, messages: Iterator[Message]) -> dict[str, list[bytes]]:
        """Lines that are not written yet, by their file's name."""
        found: dict[str, list[bytes]] = {}
        for message in messages:
            if self._last is None:
                self._last, self._latest = self._last_written()
            sequence = self._tail.seen - 1
            for number, fields in enumerate(self._lines.of(message)):
                if (sequence, number) <= self._last or (sequence < self._tail.told_again and self._has(fields)):
                    continue
                place = {"event.sequence": sequence, "event.id": f"{sequence}-{number}", _JOURNAL: self._tail.mark}
                line = json_line({**fields, **self._who, **place}).encode() + b"\n"
                found.setdefault(f"{self._source.name}-{fields['@timestamp'][:10]}.json", []).append(line)
        return found

    def _has(self, fields: Mapping[str, Any]) -> bool:
        """Whether a line was written of the journal's volume before."""
        latest, texts = self._latest
        stamp = fields["@timestamp"]
        return bool(stamp < latest or (stamp == latest and fields["message"] in texts))

    def _last_written(self) -> tuple[tuple[int, int], tuple[str, frozenset[str]]]:
        """Sequence and record of the last line of this journal in the folder; less than any where there is none.

        With them goes the latest time of all lines, of whichever journal, and what the lines of that time say.
        """
        last, texts = (-1, -1), dict[str, set[str]]()
        for path in self._folder.glob(f"{self._source.name}-*.json"):
            with path.open("rb") as file:
                file.seek(max(0, path.stat().st_size - _TAIL))
                lines = file.read().rpartition(b"\n")[0].split(b"\n")
            for line in lines:
                try:
                    told = json_of(line)
                    texts.setdefault(told["@timestamp"], set()).add(told["message"])
                    if line is lines[-1] and told[_JOURNAL] == self._tail.mark:
                        sequence, number = map(int, told["event.id"].split("-"))
                        last = max(last, (sequence, number))
                except (ValueError, KeyError, TypeError):  # of others, or broken by a power cut
                    continue
        latest = max(texts, default="")
        return last, (latest, frozenset(texts.get(latest, ())))


def _append(path: Path, lines: list[bytes]) -> None:
    """Behind what is whole in a file: a line that a power cut broke is ended first."""
    with path.open("ab+") as file:
        if end := file.tell():
            file.seek(end - 1)
            if file.read(1) != b"\n":
                lines = [b"\n", *lines]
        file.write(b"".join(lines))
