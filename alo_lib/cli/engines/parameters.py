"""What this project and LEAN tell each other: settings as parameters, and the names both know."""

import json
from pathlib import Path
from typing import Any, Final

from alo_lib.cli.failures import EngineError
from alo_lib.records.spelling import spelled
from alo_lib.settings import Settings

__all__ = ["ALGORITHM", "lean_parameters", "read_object"]

ALGORITHM: Final = "main"
"""The module that holds the algorithm; LEAN names its results after it."""


def lean_parameters(settings: Settings) -> dict[str, str]:
    """Every setting, so that ``Settings.of`` of the result gives the same settings again."""
    parameters = {}
    for name, value in settings.model_dump(mode="json").items():
        text = ",".join(value) if isinstance(value, list) else repr(value) if isinstance(value, float) else str(value)
        parameters[spelled(name)] = text
    return parameters


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a configuration file. EngineError when it holds anything else."""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise EngineError(f"{path} is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise EngineError(f"{path} must hold a JSON object")
    return content
