"""``alo doctor``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from alo_lib.cli.console import print_table, say
from alo_lib.cli.failures import RunFailedError, UserError
from alo_lib.cli.json_output import print_json
from alo_lib.cli.operation_arguments import config_option
from alo_lib.cli.option_arguments import Amount, FilePath, Whole
from alo_lib.cli.project import ROOT

if TYPE_CHECKING:
    from rich.table import Table

    from alo_lib.host import Finding, Machine, Outcome
    from alo_lib.host.jitter import JitterRun
    from alo_lib.settings.operation import OperationSettings

__all__ = ["doctor"]

BOOK: Final = ROOT / "storage" / "doctor.json"
_STYLES: Final = {"good": "green", "costs": "yellow", "not here": "dim"}


def _of_file(config: OperationSettings) -> dict[str, Any]:
    """The options that a file of settings gives."""
    return {"cpu": config.core.processor, "priority": config.core.priority, "journal": config.core.journal}


@click.command(short_help="Check what this machine offers to a core in real time, and mend it.")
@config_option(_of_file)
@click.option("--cpu", type=Whole(min=0), help="The processor that is to be the core's.")
@click.option("--priority", type=Whole(0, 99), default=80, show_default=True, help="Of SCHED_FIFO in a jitter run.")
@click.option("--journal", type=FilePath(), help="Where the journal is to lie.  [default: storage of the project]")
@click.option("--fix", is_flag=True, help="Change what can be changed at once and taken back, and write that down.")
@click.option("--undo", is_flag=True, help="Take back what --fix changed since the machine was started.")
@click.option("--jitter", type=Amount(0.05, 3600), metavar="SECONDS", help="Measure how late frames are released.")
@click.option("--book", type=FilePath(dir_okay=False), help="Where changes are written down.  [default: storage]")
@click.option("--root", type=FilePath(exists=True, file_okay=False), help="Look at a copy of /sys and /proc there.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def doctor(
    config: OperationSettings | None,
    cpu: int | None,
    priority: int,
    journal: Path | None,
    fix: bool,
    undo: bool,
    jitter: float | None,
    book: Path | None,
    root: Path | None,
    as_json: bool,
) -> None:
    """Tell what this machine offers to a core in real time.

    Of each thing it tells what is found, what is wanted, what the difference costs, and the command that mends it.
    Nothing is changed without --fix, which changes what takes effect at once and can be taken back (--undo); boot
    options, limits of the user and what others are asked to do it only tells. With --jitter a process releases frames
    as a core does, before and after what --fix or --undo changes.

    \b
    Examples:
      alo doctor --cpu 3
      alo doctor --cpu 3 --fix --jitter 20
      alo doctor --undo
    """
    from alo_lib.host import BookError, Machine, examine, mend, take_back

    if fix and undo:
        raise UserError("--fix and --undo are given together; choose one of them")
    machine = Machine(root or Path("/"), processor=cpu, journal=journal or ROOT / "storage")
    if cpu is not None and cpu not in machine.processors:
        there = ", ".join(map(str, machine.processors)) or "none"
        raise UserError(f"--cpu is {cpu}; this machine has processor {there}")
    if jitter is not None and not machine.live:
        raise UserError("--jitter measures this machine, and --root names a copy of one; leave one of them out")
    runs = [_measured(jitter, cpu, priority)] if jitter is not None else []
    findings = examine(machine)
    outcomes: list[Outcome] = []
    if fix or undo:
        written = book or BOOK
        try:
            outcomes = mend(machine, findings, written) if fix else take_back(machine, written)
        except BookError as error:
            raise UserError(str(error)) from error
        findings = examine(machine)
        if jitter is not None and any(outcome.done for outcome in outcomes):
            runs.append(_measured(jitter, cpu, priority))
    if as_json:
        print_json(_as_object(machine, findings, outcomes, runs))
        return
    _show(machine, findings, runs)
    _tell_outcomes(outcomes, "changed" if fix else "taken back" if undo else "")


def _measured(seconds: float, cpu: int | None, priority: int) -> JitterRun:
    from alo_lib.executive.isolation import Isolation
    from alo_lib.host.jitter import JitterError, measure_jitter

    say(f"Releasing frames for {seconds:g} s ...")
    try:
        return measure_jitter(seconds, Isolation(cpu, priority))
    except JitterError as error:
        raise RunFailedError(str(error)) from error


def _as_object(
    machine: Machine, findings: list[Finding], outcomes: list[Outcome], runs: list[JitterRun]
) -> dict[str, Any]:
    return {
        "kernel": machine.kernel,
        "processors": machine.processors,
        "processor": machine.processor,
        "checks": [
            {
                "name": each.name,
                "standing": each.standing.value,
                "found": each.found,
                "wanted": each.wanted,
                "cost": each.cost,
                "mend": each.mend,
                "fixable": bool(each.changes),
            }
            for each in findings
        ],
        "changes": [{"path": f"/{each.path}", "done": each.done, "detail": each.detail} for each in outcomes],
        "jitter": [run._asdict() for run in runs],
    }


def _show(machine: Machine, findings: list[Finding], runs: list[JitterRun]) -> None:
    print_table(_table(findings))
    for each in findings:
        if each.cost:
            fixable = "  (--fix does it)" if each.changes else ""
            click.echo(f"\n{each.name}: {each.cost}.\n  {each.mend}{fixable}")
    costly = sum(bool(each.cost) for each in findings)
    click.echo(f"\n{len(findings)} checks, {costly} cost something. Kernel {machine.kernel or 'unknown'}.")
    for when, run in zip(("before", "after") if len(runs) > 1 else ("",), runs, strict=False):
        click.echo(
            f"\n{f'{when}: ' * bool(when)}{run.frames:,} frames released late by {run.p50:zg} us (half of them), "
            f"{run.p99:zg} us (99 %), {run.p999:zg} us (99.9 %), {run.worst:zg} us at most"
        )
        for why, count in run.causes.items():
            click.echo(f"  25 us late or more, {why}: {count:,}")
        for step, why in run.refused.items():
            click.echo(f"  without {step}: {why}")


def _table(findings: list[Finding]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("check", "", "found", "wanted"):
        table.add_column(heading)
    for each in findings:
        standing = each.standing.value
        table.add_row(each.name, Text(standing, style=_STYLES[standing]), Text(each.found), Text(each.wanted))
    return table


def _tell_outcomes(outcomes: list[Outcome], what: str) -> None:
    if not what:
        return
    if not outcomes:
        click.echo(f"\nThere was nothing to be {what}.")
    for each in outcomes:
        click.echo(f"{what if each.done else f'not {what}'}: /{each.path} {each.detail}")
