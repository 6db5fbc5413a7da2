import pytest
from prometheus_client.parser import text_string_to_metric_families

from alo_lib.telemetry import RunMetrics


def _samples(path):
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(path.read_text())
        for sample in family.samples
    }


def _stages(path):
    """Seconds by stage, in the order in which they are written."""
    return {dict(labels)["stage"]: x for (name, labels), x in _samples(path).items() if name == "alo_stage_seconds"}


def test_counts_are_written_as_prometheus_reads_them(tmp_path):
    metrics = RunMetrics("embedded")
    metrics.count(messages={"frame": 7, "quote": 90}, orders={"filled": 4}, faults={"crossed quote": 2})
    metrics.write(tmp_path / "metrics.prom")

    samples = _samples(tmp_path / "metrics.prom")
    assert samples["alo_frames_run_total", (("engine", "embedded"),)] == 7
    assert samples["alo_messages_total", (("engine", "embedded"), ("kind", "quote"))] == 90
    assert samples["alo_orders_total", (("engine", "embedded"), ("status", "filled"))] == 4
    assert samples["alo_data_faults_total", (("engine", "embedded"), ("kind", "crossed quote"))] == 2


def test_sessions_are_counted_once_each(tmp_path):
    metrics = RunMetrics("embedded")
    for _ in range(3):
        metrics.session_began()
    metrics.sessions_ended()
    metrics.sessions_ended()
    metrics.write(tmp_path / "metrics.prom")
    assert _samples(tmp_path / "metrics.prom")["alo_session_seconds_count", (("engine", "embedded"),)] == 3


def test_a_stage_is_timed_even_when_it_fails(tmp_path):
    metrics = RunMetrics("native")
    with pytest.raises(RuntimeError), metrics.stage("engine"):
        raise RuntimeError("it broke")
    with metrics.stage("report"):
        pass
    metrics.write(tmp_path / "metrics.prom")
    stages = _stages(tmp_path / "metrics.prom")
    assert list(stages) == ["engine", "report"]
    assert all(seconds >= 0 for seconds in stages.values())


def test_two_runs_share_nothing(tmp_path):
    first, second = RunMetrics("embedded"), RunMetrics("embedded")
    with first.stage("engine"):
        pass
    second.write(tmp_path / "metrics.prom")
    assert _stages(tmp_path / "metrics.prom") == {}
