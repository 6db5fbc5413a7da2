"""``alo deploy``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from alo_lib.cli.failures import UserError
from alo_lib.cli.operation_arguments import config_option
from alo_lib.cli.option_arguments import FilePath
from alo_lib.cli.project import ROOT

if TYPE_CHECKING:
    from alo_lib.settings.operation import OperationSettings

__all__ = ["KINDS", "deploy"]

KINDS = ("docker", "kubernetes", "systemd", "prometheus", "logging")


@click.command(short_help="Write units, containers and alerts for a core that runs elsewhere.")
@click.argument("kind", type=click.Choice(KINDS))
@config_option(lambda config: {})
@click.option("--output", type=FilePath(file_okay=False), required=True, help="The folder to write to.")
@click.option("--replace", is_flag=True, help="Take the place of files that are there and differ.")
def deploy(kind: str, config: OperationSettings | None, output: Path, replace: bool) -> None:
    """Write what runs a core elsewhere, for a file of host and core settings; without one, for the defaults.

    docker has images and a compose file, kubernetes the objects of a stateful set, systemd hardened units with a
    watchdog, prometheus what is scraped, recorded and told, logging what sends log lines to Elasticsearch. Nothing is
    started or installed.

    \b
    Examples:
      alo deploy systemd --config alo.json --output units
      alo deploy docker --output deploy/docker
    """
    from alo_lib.cli.engines.parameters import read_object
    from alo_lib.deployment import render
    from alo_lib.records.whole_files import write_whole
    from alo_lib.settings.operation import OperationSettings

    files = render(kind, read_object(ROOT / "lean.json"), config or OperationSettings())
    for name, text in files.items():
        there = output / name
        if there.exists() and not replace and there.read_bytes() != text.encode():
            raise UserError(f"{there} is there and differs from what would be written; --replace takes its place")
    for name, text in files.items():
        (output / name).parent.mkdir(parents=True, exist_ok=True)
        write_whole(output / name, text)
    click.echo(f"{', '.join(files)} in {output}")
