"""Programs that check what is rendered, where this machine has them: nothing is fetched for a test."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

__all__ = ["checked", "tool"]


def tool(name: str, *other_names: str) -> str:
    """Where a program is: in a folder of ALO_TOOLS, beside this Python, or on the PATH. Skips where it is not."""
    beside = Path(sys.prefix) / "bin"
    path = os.pathsep.join((os.environ.get("ALO_TOOLS", ""), str(beside), os.environ.get("PATH", os.defpath)))
    found = next(filter(None, (shutil.which(each, path=path) for each in (name, *other_names))), None)
    if found is None:
        pytest.skip(f"{name} is not installed; it is looked for on the PATH and in the folders of ALO_TOOLS")
    return found


def checked(name: str, *arguments: object, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program that must be content."""
    run = subprocess.run(
        [tool(name), *map(str, arguments)], capture_output=True, text=True, cwd=folder, check=False, timeout=120
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run
