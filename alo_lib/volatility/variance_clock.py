"""The variance clock: how many ordinary trading days lie between two times, counted by the variance that they have.

An ordinary full week, five sessions and the nights between them, is 5 days. A session counts by its length, and within
itself by a U-shaped profile; a night counts by its kind, whatever its length, and evenly within itself. What each has
is estimated from the underlying's own daily bars: close over open, and open over the close before.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.numerics.compilation import kernel
from alo_lib.records import DAY, HOUR, TRADING_DAYS
from alo_lib.volatility.errors import ParameterError

__all__ = [
    "FULL_SESSION",
    "PRIOR_WEIGHTS",
    "SESSIONS_A_WEEK",
    "NightState",
    "NightWeights",
    "VarianceClock",
    "calendar_volatility",
    "follow_nights",
    "session_share",
]

Array = NDArray[np.float64]

FULL_SESSION: Final = 13 * HOUR // 2
"""Of American exchanges since 1985; a session counts by its length over this one."""

SESSIONS_A_WEEK: Final = 5

_NIGHT_OVER_SESSION: Final = 0.53
_WEEKEND_DAY_OVER_DAY: Final = 1.1
_PRIOR_NIGHTS: Final = 63.0
_MEMORY: Final = 1250.0
_LEAST_DAYS: Final = 21
_LIMIT: Final = 16.0
_LONGEST_NIGHT: Final = 1.5
"""Days from a session to the next, open to open or close to close, beyond which closed days lie between them."""

# Hasbrouck 1999, as Andersen, Dobrev and Schaumburg 2012 have it: the deviation at the share u of a session is
# C + A exp(-a u) + B exp(-a (1 - u)); its square integrates to 1 within 5e-5.
_U_LEVEL, _U_OPEN, _U_CLOSE, _U_DECAY = 0.88929198, 0.75, 0.25, 10.0


@dataclass(frozen=True, slots=True)
class NightWeights:
    """Trading days that a full session, a night to the next day, and a night over closed days count."""

    session: float
    night: float
    closed: float

    @classmethod
    def of_ratios(cls, night: float, closed: float) -> "NightWeights":
        """From the variance of either night over that of a full session.

        :raises ParameterError: for one that is negative or not finite.
        """
        if not (0.0 <= night < math.inf and 0.0 <= closed < math.inf):
            raise ParameterError(f"ratios of nights must be finite and not negative, but they are {night}, {closed}")
        session = SESSIONS_A_WEEK / (SESSIONS_A_WEEK + (SESSIONS_A_WEEK - 1) * night + closed)
        return cls(session, session * night, session * closed)


PRIOR_WEIGHTS: Final = NightWeights.of_ratios(
    _NIGHT_OVER_SESSION, _WEEKEND_DAY_OVER_DAY * (1.0 + _NIGHT_OVER_SESSION) - 1.0
)
"""What is believed before bars tell. A night has .53 of a session's variance, the median of 14 American stocks and
funds from 1998 to 2021 (.32 to .97). From Friday's close to Monday's there is 1.1 times the variance of another day
(French and Roll 1986: 1.107; Fortune 1998: 1.1 to 1.2)."""


class NightState(NamedTuple):
    """What daily bars have told so far: sums over days, each variance in units of what was usual before it.

    Sums forget: a day counts half after 866 more (five years on average).
    """

    usual: float = 0.0
    """Variance of a day, an average over a month or so."""
    days: float = 0.0
    """Seen so far."""
    sessions: float = 0.0
    session_variance: float = 0.0
    nights: float = 0.0
    night_variance: float = 0.0
    closed_nights: float = 0.0
    closed_variance: float = 0.0

    @property
    def weights(self) -> NightWeights:
        """What the bars say, where they are few drawn to :data:`PRIOR_WEIGHTS` as by 63 nights of each kind."""
        if self.sessions < _LEAST_DAYS or self.session_variance <= 0.0:
            return PRIOR_WEIGHTS
        usual = self.session_variance / self.sessions
        return NightWeights.of_ratios(
            _shrunk(self.night_variance / usual, self.nights, PRIOR_WEIGHTS.night / PRIOR_WEIGHTS.session),
            _shrunk(self.closed_variance / usual, self.closed_nights, PRIOR_WEIGHTS.closed / PRIOR_WEIGHTS.session),
        )


def _shrunk(total: float, count: float, prior: float) -> float:
    return (total + _PRIOR_NIGHTS * prior) / (count + _PRIOR_NIGHTS)


@kernel
def _follow_nights(state: Array, times: Array, opens: Array, closes: Array) -> None:
    """Bring a state's numbers past the bars (n,) after the first. ``times`` are in days; opens may be NaN."""
    keep = 1.0 - 1.0 / _MEMORY
    for t in range(1, times.shape[0]):
        whole = math.log(closes[t] / closes[t - 1])
        variance = whole * whole
        if opens[t] > 0.0:
            night, session = math.log(opens[t] / closes[t - 1]), math.log(closes[t] / opens[t])
            variance = night * night + session * session
            usual = state[0]
            if state[1] >= _LEAST_DAYS and usual > 0.0:
                for k in range(2, 8):
                    state[k] *= keep
                state[2] += 1.0
                state[3] += min(session * session / usual, _LIMIT)
                kind = 6 if times[t] - times[t - 1] > _LONGEST_NIGHT else 4
                state[kind] += 1.0
                state[kind + 1] += min(night * night / usual, _LIMIT)
        if state[1] >= _LEAST_DAYS and state[0] > 0.0:
            variance = min(variance, _LIMIT * state[0])
        state[1] += 1.0
        state[0] += (variance - state[0]) / min(state[1], _LEAST_DAYS)


def follow_nights(
    state: NightState, times: Sequence[int], opens: Sequence[float], closes: Sequence[float]
) -> NightState:
    """The state after n bars, the first of which was seen before and gives only its close: nothing looks ahead.

    ``times`` are those of the closes, ns UTC; an open that is not known is NaN. Robust: each day is measured against
    what was usual before it, and counts 16 times that at most.

    :raises ParameterError: for lengths that differ, or a close that is not finite and positive.
    """
    if not len(times) == len(opens) == len(closes):
        raise ParameterError(f"bars have {len(times)} times, {len(opens)} opens, {len(closes)} closes")
    table = np.array([[time / DAY for time in times], opens, closes], np.float64)
    if not (np.isfinite(table[2]).all() and (table[2] > 0.0).all()):
        raise ParameterError("closes must be finite and positive")
    numbers = np.array(state)
    _follow_nights(numbers, table[0], table[1], table[2])
    return NightState(*numbers.tolist())


def session_share(elapsed: float) -> float:
    """The share of a session's variance in the first ``elapsed`` of it, from 0 to 1: more at its ends (Hasbrouck 1999).

    Without minutes of the underlying this is the profile of all.
    """
    return _u_integral(elapsed) / _U_WHOLE


def _u_integral(u: float) -> float:
    """Of the squared deviation from 0 to u, with a = 10."""
    a, opening, closing = _U_DECAY, _U_OPEN, _U_CLOSE
    fallen, risen, end = -math.expm1(-a * u), math.exp(-a * (1.0 - u)) - math.exp(-a), math.exp(-a)
    return (
        _U_LEVEL * _U_LEVEL * u
        + 2.0 * _U_LEVEL * (opening * fallen + closing * risen) / a
        + opening * opening * -math.expm1(-2.0 * a * u) / (2.0 * a)
        + closing * closing * (math.exp(-2.0 * a * (1.0 - u)) - end * end) / (2.0 * a)
        + 2.0 * opening * closing * end * u
    )


_U_WHOLE: Final = _u_integral(1.0)


@dataclass(frozen=True)
class VarianceClock:
    """Times of sessions, and the trading days that have gone by at each, counted from the first open."""

    edges: tuple[int, ...]
    """Open and close of each session in turn, ns UTC, ascending."""
    days: tuple[float, ...]
    """Trading days from the first edge to each."""

    @classmethod
    def of_sessions(cls, sessions: Sequence[tuple[int, int]], weights: NightWeights = PRIOR_WEIGHTS) -> "VarianceClock":
        """Over sessions, each open and close in ns UTC, without a gap: what lies between two of them is one night.

        :raises ParameterError: for none, or ones that are not in order.
        """
        edges = tuple(time for session in sessions for time in session)
        if not edges or any(later <= earlier for earlier, later in pairwise(edges)):
            raise ParameterError("a clock needs sessions in order, each with an open before its close")
        days, gone = [0.0], 0.0
        for at in range(1, len(edges)):
            gone += _weight_before(edges, at, weights)
            days.append(gone)
        return cls(edges, tuple(days))

    def position(self, time: int) -> float:
        """Trading days from the first open to ``time``; NaN where no session or night of the clock holds it."""
        if not self.edges[0] <= time <= self.edges[-1]:
            return math.nan
        at = min(bisect_right(self.edges, time) - 1, len(self.edges) - 2)
        elapsed = (time - self.edges[at]) / (self.edges[at + 1] - self.edges[at])
        share = session_share(elapsed) if at % 2 == 0 else elapsed
        return self.days[at] + share * (self.days[at + 1] - self.days[at])

    def trading_days(self, time: int, expiry: int) -> float:
        """Trading days from ``time`` to ``expiry``, ns UTC; NaN where the clock does not reach so far.

        A model's daily variance times these is what an option's life holds: over years of 365 days, the square of what
        an implied volatility on calendar time is compared with (:func:`calendar_volatility`).
        """
        return self.position(expiry) - self.position(time)

    def gone(self, time: int) -> float:
        """The share of a day, from the close before a session to its own, behind ``time`` within it.

        NaN outside of sessions, and where the night before is not one of the clock's.
        """
        at = bisect_right(self.edges, time) - 1
        if at < 1 or at % 2 or at + 1 >= len(self.edges):
            return math.nan
        begin, end = self.days[at - 1], self.days[at + 1]
        return (self.position(time) - begin) / (end - begin)


def _weight_before(edges: tuple[int, ...], at: int, weights: NightWeights) -> float:
    """Trading days between an edge and the one before it."""
    if at % 2 == 1:
        return weights.session * (edges[at] - edges[at - 1]) / FULL_SESSION
    return weights.closed if edges[at] - edges[at - 2] > _LONGEST_NIGHT * DAY else weights.night


def calendar_volatility(volatility: float, trading_days: float, years: float, event_variance: float = 0.0) -> float:
    """A volatility over ``trading_days``, annualized by 252 of them, on calendar time: as options quote it.

    The root of (volatility^2 trading_days / 252 + event_variance) / years, ``years`` of 365 days.
    """
    return math.sqrt((volatility * volatility * trading_days / TRADING_DAYS + event_variance) / years)
