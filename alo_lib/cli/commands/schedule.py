"""``alo schedule``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from alo_lib.cli.failures import UserError
from alo_lib.cli.json_output import print_json
from alo_lib.cli.option_arguments import Amount, FilePath
from alo_lib.cli.project import CONFIG

if TYPE_CHECKING:
    from enum import IntEnum

    from alo_lib.executive import FrameTable, OverrunPolicy, TaskPlan

__all__ = ["planned", "schedule"]

_ROWS_SHOWN: Final = 12
_NEEDED: Final = ("name", "minor_frame", "budget_ms")
_FIELDS: Final = (*_NEEDED, "period", "offset", "deadline", "rank", "on_overrun")
_TOLD: Final = ("priority", "blocking_ms", "response_ms", "in_table_ms", "deadline_ms")
"""What --json tells of a task beside its fields; a list may hold it, and nothing is taken from it."""
_BYTES_A_TASK: Final = 1_024


@click.command(short_help="Show the frame's table of tasks, and the proof that it fits.")
@click.option("--frame", "frame_milliseconds", type=Amount(min=0.001, max=86_400_000), help="Length of a frame, ms.")
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
    """The plans with budgets (TASK=MS) and overrun policies (TASK=POLICY) of a command line.

    :raises ScheduleError: for plans that are no set (:func:`alo_lib.executive.check_set`).
    """
    import dataclasses

    from alo_lib.executive import check_set

    check_set(plans)
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


def _nanoseconds(value: str, name: str) -> int:
    from alo_lib.executive import shown
    from alo_lib.records import MILLISECOND
    from alo_lib.records.spelling import number_of

    try:
        return round(number_of(value) * MILLISECOND)
    except (ValueError, OverflowError):
        raise UserError(f"the budget of task {name!r} is {shown(value)}; it must be a number of milliseconds") from None


def _policy(value: str, name: str) -> OverrunPolicy:
    from alo_lib.executive import OverrunPolicy, shown

    try:
        return OverrunPolicy[value.upper()]
    except KeyError:
        known = ", ".join(policy.name.lower() for policy in OverrunPolicy)
        raise UserError(f"the overrun policy of task {name!r} is {shown(value)}; it must be one of {known}") from None


def _read(file: Path) -> tuple[TaskPlan, ...]:
    """Plans from a JSON list of objects with the fields that ``--json`` prints; name, minor_frame, budget_ms needed."""
    from alo_lib.executive import MOST_TASKS, ScheduleError, check_set
    from alo_lib.records.json_reading import json_of

    limit = MOST_TASKS * _BYTES_A_TASK
    with file.open("rb") as source:
        content = source.read(limit + 1)
    if len(content) > limit:
        raise UserError(f"{file} has more than {limit:,} bytes, which is all that a list of {MOST_TASKS:,} tasks needs")
    try:
        rows = json_of(content, each_once=True)
    except ValueError as error:
        raise UserError(f"{file} {error}") from None
    if not isinstance(rows, list) or not rows:
        raise UserError(f"{file} must hold a list of objects with {', '.join(_FIELDS)}")
    if len(rows) > MOST_TASKS:
        raise UserError(f"{file} holds {len(rows):,} tasks; at most {MOST_TASKS:,} are allowed")
    plans = []
    for number, row in enumerate(rows, 1):
        try:
            plans.append(_plan(row))
        except ScheduleError as error:
            raise UserError(f"{file}, task {number} of {len(rows)}: {error}") from None
    try:
        check_set(plans)
    except ScheduleError as error:
        raise UserError(f"{file}: {error}") from None
    return tuple(plans)


def _plan(row: Any) -> TaskPlan:
    from alo_lib.executive import MinorFrame, OverrunPolicy, ScheduleError, TaskPlan, shown
    from alo_lib.records import MILLISECOND

    if not isinstance(row, dict):
        raise ScheduleError(f"{shown(row)} is no task; it must be an object with {', '.join(_FIELDS)}")
    for field in _NEEDED:
        if field not in row:
            raise ScheduleError(f"there is no {field}; a task needs {', '.join(_NEEDED)}")
    for field in row:
        if field not in _FIELDS and field not in _TOLD:
            raise ScheduleError(f"the field {shown(field)} is unknown; a task has {', '.join(_FIELDS)}")
    if "deadline_ms" in row and "deadline" not in row:
        raise ScheduleError("there is deadline_ms and no deadline; a deadline counts frames")
    budget = row["budget_ms"]
    if not isinstance(budget, int | float) or isinstance(budget, bool) or not abs(budget) < 1e15:
        raise ScheduleError(
            f"task {shown(row['name'])} has the budget_ms {shown(budget)}; it must be a number of milliseconds, at "
            "most those of a day"
        )
    return TaskPlan(
        row["name"],
        _member(MinorFrame, row["minor_frame"]),
        round(budget * MILLISECOND),
        deadline=row.get("deadline"),
        on_overrun=_member(OverrunPolicy, row.get("on_overrun", OverrunPolicy.FINISH)),
        **{field: row[field] for field in ("period", "offset", "rank") if field in row},
    )


def _member(kind: type[IntEnum], value: Any) -> Any:
    """The member of that name; what is none is left to the plan to refuse."""
    return kind.__members__.get(value.upper(), value) if isinstance(value, str) else value


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
