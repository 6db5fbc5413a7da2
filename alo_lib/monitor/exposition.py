"""A run's metrics in Prometheus's text format; docs/telemetry.md lists them."""

from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from alo_lib.monitor.view import GREEKS, KILLED, Seen
from alo_lib.records import BookMode, HaltCause
from alo_lib.telemetry.layout import LATENCIES, OVERRUN_CAUSES, RunPhase, task_histogram
from alo_lib.transport import HistogramReading

__all__ = ["BOUNDS", "exposition"]

BOUNDS: Final = tuple(
    round(step * 10.0**power, 9) for power in range(-6, 2) for step in (1, 2, 5) if step * 10.0**power <= 60
)
"""Upper bounds of buckets, seconds: 1 us to 50 s."""

_SHARES: Final = {"0": 0.0, "0.5": 0.5, "0.95": 0.95, "0.99": 0.99, "0.999": 0.999, "1": 1.0}
_PHASES: Final = (*(phase.value for phase in RunPhase), KILLED)
_MEANING: Final = {
    "frame": "From opening to end of a frame that ran",
    "release_lateness": "Of each release, behind its deadline",
    "data_to_decision": "From a frame's first market data taken in to its end",
    "decision_to_order": "From the end of a frame with orders until who sends them has them",
    "order_to_fill": "From an order handed on to its first fill",
    "fsync": "Of each write-out of the journal to disk",
}

Labelled = Iterable[tuple[tuple[str, ...], float | int | None]]


def exposition(seen: Seen, streams: int) -> bytes:
    """All metrics of a run at one moment; ``streams`` pages follow the monitor."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Told(seen, streams))
    return generate_latest(registry)


class _Told(Collector):
    """Hands on what a look has found."""

    def __init__(self, seen: Seen, streams: int) -> None:
        self._seen = seen
        self._streams = streams

    def collect(self) -> Iterator[Metric]:
        """Every metric that the run has."""
        told = self._seen.told
        yield from _life(told)
        yield from _frames(told)
        yield from _times(self._seen)
        yield from _journal(told)
        yield from _book(told)
        yield from _process(told)
        yield _gauge("alo_monitor_streams", "Pages that follow this monitor now", [((), self._streams)])


def _gauge(name: str, meaning: str, values: Labelled, labels: tuple[str, ...] = ()) -> Metric:
    family = GaugeMetricFamily(name, meaning, labels=labels)
    for told, value in values:
        if value is not None:
            family.add_metric(told, float(value))
    return family


def _counter(name: str, meaning: str, values: Labelled, labels: tuple[str, ...] = ()) -> Metric:
    family = CounterMetricFamily(name, meaning, labels=labels)
    for told, value in values:
        if value is not None:
            family.add_metric(told, float(value))
    return family


def _version() -> str:
    try:
        return version("alo")
    except PackageNotFoundError:  # run from a checkout
        return "checkout"


def _life(told: dict[str, Any]) -> Iterator[Metric]:
    info = (told["name"], told["engine"], _version())
    yield _gauge("alo_info", "What runs", [(info, 1)], ("name", "engine", "version"))
    yield _gauge("alo_up", "1 while it lives, runs and its heartbeat is at most two frames old", [((), told["up"])])
    phases = [((phase,), phase == told["phase"]) for phase in _PHASES]
    yield _gauge("alo_phase", "1 for the phase it is in", phases, ("phase",))
    yield _gauge("alo_heartbeat_age_seconds", "Since the last heartbeat", [((), told["heartbeat_age"])])
    yield _gauge("alo_frame_length_seconds", "Of a frame", [((), told["frame_length"])])
    yield _gauge("alo_start_time_seconds", "When the core's process began, Unix time", [((), told["started"])])
    yield _gauge("alo_session_open", "1 within a trading session", [((), told["session_open"])])
    yield _gauge("alo_data_age_seconds", "Since a trade or quote was last taken in", [((), told["data_age"])])
    connected = [((), told["broker_connected"])]
    yield _gauge("alo_broker_connected", "0 from a disconnect that was told to the next reconnect", connected)
    standby = told["standby"] or {}
    yield _gauge("alo_standby_up", "1 while a standby follows; absent where none ever did", [((), standby.get("up"))])
    meaning = "Messages that the standby has not followed yet; absent while it cannot"
    yield _gauge("alo_standby_lag_messages", meaning, [((), standby.get("behind"))])
    stand = told["halts"]
    halts = [((name,), None if stand is None else name in stand) for name in (each.name.lower() for each in HaltCause)]
    yield _gauge("alo_halted", "1 while the cause stands", halts, ("cause",))
    mode = None if told["mode"] is None else BookMode[told["mode"].upper()]
    yield _gauge("alo_book_mode", "0 normal, 1 reduce only, 2 flatten, 3 halted", [((), mode)])


def _frames(told: dict[str, Any]) -> Iterator[Metric]:
    frames, tasks = told["frames"], told["frames"]["tasks"]
    real = told["real_time"]
    yield _counter("alo_frames", "Frames released", [((), frames["released"] if real else None)])
    yield _counter("alo_frames_run", "Frames that had news and ran their tasks", [((), frames["run"])])
    yield _counter("alo_frames_missed", "Frames that were never released", [((), frames["missed"])])
    yield _counter("alo_frames_late", "Frames that the one before ran into", [((), frames["late"])])
    causes = [cause.name.lower() for cause in OVERRUN_CAUSES]
    overruns = [((task, cause), each[cause]) for task, each in tasks.items() for cause in causes]
    yield _counter("alo_overruns", "Tasks beyond their budget", overruns, ("task", "cause"))
    forms = [((task, form), each[form]) for task, each in tasks.items() for form in ("degraded", "skipped")]
    yield _counter("alo_degradations", "Tasks that an overrun made degraded or skipped", forms, ("task", "form"))
    budgets = [((task,), each["budget"]) for task, each in tasks.items()]
    yield _gauge("alo_task_budget_seconds", "Budget of the task", budgets, ("task",))


def _times(seen: Seen) -> Iterator[Metric]:
    histograms = seen.telemetry.histograms
    shown = {name: each for name, each in histograms.items() if name != "release_lateness" or seen.told["real_time"]}
    for name in LATENCIES:
        if name in shown:
            family = HistogramMetricFamily(f"alo_{name}_seconds", _MEANING[name])
            _add(family, (), shown[name])
            yield family
    tasks = HistogramMetricFamily("alo_task_seconds", "Of each task of a frame", labels=("task",))
    for task in seen.told["frames"]["tasks"]:
        _add(tasks, (task,), histograms[task_histogram(task)])
    yield tasks
    quantiles = []
    for name, each in shown.items():
        values = each.quantiles(list(_SHARES.values())) / 1e9
        quantiles += [((name, share), value) for share, value in zip(_SHARES, values.tolist(), strict=True)]
    meaning = "Quantiles since the process began"
    yield _gauge("alo_latency_quantile_seconds", meaning, quantiles, ("what", "quantile"))


def _add(family: HistogramMetricFamily, labels: tuple[str, ...], reading: HistogramReading) -> None:
    below = reading.below([bound * 1e9 for bound in BOUNDS]).tolist()
    buckets: list[Any] = [(repr(bound), count) for bound, count in zip(BOUNDS, below, strict=True)]
    family.add_metric(labels, [*buckets, ("+Inf", reading.count)], sum_value=reading.total / 1e9)


def _journal(told: dict[str, Any]) -> Iterator[Metric]:
    journal, frames = told["journal"], told["frames"]
    queues = told["queues"]
    waiting = [((each["ring"],), each["waiting"]) for each in queues]
    capacity = [((each["ring"],), each["capacity"]) for each in queues]
    yield _gauge("alo_ring_waiting_slots", "Slots that wait in the ring", waiting, ("ring",))
    yield _gauge("alo_ring_capacity_slots", "Slots of the ring", capacity, ("ring",))
    kinds = [((kind,), count) for kind, count in journal["kinds"].items()]
    yield _counter("alo_messages", "Messages journaled by this process", kinds, ("kind",))
    yield _counter("alo_refused", "Records and messages of hosts that were not let in", [((), frames["refused"])])
    conflated = [((), frames["conflated"])]
    yield _counter("alo_conflated", "Records of quotes and trades that later ones superseded", conflated)
    yield _counter("alo_undelivered", "Answers that the host left no room for", [((), frames["undelivered"])])
    yield _counter("alo_journal_messages", "Messages of the journal", [((), journal["messages"])])
    yield _counter("alo_journal_durable", "Messages of the journal that are on disk", [((), journal["durable"])])
    yield _gauge("alo_journal_lag_messages", "Messages that are not on disk yet", [((), journal["lag"])])
    yield _gauge("alo_disk_free_bytes", "Room that is left where the journal lies", [((), journal["disk_free"])])
    yield _gauge("alo_disk_size_bytes", "Of the file system where the journal lies", [((), journal["disk_size"])])


def _book(told: dict[str, Any]) -> Iterator[Metric]:
    orders = [((status,), count) for status, count in told["orders"].items()]
    yield _gauge("alo_orders", "Orders by their last status", orders, ("status",))
    yield _gauge("alo_trades_open", "Trades that have not ended", [((), told["trades_open"])])
    yield _gauge("alo_equity", "Of the account", [((), told["equity"])])
    greeks = [((each["underlying"], greek), each[greek]) for each in told["greeks"] for greek in GREEKS]
    yield _gauge("alo_greek", "Of the book", greeks, ("underlying", "greek"))
    spots = [((each["underlying"],), each["spot"]) for each in told["greeks"]]
    yield _gauge("alo_spot", "Spot at which greeks were taken", spots, ("underlying",))
    values = [((each["underlying"],), each["value"]) for each in told["greeks"]]
    yield _gauge("alo_position_value", "Options and shares at mid", values, ("underlying",))
    for name, meaning in (("used", "How much of a limit is used"), ("allowed", "How much may be")):
        rows = [(_of(each), each[name]) for each in told["limits"]]
        yield _gauge(f"alo_limit_{name}", meaning, rows, ("limit", "underlying", "days"))
    ratios = [(_of(each), each["ratio"]) for each in told["limits"]]
    yield _gauge("alo_limit_used_ratio", "Used over allowed", ratios, ("limit", "underlying", "days"))
    parts = [((part,), value) for part, value in told["profit"].items()]
    yield _gauge("alo_profit", "Profit since the journal began", parts, ("part",))


def _of(limit: dict[str, Any]) -> tuple[str, str, str]:
    return limit["limit"], limit["underlying"], limit["days"]


def _process(told: dict[str, Any]) -> Iterator[Metric]:
    used = told["process"]
    cpu = [(("user",), used["user_seconds"]), (("system",), used["system_seconds"])]
    yield _counter("alo_process_cpu_seconds", "Processor time of the core's process", cpu, ("mode",))
    switches = [((kind,), count) for kind, count in used["switches"].items()]
    yield _counter("alo_process_context_switches", "Of the deciding thread", switches, ("kind",))
    faults = [((kind,), count) for kind, count in used["faults"].items()]
    yield _counter("alo_process_page_faults", "Of the core's process", faults, ("kind",))
    yield _gauge("alo_process_resident_bytes", "Memory of the core's process", [((), used["resident"])])
    has = [((name,), count is not None) for name, count in used["counters"].items()]
    yield _gauge("alo_hardware_counter_supported", "1 where the host counts it", has, ("counter",))
    counts = [((name,), count) for name, count in used["counters"].items()]
    yield _counter("alo_hardware_counter", "Of the deciding thread", counts, ("counter",))
