"""Each alert on made-up series: it fires where it should, is silent where it should be, and has its paragraph."""

import json
import re
from typing import NamedTuple

import pytest

from alo_lib.cli.project import ROOT
from alo_lib.deployment import render
from alo_lib.deployment.alerts import alerts, recordings
from alo_lib.deployment.yaml_text import yaml_text
from alo_lib.settings.operation import OperationSettings
from tests.deployment.tools import checked

RULES = alerts(OperationSettings())["groups"][0]["rules"]
NAMES = [rule["alert"] for rule in RULES]
ON = 'instance="a:1"'


class Case(NamedTuple):
    """Series of 5 s, by name and labels; and of which alert, with which labels, is told at a time."""

    alert: str
    series: dict[str, str]
    at: str
    fires: dict[str, str] | None  # labels beside instance, severity; None: it is silent


def histogram(name, labels, fast, slow):
    """Series of a histogram with two bounds, 1 ms and 100 ms, into which so many fall each 5 s."""
    return {
        f'{name}_bucket{{{ON},{labels}le="0.001"}}': f"0+{fast}x120",
        f'{name}_bucket{{{ON},{labels}le="0.1"}}': f"0+{fast + slow}x120",
        f'{name}_bucket{{{ON},{labels}le="+Inf"}}': f"0+{fast + slow}x120",
    }


TASK = 'task="value",'
BUDGET = {f'alo_task_budget_seconds{{{ON},task="value"}}': "0.005x120"}
CASES = (
    Case("AloMonitorGone", {f'up{{{ON},job="alo"}}': "1 1 0x120"}, "1m", {"job": "alo"}),
    Case("AloMonitorGone", {f'up{{{ON},job="alo"}}': "1 1 0 0 1x120"}, "1m", None),
    Case("AloMonitorGone", {f'up{{{ON},job="other"}}': "0x120"}, "1m", None),
    Case("AloCoreGone", {f'alo_phase{{{ON},phase="killed"}}': "0 0 1x120"}, "30s", {}),
    Case("AloCoreGone", {f'alo_phase{{{ON},phase="stopped"}}': "1x120"}, "30s", {}),
    Case("AloCoreGone", {f'alo_phase{{{ON},phase="starting"}}': "1x120"}, "30s", None),
    Case("AloCoreBackAgain", {f"alo_start_time_seconds{{{ON}}}": "100 100 _ _ 200x120"}, "30s", {}),
    Case("AloCoreBackAgain", {f"alo_start_time_seconds{{{ON}}}": "100 _ _ 100x120"}, "30s", None),
    Case("AloCoreBackAgain", {f"alo_start_time_seconds{{{ON}}}": "100 200x240"}, "12m", None),
    Case("AloCoreLate", {f"alo_up{{{ON}}}": "0x120", f'alo_phase{{{ON},phase="running"}}': "1x120"}, "30s", {}),
    Case("AloCoreLate", {f"alo_up{{{ON}}}": "0x120", f'alo_phase{{{ON},phase="running"}}': "0x120"}, "30s", None),
    Case("AloStandbyMissing", {f"alo_standby_up{{{ON}}}": "1 0x120"}, "2m", {}),
    Case("AloStandbyMissing", {f"alo_standby_up{{{ON}}}": "1x120"}, "2m", {}),  # it cannot follow
    Case("AloStandbyMissing", {f"alo_standby_up{{{ON}}}": "1 0 0 1x120", f"alo_standby_lag_messages{{{ON}}}": "0x120"},
         "2m", None),
    Case("AloStandbyMissing", {f"alo_up{{{ON}}}": "1x120"}, "2m", None),  # nobody wants one
    Case("AloFramesMissed", {f"alo_frames_missed_total{{{ON}}}": "0+5x120"}, "5m", {}),
    Case("AloFramesMissed", {f"alo_frames_missed_total{{{ON}}}": "0 1x120"}, "5m", None),
    Case("AloTaskOverBudget", histogram("alo_task_seconds", TASK, 95, 5) | BUDGET, "9m", {"task": "value"}),
    Case("AloTaskOverBudget", histogram("alo_task_seconds", TASK, 100, 0) | BUDGET, "9m", None),
    Case("AloDurableLag", {f"alo_journal_lag_messages{{{ON}}}": "0 1001x120"}, "30s", {}),
    Case("AloDurableLag", {f"alo_journal_lag_messages{{{ON}}}": "1000x120"}, "30s", None),
    Case("AloDisconnected", {f"alo_broker_connected{{{ON}}}": "1 0x120"}, "1m", {}),
    Case("AloDisconnected", {f"alo_broker_connected{{{ON}}}": "1 0 0 1x120"}, "1m", None),
    Case("AloHalted", {f'alo_halted{{{ON},cause="daily_loss"}}': "0 1x120"}, "10s", {"cause": "daily_loss"}),
    Case("AloHalted", {f'alo_halted{{{ON},cause="daily_loss"}}': "0x120"}, "10s", None),
    Case("AloDrawdown", {f'alo_limit_used_ratio{{{ON},limit="max-drawdown"}}': "0.81x120"}, "30s",
         {"limit": "max-drawdown"}),
    Case("AloDrawdown", {f'alo_limit_used_ratio{{{ON},limit="max-drawdown"}}': "0.8x120"}, "30s", None),
    Case("AloLimitNearlyUsed", {f'alo_limit_used_ratio{{{ON},limit="max-vega"}}': "0.91x120"}, "2m",
         {"limit": "max-vega"}),
    Case("AloLimitNearlyUsed", {f'alo_limit_used_ratio{{{ON},limit="max-vega"}}': "0.9x120"}, "2m", None),
    Case("AloLimitNearlyUsed", {f'alo_limit_used_ratio{{{ON},limit="max-drawdown"}}': "0.95x120"}, "2m", None),
    Case("AloDataStale", {f"alo_data_age_seconds{{{ON}}}": "181+5x120", f"alo_session_open{{{ON}}}": "1x120"}, "1m",
         {}),
    Case("AloDataStale", {f"alo_data_age_seconds{{{ON}}}": "181+5x120", f"alo_session_open{{{ON}}}": "0x120"}, "1m",
         None),
    Case("AloDataStale", {f"alo_data_age_seconds{{{ON}}}": "60x120", f"alo_session_open{{{ON}}}": "1x120"}, "1m", None),
    Case("AloDiskFilling", {f"alo_disk_free_bytes{{{ON}}}": "9x200", f"alo_disk_size_bytes{{{ON}}}": "100x200"}, "10m",
         {}),
    Case("AloDiskFilling", {f"alo_disk_free_bytes{{{ON}}}": "90-0.1x200", f"alo_disk_size_bytes{{{ON}}}": "100x200"},
         "10m", {}),
    Case("AloDiskFilling", {f"alo_disk_free_bytes{{{ON}}}": "90x200", f"alo_disk_size_bytes{{{ON}}}": "100x200"}, "10m",
         None),
    Case("AloRingFilling", {f'alo_ring_waiting_slots{{{ON},ring="input"}}': "51x120",
                            f'alo_ring_capacity_slots{{{ON},ring="input"}}': "100x120"}, "1m", {"ring": "input"}),
    Case("AloRingFilling", {f'alo_ring_waiting_slots{{{ON},ring="input"}}': "50x120",
                            f'alo_ring_capacity_slots{{{ON},ring="input"}}': "100x120"}, "1m", None),
    Case("AloAnswersUndelivered", {f"alo_undelivered_total{{{ON}}}": "0 0 1x120"}, "1m", {}),
    Case("AloAnswersUndelivered", {f"alo_undelivered_total{{{ON}}}": "7x120"}, "1m", None),
)  # fmt: skip


def as_test(case):
    rule = next(rule for rule in RULES if rule["alert"] == case.alert)
    labels = {"instance": "a:1", "severity": rule["labels"]["severity"], **(case.fires or {})}
    expected = [{"exp_labels": labels}] if case.fires is not None else []
    return {
        "interval": "5s",
        "input_series": [{"series": name, "values": values} for name, values in case.series.items()],
        "alert_rule_test": [{"eval_time": case.at, "alertname": case.alert, "exp_alerts": expected}],
    }


def without_annotations(folder):
    """Rules as they are rendered but for what people read, which promtool would compare word by word."""
    rules = alerts(OperationSettings())
    for rule in rules["groups"][0]["rules"]:
        del rule["annotations"]
    (folder / "alerts.yml").write_text(yaml_text(rules))
    (folder / "recordings.yml").write_text(yaml_text(recordings()))


def test_every_alert_fires_and_is_silent_where_it_should(tmp_path):
    without_annotations(tmp_path)
    content = {
        "rule_files": ["recordings.yml", "alerts.yml"],
        "evaluation_interval": "5s",
        "tests": [as_test(case) for case in CASES],
    }
    (tmp_path / "tests.yml").write_text(yaml_text(content))
    checked("promtool", "test", "rules", "tests.yml", folder=tmp_path)


def test_every_alert_has_a_case_of_either_kind():
    assert {case.alert for case in CASES if case.fires is not None} == set(NAMES)
    assert {case.alert for case in CASES if case.fires is None} == set(NAMES)


@pytest.mark.parametrize("other", [{}, {"monitor": {"listen": "[::1]:9500"}, "alerts": {"lag": 5, "drawdown": 0.5}}])
def test_prometheus_and_alertmanager_take_their_files(tmp_path, other):
    for name, text in render("prometheus", {}, OperationSettings.of(other, "x")).items():
        (tmp_path / name).write_text(text)
    checked("promtool", "check", "config", tmp_path / "prometheus.yml")
    checked("amtool", "check-config", tmp_path / "alertmanager.yml")


def test_every_alert_has_a_paragraph_of_what_to_do():
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^### (Alo\w+)\n\n(.+?)(?=\n#|\Z)", text, re.MULTILINE | re.DOTALL))
    assert set(told) == set(NAMES)
    for rule in RULES:
        assert rule["annotations"]["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"
        assert "What to do: " in " ".join(told[rule["alert"]].split())


def test_every_metric_that_is_asked_for_is_documented():
    """By the document of what a monitor serves."""
    document = ROOT / "docs" / "telemetry.md"
    if not document.is_file():
        pytest.skip("docs/telemetry.md, which names the metrics, is not there yet")
    named = set(re.findall(r"`(alo_\w+)`", document.read_text(encoding="utf-8")))
    texts = [rule["expr"] for rule in RULES] + [rule["expr"] for rule in recordings()["groups"][0]["rules"]]
    dashboard = json.loads((ROOT / "deploy" / "grafana" / "alo-dashboard.json").read_text(encoding="utf-8"))
    texts += [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    asked = {re.sub(r"_bucket$", "", name) for text in texts for name in re.findall(r"(?<!:)\balo_\w+", text)}
    assert asked
    assert asked - named == set()
