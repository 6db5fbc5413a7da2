"""``alo schedule``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from alo_lib.cli.failures import UserError
from alo_lib.cli.json_output import print_json
from alo_lib.cli.option_arguments import Amount, FilePath
from alo_lib.cli.project import CONFIG

if TYPE_CHECKING:
    from alo_lib.executive import FrameTable, TaskPlan

__all__ = ["planned", "schedule"]

_ROWS_SHOWN: Final = 12
_FIELDS: Final = ("name", "minor_frame", "budget_ms", "period", "offset", "deadline", "rank", "on_overrun")


@click.command(short_help="Show the frame's table of tasks, and the proof that it fits.")
@click.option("--frame", "frame_milliseconds", type=Amount(min=0.001), help="Length of a frame, ms.")
@click.option("--budget", "budgets", metavar="TASK=MS", multiple=True, help="Another worst case for a task.")
@click.option(
    "--on-overrun",
    "policies",
    metavar="TASK=POLICY",
    multiple=True,
    help="What follows an overrun of a task: finish, skip, degrade or stop.",
)
@click.option(
    "--tasks",
    "file",
    type=FilePath(exists=True, dir_okay=False),
    help="A JSON list of tasks to schedule instead of the trading core's; --json prints one.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def schedule(
    frame_milliseconds: float | None,
    budgets: tuple[str, ...],
    policies: tuple[str, ...],
    file: Path | None,
    as_json: bool,
) -> None:
    """Build the table of the cyclic executive and prove that every task meets its deadline.

    Tasks have priority by rate: the shorter the period, the higher. The proof is exact: response times over all
    phasings without preemption, and the table itself. A set that does not fit is refused, with the task named.

    \b
    Examples:
      alo schedule
      alo schedule --budget value=6.5 --frame 12
      alo schedule --json | jq '.tasks' > tasks.json && alo schedule --tasks tasks.json
    """
    from alo_lib.core import FRAME_PLAN
    from alo_lib.executive import build_table
    from alo_lib.records import MILLISECOND
    from alo_lib.settings import Settings

    if frame_milliseconds is None:
        frame_milliseconds = Settings.of(Settings.parameters_of(CONFIG)).frame_milliseconds
    plans = FRAME_PLAN if file is None else _read(file)
    table = build_table(planned(plans, budgets, policies), round(frame_milliseconds * MILLISECOND))
    if as_json:
        print_json(_as_object(table), indent=1)
        return
    _show(table)


def planned(plans: tuple[TaskPlan, ...], budgets: tuple[str, ...], policies: tuple[str, ...]) -> tuple[TaskPlan, ...]:
    """The plans with budgets (TASK=MS) and overrun policies (TASK=POLICY) of a command line."""
    import dataclasses

    changed = {plan.name: plan for plan in plans}
    for option, assignments in (("--budget", budgets), ("--on-overrun", policies)):
        for text in assignments:
            name, equals, value = (part.strip() for part in text.partition("="))
            if not equals or not value:
                raise click.BadParameter(f"{text!r} is not TASK=VALUE", param_hint=f"'{option}'")
            if name not in changed:
                raise click.BadParameter(
                    f"{name!r} is no task; tasks are {', '.join(changed)}", param_hint=f"'{option}'"
                )
            if option == "--budget":
                changed[name] = dataclasses.replace(changed[name], budget=_nanoseconds(value, name))
            else:
                changed[name] = dataclasses.replace(changed[name], on_overrun=_policy(value, name))
    return tuple(changed.values())


def _nanoseconds(value: object, name: str) -> int:
    from alo_lib.records import MILLISECOND
    from alo_lib.records.spelling import number_of

    try:
        return round(number_of(str(value)) * MILLISECOND)
    except (ValueError, OverflowError):
        raise UserError(f"the budget of task {name!r} is {value!r}; it must be a number of milliseconds") from None


def _policy(value: object, name: str) -> Any:
    from alo_lib.executive import OverrunPolicy

    try:
        return OverrunPolicy[str(value).upper()]
    except KeyError:
        known = ", ".join(policy.name.lower() for policy in OverrunPolicy)
        raise UserError(f"the overrun policy of task {name!r} is {value!r}; it must be one of {known}") from None


def _read(file: Path) -> tuple[TaskPlan, ...]:
    """Plans from a JSON list of objects with the fields that ``--json`` prints; name, minor_frame, budget_ms needed."""
    try:
        rows = json.loads(file.read_text())
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{file} is not JSON: {error}") from None
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise UserError(f"{file} must hold a list of objects with {', '.join(_FIELDS)}")
    return tuple(_plan(row, file) for row in rows)


def _plan(row: dict[str, Any], file: Path) -> TaskPlan:
    from alo_lib.executive import MinorFrame, OverrunPolicy, TaskPlan

    for field in ("name", "minor_frame", "budget_ms"):
        if field not in row:
            raise UserError(f"a task in {file} has no {field}; it needs name, minor_frame and budget_ms")
    name = str(row["name"])
    minor_frame = str(row["minor_frame"]).upper()
    if minor_frame not in MinorFrame.__members__:
        known = ", ".join(each.name.lower() for each in MinorFrame)
        raise UserError(f"task {name!r} has the minor frame {row['minor_frame']!r}; it must be one of {known}")
    counts = {field: row[field] for field in ("period", "offset", "deadline", "rank") if row.get(field) is not None}
    for field, value in counts.items():
        if not isinstance(value, int) or isinstance(value, bool):
            raise UserError(f"task {name!r} has the {field} {value!r}; it must be a whole number")
    policy = _policy(row["on_overrun"], name) if "on_overrun" in row else OverrunPolicy.FINISH
    return TaskPlan(name, MinorFrame[minor_frame], _nanoseconds(row["budget_ms"], name), on_overrun=policy, **counts)


def _as_object(table: FrameTable) -> dict[str, Any]:
    from alo_lib.records import MILLISECOND

    def ms(nanoseconds: int) -> float:
        return nanoseconds / MILLISECOND

    return {
        "frame_ms": ms(table.frame_length),
        "hyperperiod_frames": table.hyperperiod,
        "utilization": table.utilization,
        "liu_layland_bound": table.bound,
        "liu_layland_holds": table.bound_holds,
        "tasks": [
            {
                "name": each.task.name,
                "minor_frame": each.task.minor_frame.name.lower(),
                "priority": priority,
                "period": each.task.period,
                "offset": each.task.offset,
                "deadline": each.task.frames_allowed,
                "rank": each.task.rank,
                "budget_ms": ms(each.task.budget),
                "blocking_ms": ms(each.blocking),
                "response_ms": ms(each.response),
                "in_table_ms": ms(each.in_table),
                "deadline_ms": ms(each.deadline),
                "on_overrun": each.task.on_overrun.name.lower(),
            }
            for priority, each in enumerate(table.assessments, 1)
        ],
        "rows": [
            [{"task": table.tasks[slot.task].name, "start_ms": ms(slot.start), "end_ms": ms(slot.end)} for slot in row]
            for row in table.rows
        ],
    }


def _show(table: FrameTable) -> None:
    from alo_lib.executive.plan import milliseconds

    rows: list[tuple[str, ...]] = [
        ("task", "minor frame", "period", "offset", "budget", "share", "waits", "response", "slot", "due", "overrun")
    ]
    for each in table.assessments:
        task = each.task
        times = (task.period * table.frame_length, task.offset * table.frame_length, task.budget)
        share = f"{task.budget / (task.period * table.frame_length):z.1%}"
        proof = (each.blocking, each.response, each.in_table, each.deadline)
        ends = (task.on_overrun.name.lower(),)
        rows.append(
            (
                task.name,
                task.minor_frame.name.lower(),
                *map(milliseconds, times),
                share,
                *map(milliseconds, proof),
                *ends,
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    last = len(widths) - 1
    for row in rows:
        cells = (
            cell.ljust(width) if place in (0, 1, last) else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        click.echo("  ".join(cells).rstrip())
    verdict = "it proves the set" if table.bound_holds else "it proves nothing here; the exact response times do"
    click.echo(
        "\nHighest priority first, milliseconds. waits: longest wait for a task of lower priority that has begun;\n"
        "response: longest time from release to end under any phasing; slot: latest end in the table after release.\n"
        f"\nUtilization {table.utilization:z.1%}. Liu and Layland's bound is {table.bound:z.1%}: {verdict}.\n"
        "Every task ends within its deadline, whatever the phasing and with every budget used up.\n"
    )
    for number, slots in enumerate(table.rows[:_ROWS_SHOWN]):
        told = (f"{table.tasks[slot.task].name} {milliseconds(slot.start)}-{milliseconds(slot.end)}" for slot in slots)
        click.echo(f"frame {number}: {'  '.join(told) or 'nothing'}")
    if table.hyperperiod > _ROWS_SHOWN:
        click.echo(f"... and {table.hyperperiod - _ROWS_SHOWN} more frames before the table repeats")
