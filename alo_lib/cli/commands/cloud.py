"""``alo cloud``: into QuantConnect's cloud."""

from pathlib import Path

import click

from alo_lib.cli.cloud.tiers import KILOBYTE, TIERS
from alo_lib.cli.json_output import print_json
from alo_lib.cli.option_arguments import FilePath

__all__ = ["cloud"]


@click.group(short_help="Stage a project for QuantConnect's cloud.")
def cloud() -> None:
    """Stage a project for QuantConnect's cloud, whose projects may have few files, and small ones."""


@cloud.command(short_help="Write a folder for 'lean cloud push', within a tier's limits.")
@click.option(
    "--tier",
    type=click.Choice(list(TIERS)),
    required=True,
    help="Of your organization: " + ", ".join(f"{name} ({tier})" for name, tier in TIERS.items()) + ".",
)
@click.option(
    "--what",
    type=click.Choice(["greeks", "strategy"]),
    default="strategy",
    show_default=True,
    help="The price model with an example to replace by your algorithm, or the whole strategy.",
)
@click.option(
    "--output",
    type=FilePath(file_okay=False),
    required=True,
    help="The folder: new, or your project's, whose own files stay.",
)
@click.option(
    "--keep-kernels",
    is_flag=True,
    help="Runs keep compiled code in the organization's object store, and run what is there.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def stage(tier: str, what: str, output: Path, keep_kernels: bool, as_json: bool) -> None:
    """Write a folder for 'lean cloud push'.

    The modules that main.py and your other files there import are bundled, several to a file, as readable source.
    Where your imports change, stage again.

    \b
    Example:
      alo cloud stage --tier free --what greeks --output ~/lean/greeks
      cd ~/lean && lean cloud push --project greeks
    """
    from alo_lib.cli.cloud.staging import PROGRAMS, stage

    limits = TIERS[tier]
    staged = stage(PROGRAMS[what], limits, output, keep_kernels=keep_kernels)
    if as_json:
        print_json(
            {
                "files": len(staged.files),
                "largest_bytes": staged.largest,
                "total_bytes": staged.total,
                "modules": staged.modules,
                "tier": {"files": limits.files, "file_bytes": limits.bytes_a_file},
                "kept": list(staged.kept),
            }
        )
        return
    largest, total = (size / KILOBYTE for size in (staged.largest, staged.total))
    click.echo(f"{output} holds {staged.modules} modules in {len(staged.files)} files, the largest {largest:z.1f} KB")
    click.echo(f"{total:z.0f} KB in all; the tier {tier} allows {limits}")
    if staged.kept:
        click.echo(f"yours, and kept: {', '.join(staged.kept)}")
    click.echo(f"push it: cd {output.resolve().parent} && lean cloud push --project {output.resolve().name}")
