"""What this project and LEAN both know: the name of the algorithm, and configuration files."""

from pathlib import Path
from typing import Any, Final

from alo_lib.cli.failures import EngineError
from alo_lib.records.json_reading import json_of

__all__ = ["ALGORITHM", "read_object"]

ALGORITHM: Final = "main"
"""The module that holds the algorithm; LEAN names its results after it."""


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a configuration file. EngineError when it holds anything else."""
    try:
        content = json_of(path.read_bytes())
    except ValueError as error:
        raise EngineError(f"{path} {error}") from None
    if not isinstance(content, dict):
        raise EngineError(f"{path} must hold a JSON object")
    return content
