"""How segments look to people and to programs: a table, a drawing of who sends to whom, decoded records."""

import time
from pathlib import Path
from typing import Any, Final

import click
import numpy as np

from alo_lib.cli.json_output import print_json, record_rows
from alo_lib.records import MICROSECOND, MILLISECOND, SECOND
from alo_lib.transport import Owner, SegmentError
from alo_lib.transport.inspection import Entry, Flow, Look, Report, flows, segments_in
from alo_lib.transport.layout import SegmentKind

__all__ = ["drawing", "folder", "nothing", "segment", "table"]

_REFRESH: Final = 1.0
"""Seconds between two looks at a folder."""
_POLL: Final = 0.02
"""Seconds between two looks at a segment that is followed."""
_ROWS_SHOWN: Final = 5
_HEAD: Final = ("segment", "holds", "depth", "capacity", "written", "a second", "lag", "writer", "reader")


def nothing(path: Path, as_json: bool) -> None:
    """Say that no segment was ever made."""
    if as_json:
        print_json({"segments": [], "flow": []})
    else:
        click.echo(f"no segments: {path} does not exist")


def folder(path: Path, seconds: float | None, as_json: bool) -> None:
    """Show a folder's segments once, or again and again for ``seconds``; None for ever."""
    begin = before = time.monotonic()
    last: dict[Path, int] = {}
    while True:
        reports = _reports(path)
        now = time.monotonic()
        rates = {r.path: (r.written - last[r.path]) / (now - before) for r in reports if r.path in last}
        last, before = {report.path: report.written for report in reports}, now
        if as_json:
            found = [_plain(report, rates.get(report.path)) for report in reports]
            print_json({"segments": found, "flow": [_sent(flow) for flow in flows(reports)]})
        elif not reports:
            click.echo(f"no segments in {path}")
        else:
            click.echo("\n".join([*table(reports, rates, path), "", *drawing(flows(reports), path)]))
        if seconds is not None and now - begin + _REFRESH > seconds:
            return
        time.sleep(_REFRESH)


def segment(path: Path, last: int, seconds: float | None, as_json: bool) -> None:
    """Show a segment's last entries, then those that come for ``seconds``; None for ever."""
    look = Look(path)
    report = look.report()
    entries = _last(look, last)
    if as_json:
        print_json({"segment": _plain(report, None), "entries": [_decoded(entry) for entry in entries]})
    else:
        click.echo("\n".join(table([report], {}, path.parent)))
        for entry in entries:
            click.echo("\n".join(_lines(entry)))
    begin = time.monotonic()
    position = report.written if not entries else entries[-1].end
    while seconds is None or time.monotonic() - begin < seconds:
        for entry in look.entries(position):
            if not as_json and look.kind is not SegmentKind.SEQLOCK and entry.position > position:
                click.echo(f"... {entry.position - position:,} slots were overwritten unseen")
            if as_json:
                print_json(_decoded(entry))
            else:
                click.echo("\n".join(_lines(entry)))
            position = entry.end
        time.sleep(_POLL)


# For people --------------------------------------------------------------------------------------------------------


def table(reports: list[Report], rates: dict[Path, float], root: Path) -> list[str]:
    """One line a segment, under a line of heads."""
    rows = [_HEAD]
    for report in reports:
        rate = rates.get(report.path)
        name = report.path.relative_to(root).as_posix()
        ring = report.kind in (SegmentKind.RECORDS, SegmentKind.MESSAGES)
        rows.append(
            (
                name,
                report.kind.label,
                f"{report.depth:,}" if report.kind is not SegmentKind.SEQLOCK else "",
                f"{report.capacity:,}" if report.kind is not SegmentKind.SEQLOCK else "",
                f"{report.written:,}",
                "" if rate is None else f"{rate:z,.0f}",
                "" if not ring or report.lag is None else _duration(report.lag),
                _owner(report.writer),
                "any" if report.reader is None else _owner(report.reader),
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    numbers = {2, 3, 4, 5, 6}
    return [
        "  ".join(
            cell.rjust(width) if column in numbers else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def drawing(found: list[Flow], root: Path) -> list[str]:
    """Who sends to whom, folder by folder: every sender once, with its segments and their receivers behind it."""
    lines = []
    for place in sorted({flow.folder for flow in found}):
        if place != root:
            lines.append(f"{place.relative_to(root).as_posix()}:")
        lines += [*_drawn([flow for flow in found if flow.folder == place]), ""]
    return lines


def _drawn(found: list[Flow]) -> list[str]:
    what = {flow: f"{flow.waiting:,} waiting" if flow.receiver != "any" else flow.holds for flow in found}
    left, middle, right = (
        max(map(len, texts)) for texts in ([f.sender for f in found], [f.segment for f in found], what.values())
    )
    lines = []
    for sender in sorted({flow.sender for flow in found}):
        sent = [flow for flow in found if flow.sender == sender]
        for place, flow in enumerate(sent):
            first, last = place == 0, place == len(sent) - 1
            joint = "──" if first and last else "┬─" if first else "└─" if last else "├─"
            start = f"{sender:<{left}} ─" if first else " " * (left + 2)
            lines.append(f"{start}{joint} {flow.segment:<{middle}}  {what[flow]:<{right}} ──▶ {flow.receiver}")
    return lines


def _owner(owner: Owner) -> str:
    if not owner.epoch:
        return "never taken"
    if not owner.pid:
        return f"{owner.name} (left, epoch {owner.epoch})"
    state = {True: "", False: ", dead", None: ", of another container"}[owner.alive]
    return f"{owner.name} (pid {owner.pid}{state}, epoch {owner.epoch})"


def _duration(nanoseconds: int) -> str:
    for unit, size in (("s", SECOND), ("ms", MILLISECOND), ("us", MICROSECOND)):
        if nanoseconds >= size:
            return f"{nanoseconds / size:z,.1f} {unit}"
    return f"{nanoseconds} ns"


def _lines(entry: Entry) -> list[str]:
    names = [name for name in entry.records.dtype.names or () if not name.startswith("pad")]

    def line(row: Any) -> str:
        return "  ".join(f"{name} {_shown(name, row[name])}" for name in names)

    if entry.message is None:
        return [f"#{entry.position}  {line(row)}" for row in entry.records]
    kind, at, rows = entry.message
    head = f"#{entry.position}  {_shown('time', np.int64(at))}  {kind.name}"
    if len(rows) == 1:
        return [f"{head}  {line(rows[0])}"]
    more = [f"    ... and {len(rows) - _ROWS_SHOWN:,} more"] if len(rows) > _ROWS_SHOWN else []
    return [f"{head}  {len(rows):,} records", *(f"    {line(row)}" for row in rows[:_ROWS_SHOWN]), *more]


def _shown(name: str, value: Any) -> str:
    if name in ("time", "open", "close", "expiry") and isinstance(value, np.integer):
        return str(np.datetime64(int(value), "ns"))
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return f"{value:z.10g}" if isinstance(value, np.floating) else str(value)


# For programs ------------------------------------------------------------------------------------------------------


def _plain(report: Report, rate: float | None) -> dict[str, Any]:
    def side(owner: Owner | None) -> dict[str, Any] | None:
        if owner is None:
            return None
        return {"name": owner.name, "pid": owner.pid, "epoch": owner.epoch, "alive": owner.alive}

    return {
        "path": str(report.path),
        "holds": report.kind.label,
        "bytes": report.size,
        "capacity": report.capacity,
        "depth": report.depth,
        "written": report.written,
        "read": report.read,
        "lag_ns": report.lag,
        "per_second": rate,
        "writer": side(report.writer),
        "reader": side(report.reader),
    }


def _sent(flow: Flow) -> dict[str, Any]:
    return flow._asdict() | {"folder": str(flow.folder)}


def _decoded(entry: Entry) -> dict[str, Any]:
    found: dict[str, Any] = {"position": entry.position}
    if entry.message is not None:
        found |= {"kind": entry.message.kind.name, "time": entry.message.time}
    return found | {"records": record_rows(entry.records)}


# Both --------------------------------------------------------------------------------------------------------------


def _reports(path: Path) -> list[Report]:
    reports = []
    for file in segments_in(path):
        try:
            look = Look(file)
        except SegmentError:
            if file.exists():  # else it was removed since it was listed
                raise
            continue
        reports.append(look.report())
        look.close()
    return reports


def _last(look: Look, count: int) -> list[Entry]:
    """The last ``count`` entries; a message takes several positions, so more are looked at, up to all that is there."""
    span = max(count, 1)
    while count:
        entries = list(look.entries(max(look.oldest, look.written - span)))
        if len(entries) >= count or look.written - span <= look.oldest:
            return entries[-count:]
        span *= 8
    return []
