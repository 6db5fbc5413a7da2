"""Every benchmark runs to its end: what it measures is another matter, and another machine's."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from alo_lib.cli.commands.benchmark import benchmarks
from alo_lib.cli.project import ROOT
from alo_lib.runtime.policy_file import save_policy
from alo_lib.strategy.hedging_policy import HedgingPolicy

EMBEDDED = (
    "backtest",
    "cold_start",
    "executive",
    "frame",
    "gate",
    "hedging",
    "journal",
    "policy",
    "pricing",
    "scale",
    "strategy",
    "sweep",
    "telemetry",
    "transport",
    "volatility",
)
ELSEWHERE = {
    "actor_critic": "needs the packages of training",
    "lean_algorithms": "needs a native LEAN",
    "lean_greeks": "needs a native LEAN",
    "learning": "has a test of its own here",
    "mutants": "has tests of its own",
    "scrape": "needs the packages of the monitor",
}
"""Benchmarks that the test of all does not run, and why."""
ENDS = (0, 1)
"""All goals met, or one missed, as on a machine that is busy."""


def test_each_benchmark_is_run_or_told_why_not() -> None:
    assert sorted([*EMBEDDED, *ELSEWHERE]) == sorted(benchmarks(ROOT / "benchmarks"))


@pytest.mark.slow
def test_the_verdict_on_policies_ends_with_its_rows(tmp_path: Path) -> None:
    save_policy(HedgingPolicy.zero(1_500.0), tmp_path / "policy.json")
    command = [sys.executable, "-m", "benchmarks.learning", str(tmp_path / "policy.json"), "--quick", "--paths", "300"]
    ended = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False, timeout=500)
    assert ended.returncode in ENDS, ended.stderr
    rows = {row["what"]: row for row in json.loads(ended.stdout)}
    assert rows["Heston, short straddle, 5 bp: better than the tuned rules"]["holds"] is False  # it is such a rule
    assert rows["a decision"]["value"] > 0.0


@pytest.mark.slow
@pytest.mark.parametrize("name", EMBEDDED)
def test_a_benchmark_ends_with_its_rows(name: str, lean_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEAN_DATA", str(lean_data))
    monkeypatch.delenv("PYTHONPATH", raising=False)  # as documents say it, in the project's folder
    command = [sys.executable, "-m", f"benchmarks.{name}", "--quick", "--json"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=500, cwd=ROOT)
    assert ended.returncode in ENDS, ended.stderr
    assert json.loads(ended.stdout)
    assert "Traceback" not in ended.stderr
