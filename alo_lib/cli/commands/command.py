"""``alo command``."""

from __future__ import annotations

from pathlib import Path

import click

from alo_lib.cli.failures import RunFailedError, UserError
from alo_lib.cli.json_output import print_json
from alo_lib.cli.option_arguments import FilePath

__all__ = ["command_core"]


@click.command("command", short_help="Steer a running core: pause it, flatten its book, tighten its limits.")
@click.argument("name")
@click.argument("asked", metavar="COMMAND")
@click.argument("limit", metavar="[NAME=VALUE]", required=False)
@click.option("--confirm", is_flag=True, help="Let a limit be loosened, also by undo.")
@click.option("--folder", type=FilePath(), help="Where the core's shared memory lies, as for 'alo core'.")
@click.option("--json", "as_json", is_flag=True, help="One object on standard output.")
@click.pass_context
def command_core(
    context: click.Context,
    name: str,
    asked: str,
    limit: str | None,
    confirm: bool,
    folder: Path | None,
    as_json: bool,
) -> None:
    """Ask the core NAME, which 'alo core NAME' runs, for what COMMAND says, and print its answer.

    \b
    pause          nothing is ordered, hedges neither
    reduce-only    nothing is opened; what is held is hedged
    flatten        everything is closed, and stays so
    resume         what a person asked of the book is withdrawn
    reset-halt     halts by losses are withdrawn
    undo           the last command is undone
    cancel-orders  all orders that work are canceled, once
    set-limit      NAME=VALUE is a limit of the book from now on
    refit          all models of volatility are fitted again
    snapshot       the state is kept now
    status         nothing; the answer tells how the book stands

    Whoever may write into the core's shared memory may steer: the user who runs it. A command is journaled, counts from
    the next frame on, and is kept over a kill. What is refused ends with exit status 2.

    \b
    Examples:
      alo command core pause
      alo command core set-limit max-drawdown=10%
      alo command core status --json | jq -r .mode
    """
    from alo_lib.cli.commands.core import check_name
    from alo_lib.runtime.command_rings import NoAnswerError, ask_core
    from alo_lib.runtime.link import channel_folder, why_not_asked
    from alo_lib.runtime.steering import Answer, command_of

    check_name(name)
    row = command_of(asked, limit, confirm, sender="alo command")
    if isinstance(row, Answer):
        raise UserError(row.sentence)
    where = channel_folder(name, folder)
    if gone := why_not_asked(name, where):
        raise UserError(gone)
    try:
        outcome = ask_core(where, row)
    except NoAnswerError as error:
        raise RunFailedError(f"{asked}: {error}; 'alo core {name} --status' tells how it is") from error
    if as_json:
        print_json(outcome.told(name, asked))
        context.exit(0 if outcome.done else 2)
    if not outcome.done:
        raise UserError(outcome.sentence)
    click.echo(outcome.sentence)
