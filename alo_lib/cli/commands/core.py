"""``alo core``."""

from __future__ import annotations

import os
import re
import signal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from alo_lib.cli.commands.schedule import planned
from alo_lib.cli.console import say
from alo_lib.cli.failures import RunFailedError, UserError
from alo_lib.cli.json_output import print_json
from alo_lib.cli.operation_arguments import config_option
from alo_lib.cli.option_arguments import Amount, FilePath, Whole
from alo_lib.cli.project import CONFIG, CORE_JOURNALS

if TYPE_CHECKING:
    from alo_lib.executive.isolation import Preparation
    from alo_lib.runtime.process import CoreProcess, Ending
    from alo_lib.settings.operation import OperationSettings

__all__ = ["check_name", "core"]

_LEASE: Final = 3.0
"""Seconds; as `core.lease` of a file, which a help before the set-up cannot ask."""
_OLDEST_BEAT: Final = 1000.0
"""Milliseconds, of the last heartbeat of a core that is well."""
_COUNTS = (
    *("frame", "time", "run", "overruns", "missed", "sequence", "durable"),
    *("refused", "conflated", "undelivered"),
)
"""What the status tells of the heartbeat."""


def _of_file(config: OperationSettings) -> dict[str, Any]:
    """The options that a file of settings gives; --set, --budget and --on-overrun are added to what stands there."""
    of = config.core
    return {
        "name": of.name,
        "folder": of.folder,
        "journal": of.journal,
        "durability": of.durability,
        "cpu": of.processor,
        "priority": of.priority,
        "spin": of.spin,
        "lease": of.lease,
    }


@click.command(short_help="Run the trading core in a real-time process of its own.")
@click.argument("name", default="core")
@config_option(_of_file)
@click.option("--paced", is_flag=True, help="The host tells each frame's time and waits for it, as in a backtest.")
@click.option("--folder", type=FilePath(), help="Where the shared memory lies.  [default: the project's in /dev/shm]")
@click.option(
    "--journal",
    type=FilePath(),
    help="Folder of the journal; one that is there is continued.  [default: storage/core/NAME of the project]",
)
@click.option(
    "--durability",
    type=click.Choice(["every", "group", "os"]),
    default="group",
    show_default=True,
    help="When a message is on disk: at once, within a frame, or when the system likes.",
)
@click.option("--cpu", type=Whole(min=0), help="Processor to pin the process to.")
@click.option("--priority", type=Whole(0, 99), default=80, show_default=True, help="Of SCHED_FIFO; 0 leaves it normal.")
@click.option("--spin", type=Amount(0, 10_000), help="Microseconds before a release that are spun, not slept.")
@click.option("--set", "assignments", metavar="NAME=VALUE", multiple=True, help="A setting, as for 'alo backtest'.")
@click.option("--budget", "budgets", metavar="TASK=MS", multiple=True, help="Another worst case for a task.")
@click.option(
    "--on-overrun", "policies", metavar="TASK=POLICY", multiple=True, help="finish, skip, degrade or stop after one."
)
@click.option("--frames", type=Whole(min=1), help="End after that many frames.")
@click.option("--take-over", is_flag=True, help="Take over foreign positions, which no journal knows, as trades.")
@click.option("--standby", is_flag=True, help="Follow the core that leads, and take over when it ends or goes silent.")
@click.option(
    "--lease",
    type=Amount(0.05, 600),
    default=_LEASE,
    show_default=True,
    help="Seconds without a heartbeat after which the core that leads is ended, by a --standby or for a leader-lease.",
)
@click.option("--old-inputs", is_flag=True, help="Take in what waited for this core however old it is.")
@click.option(
    "--without",
    type=Whole(min=0),
    metavar="N",
    help="Leave message N out of the journal first, as 'alo journal leave-out'.",
)
@click.option("--status", is_flag=True, help="Tell how the core of that name is, and stop.")
@click.option(
    "--health",
    is_flag=True,
    help="As --status, and end with status 1 unless it lives and releases frames; with --standby, unless it is of this "
    "container and does, or a warm standby is.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; everything else goes to standard error.")
def core(
    name: str,
    config: OperationSettings | None,
    paced: bool,
    folder: Path | None,
    journal: Path | None,
    durability: str,
    cpu: int | None,
    priority: int,
    spin: float | None,
    assignments: tuple[str, ...],
    budgets: tuple[str, ...],
    policies: tuple[str, ...],
    frames: int | None,
    take_over: bool,
    standby: bool,
    lease: float,
    old_inputs: bool,
    without: int | None,
    status: bool,
    health: bool,
    as_json: bool,
) -> None:
    """Run the trading core in a process of its own, released every frame by the real clock.

    Its host, such as LEAN, puts inputs into shared memory and takes orders out. The process is pinned, put under
    SCHED_FIFO, its memory locked and its code compiled before the first frame, as far as the system lets it; what is
    refused is told. It ends on SIGTERM, SIGINT or the host's end, and goes on from its journal when started again.

    \b
    Examples:
      alo core --cpu 3 --set underlyings=GOOG
      alo core --config /etc/alo/alo.json
      alo core --standby --cpu 3 --set underlyings=GOOG
      alo core --status
    """
    from alo_lib.runtime.link import channel_folder

    check_name(name)
    where = channel_folder(name, folder)
    if status or health:
        well, leads = _status(name, where, of_project=folder is None, as_json=as_json)
        if health:
            _check_health(name, where, leads if well else 0, one_of_two=standby)
        return
    _check_processor(cpu)
    if without is not None and standby:
        raise UserError("--without is not for a --standby: it follows a journal as it is; leave the message out first")
    if without is not None:
        from alo_lib.runtime.leaving_out import go_on_without

        said = go_on_without(journal or CORE_JOURNALS / name, without)
        say(f"{said[:1].upper()}{said[1:]}.")
    prepared = _prepare(
        where,
        journal or CORE_JOURNALS / name,
        paced=paced,
        durability=durability,
        isolation=(cpu, priority),
        time=(spin, old_inputs, lease, standby),
        given=(config, (*assignments, *(["take-over=true"] if take_over else []))),
        plans=_plans(config, budgets, policies),
    )
    if prepared is None:
        say(f"The core {name} was led by another process all the time; this one stands by no more.")
        return
    process, steps = prepared
    _tell_beginning(process, steps)
    say(f"The core {name} runs in {where}; its journal is {journal or CORE_JOURNALS / name}.")
    _tell(_run(process, frames), process, steps, as_json)


def _tell_beginning(process: CoreProcess, steps: list[Preparation]) -> None:
    for step in steps:
        say(f"{step.name}: {'yes' if step.done else 'no'} ({step.detail})")
    for warning in process.settings.warnings:
        say(f"Warning: {warning}.")
    for finding in process.findings:
        say(finding)


def _plans(
    config: OperationSettings | None, budgets: tuple[str, ...], policies: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Budgets and policies of a file, and then those of the command line, which win."""
    if config is None:
        return budgets, policies
    budgets = (*(f"{task}={milliseconds}" for task, milliseconds in config.core.budgets.items()), *budgets)
    return budgets, (*(f"{task}={policy}" for task, policy in config.core.on_overrun.items()), *policies)


def check_name(name: str) -> None:
    """UserError for what is no name of a core."""
    from alo_lib.settings import CORE_NAME

    if not re.fullmatch(CORE_NAME, name):
        raise UserError(f"name {name!r} must be up to 32 letters, digits and underscores, and not begin with a digit")


def _check_processor(cpu: int | None) -> None:
    from alo_lib.executive.isolation import processors

    allowed = processors()
    if cpu is not None and allowed and cpu not in allowed:
        raise UserError(f"--cpu is {cpu}; this process may run on processor {', '.join(map(str, allowed))}")


def _prepare(
    where: Path,
    journal: Path,
    *,
    paced: bool,
    durability: str,
    isolation: tuple[int | None, int],
    time: tuple[float | None, bool, float, bool],
    given: tuple[OperationSettings | None, tuple[str, ...]],
    plans: tuple[tuple[str, ...], tuple[str, ...]],
) -> tuple[CoreProcess, list[Preparation]] | None:
    """The process and how its preparations went; None where it was to stand by and was told to end."""
    from alo_lib.cli.commands.backtest import assignment
    from alo_lib.cli.standing_by import heard, leadership_in_life, require_leading, stood_by
    from alo_lib.core import FRAME_PLAN
    from alo_lib.executive import RealClock
    from alo_lib.executive.isolation import Isolation, isolate, stand_ready, take_processor
    from alo_lib.journal import Durability
    from alo_lib.runtime.fence import FencedError
    from alo_lib.runtime.follower import Follower
    from alo_lib.runtime.frame_clock import ClockError, WallClock
    from alo_lib.runtime.link import Channel
    from alo_lib.runtime.process import CoreProcess, plans_of
    from alo_lib.runtime.rehearsal import rehearse
    from alo_lib.runtime.service import ServiceManager
    from alo_lib.settings import Settings
    from alo_lib.transport import NotOwnerError

    config, assignments = given
    of_file = {} if config is None else config.settings
    settings = Settings.of(Settings.parameters_of(CONFIG), of_file, dict(map(assignment, assignments)))
    chosen = planned(FRAME_PLAN, *plans)
    manager = ServiceManager.of(os.environ)
    spin, old_inputs, lease, standby = time
    leadership = leadership_in_life(settings, lease, paced=paced)
    channel = Channel(where, hear=heard(manager, leadership), elsewhere=leadership.look)
    make = partial(
        CoreProcess,
        settings,
        channel,
        paced=paced,
        durability=Durability[durability.upper()],
        plans=chosen,
        clock=RealClock() if spin is None else RealClock(round(spin * 1000)),
        wall=WallClock(takes_old=old_inputs),
    )
    wanted = Isolation(*isolation)
    try:
        if not standby:
            require_leading(leadership, settings)
            process = make(journal)
            process.tell(say)
            return process, isolate(wanted, lambda: rehearse(settings))
        steps = stand_ready(wanted, lambda: rehearse(settings))
        follower = Follower(settings, journal, plans_of(chosen, paced=paced), adopts=not paced, hear=say)
        taken_over = stood_by(channel, follower, lease, manager, make, leadership)
    except ClockError as error:
        raise UserError(str(error)) from error
    except NotOwnerError as error:
        there = "a standby" if standby else "a core"
        way = "" if standby else ", or let this one stand by for it with --standby"
        raise UserError(f"{there} of this name runs already: end that one first{way}; {error}") from error
    except FencedError as error:
        raise RunFailedError(str(error)) from error
    if taken_over is None:
        return None
    taken_over.tell(say)
    return taken_over, [*steps, *take_processor(wanted)]


def _run(process: CoreProcess, frames: int | None) -> Ending:
    from alo_lib.executive import OverrunError
    from alo_lib.journal import JournalError
    from alo_lib.runtime.frame_clock import ClockError
    from alo_lib.transport import TransportError

    ending = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = {number: signal.signal(number, lambda *_: process.stop()) for number in ending}
    try:
        return process.run(frames)
    except (ClockError, OverrunError, JournalError, TransportError) as error:
        raise RunFailedError(f"the core stopped: {error}") from error
    except Exception as error:
        raise RunFailedError(
            f"the core could not decide a frame ({type(error).__name__}: {error}); started again, it tells which "
            "inputs that took in (docs/journal.md)"
        ) from error
    finally:
        process.close()
        for number, handler in before.items():
            signal.signal(number, handler)


def _tell(ending: Ending, process: CoreProcess, steps: list[Preparation], as_json: bool) -> None:
    late = process.releases.lateness()
    if as_json:
        told: dict[str, Any] = ending._asdict()
        told["lateness_ns"] = late._asdict()
        told["causes"] = {why.name.lower(): count for why, count in process.releases.causes.items()}
        told["steps"] = {step.name: {"done": step.done, "detail": step.detail} for step in steps}
        print_json(told)
        return
    click.echo(
        f"{ending.frames:,} frames, {ending.run:,} of them with news; {ending.overruns:,} overruns, "
        f"{ending.missed:,} frames missed"
    )
    click.echo(
        f"released late by {late.p50 / 1e3:g} us (half of them), {late.p99 / 1e3:g} us (99 %), "
        f"{late.p999 / 1e3:g} us (99.9 %), {late.worst / 1e3:g} us at most"
    )
    for why, count in process.releases.causes.most_common():
        click.echo(f"  25 us late or more, {why.value}: {count:,}")
    click.echo(f"slot trace {ending.slot_trace}")


def _check_health(name: str, where: Path, leads: int, *, one_of_two: bool) -> None:
    """Check that the core is well; of two that stand by for each other, that this container's is, as what it is now.

    ``leads`` is the process of the core that is well, or 0.

    :raises RunFailedError: where it is not; where it neither leads nor stands by, warm.
    """
    import time

    from alo_lib.records.processes import is_in_this_container
    from alo_lib.runtime.fence import OLDEST_LOOK, STANDBY, STANDBY_NAME
    from alo_lib.runtime.last_state import last_state

    if not one_of_two and not leads:
        raise RunFailedError(f"the core {name} is not well: it does not live, or releases no frames")
    if not one_of_two or (leads and is_in_this_container(leads)):
        return
    path = where / STANDBY_NAME
    found = last_state(path, STANDBY, "state of the standby") if path.exists() else None
    if found is not None and found[1].alive and is_in_this_container(found[1].pid):
        age = (time.monotonic_ns() - int(found[0]["monotonic"])) / 1e9
        if found[0]["followed"] >= 0 and age <= OLDEST_LOOK:
            say(f"Of this container is the standby, process {found[1].pid}, which is warm.")
            return
    raise RunFailedError(
        f"the core {name} of this container is not well: it does not lead and release frames, and "
        "does not stand by, warm"
    )


def _status(name: str, where: Path, *, of_project: bool, as_json: bool) -> tuple[bool, int]:
    """Tell how the core at ``where`` is; ``of_project`` where that is this project's own place for it.

    Returns whether it is well (it lives, runs, and has released a frame within the last second), and its process.
    """
    import time

    from alo_lib.runtime.link import HEARTBEAT_NAME, PROJECT, CorePhase, last_beat

    whose = f" of {PROJECT}" if of_project else ""
    path = where / HEARTBEAT_NAME
    if not path.exists():
        raise UserError(f"there is no core {name}{whose} at {where}; 'alo core {name}' starts one")
    found = last_beat(path)
    if found is None:
        raise UserError(f"the core {name}{whose} at {where} is of another version of this program")
    beat, owner = found
    phase = list(CorePhase)[int(beat["phase"])].value
    age = (time.monotonic_ns() - int(beat["monotonic"])) / 1e6 if beat["monotonic"] else None
    told = {
        "folder": str(where),
        "project": str(PROJECT) if of_project else None,
        "phase": phase,
        "process": owner.pid or None,
        "alive": owner.alive,
        "heartbeat_age_ms": age,
        **{name: int(beat[name]) for name in _COUNTS},
    }
    well = bool(owner.alive) and phase == CorePhase.RUNNING.value and age is not None and age <= _OLDEST_BEAT
    if as_json:
        print_json(told)
        return well, owner.pid
    # A process that is killed cannot say so: what it was is its last word.
    at_work = phase in (CorePhase.STARTING.value, CorePhase.RUNNING.value)
    standing = f"killed while it was {phase}" if at_work and owner.alive is False else phase
    alive = "alive" if owner.alive else "gone"
    heard = "no heartbeat yet" if age is None else f"last heartbeat {age:z.1f} ms ago"
    click.echo(f"core {name}{whose}, at {where}")
    click.echo(f"{standing}, process {owner.pid or '-'} {alive}, {heard}")
    click.echo(f"frame {told['frame']}, {told['run']} with news, {told['overruns']} overruns, {told['missed']} missed")
    click.echo(f"{told['sequence']} messages journaled, {told['durable']} of them on disk")
    click.echo(
        f"{told['refused']} messages of the host refused, {told['conflated']} quotes and trades conflated, "
        f"{told['undelivered']} answers undelivered"
    )
    return well, owner.pid
