"""Calibrations outside frames: asked for in one frame, made in between, in force from a later frame's beginning.

What is fitted depends on the request alone. When it comes into force is an input of the core, journaled like any
other, so that a run can be decided again whatever time its fits took.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, Protocol

from alo_lib.strategy.forecast import Calibrated, CalibrationRequest, calibrate

__all__ = ["BackgroundCalibrator", "Calibrator", "LogicalCalibrator", "ToldCalibrator"]

Fit = Callable[[CalibrationRequest], Calibrated]


class Calibrator(Protocol):
    """Where a core leaves its requests, numbered, and fetches what came of them."""

    def submit(self, number: int, time: int, request: CalibrationRequest) -> None:
        """Take a request made in the frame at ``time`` (ns)."""

    def ready(self, time: int) -> list[int]:
        """Requests that come into force with a frame at ``time``, in their order; each is told once."""

    def take(self, number: int) -> Calibrated:
        """What came of a request, once. Raises VolatilityError where it could not be fitted."""

    def close(self) -> None:
        """Give up what is not done."""


class LogicalCalibrator:
    """For backtests: a result comes into force ``delay`` (ns) after its request, whatever time the fit takes.

    The fit is made between two frames, when the first frame after the delay is about to open.
    """

    def __init__(self, delay: int, fit: Fit = calibrate) -> None:
        self._delay: Final = delay
        self._fit = fit
        self._requests: dict[int, tuple[int, CalibrationRequest]] = {}
        self._results: dict[int, Future[Calibrated]] = {}

    def submit(self, number: int, time: int, request: CalibrationRequest) -> None:
        """See :class:`Calibrator`."""
        self._requests[number] = time + self._delay, request

    def ready(self, time: int) -> list[int]:
        """See :class:`Calibrator`."""
        due = [number for number, (from_, _) in self._requests.items() if from_ <= time]
        for number in due:
            self._results[number] = _done(self._fit, self._requests.pop(number)[1])
        return due

    def take(self, number: int) -> Calibrated:
        """See :class:`Calibrator`."""
        return self._results.pop(number).result()

    def close(self) -> None:
        """See :class:`Calibrator`."""
        self._requests.clear()


class BackgroundCalibrator:
    """For live trading: fits run on a thread of their own, and no frame waits for one.

    A result comes into force with the first frame that opens ``delay`` (ns) or more after its request and finds it
    done. Kernels release Python's global lock, and most of a fit is spent in them.
    """

    def __init__(self, delay: int, fit: Fit = calibrate) -> None:
        self._delay: Final = delay
        self._fit = fit
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="alo-calibration")
        self._running: dict[int, tuple[int, Future[Calibrated]]] = {}
        self._results: dict[int, Future[Calibrated]] = {}

    def submit(self, number: int, time: int, request: CalibrationRequest) -> None:
        """See :class:`Calibrator`."""
        self._running[number] = time + self._delay, self._thread.submit(self._fit, request)

    def ready(self, time: int) -> list[int]:
        """See :class:`Calibrator`."""
        due = [number for number, (from_, future) in self._running.items() if from_ <= time and future.done()]
        for number in due:
            self._results[number] = self._running.pop(number)[1]
        return due

    def take(self, number: int) -> Calibrated:
        """See :class:`Calibrator`."""
        return self._results.pop(number).result()

    def close(self) -> None:
        """See :class:`Calibrator`."""
        self._thread.shutdown(wait=False, cancel_futures=True)


class ToldCalibrator:
    """For replay: the journal says when a result comes into force, and it is fitted then."""

    def __init__(self, fit: Fit = calibrate) -> None:
        self._fit = fit
        self._requests: dict[int, CalibrationRequest] = {}

    def submit(self, number: int, time: int, request: CalibrationRequest) -> None:
        """See :class:`Calibrator`."""
        self._requests[number] = request

    def ready(self, time: int) -> list[int]:
        """See :class:`Calibrator`."""
        return []

    def take(self, number: int) -> Calibrated:
        """See :class:`Calibrator`."""
        return self._fit(self._requests.pop(number))

    def close(self) -> None:
        """See :class:`Calibrator`."""
        self._requests.clear()


def _done(fit: Fit, request: CalibrationRequest) -> "Future[Calibrated]":
    """A fit that is made at once; an error waits for whoever takes the result, as a thread's does."""
    future: Future[Calibrated] = Future()
    try:
        future.set_result(fit(request))
    except Exception as error:
        future.set_exception(error)
    return future
