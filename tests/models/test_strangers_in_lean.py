"""The price model as a stranger meets it, in a real LEAN: copied into an empty project."""

import re
import shutil
from pathlib import Path

import pytest

from alo_lib.cli.project import ROOT
from tests.models.lean_run import native_lean, run_in_lean

pytestmark = pytest.mark.lean

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project into which the library and the models were copied, and nothing else of this one."""
    native_lean()
    folder = tmp_path_factory.mktemp("project")
    for name in ("alo_lib", "models"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def run_copied(algorithm: Path, project: Path, folder: Path, data: Path) -> str:
    """LEAN's console, which must hold no error but its own at the end, on a busy machine, in stopping its threads."""
    shutil.copy(algorithm, project / "main.py")
    console = run_in_lean(project / "main.py", folder, data, project=project)
    before_the_end = console.split("PythonInitializer.Shutdown(): start")[0]
    assert not re.search(r"ERROR:: (?!StopSafely)", before_the_end), console[-3000:]
    assert "Traceback" not in console
    return console


@pytest.mark.slow  # the kernels are compiled anew in the copy
def test_the_example_runs_where_only_the_library_and_the_models_were_copied(
    project: Path, lean_data: Path, tmp_path: Path
) -> None:
    console = run_copied(ROOT / "algorithm" / "chain_greeks.py", project, tmp_path, lean_data)
    told = re.findall(r"Log: 2015-12-24 10:00:00 (\S+): volatility ([\d.]+) at", console)
    assert len(told) >= 10, console[-3000:]
    assert all(0.1 < float(volatility) < 0.5 for _, volatility in told)


@pytest.mark.slow
def test_contracts_picked_out_of_option_chain_and_added_alone_have_greeks(
    project: Path, lean_data: Path, tmp_path: Path
) -> None:
    console = run_copied(HERE / "stranger_algorithm.py", project, tmp_path, lean_data)
    ((delta, count),) = re.findall(r"chosen GOOG  160115P\d{8} (-[\d.]+) of (\d+)", console)
    assert float(delta) == pytest.approx(-0.25, abs=0.02)
    assert int(count) > 2000
    read, past = (re.findall(rf"{word} ([\d.]+) (-[\d.]+)", console) for word in ("read", "past"))
    assert len(read) == 4
    assert past == read
    assert all(float(delta) == pytest.approx(-0.25, abs=0.05) for _, delta in read)
    assert len(re.findall(r"of 1 at", console)) == 4  # no other contract is in the chain
