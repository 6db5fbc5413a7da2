"""The one door to Ray, which runs trials on the cores of this machine or of a cluster."""

import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, NamedTuple, TypeVar

from alo_lib.sweep.errors import ClusterLostError, MissingPackagesError, SweepError

__all__ = ["ANYWHERE", "RETRIES", "Cluster", "Done", "cluster"]

Job = TypeVar("Job")

ANYWHERE: Final = "auto"
"""The address of the cluster that runs on this machine, wherever it listens."""
RETRIES: Final = 3
"""How often a job begins anew whose worker or node has died."""

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_STORE_BYTES: Final = 100_000_000
"""Of Ray's object store on this machine: results pass through it as rows, data are read from files."""
_CONNECT_SECONDS: Final = 5.0
_HEALTH_SECONDS: Final = 40.0
"""To ask a cluster how it is; on a busy machine it takes ten to import what asks."""
_LOOPBACK: Final = "127.0.0.1"
_LOOK_SECONDS: Final = 1.0
_QUEUED: Final = 2
"""Jobs that wait for each core, so that none stands still between two."""
_ENVIRONMENT: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",  # it would report to its makers
    "RAY_BACKEND_LOG_LEVEL": "fatal",  # of its own processes: what matters to a trial is told by its state
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # and this is what it will do anyway
    "RAY_worker_niceness": "0",  # by itself it is 15, and on a machine that others use its workers stand still
}
_LEVEL_LINE: Final = b"Set ray log level from environment variable"
"""Ray's compiled part says so on file descriptor 2 where it heeds RAY_BACKEND_LOG_LEVEL; it is no news to anybody."""


class Done(NamedTuple):
    """A job that has ended."""

    job: Any
    result: Any  # None where it was lost
    lost: str  # why nothing came of it: its worker died each time; empty where something did


class Cluster:
    """A Ray that runs jobs, on so many cores."""

    def __init__(self, ray: Any, cores: int, place: str) -> None:
        self._ray = ray
        self.cores = cores
        self.place = place

    def done(
        self, function: Callable[..., Any], jobs: Iterable[Job], hear: Callable[[Any], None] | None = None
    ) -> Iterator[Done]:
        """What comes of each job, in whatever order they end; each has a core of its own.

        ``function`` is of a module that workers can import. It is given the job, and with ``hear`` a function by which
        it tells of its progress: what it tells is heard here, within a second or so. One whose worker or node dies
        begins anew elsewhere, so it may have run before: it has to see to it that twice does no harm. What it raises
        is raised here.

        :raises ClusterLostError: when the node dies that this process is on.
        """
        remote = self._ray.remote(num_cpus=1, max_retries=RETRIES, retry_exceptions=False)(function)
        told = None if hear is None else _Told(hear)
        words = () if told is None else (told.tell,)
        waiting: dict[Any, Job] = {}
        coming = iter(jobs)
        while True:
            while len(waiting) < _QUEUED * self.cores and (job := next(coming, None)) is not None:
                waiting[remote.remote(job, *words)] = job
            if not waiting:
                return
            with _as_raised():
                ready, _ = self._ray.wait(list(waiting), num_returns=1, timeout=_LOOK_SECONDS)
            if told is not None:
                told.pass_on()
            for reference in ready:
                job = waiting.pop(reference)
                try:
                    with _as_raised():
                        result, lost = self._ray.get(reference), ""
                except self._ray.exceptions.RayTaskError as error:
                    if isinstance(error.cause, Exception):
                        raise error.cause from error  # which has the trace of the worker
                    raise
                except self._ray.exceptions.LocalRayletDiedError:
                    raise ClusterLostError(f"the Ray node that this command runs on has died ({self.place})") from None
                except self._ray.exceptions.RayError as error:
                    result, lost = None, _first_line(error)
                yield Done(job, result, lost)


class _Told:
    """What jobs tell on their way: a queue of Ray's."""

    def __init__(self, hear: Callable[[Any], None]) -> None:
        from ray.util.queue import Queue

        self._queue: Any = Queue(actor_options={"num_cpus": 0})
        self._hear = hear

    @property
    def tell(self) -> Callable[[Any], None]:
        """By which a job tells, wherever it runs."""
        tell: Callable[[Any], None] = self._queue.put
        return tell

    def pass_on(self) -> None:
        """Let what has come be heard."""
        with _as_raised():
            while told := self._queue.get_nowait_batch(self._queue.qsize()):
                for each in told:
                    self._hear(each)


@contextmanager
def _as_raised() -> Iterator[None]:
    """Raise what a handler of signals has raised while Ray waited as it was: Ray makes a SystemError of it."""
    try:
        yield
    except SystemError as error:
        inner: BaseException | None = error
        while inner is not None and isinstance(inner, Exception):
            inner = inner.__cause__ or inner.__context__
        if inner is None:
            raise
        raise inner from None


@contextmanager
def cluster(address: str | None, workers: int | None) -> Iterator[Cluster]:
    """A Ray to run jobs on while this lasts: one that starts on this machine, or the one at an ``address``.

    ``workers`` are the cores that are used, by default all.

    :raises SweepError: when there is no cluster at the address.
    :raises MissingPackagesError: when Ray is not installed.
    """
    handlers: dict[int, Any] = {number: signal.getsignal(number) for number in _SIGNALS}
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError:
        raise MissingPackagesError("Ray") from None
    # What Ray tells of workers that died it prints, and standard output is for results.
    with contextlib.redirect_stdout(sys.stderr):
        yield from _joined(ray, address, workers, handlers)


def _joined(ray: Any, address: str | None, workers: int | None, handlers: Mapping[int, Any]) -> Iterator[Cluster]:
    common: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.CRITICAL}
    try:
        if address is None:
            cores = workers or os.cpu_count() or 1
            alone = {"num_cpus": cores, "include_dashboard": False, "object_store_memory": _STORE_BYTES}
            with _without_level_line():
                ray.init("local", _node_ip_address=_LOOPBACK, **alone, **common)  # no other machine reaches it
        else:
            _require_cluster(address)
            with _without_level_line():
                ray.init(address, **common)
            there = max(int(ray.cluster_resources().get("CPU", 1)), 1)
            cores = there if workers is None else min(workers, there)
        for number, handler in handlers.items():  # Ray has taken SIGTERM for itself
            signal.signal(number, handler)
        yield Cluster(ray, cores, "this machine" if address is None else address)
    except (ConnectionError, ray.exceptions.RaySystemError) as error:
        raise SweepError(f"no Ray cluster can be reached at {address}: {_first_line(error)}") from None
    finally:
        with contextlib.suppress(Exception):
            ray.shutdown()


@contextmanager
def _without_level_line() -> Iterator[None]:
    """Pass on what is written to standard error while this lasts when it has ended, but for that line."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            said.seek(0)
            for line in said:
                if _LEVEL_LINE not in line:
                    os.write(2, line)


def _require_cluster(address: str) -> None:
    """SweepError unless a cluster answers at an address: by itself Ray would wait for one without end."""
    where = "on this machine" if address == ANYWHERE else f"at {address}"
    if address != ANYWHERE:
        _require_listener(address)
    asked = [sys.executable, "-m", "ray.scripts.scripts", "health-check", "--address", address]
    try:
        healthy = subprocess.run(asked, capture_output=True, timeout=_HEALTH_SECONDS, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        healthy = False
    if not healthy:
        raise SweepError(f"no Ray cluster of this version answers {where}; 'ray start --head' starts one")


def _require_listener(address: str) -> None:
    host, colon, port = address.rpartition(":")
    if not (host and colon and port.isdigit() and 0 < int(port) < 65_536):
        raise SweepError(
            f"{address!r} is no address of a Ray cluster; write HOST:PORT, or {ANYWHERE} for this machine's"
        )
    try:
        socket.create_connection((host, int(port)), _CONNECT_SECONDS).close()
    except OSError as error:
        raise SweepError(
            f"no Ray cluster can be reached at {address}: {error.strerror or error}; 'ray start --head' starts one"
        ) from None


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".")
