"""What a run counts and times, in Prometheus's text format."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from alo_lib.records.whole_files import write_whole

__all__ = ["RunMetrics"]

SESSION_SECONDS: Final = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
"""Upper bounds of the histogram of the wall time that one simulated session takes."""


class RunMetrics:
    """The metrics of one run, in a registry of its own. Every metric carries the engine as a label."""

    def __init__(self, engine: str) -> None:
        self.registry = CollectorRegistry()
        self._engine = engine
        label = ("engine",)
        self._frames = Counter("alo_frames_run", "Frames that ran their tasks", label, registry=self.registry)
        self._messages = Counter("alo_messages", "Journaled messages", (*label, "kind"), registry=self.registry)
        self._orders = Counter("alo_orders", "Orders by their last status", (*label, "status"), registry=self.registry)
        self._faults = Counter("alo_data_faults", "Data left out, by kind", (*label, "kind"), registry=self.registry)
        self._stages = Gauge(
            "alo_stage_seconds", "Wall time of a run's stage", (*label, "stage"), registry=self.registry
        )
        self._sessions = Histogram(
            "alo_session_seconds",
            "Wall time of a simulated session",
            label,
            buckets=SESSION_SECONDS,
            registry=self.registry,
        )
        self._session_began: float | None = None

    def count(
        self,
        *,
        messages: Mapping[str, int],
        orders: Mapping[str, int],
        faults: Mapping[str, int],
    ) -> None:
        """Add journaled messages by kind, orders by status and data faults by kind."""
        for kind, number in messages.items():
            self._messages.labels(self._engine, kind).inc(number)
        self._frames.labels(self._engine).inc(messages.get("frame", 0))
        for status, number in orders.items():
            self._orders.labels(self._engine, status).inc(number)
        for fault, number in faults.items():
            self._faults.labels(self._engine, fault).inc(number)

    def session_began(self) -> None:
        """Time the session that began with the last call, and begin another."""
        now = time.perf_counter()
        if self._session_began is not None:
            self._sessions.labels(self._engine).observe(now - self._session_began)
        self._session_began = now

    def sessions_ended(self) -> None:
        """Time the last session."""
        if self._session_began is not None:
            self.session_began()
            self._session_began = None

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage of the run."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self._stages.labels(self._engine, name).set(time.perf_counter() - began)

    def write(self, path: Path) -> None:
        """Write all metrics in Prometheus's text exposition format."""
        write_whole(path, generate_latest(self.registry))
