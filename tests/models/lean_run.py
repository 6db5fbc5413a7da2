"""Run one of the tests' algorithms in a native LEAN."""

import json
from pathlib import Path
from typing import Any

import pytest

from alo_lib.cli.engines.native import NativeEngine, lean_configuration
from alo_lib.cli.failures import EngineError
from alo_lib.cli.project import ROOT
from alo_lib.settings import Settings

__all__ = ["kept_by", "native_lean", "run_in_lean"]


def native_lean() -> NativeEngine:
    """The native LEAN of this machine. Skips the test where there is none."""
    try:
        return NativeEngine.find()
    except EngineError as error:
        pytest.skip(f"no native LEAN: {error}")


def run_in_lean(
    algorithm: Path, folder: Path, data: Path, *, project: Path = ROOT, parameters: dict[str, str] | None = None
) -> str:
    """What LEAN wrote to its console; its object store is ``folder/store``. Skips the test where there is no LEAN."""
    engine = native_lean()
    (folder / "store").mkdir(exist_ok=True)
    configuration = lean_configuration(Settings(), data.resolve(), folder, folder / "store")
    configuration |= {"algorithm-location": str(algorithm), "algorithm-type-name": algorithm.stem}
    configuration["parameters"] = parameters or {}
    (folder / "lean-config.json").write_text(json.dumps(configuration))
    engine.launch(folder / "lean-config.json", folder / "console.txt", project)
    return (folder / "console.txt").read_text()


def kept_by(
    algorithm: Path, key: str, folder: Path, data: Path, parameters: dict[str, str] | None = None
) -> dict[str, Any]:
    """What the algorithm kept in LEAN's object store under ``key``, as JSON."""
    console = run_in_lean(algorithm, folder, data, parameters=parameters)
    written = folder / "store" / key
    assert written.is_file(), console[-3000:]
    content: dict[str, Any] = json.loads(written.read_text())
    return content
