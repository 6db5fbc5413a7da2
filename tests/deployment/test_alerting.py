"""A real Prometheus and a real Alertmanager, with the files that are rendered: what fires reaches a webhook."""

import json
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from contextlib import ExitStack, contextmanager

import pytest

from alo_lib.deployment import render
from alo_lib.deployment.alerts import alerts, recordings
from alo_lib.settings.operation import OperationSettings
from tests.deployment.exposition import served
from tests.deployment.tools import tool

pytestmark = pytest.mark.slow
PATIENCE = 90.0

WELL = """alo_up 1
alo_phase{phase="running"} 1
alo_phase{phase="killed"} 0
alo_session_open 1
alo_data_age_seconds 3
alo_broker_connected 1
alo_journal_lag_messages 2
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running(*command):
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def until(what, condition):
    end = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < end, f"{what}: not seen in {PATIENCE:g} s"
        time.sleep(0.2)
    return found


@pytest.fixture
def watched(tmp_path):
    """Prometheus and Alertmanager over a monitor and a webhook made by hand; and what asks Prometheus."""
    prometheus, alertmanager, ports = (
        tool("prometheus"),
        tool("alertmanager", "prometheus-alertmanager"),
        (free_port(), free_port()),
    )
    with ExitStack() as stack:
        monitor, hook = stack.enter_context(served()), stack.enter_context(served())
        monitor.text = WELL
        settings = OperationSettings.of(
            {
                "monitor": {"listen": f"127.0.0.1:{monitor.port}"},
                "alerts": {
                    "prometheus": f"127.0.0.1:{ports[0]}",
                    "alertmanager": f"127.0.0.1:{ports[1]}",
                    "webhook": f"http://127.0.0.1:{hook.port}/",
                },
            },
            "test",
        )
        for name, text in render("prometheus", {}, settings).items():
            (tmp_path / name).write_text(text.replace("5s", "1s").replace("4s", "1s"))  # a test waits less
        stack.enter_context(
            running(
                alertmanager,
                f"--config.file={tmp_path / 'alertmanager.yml'}",
                f"--storage.path={tmp_path / 'alerts'}",
                f"--web.listen-address=127.0.0.1:{ports[1]}",
                "--cluster.listen-address=",
            )
        )
        stack.enter_context(
            running(
                prometheus,
                f"--config.file={tmp_path / 'prometheus.yml'}",
                f"--storage.tsdb.path={tmp_path / 'series'}",
                f"--web.listen-address=127.0.0.1:{ports[0]}",
            )
        )

        def get(path):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{ports[0]}/api/v1/{path}", timeout=5) as answer:
                    return json.load(answer)["data"]
            except OSError:  # it is not up yet
                return {}

        yield monitor, hook, get


def asked(get, expression):
    return get(f"query?{urllib.parse.urlencode({'query': expression})}").get("result", [])


def told(hook):
    return [(alert["labels"]["alertname"], alert["status"]) for notice in hook.posted for alert in notice["alerts"]]


def test_what_fires_reaches_a_webhook_and_so_does_its_end(watched):
    monitor, hook, get = watched
    until("the monitor is scraped", lambda: asked(get, "alo_up == 1"))
    assert asked(get, "ALERTS") == []
    monitor.text = WELL.replace('"running"} 1', '"running"} 0').replace('"killed"} 0', '"killed"} 1')
    until("the killed core is told", lambda: ("AloCoreGone", "firing") in told(hook))
    (alert,) = [alert for notice in hook.posted for alert in notice["alerts"]]
    assert alert["annotations"]["summary"] == f"the core does not run on 127.0.0.1:{monitor.port}"
    assert alert["annotations"]["runbook"] == "docs/operations.md#alocoregone"
    assert alert["labels"]["severity"] == "page"
    monitor.text = WELL
    until("its end is seen", lambda: not asked(get, 'ALERTS{alertname="AloCoreGone"}'))


def test_prometheus_evaluates_every_rule(watched):
    _, _, get = watched
    expected = {name for group in (recordings(), alerts(OperationSettings())) for name in names(group)}

    def evaluated():
        rules = [rule for group in get("rules").get("groups", []) for rule in group["rules"]]
        healths = {rule["name"]: (rule["health"], rule.get("lastError", "")) for rule in rules}
        return healths if healths and ("unknown", "") not in healths.values() else None

    assert until("all rules are evaluated", evaluated) == dict.fromkeys(expected, ("ok", ""))


def names(groups):
    return [rule.get("record") or rule["alert"] for group in groups["groups"] for rule in group["rules"]]
