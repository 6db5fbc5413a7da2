"""Variance time of one underlying: its clock for the session, what its nights have had, and the events ahead of it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, NamedTuple

from alo_lib.records import TRANSIENT, years_between
from alo_lib.volatility import (
    NightState,
    VarianceClock,
    calendar_volatility,
    event_mask,
    follow_nights,
    past_event_variance,
    variance_of_move,
)

__all__ = ["Life", "ScheduledEvent", "VarianceTime"]

_MOST_POSITIONS = 1000
"""Times whose place on the clock is kept."""


class ScheduledEvent(NamedTuple):
    """A dated event: when it moves the price, its name, and the move that is expected (NaN where nobody says)."""

    time: int
    name: str
    move: float


class PastEvent(NamedTuple):
    """What an event did to the close of its day, and the variance that was usual then."""

    name: str
    return_: float
    usual: float


class Life(NamedTuple):
    """What an option's life holds of variance."""

    years: float
    """Of 365 days."""
    trading_days: float
    """By the clock; NaN where that does not reach."""
    event_variance: float
    """Added by events; NaN where one is of unknown size."""

    def calendar_volatility(self, volatility: float) -> float:
        """A volatility of ordinary days, annualized by 252, as an option of this life quotes it."""
        if not (math.isfinite(volatility) and self.trading_days > 0.0 and self.event_variance >= 0.0):
            return math.nan
        return calendar_volatility(volatility, self.trading_days, self.years, self.event_variance)


@dataclass
class VarianceTime:
    """The clock of the session, what it is made of, and the events that are known of."""

    clock: VarianceClock | None = None  # None until a session and those after it were told
    nights: NightState = field(default_factory=NightState)
    last: tuple[int, float] | None = None  # time and price of the last close followed
    events: list[ScheduledEvent] = field(default_factory=list)  # all that were told for this session, in order
    past: list[PastEvent] = field(default_factory=list)
    implied: dict[int, float] = field(default_factory=dict)  # what options say that an event adds, by its time
    told: str = ""  # what was last told of events ahead
    _positions: Annotated[tuple[VarianceClock, dict[int, float]] | None, TRANSIENT] = field(
        default=None, init=False, repr=False, compare=False
    )  # on the clock, by time: all that a frame asks is about one moment and a few expiries

    def begin_session(self) -> None:
        """Nothing is known of the events of a session until it is told; what options said counts until it has come."""
        seen = -1 if self.last is None else self.last[0]
        self.events, self.implied = [], {time: each for time, each in self.implied.items() if time > seen}

    def set_clock(self, sessions: Sequence[tuple[int, int]]) -> None:
        """Count by these sessions, opens and closes without a gap, and by what nights have had until now."""
        self.clock = VarianceClock.of_sessions(sessions, self.nights.weights)

    def follow(self, times: Sequence[int], opens: Sequence[float], closes: Sequence[float]) -> list[bool]:
        """Take the daily bars since the last session, oldest first: close's time, open (NaN where unknown), close.

        Returns which of them held an event.
        """
        new = len(times)
        if self.last is not None:
            times, opens, closes = [self.last[0], *times], [math.nan, *opens], [self.last[1], *closes]
        holds = event_mask(times, [event.time for event in self.events])
        begun = 0
        for at in holds.nonzero()[0].tolist():
            self.nights = follow_nights(self.nights, times[begun:at], opens[begun:at], closes[begun:at])
            self._remember(times[at - 1], times[at], math.log(closes[at] / closes[at - 1]))
            begun = at
        self.nights = follow_nights(self.nights, times[begun:], opens[begun:], closes[begun:])
        if times:
            self.last = times[-1], closes[-1]
        return [bool(each) for each in holds[len(times) - new :]]

    def _remember(self, before: int, close: int, return_: float) -> None:
        if self.nights.usual > 0.0:
            within = [event for event in self.events if before < event.time <= close]
            self.past += [PastEvent(event.name, return_, self.nights.usual) for event in within]

    def ahead(self, time: int) -> list[ScheduledEvent]:
        """The events that are to come."""
        return [event for event in self.events if event.time > time]

    def past_variance(self, event: ScheduledEvent) -> float:
        """The variance that an event adds by its name's own past; NaN where that does not tell."""
        own = [past for past in self.past if past.name == event.name]
        return past_event_variance([past.return_ for past in own], [past.usual for past in own])

    def sized(self, event: ScheduledEvent) -> float:
        """The variance that an event adds: by its name's own past, else by its expected move; NaN without either."""
        variance = self.past_variance(event)
        return variance_of_move(event.move) if math.isnan(variance) else variance

    def added(self, event: ScheduledEvent) -> float:
        """The same, and where nothing tells what options imply; NaN where they do not tell either."""
        variance = self.sized(event)
        return self.implied.get(event.time, math.nan) if math.isnan(variance) else variance

    def volatility_after(self, volatility: float, time: int, later: int, expiry: int) -> float:
        """What an implied volatility on calendar time at ``time`` is at ``later``, where none but time has passed.

        The variance left is that of the days and events left; NaN where that is not known, or nothing is left.
        """
        now, then = self.life(time, expiry), self.life(later, expiry)
        if not (min(now.years, then.years) > 0.0 and min(now.trading_days, then.trading_days) > 0.0):
            return math.nan
        # Options may give an event less than is thought of it, but no life less than none.
        event = min(now.event_variance, volatility * volatility * now.years)
        ordinary = (volatility * volatility * now.years - event) / now.trading_days
        return math.sqrt((ordinary * then.trading_days + min(then.event_variance, event)) / then.years)

    def life(self, time: int, expiry: int) -> Life:
        """What there is of variance from ``time`` to ``expiry``."""
        days = math.nan if self.clock is None else self._position(self.clock, expiry) - self._position(self.clock, time)
        added = [self.added(event) for event in self.ahead(time) if event.time <= expiry]
        return Life(float(years_between(time, expiry)), days, math.fsum(added))

    def _position(self, clock: VarianceClock, time: int) -> float:
        if self._positions is None or self._positions[0] is not clock:
            self._positions = clock, {}
        positions = self._positions[1]
        if (known := positions.get(time)) is None:
            if len(positions) >= _MOST_POSITIONS:  # each frame has a moment of its own
                positions.clear()
            known = positions[time] = clock.position(time)
        return known
