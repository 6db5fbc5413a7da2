"""``alo train``."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alo_lib.cli.json_output import print_json
from alo_lib.cli.option_arguments import FilePath, Number, Whole

if TYPE_CHECKING:
    from rich.table import Table

    from alo_lib.learning.courses import Course
    from alo_lib.learning.seeds import Report, Trained
    from alo_lib.strategy.hedging_policy import HedgingPolicy

__all__ = ["train"]


@click.command(short_help="Train a policy that hedges.")
@click.option("--iterations", type=Whole(1, 100_000), default=250, show_default=True, help="Steps down the gradient.")
@click.option("--paths", type=Whole(100, 1_000_000), default=3_000, show_default=True, help="Of each scenario, a seed.")
@click.option("--batch", type=Whole(20, 1_000_000), default=300, show_default=True, help="Paths of each, an iteration.")
@click.option("--rate", type=Number(), default=0.015, show_default=True, help="Length of a step.")
@click.option("--seed", type=Whole(0, 1_000_000), default=1, show_default=True, help="The first seed.")
@click.option("--seeds", type=Whole(1, 100), default=1, show_default=True, help="How many, one after the other.")
@click.option("--workers", type=Whole(1, 64), default=1, show_default=True, help="Seeds that Ray trains side by side.")
@click.option(
    "--scenarios",
    type=click.Choice(["european", "american"]),
    default="european",
    show_default=True,
    help="Options at no rate; or beside them some at rates, yields and dividends, that are exercised early.",
)
@click.option(
    "--output",
    type=FilePath(dir_okay=False),
    default=Path("policy.json"),
    show_default=True,
    help="File for the best seed's policy; each seed's, and its checkpoint, go to the folder OUTPUT.training.",
)
@click.option("--html", type=FilePath(), help="Write a page of where and why the best policy hedges differently there.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; everything else goes to standard error.")
def train(
    iterations: int,
    paths: int,
    batch: int,
    rate: float,
    seed: int,
    seeds: int,
    workers: int,
    scenarios: str,
    output: Path,
    html: Path | None,
    as_json: bool,
) -> None:
    """Train a policy that shifts and scales the band by which options are hedged.

    It starts as the minimum-variance band, tuned, and learns on paths of made-up markets to leave a smaller tail: CVaR
    at 95 % of what short options lose, costs included. What training has come to is told on paths that are kept apart.
    A training that was interrupted goes on from its checkpoints when it is begun again with the same numbers. The best
    seed's policy is written whether it beats the rule or not; `python -m benchmarks.learning` is the verdict.

    \b
    Examples:
      alo train
      alo train --seeds 10 --workers 2 --output policies/hedge.json
      alo train --json | jq '.seeds[] | {seed, judged}'
    """
    from alo_lib.cli.console import print_table
    from alo_lib.cli.failures import UserError
    from alo_lib.cli.targets import check_page, check_policy
    from alo_lib.learning.courses import Course
    from alo_lib.learning.errors import LearningError, MissingPackagesError
    from alo_lib.sweep import SweepError

    began = time.perf_counter()
    check_policy(output)
    if html is not None:
        check_page(html)
    try:
        course = Course(iterations=iterations, paths=paths, batch=batch, rate=rate, scenarios=scenarios)
        trained = _train(course, range(seed, seed + seeds), workers, output)
    except (LearningError, MissingPackagesError, SweepError) as error:
        raise UserError(str(error)) from None
    result, tables = _told_of(trained, course, output, html, time.perf_counter() - began)
    if as_json:
        print_json(result)
    else:
        for table in tables:
            print_table(table)
            click.echo()
        click.echo(f"{output}  SHA-256 {result['digest']}")
        if html is not None:
            click.echo(html)


def _train(course: "Course", seeds: range, workers: int, output: Path) -> "list[Trained]":
    """Train each seed, and write the policy of the best."""
    from alo_lib.cli.console import say, working
    from alo_lib.cli.interruption import Interrupted
    from alo_lib.runtime.policy_file import save_policy

    with working("Loading PyTorch ..."):
        from alo_lib.learning.seeds import train_seeds

    folder = output.with_name(f"{output.name}.training")
    folder.mkdir(exist_ok=True)
    with working("Beginning ...") as update:

        def tell(what: "Report | str") -> None:
            if isinstance(what, str):
                update(what)
            else:
                say(_told(what))

        try:
            trained = train_seeds(course, seeds, folder, workers, tell)
        except Interrupted as interruption:
            kept = f"{folder} has the checkpoints, from which the same command goes on"
            raise Interrupted(interruption.number, kept) from None
    save_policy(_best(trained).policy, output)
    return trained


def _best(trained: "list[Trained]") -> "Trained":
    return min(trained, key=lambda each: each.judged)


def _told_of(
    trained: "list[Trained]", course: "Course", output: Path, html: Path | None, seconds: float
) -> tuple[dict[str, Any], list["Table"]]:
    """What ``--json`` prints of a training, and the tables; the page is written, where one is asked for."""
    from alo_lib.learning.differences import differences
    from alo_lib.strategy.policy_format import policy_digest
    from alo_lib.views.policy import difference_table, differences_in_json

    best = _best(trained)
    if html is not None:
        _write_page(best.policy, {f"seed {each.seed}": each.curve for each in trained}, course, html)
    different = differences(best.policy)
    result = {
        "policy": str(output),
        "digest": policy_digest(best.policy),
        "page": None if html is None else str(html),
        "best_seed": best.seed,
        "risk_aversion": best.policy.risk_aversion,
        "stickiness": best.policy.stickiness,
        "iterations": course.iterations,
        "seeds": [_of_seed(each) for each in trained],
        "differences": differences_in_json(different),
        "wall_seconds": round(seconds, 3),
    }
    return result, [_table(trained, best), difference_table(different)]


def _write_page(policy: "HedgingPolicy", curves: dict[str, Any], course: "Course", html: Path) -> None:
    from alo_lib.cli.console import working
    from alo_lib.learning.outcomes import outcomes
    from alo_lib.learning.scenarios import smiles_of
    from alo_lib.records.whole_files import write_whole
    from alo_lib.views.policy_page import policy_html

    with working("Hedging by the policy and by its rule for the page ..."):
        shown = course.learned_from
        told = outcomes(policy, shown, smiles_of(shown, min(course.paths, 2_000)))
    write_whole(html, policy_html(policy, told, curves))


def _told(report: "Report") -> str:
    """The figures of a report that matter."""
    return (
        f"seed {report.seed}, {report.iteration:,} of {report.of:,}: CVaR {report.judged:+z.2%} of the rule's on paths "
        f"kept apart, {report.learned:+z.2%} on the batch; {report.paths_a_second:z,.0f} paths a second"
    )


def _of_seed(trained: "Trained") -> dict[str, Any]:
    names = ("iteration", "learned", "judged")
    curve = [dict(zip(names, row, strict=True)) for row in trained.curve.tolist()]
    return {
        "seed": trained.seed,
        "judged": trained.judged,
        "seconds": round(trained.seconds, 3),
        "curve": [{**row, "iteration": int(row["iteration"])} for row in curve],
    }


def _table(trained: "list[Trained]", best: "Trained") -> "Table":
    from rich.table import Table

    table = Table(
        box=None,
        header_style="bold",
        padding=(0, 1, 0, 0),
        caption=f"CVaR at 95 % on paths kept apart, over that of {best.policy.risk_aversion:g} as risk-aversion and "
        f"{best.policy.stickiness:g} as skew-stickiness of minimum_variance, less 1; the mean over all scenarios.",
        caption_justify="left",
    )
    for title in ("seed", "CVaR", "seconds", ""):
        table.add_column(title, justify="left" if not title else "right", no_wrap=True)
    for each in trained:
        row = (str(each.seed), f"{each.judged:+z.2%}", f"{each.seconds:z,.0f}", "written" if each is best else "")
        table.add_row(*row)
    return table
