"""Grafana's dashboard: what its script writes, expressions that parse, and that give data on a real Prometheus.

No Grafana server draws it here.
"""

import json
import re
import subprocess
from pathlib import Path

import pytest

from alo_lib.cli.project import ROOT
from alo_lib.deployment.alerts import recordings
from tests.deployment.test_alerting import asked, until, watched
from tests.deployment.tools import checked, tool

__all__ = ["watched"]

FOLDER = ROOT / "deploy" / "grafana"
PANELS = json.loads((FOLDER / "alo-dashboard.json").read_text(encoding="utf-8"))["panels"]
EXPRESSIONS = [target["expr"].replace("$instance", ".*") for panel in PANELS for target in panel.get("targets", [])]
LATENCIES = ("frame", "release_lateness", "data_to_decision", "decision_to_order", "order_to_fill", "fsync")
HISTOGRAMS = ("frame", "release_lateness", "data_to_decision", "decision_to_order", "order_to_fill", "fsync")


def python_with(module: str) -> str:
    """A Python that has a module: that of the linters, whose folder ALO_TOOLS names. Skips without."""
    beside = Path(tool("yamllint")).resolve().parent / "python"
    python = str(beside) if beside.exists() else Path(tool("yamllint")).read_text().splitlines()[0].removeprefix("#!")
    if subprocess.run([python, "-c", f"import {module}"], capture_output=True, check=False).returncode:
        pytest.skip(f"{python} has no {module}")
    return python


def test_the_script_writes_what_lies_in_the_tree():
    python = python_with("grafana_foundation_sdk")
    source = (FOLDER / "dashboards.py").read_text(encoding="utf-8")
    prints = source.replace('(HERE / "alo-dashboard.json").write_text(', "print(").replace(
        ', encoding="utf-8")', ', end="")'
    )
    run = subprocess.run(
        [python, "-c", f"__file__ = {str(FOLDER / 'x')!r}\n{prints}"], capture_output=True, text=True, check=True
    )
    assert run.stdout == (FOLDER / "alo-dashboard.json").read_text(encoding="utf-8")


def test_every_expression_is_promql():
    code = "import json, sys, promql_parser; [promql_parser.parse(each) for each in json.load(sys.stdin)]"
    python = python_with("promql_parser")
    run = subprocess.run(
        [python, "-c", code], input=json.dumps(EXPRESSIONS), capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    broken = subprocess.run([python, "-c", code], input='["sum("]', capture_output=True, text=True, check=False)
    assert broken.returncode != 0


def test_panels_have_titles_of_their_own_and_something_to_draw():
    drawn = [panel for panel in PANELS if panel["type"] != "row"]
    assert len({panel["title"] for panel in drawn}) == len(drawn) > 20
    assert all(panel["targets"] and panel["fieldConfig"]["defaults"]["unit"] for panel in drawn)


def test_recorded_series_are_recorded():
    recorded = {rule["record"] for rule in recordings()["groups"][0]["rules"]}
    named = {name for text in EXPRESSIONS for name in re.findall(r"alo:[\w:]+", text)}
    assert named
    assert named - recorded == set()


def test_yamllint_finds_no_fault_with_the_provisioning():
    checked("yamllint", "--strict", FOLDER / "provisioning")


def exposition(step: int) -> str:
    """What a monitor would serve, with counts that grow by the step."""
    lines = [
        *("alo_up 1", 'alo_phase{phase="running"} 1', 'alo_halted{cause="operator"} 0', "alo_equity 1e6"),
        *("alo_trades_open 2", "alo_data_age_seconds 1", "alo_broker_connected 1", "alo_journal_lag_messages 3"),
        *('alo_ring_waiting_slots{ring="input"} 4', 'alo_ring_capacity_slots{ring="input"} 100'),
        *("alo_disk_free_bytes 50", "alo_disk_size_bytes 100", "alo_process_resident_bytes 1e9"),
        *('alo_orders{status="filled"} 5', 'alo_profit{part="edge"} 6', 'alo_task_budget_seconds{task="value"} 0.005'),
        'alo_limit_used_ratio{limit="max-vega",underlying="book",days="all"} 0.5',
        *(f'alo_greek{{underlying="GOOG",greek="{greek}"}} 7' for greek in ("delta", "gamma", "vega", "theta")),
        *(
            f'alo_latency_quantile_seconds{{what="{what}",quantile="{quantile}"}} 0.001'
            for what in LATENCIES
            for quantile in ("0", "0.5", "0.95", "0.99", "0.999", "1")
        ),
        f"alo_frames_missed_total {step}",
        f'alo_overruns_total{{task="value",cause="work"}} {step}',
        f'alo_messages_total{{kind="quote"}} {step}',
        f'alo_process_cpu_seconds_total{{mode="user"}} {step}',
        f'alo_process_context_switches_total{{kind="voluntary"}} {step}',
        f'alo_process_page_faults_total{{kind="minor"}} {step}',
    ]
    for name in (*HISTOGRAMS, "task"):
        label = 'task="value",' if name == "task" else ""
        lines += [f'alo_{name}_seconds_bucket{{{label}le="{bound}"}} {step}' for bound in ("0.001", "+Inf")]
    return "\n".join(lines) + "\n"


@pytest.mark.slow
def test_every_expression_gives_data(watched):
    monitor, _, get = watched
    step, missing = 0, set(EXPRESSIONS)

    def all_asked() -> bool:
        nonlocal step, missing
        step += 1
        monitor.text = exposition(step)
        missing = {each for each in missing if not asked(get, each)}
        return not missing

    until("data of every expression", all_asked)
