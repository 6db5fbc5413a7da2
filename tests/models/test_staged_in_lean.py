"""What ``alo cloud stage`` writes, in a real LEAN, as in the cloud: nothing else of ours, and no place for kernels.

And the wheel, as a line of ``requirements.txt`` installs it.
"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from alo_lib.cli.cloud.staging import PROGRAMS, stage
from alo_lib.cli.cloud.tiers import TIERS
from alo_lib.cli.distribution.alo_wheel import build_wheel
from alo_lib.cli.project import ROOT
from alo_lib.journal import JOURNAL_FOLDER, order_digest, orders_of, read_journal, take_from_object_store
from tests.models.lean_run import native_lean, run_in_lean

pytestmark = [pytest.mark.lean, pytest.mark.slow]  # kernels are compiled anew

AAPL = {"underlyings": "AAPL", "start": "2014-06-06", "end": "2014-06-09", "resolution": "hour"}
ORDERS = json.loads((ROOT / "tests" / "algorithm" / "expected_digests.json").read_text())["AAPL, through its split"]
"""What every engine sends on these days."""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to stage into, where files stand in place of the folders for kernels."""
    native_lean()
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "__pycache__").touch()
    (tmp_path / "cache").touch()
    for name in ("NUMBA_CACHE_DIR", "ALO_KERNELS", "ALO_KEEP_KERNELS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


def run_staged(what: str, tier: str, project: Path, data: Path, parameters: dict[str, str] | None = None) -> str:
    """LEAN's console, which must hold no error."""
    stage(PROGRAMS[what], TIERS[tier], project, keep_kernels=True)
    console = run_in_lean(project / "main.py", project.parent, data, project=project, parameters=parameters)
    require_no_error(console)
    assert {path.suffix for path in project.iterdir()} == {"", ".json", ".py"}
    return console


def require_no_error(console: str) -> None:
    """None of the program's; on a busy machine LEAN has its own in stopping its threads."""
    before_the_end = console.split("PythonInitializer.Shutdown(): start")[0]
    errors = [line for line in before_the_end.splitlines() if "ERROR::" in line and "StopSafely()" not in line]
    assert errors == [], console[-3000:]
    assert "Traceback" not in console


def volatilities(console: str) -> list[tuple[str, str]]:
    """By contract, as the example logs them."""
    return re.findall(r"Log: 2015-12-24 10:00:00 (\S+): volatility ([\d.]+) at", console)


def require_volatilities(console: str) -> None:
    """Some are logged, and they are none that nobody would pay."""
    told = volatilities(console)
    assert len(told) >= 10, console[-3000:]
    assert all(0.1 < float(volatility) < 0.5 for _, volatility in told)


KEPT = re.compile(r"alo kernels: (\d+) more are kept as alo-kernels-0 in the object store")


def test_greeks_within_the_free_tier_compile_once(project: Path, lean_data: Path) -> None:
    first, second = (run_staged("greeks", "free", project, lean_data) for _ in range(2))
    require_volatilities(first)
    assert volatilities(first) == volatilities(second)
    assert int(kept[1]) > 50 if (kept := KEPT.search(first)) else False, first[-3000:]
    assert "alo kernels: none are kept yet as alo-kernels-0" in first
    assert "alo kernels" not in second


def test_greeks_of_the_wheel(lean_data: Path, tmp_path: Path) -> None:
    native_lean()
    packages, project = tmp_path / "installed", tmp_path / "project"
    project.mkdir()
    shutil.copy(ROOT / "algorithm" / "chain_greeks.py", project / "main.py")
    wheel = tmp_path / build_wheel(str(tmp_path))
    install = ["-m", "pip", "install", "--no-deps", "--no-index", "--quiet", "--target", str(packages), str(wheel)]
    subprocess.run([sys.executable, *install], check=True)
    console = run_in_lean(project / "main.py", tmp_path, lean_data, project=packages)
    require_no_error(console)
    require_volatilities(console)


def test_the_strategy_within_the_researchers_tier_sends_the_orders_of_every_engine(
    project: Path, lean_data: Path, tmp_path: Path
) -> None:
    console = run_staged("strategy", "researcher", project, lean_data, AAPL)
    assert KEPT.search(console), console[-3000:]
    again = run_staged("strategy", "researcher", project, lean_data, AAPL)
    assert "alo kernels" not in again
    assert take_from_object_store(tmp_path / "store", tmp_path), again[-3000:]
    orders = orders_of(read_journal(tmp_path / JOURNAL_FOLDER).messages)
    assert order_digest(orders) == ORDERS["digest"]
