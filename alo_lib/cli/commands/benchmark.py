"""``alo benchmark``."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import click

from alo_lib.cli.failures import UserError
from alo_lib.cli.json_output import print_json
from alo_lib.cli.project import ROOT

__all__ = ["benchmark", "benchmarks"]

_FOLDER: Final = ROOT / "benchmarks"
_SERVE: Final = ("fit_first_guess", "pricing_page", "transport_peer")
"""What makes constants and pages out of measurements, and the other process of a benchmark."""
_RUN_AS: Final = re.compile(r":? `python -m [^`]*`")


@click.command(
    short_help="List the benchmarks, or run one.",
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
)
@click.argument("name", required=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.option("--json", "as_json", is_flag=True, help="Print JSON; of a benchmark, what it measured.")
def benchmark(name: str | None, arguments: tuple[str, ...], as_json: bool) -> int:
    """List the benchmarks of the project, or run the one of that NAME.

    A benchmark first checks that answers are right, then measures, beside a peer where there is one; it ends with
    status 1 when a goal is missed. What else is given goes to it: --quick takes less than a minute, --help tells its
    options.

    \b
    Examples:
      alo benchmark
      alo benchmark pricing --quick
    """
    known = benchmarks(_FOLDER)
    if name in ("-h", "--help"):
        click.echo(click.get_current_context().get_help())
        return 0
    if name is None:
        if as_json:
            print_json([{"name": each, "measures": what} for each, what in known.items()])
        else:
            width = max(map(len, known), default=0)
            for each, what in known.items():
                click.echo(f"{each:<{width}}  {what}")
        return 0
    if name.startswith("-"):
        raise click.NoSuchOption(name.partition("=")[0], ctx=click.get_current_context())
    if name not in known:
        from alo_lib.records.spelling import meant

        close = meant(name, known)
        raise UserError(
            f"there is no benchmark {name!r}; "
            + (f"did you mean {close}?" if close else f"the benchmarks are {', '.join(known)}")
        )
    command = [sys.executable, "-m", f"benchmarks.{name}", *arguments, *(["--json"] if as_json else [])]
    return subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False).returncode


def benchmarks(folder: Path) -> dict[str, str]:
    """What each benchmark in a folder measures, by name: the modules that run by themselves, and serve no other."""
    found = {}
    for path in sorted(folder.glob("*.py")):
        text = path.read_text(encoding="utf-8")
        if path.stem not in _SERVE and '__name__ == "__main__"' in text:
            words = (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]
            found[path.stem] = _RUN_AS.sub("", words)
    return found
