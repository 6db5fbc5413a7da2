"""``alo generate``."""

from pathlib import Path

import click

from alo_lib.cli.option_arguments import FilePath, Whole
from alo_lib.cli.project import DATA

__all__ = ["generate"]


@click.command(short_help="Write the synthetic market.")
@click.option(
    "--output",
    type=FilePath(),
    default=DATA,
    help="Folder to write to; it must be empty or new.  [default: data/ of the project]",
)
@click.option(
    "--seed",
    type=Whole(0, 2**63 - 1),
    default=1,
    show_default=True,
    help="The same seed writes the same bytes.",
)
def generate(output: Path, seed: int) -> None:
    """Write a synthetic market in LEAN's format.

    Two underlyings (ALFA, which pays dividends, and BRVO), a month of minute bars with three years of days before it,
    and full option chains with American exercise, smiles and spreads.
    """
    from alo_lib.cli.console import say
    from alo_lib.cli.failures import UserError
    from alo_lib.cli.market_data import holds_data, write_market

    if holds_data(output):
        raise UserError(f"{output} holds data already; name an empty or a new folder")
    write_market(output, seed=seed)
    say(f"The synthetic market is in {output}.")
