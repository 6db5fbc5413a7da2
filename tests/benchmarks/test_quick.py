"""Every benchmark runs to its end: what it measures is another matter, and another machine's."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

EMBEDDED = (
    "backtest",
    "cold_start",
    "executive",
    "gate",
    "hedging",
    "journal",
    "pricing",
    "strategy",
    "transport",
    "volatility",
)
ENDS = (0, 1)
"""All goals met, or one missed, as on a machine that is busy."""


@pytest.mark.slow
@pytest.mark.parametrize("name", EMBEDDED)
def test_a_benchmark_ends_with_its_rows(name: str, lean_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEAN_DATA", str(lean_data))
    command = [sys.executable, "-m", f"benchmarks.{name}", "--quick", "--json"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=500)
    assert ended.returncode in ENDS, ended.stderr
    assert json.loads(ended.stdout)
    assert "Traceback" not in ended.stderr
