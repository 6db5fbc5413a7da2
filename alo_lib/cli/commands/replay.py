"""``alo replay``."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alo_lib.cli.option_arguments import FilePath, Whole

if TYPE_CHECKING:
    from alo_lib.cli.replaying import ReplayOutcome
    from alo_lib.journal import Journal

__all__ = ["new_york_time", "replay"]


@click.command(short_help="Decide a run again from its journal, and compare.")
@click.argument("run", type=FilePath())
@click.option("--speed", default="max", show_default=True, metavar="X|max", help="Times as fast as it was, from 0.1.")
@click.option("--step", is_flag=True, help="Stop after every frame; Enter goes on, q ends.")
@click.option("--until", metavar="TIME", help="Stop after this time in New York, such as '2015-12-24 10:30'.")
@click.option("--until-sequence", type=Whole(min=0), metavar="N", help="Stop before message N.")
@click.option(
    "--without", type=Whole(min=0), metavar="N", help="Leave message N out, as 'alo journal leave-out' would."
)
@click.option("--quiet", "-q", is_flag=True, help="Draw nothing while it runs.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; everything else goes to standard error.")
def replay(
    run: Path,
    speed: str,
    step: bool,
    until: str | None,
    until_sequence: int | None,
    without: int | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Run the core of a finished or a killed run again over what its journal holds.

    RUN is its folder, the name that 'alo runs' lists, or that of a core.

    Every decision is compared with the recorded one, and the whole journal with what run.json tells of it. The exit
    status is 1 when one differs, and the first difference is told in words.

    \b
    Examples:
      alo replay backtests/20151224-101500-embedded
      alo replay backtests/20151224-101500-embedded --speed 100
      alo replay backtests/20151224-101500-embedded --step --until "2015-12-24 10:00"
      alo replay storage    what 'lean backtest .' left in LEAN's object store
    """
    from rich.console import Console

    from alo_lib.cli.console import say, working
    from alo_lib.cli.failures import RunFailedError
    from alo_lib.cli.journals import journal_place, open_journal
    from alo_lib.cli.json_output import print_json
    from alo_lib.cli.replaying import run_replay
    from alo_lib.journal import leave_out
    from alo_lib.runtime.policy_file import require_kept_policy

    pace = _speed(speed)
    moment = None if until is None else new_york_time(until, "--until")
    with working(f"Reading the journal of {run} ..."):
        journal = open_journal(run)
    require_kept_policy(journal_place(run), journal.messages)
    outcome = run_replay(
        journal,
        Console(stderr=True, highlight=False),
        speed=pace,
        step=(lambda _: click.prompt("Enter: next frame, q: end", default="", show_default=False, err=True) != "q")
        if step
        else None,
        until=until_sequence,
        until_time=moment,
        without=() if without is None else leave_out(journal.messages, without).records["order"].tolist(),
        display=not quiet,
    )
    difference = f"the replay differs from the journal at {outcome.difference}" if outcome.difference else ""
    if outcome.complete and not difference and without is None:
        difference = _unlike_its_run(run, journal, outcome.digest)
    for sentence in outcome.unlike:
        say(f"{sentence[:1].upper()}{sentence[1:]}.")
    if as_json:
        print_json(_told(outcome, len(journal.messages), difference))
    elif not difference:
        what = "all" if outcome.complete else "the first"
        done = f"{outcome.frames:,} frames decided again in {outcome.seconds:z.2f} s"
        click.echo(
            f"{what} {outcome.messages:,} messages: {done}, {outcome.decisions:,} decisions and "
            f"{outcome.orders} orders as recorded\ndigest {outcome.digest}"
        )
    if difference:
        raise RunFailedError(difference)


def _told(outcome: "ReplayOutcome", count: int, difference: str) -> dict[str, Any]:
    return {
        "messages": outcome.messages,
        "of": count,
        "frames": outcome.frames,
        "decisions": outcome.decisions,
        "orders": outcome.orders,
        "seconds": round(outcome.seconds, 3),
        "digest": outcome.digest,
        "same": not difference,
        "unlike": list(outcome.unlike),
        "difference": outcome.difference or difference or None,
    }


def _unlike_its_run(run: Path, journal: "Journal", digest: str) -> str:
    """How a whole journal is not what the run's summary tells of; empty where it is, or where there is no summary.

    :raises RunError: when the summary does not tell of its journal.
    """
    from alo_lib.journal import orders_of
    from alo_lib.views import Run

    if not (run / "run.json").is_file():
        return ""
    told = Run(run)
    summary = told.about.get("summary")
    if digest == told.says("run.json", summary, "journal_digest", str):
        return ""
    stated = told.says("run.json", summary, "orders", int)
    found = f"{len(journal.messages):,} messages with {len(orders_of(journal.counted)):,} orders"
    how = "is another one" if journal.sealed else "was cut: its end is missing"
    return (
        f"the journal of {run} {how}; it holds {found}, and its digest is not the one in run.json, of {stated:,} orders"
    )


def _speed(text: str) -> float:
    from alo_lib.records.spelling import number_of

    if text == "max":
        return 0.0
    try:
        speed = number_of(text)
    except ValueError:
        speed = -1.0
    if not 0.1 <= speed <= 1e6:
        raise click.BadParameter(f"{text!r} is not a number from 0.1 to 1000000, nor max", param_hint="'--speed'")
    return speed


def new_york_time(text: str, option: str) -> int:
    """A time as people write it, in New York unless it says otherwise, as ns UTC; ``option`` is where it was given."""
    import datetime as dt

    from alo_lib.records import NEW_YORK

    try:
        local = dt.datetime.fromisoformat(text)
    except ValueError:
        told = f"{text!r} is not a time such as '2015-12-24 10:30'"
        raise click.BadParameter(told, param_hint=f"'{option}'") from None
    if local.tzinfo is None:
        local = local.replace(tzinfo=NEW_YORK)
    return int(local.timestamp() * 1_000_000) * 1000
