"""The clock of a run's sessions, on which a night, a weekend or a holiday takes no time."""

import numpy as np
from numpy.typing import NDArray

from alo_lib.views.run import Run

__all__ = ["session_time", "trading_days"]


def session_time(run: Run, time: NDArray[np.int64]) -> NDArray[np.float64]:
    """Nanoseconds of sessions that passed from the run's first open to each time; none without a session."""
    return _passed(run, time, np.array([one.close - one.open for one in run.sessions], np.float64))


def trading_days(run: Run, time: NDArray[np.int64]) -> NDArray[np.float64]:
    """Sessions that passed from the run's first open to each time, half days as whole ones; none without a session."""
    return _passed(run, time, np.ones(len(run.sessions)))


def _passed(run: Run, time: NDArray[np.int64], lengths: NDArray[np.float64]) -> NDArray[np.float64]:
    if not run.sessions:
        return np.zeros(len(time))
    edges = np.array([edge for one in run.sessions for edge in (one.open, one.close)], np.int64)
    passed = np.repeat(np.append(0.0, np.cumsum(lengths)), 2)[1:-1]
    return np.asarray(np.interp(time, edges, passed), np.float64)
