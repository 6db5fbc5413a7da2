"""The whole algorithms of docs/greeks.md, as they stand there, in a real LEAN."""

import re
from pathlib import Path

import pytest

from alo_lib.cli.project import ROOT
from tests.models.lean_run import native_lean, run_in_lean

pytestmark = [pytest.mark.lean, pytest.mark.slow]

_EXAMPLE = re.compile(r"^```python\n# (\w+\.py)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXAMPLES = dict(_EXAMPLE.findall((ROOT / "docs" / "greeks.md").read_text(encoding="utf-8")))
NUMBER = r"(-?\d[\d.]*)"


def console_of(name: str, folder: Path, data: Path) -> str:
    """What LEAN wrote, which must hold no error."""
    native_lean()
    (folder / name).write_text(EXAMPLES[name])
    console = run_in_lean(folder / name, folder, data)
    before_the_end = console.split("PythonInitializer.Shutdown(): start")[0]
    assert "Runtime Error" not in before_the_end, console[-3000:]
    assert "Traceback" not in before_the_end, console[-3000:]
    return console


def test_there_are_no_others() -> None:
    assert set(EXAMPLES) == {"contract_delta.py", "hedged_call.py", "volatility_rank.py", "notebook.py"}


def test_an_indicator_is_warmed_up_and_plotted(lean_data: Path, tmp_path: Path) -> None:
    console = console_of("contract_delta.py", tmp_path, lean_data)
    ((delta, volatility),) = re.findall(rf"warmed up: delta {NUMBER}, volatility {NUMBER}", console)
    assert 0.5 < float(delta) < 1.0
    assert 0.05 < float(volatility) < 0.6
    assert '"greeks"' in (tmp_path / "contract_delta.json").read_text()


def test_a_hedged_call_has_the_greeks_of_both_and_forwards_grow_with_the_expiry(
    lean_data: Path, tmp_path: Path
) -> None:
    console = console_of("hedged_call.py", tmp_path, lean_data)
    told = re.findall(rf"delta {NUMBER}, dollars of it {NUMBER}, theta a day {NUMBER}", console)
    assert len(told) >= 3
    for delta, dollars, theta in told:
        assert -100.0 < float(delta) < 100.0  # two hundred times the call's, less a hundred shares
        assert float(dollars) == pytest.approx(float(delta) * 750.0, rel=0.02)
        assert float(theta) < 0.0
    tables = re.findall(rf"^(2016-01-\d\d) +{NUMBER} +{NUMBER}", console, re.MULTILINE)
    assert tables
    assert all(float(forward) == pytest.approx(750.0, rel=0.01) for _, _, forward in tables)


def test_a_rank_is_read_from_the_universe_files(lean_data: Path, tmp_path: Path) -> None:
    console = console_of("volatility_rank.py", tmp_path, lean_data)
    ((rank, percentile, volatility),) = re.findall(rf"rank {NUMBER}, percentile {NUMBER}, volatility {NUMBER}", console)
    assert 0.0 <= float(rank) <= 100.0
    assert 0.0 <= float(percentile) <= 100.0
    assert 0.1 < float(volatility) < 0.5


def test_a_notebooks_cells_run_one_after_the_other(lean_data: Path, tmp_path: Path) -> None:
    """In an algorithm's process, which is not asked for anything else."""
    (tmp_path / "cells.py").write_text(EXAMPLES["notebook.py"])
    (tmp_path / "notebook.py").write_text(
        "from AlgorithmImports import *\n"
        "class Notebook(QCAlgorithm):\n"
        "    def initialize(self):\n"
        "        self.set_start_date(2015, 12, 25)\n"
        "        self.set_end_date(2015, 12, 25)\n"
        "        cells = {}\n"
        f"        exec(open({str(tmp_path / 'cells.py')!r}).read(), cells)\n"
        "        priced = cells['past'].delta.notna().sum()\n"
        "        self.log(f\"notebook: {len(cells['listed'])} {len(cells['near'])} {priced}\")\n"
    )
    console = run_in_lean(tmp_path / "notebook.py", tmp_path, lean_data)
    ((listed, near, priced),) = re.findall(rf"notebook: {NUMBER} {NUMBER} {NUMBER}", console)
    assert int(listed) > 1_000
    assert int(near) > 10
    assert int(priced) > 20 * int(near)
