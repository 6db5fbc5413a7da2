"""Calibrations outside frames: asked for in one frame, made in between, in force from a later frame's beginning.

What is fitted depends on the request alone. When it comes into force is an input of the core, journaled like any
other, so that a run can be decided again whatever time its fits took. Requests are part of the core's state; a
calibrator can be exchanged for another, and makes what it is asked for again.
"""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final, Protocol

from alo_lib.strategy.calibration import Calibrated, CalibrationRequest, calibrate

__all__ = ["Calibrator", "Fit", "LogicalCalibrator", "PendingCalibration"]

Fit = Callable[[CalibrationRequest], Calibrated]
"""Makes a fit.

:raises VolatilityError: where there is none.
"""


@dataclass
class PendingCalibration:
    """A request that is not in force."""

    number: int  # of all requests of a run, from 1
    time: int  # of the frame that asked for it
    request: CalibrationRequest
    announced: bool = False  # it comes into force in the next frame


class Calibrator(Protocol):
    """Who makes the fits."""

    def begin(self, pending: PendingCalibration) -> None:
        """Hear of a request, in the frame that makes it; must cost next to nothing."""

    def ready(self, pending: PendingCalibration, time: int) -> bool:
        """Whether a request can come into force with a frame at ``time``; asked between frames."""

    def take(self, pending: PendingCalibration) -> Calibrated:
        """What came of a request, inside the frame.

        :raises VolatilityError: where it could not be fitted.
        """

    def close(self) -> None:
        """Give up what is not done."""


class LogicalCalibrator:
    """For backtests: a result comes into force ``delay`` (ns) after its request, whatever time the fit takes.

    The fit is made between two frames, when the first frame after the delay is about to open; a replay, which is not
    asked in between, makes it in the frame.
    """

    def __init__(self, delay: int, fit: Fit = calibrate) -> None:
        self._delay: Final = delay
        self._fit = fit
        self._results: dict[int, Future[Calibrated]] = {}

    def begin(self, pending: PendingCalibration) -> None:
        """See :class:`Calibrator`."""

    def ready(self, pending: PendingCalibration, time: int) -> bool:
        """See :class:`Calibrator`."""
        if pending.time + self._delay > time:
            return False
        self._results[pending.number] = _done(self._fit, pending.request)
        return True

    def take(self, pending: PendingCalibration) -> Calibrated:
        """See :class:`Calibrator`."""
        made = self._results.pop(pending.number, None)
        return self._fit(pending.request) if made is None else made.result()

    def close(self) -> None:
        """See :class:`Calibrator`."""
        self._results.clear()


def _done(fit: Fit, request: CalibrationRequest) -> Future[Calibrated]:
    """A fit that is made at once; an error waits for whoever takes the result, as a thread's does."""
    future: Future[Calibrated] = Future()
    try:
        future.set_result(fit(request))
    except Exception as error:
        future.set_exception(error)
    return future
