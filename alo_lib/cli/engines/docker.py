"""LEAN's own command line, which runs LEAN in a container."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from alo_lib.cli.engines.base import EngineRun, Progress
from alo_lib.cli.engines.lean_process import run_and_show, run_to_the_end
from alo_lib.cli.engines.parameters import read_object
from alo_lib.cli.failures import EngineError
from alo_lib.cli.project import ROOT
from alo_lib.market import DATA_MEASURED, DataFindings
from alo_lib.settings import Settings

__all__ = ["DockerEngine", "stage_project"]

_DEFAULT_IMAGE: Final = "quantconnect/lean:latest"
_ALGORITHM_ID: Final = "1000000000"
_ASK_SECONDS: Final = 20
_UNWRAPPED: Final = "10000"
"""Columns of the terminal that the lean command believes in, so that it breaks no line of LEAN's log."""
_CONTAINER: Final = {
    "environment": {"NUMBA_CACHE_DIR": "/alo-kernels"},
    "volumes": {"alo_kernels": {"bind": "/alo-kernels", "mode": "rw"}},
}
"""Compiled kernels are kept in a volume for the next container."""

_CODE: Final = ("algorithm", "models", "alo_lib")


@dataclass(frozen=True)
class DockerEngine:
    """The ``lean`` command, a Docker daemon that answers, and an image that is there already."""

    lean: Path
    image: str

    name = "docker"
    shows_progress = False
    goes_on = False

    @classmethod
    def find(cls, *, ask_daemon: bool) -> "DockerEngine":
        """Look for the commands and, ``ask_daemon``, for daemon and image. EngineError says what is missing.

        No daemon is started and no image is pulled.
        """
        lean, docker = shutil.which("lean"), shutil.which("docker")
        if lean is None:
            raise EngineError("there is no lean command on the PATH; install LEAN's command line (pip install lean)")
        if docker is None:
            raise EngineError("there is no docker command on the PATH; install Docker")
        image = _image()
        if ask_daemon:
            if not _answers([docker, "info", "--format", "{{.ServerVersion}}"]):
                raise EngineError("Docker's daemon does not answer; start it")
            if not _answers([docker, "image", "inspect", image]):
                raise EngineError(f"the image {image} is not on this machine; fetch it with: docker pull {image}")
        return cls(Path(lean), image)

    @property
    def place(self) -> str:
        """The command and the image."""
        return f"{self.lean} with the image {self.image}"

    def run(
        self, settings: Settings, data: Path, findings: DataFindings, folder: Path, progress: Progress
    ) -> EngineRun:
        """Run ``lean backtest .`` over a copy of the project that has these settings and this data folder."""
        from alo_lib.runtime.policy_file import named_in_store, put_in_store

        project, log = folder / "project", folder / "lean-console.txt"
        stage_project(project, named_in_store(settings), data.resolve(), self.image)
        put_in_store(settings, folder, project / "storage")
        results = project / "backtests" / "lean"
        command = [str(self.lean), "backtest", ".", "--no-update", "--output", str(results), "--image", self.image]
        command += ["--extra-config", "algorithm-id", _ALGORITHM_ID, "--extra-docker-config", json.dumps(_CONTAINER)]
        environment = os.environ | {"PYTHONPATH": "", "COLUMNS": _UNWRAPPED}
        outcome = run_to_the_end(
            lambda: run_and_show(command, folder=project, environment=environment, log=log),
            store=project / "storage",
            results=results / f"{_ALGORITHM_ID}.json",
            log=log,
            folder=folder,
            settings=settings,
            data=data,
            findings=findings,
        )
        for path in sorted(results.iterdir()):
            if path.is_file() and path.suffix in (".json", ".txt"):
                shutil.copyfile(path, folder / path.name)
        # Folders that the container made belong to its user; whatever cannot be removed does no harm.
        shutil.rmtree(project, ignore_errors=True)
        return outcome


def stage_project(project: Path, settings: Settings, data: Path, image: str) -> None:
    """Copy the project to where ``lean`` will mount it, with its own settings, data folder and empty object store.

    So the user's config.json and lean.json stay as they are, and nothing of an earlier run is in the object store.
    """
    project.mkdir()
    for name in _CODE:
        shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
        for folder in [project / name, *(path for path in (project / name).rglob("*") if path.is_dir())]:
            (folder / "__pycache__").mkdir()  # so that it is ours to remove, whoever writes into it
    for name in ("main.py", "requirements.txt"):
        shutil.copyfile(ROOT / name, project / name)
    (project / "storage").mkdir()
    config = read_object(ROOT / "config.json")
    config["parameters"] = settings.as_parameters()
    lean = read_object(ROOT / "lean.json") | {"data-folder": str(data), DATA_MEASURED: True}
    (project / "config.json").write_text(json.dumps(config, indent=2))
    (project / "lean.json").write_text(json.dumps(lean, indent=2))


def _image() -> str:
    """The image that the lean command would take: the project's, the user's, or LEAN's own."""
    for path in (ROOT / "config.json", Path.home() / ".lean" / "config"):
        if path.is_file() and (image := read_object(path).get("engine-image")):
            return str(image)
    return _DEFAULT_IMAGE


def _answers(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=_ASK_SECONDS, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False
