"""``alo train``."""

import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alo_lib.cli.json_output import print_json
from alo_lib.cli.option_arguments import FilePath, Whole

if TYPE_CHECKING:
    from rich.table import Table

    from alo_lib.cli.console import Counted
    from alo_lib.learning.evaluation import Evaluation, Rule
    from alo_lib.settings import Settings

__all__ = ["train"]


@click.command(short_help="Train a policy that sizes trades.")
@click.option("--steps", type=Whole(1), default=20_000, show_default=True, help="Decisions to learn from.")
@click.option("--seed", type=Whole(0), default=1, show_default=True, help="The same seed, the same policy.")
@click.option(
    "--output",
    type=FilePath(dir_okay=False),
    default=Path("policy.npz"),
    show_default=True,
    help="File to write the policy to.",
)
@click.option(
    "--episodes",
    type=Whole(2),
    default=40,
    show_default=True,
    help="Half-years on unseen markets by which it is judged.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; everything else goes to standard error.")
def train(steps: int, seed: int, output: Path, episodes: int, as_json: bool) -> None:
    """Train a policy that decides how much of a signal is traded, and compare it with simple rules.

    An actor and a critic learn on made-up markets, trading straddles as the strategy does with the settings in
    config.json. The policy is then judged on markets that it has not seen, against trading everything, nothing, what
    has the least edge of the settings, and the best of nine rules, chosen on other markets. It is written whether
    it beats them or not.

    \b
    Examples:
      alo train
      alo train --steps 100000 --seed 7 --output policies/seven.npz
      alo train --json | jq '.evaluations[] | {name, reward, lead, lead_error}'
    """
    from alo_lib.cli.failures import UserError
    from alo_lib.cli.project import CONFIG
    from alo_lib.cli.targets import check_policy
    from alo_lib.learning import LearningError, MissingPackagesError
    from alo_lib.settings import Settings

    settings = Settings.of(Settings.parameters_of(CONFIG))
    check_policy(output)
    try:
        result, table = _train(steps, seed, episodes, settings, output)
    except (LearningError, MissingPackagesError) as error:
        raise UserError(str(error)) from None
    if as_json:
        print_json(result)
    else:
        from rich.console import Console

        Console(highlight=False).print(table)
        click.echo(f"{output}  SHA-256 {result['digest']}")


def _train(steps: int, seed: int, episodes: int, settings: "Settings", output: Path) -> tuple[dict[str, Any], "Table"]:
    """Train, write and judge a policy: what ``--json`` prints, and the table."""
    from alo_lib.cli.console import bars, working

    with working("Loading PyTorch ..."):
        from alo_lib.learning.evaluation import RULES_TRIED, Rule, Sizing, evaluate, seeds_for, tune
        from alo_lib.learning.training import ROLLOUT, Trainer

    began = time.perf_counter()
    with bars() as tell:
        total = -(-steps // ROLLOUT) * ROLLOUT
        tell("Learning", 0, total)
        trainer = Trainer(seed, settings)
        learned = trainer.train(steps, lambda done: tell("Learning", done, total))
        policy = trainer.policy()
        policy.save(output)
        seeds = seeds_for(seed, "tuning", episodes)
        rule = tune(seeds, settings, progress=_counted(tell, "Tuning the rule", len(RULES_TRIED) * episodes))
        sizings: dict[str, Sizing] = {
            "everything": Rule(1.0),
            "nothing": Rule(0.0),
            "entry edge": Rule(1.0, settings.entry_edge),
            "tuned rule": rule,
            "learned": policy.act,
        }
        seeds = seeds_for(seed, "evaluation", episodes)
        progress = _counted(tell, "Judging", len(sizings) * episodes)
        judged = evaluate(sizings, "tuned rule", seeds, settings, progress=progress)
    result = {
        "policy": str(output),
        "digest": policy.digest,
        "seed": seed,
        "steps": learned,
        "episodes": episodes,
        "reference": "tuned rule",
        "tuned_rule": rule.to_dict(),
        "evaluations": [evaluation.to_dict() for evaluation in judged],
        "wall_seconds": round(time.perf_counter() - began, 3),
    }
    return result, _table(judged, rule)


def _counted(tell: "Counted", what: str, total: int) -> Callable[[], None]:
    """What to call whenever one more is done."""
    done = itertools.count(1)
    tell(what, 0, total)
    return lambda: tell(what, next(done), total)


def _table(judged: "list[Evaluation]", rule: "Rule") -> "Table":
    from rich.table import Table

    from alo_lib.views.spoken import or_dash

    table = Table(
        box=None,
        header_style="bold",
        padding=(0, 1, 0, 0),
        caption=f"Means of half-years on unseen markets, ± one standard error. The tuned rule trades {rule}. Lead: "
        "reward over the tuned rule's, market by market. Profit: a year, over equity. Drawdown: the deepest.",
        caption_justify="left",
    )
    table.add_column("sizing", no_wrap=True)
    for title in ("reward", "lead", "profit", "Sharpe", "drawdown", "trades", "fees"):
        table.add_column(title, justify="right", no_wrap=True)
    for one in judged:
        table.add_row(
            one.name,
            f"{one.reward:z.1f} ± {one.reward_error:z.1f}",
            f"{one.lead:+z.1f} ± {one.lead_error:z.1f}",
            f"{one.profit:+z.2%}",
            or_dash(one.sharpe, "z.2f"),
            f"{one.drawdown:z.2%}",
            f"{one.opened:z.1f}",
            f"{one.fees:z,.0f}",
        )
    return table
