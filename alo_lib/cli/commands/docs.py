"""``alo docs``."""

import os
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import click

from alo_lib.cli.failures import RunFailedError, UserError
from alo_lib.cli.option_arguments import FilePath
from alo_lib.cli.project import ROOT, SITE

__all__ = ["build_site", "docs"]

_INDEX: Final = "objects.inv"
"""The file by which a folder is known to be a site that Sphinx has made."""


@click.command(short_help="Build the documentation site.")
@click.option(
    "--output",
    type=FilePath(file_okay=False),
    help="Folder to write the site to; an earlier site there is replaced.  [default: site/ of the project]",
)
def docs(output: Path | None) -> None:
    """Build the documentation site, with its reference of the API, the commands and the settings.

    Nothing is fetched while it is built or read. Every warning is an error: a link that leads nowhere, a name that the
    code no longer has. A site that cannot be built leaves the earlier one as it was.

    \b
    Examples:
      alo docs
      alo docs --output /tmp/alo-site
    """
    output = SITE if output is None else output
    build_site(ROOT / "docs", output)
    click.echo(output / "index.html")


def build_site(source: Path, output: Path) -> None:
    """Build the site of a folder with a Sphinx ``conf.py``, in place of an earlier one.

    :raises UserError: where Sphinx is not installed, or ``output`` holds something that is not a site.
    :raises RunFailedError: when Sphinx warns of anything; what, it says on standard error.
    """
    if find_spec("sphinx") is None:
        raise UserError("the packages of requirements/docs.txt are not installed; ./alo docs installs them")
    if output.exists() and any(output.iterdir()) and not (output / _INDEX).is_file():
        raise UserError(f"{output} holds something else than a site; name an empty or a new folder")
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{output.name}-", dir=output.parent) as scratch:
        site = Path(scratch, "site")
        flags = ("-b", "html", "-q", "-n", "-W", "--keep-going", "-d", str(Path(scratch, "doctrees")))
        command = (sys.executable, "-P", "-m", "sphinx", *flags, str(source), str(site))
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        if subprocess.run(command, cwd=source, env=environment, check=False).returncode:
            raise RunFailedError("the documentation has the faults that are told above; no site was written")
        if output.exists():
            shutil.rmtree(output)
        site.rename(output)
