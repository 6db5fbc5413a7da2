"""What Prometheus asks a monitor, which rates it keeps, and when somebody is told.

The metrics are those of the monitor's ``/metrics``; each alert has a paragraph of its name in docs/operations.md.
"""

from typing import Any, Final, NamedTuple

from alo_lib.settings.operation import AlertOptions, OperationSettings

__all__ = ["ALERTMANAGER_WAITS", "Alert", "alertmanager", "alerts", "recordings", "scrape"]

_JOB: Final = "alo"
_HERE: Final = "on {{ $labels.instance }}"
ALERTMANAGER_WAITS: Final = {"group_wait": "5s", "group_interval": "30s", "repeat_interval": "1h"}


class Alert(NamedTuple):
    """A condition that somebody is told of once it has held for some time."""

    name: str
    expression: str
    held_for: str
    severity: str  # page: at once, whatever the hour; ticket: within the day
    summary: str

    def rule(self) -> dict[str, Any]:
        """As Prometheus has it."""
        return {
            "alert": self.name,
            "expr": self.expression,
            "for": self.held_for,
            "labels": {"severity": self.severity},
            "annotations": {"summary": self.summary, "runbook": f"docs/operations.md#{self.name.lower()}"},
        }


def recordings() -> dict[str, Any]:
    """The group of rates and quantiles that alerts and dashboards share."""

    def quantile(metric: str, *labels: str) -> str:
        by = ", ".join(("instance", *labels, "le"))
        return f"histogram_quantile(0.99, sum by ({by}) (rate({metric}_bucket[5m])))"

    rules = {
        "alo:frame_seconds:p99": quantile("alo_frame_seconds"),
        "alo:task_seconds:p99": quantile("alo_task_seconds", "task"),
        "alo:release_lateness_seconds:p99": quantile("alo_release_lateness_seconds"),
        "alo:data_to_decision_seconds:p99": quantile("alo_data_to_decision_seconds"),
        "alo:decision_to_order_seconds:p99": quantile("alo_decision_to_order_seconds"),
        "alo:order_to_fill_seconds:p99": quantile("alo_order_to_fill_seconds"),
        "alo:fsync_seconds:p99": quantile("alo_fsync_seconds"),
        "alo:frames_missed:rate5m": "sum by (instance) (rate(alo_frames_missed_total[5m]))",
        "alo:overruns:rate5m": "sum by (instance, task) (rate(alo_overruns_total[5m]))",
        "alo:messages:rate5m": "sum by (instance, kind) (rate(alo_messages_total[5m]))",
        "alo:process_cpu:rate5m": "sum by (instance) (rate(alo_process_cpu_seconds_total[5m]))",
        "alo:ring_used:ratio": "alo_ring_waiting_slots / alo_ring_capacity_slots",
        "alo:disk_free:ratio": "alo_disk_free_bytes / alo_disk_size_bytes",
    }
    return _group("alo-recordings", [{"record": name, "expr": text} for name, text in rules.items()])


def alerts(settings: OperationSettings) -> dict[str, Any]:
    """The group of alerts."""
    of = settings.alerts
    return _group("alo-alerts", [each.rule() for each in (*_of_the_process(), *_of_the_journal(of), *_of_the_book(of))])


def _of_the_process() -> tuple[Alert, ...]:
    """Whether it lives, and in time."""
    return (
        Alert("AloMonitorGone", f'up{{job="{_JOB}"}} == 0', "30s", "page", f"nothing tells how the core is, {_HERE}"),
        Alert(
            "AloCoreGone",
            'sum by (instance) (alo_phase{phase=~"killed|failed|stopped"}) > 0',
            "5s",
            "page",
            f"the core does not run {_HERE}",
        ),
        Alert(
            "AloCoreBackAgain",
            "changes(alo_start_time_seconds[10m]) > 0",
            "0s",
            "ticket",
            f"the core {_HERE} was started again, {{{{ $value }}}} times in ten minutes",
        ),
        Alert(
            "AloCoreLate",
            'alo_up == 0 and on (instance) alo_phase{phase="running"} == 1',
            "10s",
            "page",
            f"the core {_HERE} lives and releases no frames",
        ),
        Alert(
            "AloStandbyMissing",
            "alo_standby_up == 0 or (alo_standby_up == 1 unless on (instance) alo_standby_lag_messages)",
            "1m",
            "ticket",
            f"no warm standby follows the core {_HERE}: if that ends, nothing takes over at once",
        ),
        Alert(
            "AloFramesMissed",
            "alo:frames_missed:rate5m > 0.1",
            "1m",
            "ticket",
            f"{{{{ $value | humanize }}}} frames a second are never released {_HERE}",
        ),
        Alert(
            "AloTaskOverBudget",
            "alo:task_seconds:p99 > on (instance, task) alo_task_budget_seconds",
            "5m",
            "ticket",
            f"one run in a hundred of {{{{ $labels.task }}}} takes {{{{ $value | humanizeDuration }}}} {_HERE}",
        ),
    )  # fmt: skip


def _of_the_journal(of: AlertOptions) -> tuple[Alert, ...]:
    """Whether what it is told and tells is kept and taken."""
    return (
        Alert(
            "AloDurableLag",
            f"alo_journal_lag_messages > {of.lag}",
            "10s",
            "page",
            f"{{{{ $value }}}} messages are journaled and not on disk {_HERE}",
        ),
        Alert(
            "AloDiskFilling",
            "alo:disk_free:ratio < 0.1 or predict_linear(alo_disk_free_bytes[1h], 4 * 3600) < 0",
            "5m",
            "page",
            f"the journal's disk is full, or will be within four hours, {_HERE}",
        ),
        Alert(
            "AloRingFilling",
            "alo:ring_used:ratio > 0.5",
            "10s",
            "ticket",
            f"{{{{ $value | humanizePercentage }}}} of the {{{{ $labels.ring }}}} ring waits {_HERE}",
        ),
        Alert(
            "AloAnswersUndelivered",
            "increase(alo_undelivered_total[5m]) > 0",
            "0s",
            "page",
            f"the host {_HERE} takes no answers: their orders were not sent",
        ),
    )  # fmt: skip


def _of_the_book(of: AlertOptions) -> tuple[Alert, ...]:
    """Whether it may trade, on data that are fresh, and how near its limits are."""
    return (
        Alert("AloDisconnected", "alo_broker_connected == 0", "30s", "page", f"the broker is not connected {_HERE}"),
        Alert(
            "AloHalted",
            "max by (instance, cause) (alo_halted) == 1",
            "0s",
            "page",
            f"trading is halted {_HERE}: {{{{ $labels.cause }}}}",
        ),
        Alert(
            "AloDrawdown",
            f'alo_limit_used_ratio{{limit="max-drawdown"}} > {of.drawdown:g}',
            "10s",
            "page",
            f"{{{{ $value | humanizePercentage }}}} of the drawdown that is allowed {_HERE}",
        ),
        Alert(
            "AloLimitNearlyUsed",
            'alo_limit_used_ratio{limit!="max-drawdown"} > 0.9',
            "1m",
            "ticket",
            f"{{{{ $value | humanizePercentage }}}} of {{{{ $labels.limit }}}} is used {_HERE}",
        ),
        Alert(
            "AloDataStale",
            f"alo_data_age_seconds > {of.stale} and on (instance) alo_session_open == 1",
            "10s",
            "page",
            f"no data for {{{{ $value | humanizeDuration }}}} in a session {_HERE}",
        ),
    )  # fmt: skip


def _group(name: str, rules: list[dict[str, Any]]) -> dict[str, Any]:
    return {"groups": [{"name": name, "interval": "5s", "rules": rules}]}


def scrape(settings: OperationSettings) -> dict[str, Any]:
    """Prometheus's configuration."""
    return {
        "global": {"scrape_interval": "5s", "scrape_timeout": "4s", "evaluation_interval": "5s"},
        "rule_files": ["recordings.yml", "alerts.yml"],
        "scrape_configs": [{"job_name": _JOB, "static_configs": [{"targets": [settings.monitor.listen]}]}],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [settings.alerts.alertmanager]}]}]},
    }


def alertmanager(settings: OperationSettings) -> dict[str, Any]:
    """Alertmanager's configuration: one webhook; while the core is gone, its other alerts would say the same."""
    return {
        "route": {"receiver": "webhook", "group_by": ["alertname", "instance"], **ALERTMANAGER_WAITS},
        "receivers": [
            {"name": "webhook", "webhook_configs": [{"url": settings.alerts.webhook, "send_resolved": True}]}
        ],
        "inhibit_rules": [
            {
                "source_matchers": ["alertname =~ AloCoreGone|AloMonitorGone"],
                "target_matchers": ["alertname =~ AloCoreLate|AloDataStale|AloFramesMissed"],
                "equal": ["instance"],
            }
        ],
    }
