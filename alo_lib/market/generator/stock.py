"""A made-up stock, day after day: its dynamics drawn from a seed, its minutes, and what is left of each day."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.market.bars import Bars
from alo_lib.market.generator.dividends import PaidOut
from alo_lib.market.generator.dynamics import Nodes
from alo_lib.market.generator.paths import STEPS_PER_MINUTE, DayPath, minute_bars, walk_day
from alo_lib.market.generator.truth import NameTruth
from alo_lib.records import MINUTE, Session, years_between

__all__ = ["MEAN_VOLUME", "Day", "walk_days"]

Array = NDArray[np.float64]

MEAN_VOLUME: Final = 2_000_000.0
_HISTORY_MINUTES: Final = 65  # steps of the days that are kept as daily bars only
_NONE_LATER: Final = np.zeros(1, np.int64)


@dataclass(frozen=True)
class Day:
    """One session of a stock; prices a share of that day."""

    session: Session
    bars: Bars
    opening: float
    prices: Array
    """Before rounding to cents: of the first trade, and (minutes, STEPS_PER_MINUTE) of those after it."""
    unit: float
    """How many of its shares were one before any split."""
    variance: float
    scale: float
    shock: Array
    """By minute, as :class:`~alo_lib.market.generator.paths.DayPath` has it."""
    left: Array

    @property
    def spot(self) -> float:
        """At the close, before rounding to cents."""
        return float(self.prices[-1, -1])


@dataclass
class _Streams:
    """Where each kind of random number of a stock comes from."""

    own: np.random.Generator
    index: np.random.Generator
    volumes: np.random.Generator
    day: np.random.Generator


def walk_days(
    name: NameTruth,
    history: Sequence[Session],
    sessions: Sequence[Session],
    paid: PaidOut,
    rate: float,
    streams: Sequence[np.random.SeedSequence],
) -> list[Day]:
    """All sessions of a stock, those of the ``history`` in coarser minutes.

    ``streams`` are those of its own moves, of the index's, of volumes, and of what happens once a day.
    """
    return _Walk(name, paid, rate, _Streams(*map(np.random.default_rng, streams))).days(history, sessions)


class _Walk:
    def __init__(self, name: NameTruth, paid: PaidOut, rate: float, streams: _Streams) -> None:
        self._name = name
        self._paid = paid
        self._growth = rate + name.drift
        self._streams = streams
        self._splits = {split.day: split.ratio for split in name.splits}
        self._events = {event.day: event.move for event in name.events}
        self._variance = name.dynamics.long_run
        self._unit = 1.0

    def days(self, history: Sequence[Session], sessions: Sequence[Session]) -> list[Day]:
        found: list[Day] = []
        rest = self._name.price
        closed = history[0].open if history else sessions[0].open
        for session in history:
            rest -= self._paid.amount if session.day in self._paid.days else 0.0
            found.append(self._day(session, closed, rest, minutes=_HISTORY_MINUTES, held=False))
            rest, closed = found[-1].spot * self._unit, session.close
        rest -= float(self._paid.present(np.array([closed]), _NONE_LATER)[0, 0])
        for session in sessions:
            minutes = (session.close - session.open) // MINUTE
            found.append(self._day(session, closed, rest, minutes=minutes, held=True))
            closed = session.close
            rest = found[-1].spot * self._unit - float(self._paid.present(np.array([closed]), _NONE_LATER)[0, 0])
        return found

    def _day(self, session: Session, closed: int, rest: float, *, minutes: int, held: bool) -> Day:
        """The session after a close at ``closed``, with ``rest`` what moves; what is paid later is ``held`` beside."""
        d, draw = self._name.dynamics, self._streams.day
        variance = self._variance
        scale, noise = _drawn(d.scales, draw), float(draw.standard_normal())
        night = self._night(session, draw)
        path = walk_day(variance * scale, self._name.overnight, minutes, self._normals(minutes))
        self._variance = float(d.following(*map(np.array, (variance, scale, path.shock[-1], noise))))
        self._unit *= self._splits.get(session.day, 1.0)
        opening, prices = self._prices(session, closed, rest * np.exp(night), path, held)
        bars = minute_bars(opening, prices, session.open, MEAN_VOLUME * self._unit, self._streams.volumes)
        return Day(session, bars, opening, prices, self._unit, variance, scale, path.shock, path.left)

    def _prices(self, session: Session, closed: int, rest: float, path: DayPath, held: bool) -> tuple[float, Array]:
        minutes = len(path.logs)
        ends = session.open + (np.arange(minutes + 1) * ((session.close - session.open) // minutes))
        ends[-1] = session.close
        growth = np.exp(self._growth * years_between(closed, ends))
        aside = self._paid.present(ends, _NONE_LATER)[:, 0] if held else np.zeros(minutes + 1)
        opening = rest * growth[0] * np.exp(path.opening) + aside[0]
        prices = rest * growth[1:, None] * np.exp(path.logs) + aside[1:, None]
        return float(opening / self._unit), prices / self._unit

    def _night(self, session: Session, draw: np.random.Generator) -> float:
        """What jumps and events move the price by before the open; each draws in every night, so that none shifts."""
        move = 0.0
        if self._name.jumps is not None:
            move += self._name.jumps.draw(draw)
        if self._name.events:
            deviation = self._events.get(session.day, 0.0)
            move += deviation * float(draw.standard_normal()) - 0.5 * deviation**2
        return move

    def _normals(self, minutes: int) -> Array:
        count, weight = 1 + minutes * STEPS_PER_MINUTE, self._name.correlation
        own = self._streams.own.standard_normal(count)
        if not weight:
            return own
        index = self._streams.index.standard_normal(count)
        return np.asarray(weight * index + np.sqrt(1.0 - weight * weight) * own)


def _drawn(nodes: Nodes, generator: np.random.Generator) -> float:
    at = np.searchsorted(np.cumsum(nodes.weights), float(generator.uniform()), side="right")
    return float(nodes.values[min(int(at), len(nodes.values) - 1)])
