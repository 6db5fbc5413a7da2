"""Programs that check what is rendered, where this machine has them: nothing is fetched for a test."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alo_lib.deployment.log_shipping import index_template
from alo_lib.settings.operation import OperationSettings

__all__ = ["checked", "fields_of_the_index", "tool"]


def fields_of_the_index() -> frozenset[str]:
    """Names of all fields that the index template knows, with dots."""
    template = json.loads(index_template(OperationSettings()))
    return frozenset(_names(template["template"]["mappings"]["properties"], ""))


def _names(properties: dict[str, Any], before: str) -> Iterator[str]:
    for name, kind in properties.items():
        if "properties" in kind:
            yield from _names(kind["properties"], f"{before}{name}.")
        else:
            yield f"{before}{name}"


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
