"""LEAN on this machine, without Docker."""

import ctypes.util
import json
import os
import platform
import shutil
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from alo_lib.cli.engines.base import EngineRun, Progress
from alo_lib.cli.engines.lean_process import LeanOutput, run_and_show, run_to_the_end
from alo_lib.cli.engines.parameters import ALGORITHM, read_object
from alo_lib.cli.failures import EngineError
from alo_lib.cli.project import ROOT
from alo_lib.market import DATA_MEASURED, DataFindings
from alo_lib.settings import Settings

__all__ = ["NativeEngine", "find_dotnet", "find_lean", "find_libpython", "lean_configuration"]

LAUNCHER: Final = "QuantConnect.Lean.Launcher.dll"
USUAL_PLACES: Final = (Path("/Lean/Launcher/bin/Debug"), Path("/Lean/Launcher/bin/Release"))
_UNLOADS_PYTHON: Final = "PythonInitializer.Shutdown(): start"
"""What LEAN says when all is written and closed; forty full collections of Python's and .NET's garbage follow."""
_DOTNET_PLACES: Final = (
    "/usr/share/dotnet",
    "/usr/lib/dotnet",
    "/usr/local/share/dotnet",
    "/usr/lib64/dotnet",
    "/opt/dotnet",
    "~/.dotnet",
)


@dataclass(frozen=True)
class NativeEngine:
    """A LEAN that was built on this machine, with the .NET and the Python it runs on."""

    lean: Path
    dotnet: Path
    libpython: Path

    name = "native"
    shows_progress = False
    goes_on = False

    @classmethod
    def find(cls) -> "NativeEngine":
        """Look for LEAN, .NET and Python's library. EngineError says which is missing and where it was looked for."""
        return cls(find_lean(), find_dotnet(), find_libpython())

    @property
    def place(self) -> str:
        """The engine's folder."""
        return f"LEAN in {self.lean}"

    def run(
        self, settings: Settings, data: Path, findings: DataFindings, folder: Path, progress: Progress
    ) -> EngineRun:
        """Run LEAN over the project; its log goes to standard error."""
        from alo_lib.runtime.policy_file import named_in_store, put_in_store

        store = folder / "object-store"
        store.mkdir()
        configuration = folder / "lean-config.json"
        put_in_store(settings, folder, store)
        content = lean_configuration(named_in_store(settings), data.resolve(), folder, store)
        content |= {DATA_MEASURED: True}
        configuration.write_text(json.dumps(content, indent=2) + "\n")
        log = folder / "lean-console.txt"
        outcome = run_to_the_end(
            lambda: self.launch(configuration, log),
            store=store,
            results=folder / f"{ALGORITHM}.json",
            log=log,
            folder=folder,
            settings=settings,
            data=data,
            findings=findings,
        )
        shutil.rmtree(store)
        return outcome

    def launch(self, configuration: Path, log: Path, project: Path | None = None) -> LeanOutput:
        """Run LEAN with a configuration file until it has written all there is; ``project`` is importable as well.

        Its output goes to standard error and to ``log``.
        """
        return run_and_show(
            [str(self.dotnet), LAUNCHER, "--config", str(configuration)],
            folder=self.lean,
            environment=self.environment(project),
            log=log,
            done=_UNLOADS_PYTHON,
        )

    def environment(self, project: Path | None = None) -> dict[str, str]:
        """Environment variables that LEAN is started with."""
        importable = [self.lean] if project is None else [self.lean, project]  # AlgorithmImports.py lies in LEAN's
        # .NET measures code to optimize it again, which costs a run of minutes more than it gives.
        given = {"DOTNET_TieredPGO": "0"} | os.environ
        return given | {
            "DOTNET_ROOT": str(self.dotnet.parent),
            "DOTNET_CLI_TELEMETRY_OPTOUT": "1",
            "DOTNET_NOLOGO": "1",
            "PYTHONNET_PYDLL": str(self.libpython),
            "PYTHONPATH": os.pathsep.join(map(str, importable)),
            # The library looks for its packages beside the first python on the PATH, which may be of a foreign venv.
            "PATH": os.pathsep.join((str(Path(sys.base_prefix) / "bin"), os.environ.get("PATH", os.defpath))),
        }


def find_lean() -> Path:
    """The folder of LEAN's launcher: LEAN_HOME when it is set, else the usual places."""
    home = os.environ.get("LEAN_HOME")
    if home:
        if (Path(home).expanduser() / LAUNCHER).is_file():
            return Path(home).expanduser().resolve()
        raise EngineError(f"LEAN_HOME is {home}, which holds no {LAUNCHER}; it must name the folder of LEAN's launcher")
    for place in USUAL_PLACES:
        if (place / LAUNCHER).is_file():
            return place
    looked = " and ".join(map(str, USUAL_PLACES))
    raise EngineError(f"no LEAN was found: LEAN_HOME is not set, and {looked} hold no {LAUNCHER}")


def find_dotnet() -> Path:
    """The dotnet command: of DOTNET_ROOT when it is set, else on the PATH, where .NET was installed, or usually is."""
    if root := os.environ.get("DOTNET_ROOT"):
        if dotnet := _dotnet_in(Path(root)):
            return dotnet
        raise EngineError(f"DOTNET_ROOT is {root}, which holds no dotnet command; it must name .NET's folder")
    for folder in _dotnet_folders():
        if dotnet := _dotnet_in(folder):
            return dotnet
    raise EngineError("LEAN needs .NET and no dotnet command was found; install it, or set DOTNET_ROOT to its folder")


def _dotnet_in(folder: Path) -> Path | None:
    dotnet = folder.expanduser() / "dotnet"
    return dotnet.resolve() if dotnet.is_file() and os.access(dotnet, os.X_OK) else None


def _dotnet_folders() -> Iterator[Path]:
    if command := shutil.which("dotnet"):
        yield Path(command).resolve().parent
    for name in (f"install_location_{platform.machine()}", "install_location"):
        note = Path("/etc/dotnet") / name
        if note.is_file():
            yield Path(note.read_text().strip())
    yield from map(Path, _DOTNET_PLACES)


def find_libpython() -> Path:
    """The shared library of the Python that runs this, which LEAN loads.

    PYTHONNET_PYDLL when it is set, but for a library of another Python: it may be set for other programs of pythonnet,
    and LEAN has to load the Python that has this project's packages. EngineError where it names no file.
    """
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    stem = f"libpython{version}"
    given = os.environ.get("PYTHONNET_PYDLL")
    if given and not Path(given).is_file():
        raise EngineError(f"PYTHONNET_PYDLL is {given}, which is no file; it must name Python's shared library")
    if given and stem in Path(given).name:
        return Path(given)
    for folder in _library_folders():
        for name in (f"{stem}.so", f"{stem}.so.1.0"):
            if (folder / name).is_file():
                return folder / name
    if found := ctypes.util.find_library(f"python{version}"):
        return Path(found)
    raise EngineError(
        f"LEAN needs the shared library of Python {version} and none was found; install it (on Debian: apt install "
        f"{stem}), or set PYTHONNET_PYDLL to its path"
    )


def _library_folders() -> Iterator[Path]:
    for variable in ("LIBDIR", "LIBPL"):
        if folder := sysconfig.get_config_var(variable):
            yield Path(folder)
    yield Path(sys.base_prefix) / "lib"
    multiarch = sysconfig.get_config_var("MULTIARCH")
    for parent in ("/usr/lib", "/usr/local/lib", "/usr/lib64"):
        if multiarch:
            yield Path(parent) / multiarch
        yield Path(parent)


def lean_configuration(settings: Settings, data: Path, results: Path, store: Path) -> dict[str, Any]:
    """LEAN's configuration for a backtest of this project: lean.json, and what LEAN's command line would add to it."""
    return read_object(ROOT / "lean.json") | {
        "environment": "backtesting",
        "algorithm-type-name": ALGORITHM,
        "algorithm-language": "Python",
        "algorithm-location": str(ROOT / f"{ALGORITHM}.py"),
        "parameters": settings.as_parameters(),
        "data-folder": f"{data}/",
        "results-destination-folder": str(results),
        "object-store-root": str(store),
        "python-venv": sys.prefix,
        "close-automatically": True,
        "debugging": False,
        "job-user-id": "0",
        "api-access-token": "",
        "job-organization-id": "",
    }
