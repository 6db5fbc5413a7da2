"""Fits beside the frames of a live core, on a thread of their own."""

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from alo_lib.core.calibrator import Fit, PendingCalibration
from alo_lib.strategy.calibration import Calibrated, calibrate

__all__ = ["BackgroundCalibrator"]


class BackgroundCalibrator:
    """For live trading: fits run on a thread of their own, and no frame waits for one.

    A result comes into force with the first frame that opens ``delay`` (ns) or more after its request and finds it
    done. Kernels release Python's global lock, and most of a fit is spent in them.
    """

    def __init__(self, delay: int, fit: Fit = calibrate) -> None:
        self._delay: Final = delay
        self._fit = fit
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="alo-calibration")
        self._running: dict[int, Future[Calibrated]] = {}

    def begin(self, pending: PendingCalibration) -> None:
        """See :class:`alo_lib.core.Calibrator`."""
        self._running[pending.number] = self._thread.submit(self._fit, pending.request)

    def ready(self, pending: PendingCalibration, time: int) -> bool:
        """See :class:`alo_lib.core.Calibrator`."""
        if pending.number not in self._running:  # asked of another, before a restart
            self.begin(pending)
        return pending.time + self._delay <= time and self._running[pending.number].done()

    def take(self, pending: PendingCalibration) -> Calibrated:
        """See :class:`alo_lib.core.Calibrator`. One told before a restart and never begun here is made at once."""
        made = self._running.pop(pending.number, None)
        return self._fit(pending.request) if made is None else made.result()

    def close(self) -> None:
        """See :class:`alo_lib.core.Calibrator`."""
        self._thread.shutdown(wait=False, cancel_futures=True)
