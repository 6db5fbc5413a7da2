"""``alo transport``."""

from pathlib import Path

import click

from alo_lib.cli.option_arguments import Amount, FilePath, Whole

__all__ = ["transport"]


@click.command(short_help="Look into the memory that processes share: segments, lags, messages, flow.")
@click.argument("path", type=FilePath(), required=False)
@click.option("--last", type=Whole(min=0), default=10, show_default=True, help="Records to decode at first.")
@click.option("--follow", is_flag=True, help="Decode what comes, or show the folder again every second.")
@click.option("--seconds", type=Amount(min=0.0), help="End following after so long.  [default: never]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON objects: one, or one a line while following.")
def transport(path: Path | None, last: int, follow: bool, seconds: float | None, as_json: bool) -> None:
    """Show the segments in a folder PATH and who sends to whom, or what lies in the one segment PATH.

    Without a PATH it looks where the project's processes put theirs. It only looks: it takes no side of a ring, and
    nobody waits for it. What is overwritten before it was seen is counted.

    \b
    Examples:
      alo transport
      alo transport --follow
      alo transport /dev/shm/alo-0/core/input.lean.core.ring --follow --json
    """
    from alo_lib.cli import transport_display as display
    from alo_lib.transport import default_folder

    target = default_folder() if path is None else path
    limit = seconds if follow else 0.0
    if path is None and not target.exists():
        display.nothing(target, as_json)
    elif target.is_dir():
        display.folder(target, limit, as_json)
    else:
        display.segment(target, last, limit, as_json)
