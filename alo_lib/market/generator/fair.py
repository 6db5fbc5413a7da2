"""What options are worth where a dynamics moves the stock: expectations under that very dynamics.

The price less carry is a martingale (:mod:`~alo_lib.market.generator.dynamics.interface`), so the fair value of a
European option is the expectation of what it pays. It is found backward, as on a lattice: what is worth so much after a
day is worth the average over the day's outcomes before it. Smiles are kept as implied variances over expected variance,
by days to expiry, the next day's variance and the strike in deviations; between the points of that grid they are
smooth. Nothing is simulated.

Within a session the same average is taken over what is left of the day, whose scale is known by then. Jumps and dated
events do not touch variance: their moves are averaged over the smile that there is without them.
"""

from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.market.generator.dynamics import AnyDynamics, Constant, Jumps
from alo_lib.market.generator.dynamics.interface import ALONE, Nodes, even_nodes, normal_nodes
from alo_lib.market.generator.kernels import average, read
from alo_lib.market.generator.stock import Day

__all__ = ["Fair", "Moment", "Smile", "fair_of", "flat_smile"]

Array = NDArray[np.float64]

_STATES: Final = 48
_LOWEST, _HIGHEST = 0.02, 100.0  # of the long-run variance
_WIDEST: Final = 6.0  # deviations
_STEP: Final = 0.5
_STRIKES: Final = np.arange(-_WIDEST, _WIDEST + 0.5 * _STEP, _STEP)
_DAY_NODES: Final = 17
_REST_NODES: Final = 9
_NOISE_NODES: Final = 5
_COARSEST: Final = 0.8
_STEP_OF_WIDTH: Final = 1.3
_CALM: Final = 0.25  # of the long-run variance: calmer states are rare beside jumps


class Moment(NamedTuple):
    """Where a stock stands at some times of a session, at its close at the latest: arrays (times,).

    ``variance`` and ``scale`` are the day's; ``shock`` is how far its normal move has come, and ``left`` the variance
    of what is to come of it.
    """

    variance: float
    scale: float
    shock: Array
    left: Array


class Smile(NamedTuple):
    """Fair implied variance until expiry: ``variance`` (times, expiries), times ``ratio`` (times, expiries, grid)."""

    variance: Array
    ratio: Array

    def total_variance(self, expiry: NDArray[np.int64], log_strike: Array) -> Array:
        """Of contracts: number of the expiry (n,), logarithm of strike over forward (times, n); in deviations^2."""
        expected = self.variance[:, expiry]
        out = np.empty(log_strike.shape)
        deviations = log_strike / np.sqrt(np.maximum(expected, 1e-16))
        read(self.ratio, np.ascontiguousarray(expiry, dtype=np.int64), deviations, _places(1.0), out)
        return expected * out


class Fair:
    """The fair smile of one dynamics and its jumps, up to ``days`` trading days ahead; see :func:`fair_of`."""

    def __init__(self, dynamics: AnyDynamics, jumps: Jumps | None, days: int) -> None:
        self._dynamics = dynamics
        self._jumps = jumps
        self._flat = isinstance(dynamics, Constant)
        grid = (
            np.array([dynamics.long_run])
            if self._flat
            else dynamics.long_run * np.geomspace(_LOWEST, _HIGHEST, _STATES)
        )
        self._places = _places(float(grid[0]), float(np.log(grid[1] / grid[0])) if len(grid) > 1 else 1.0)
        plain = self._walk_back(grid, days)
        self._tables = plain if jumps is None else [self._with_jumps(grid, n, table) for n, table in enumerate(plain)]

    def smile_of(self, day: Day, at: NDArray[np.int64], days: NDArray[np.int64], event_variance: Array) -> Smile:
        """As :meth:`smile`, at the ends of some minutes (times,) of a day of the stock."""
        moment = Moment(day.variance, day.scale, day.shock[at], day.left[at])
        return self.smile(moment, days, event_variance)

    def smile(self, moment: Moment, days: NDArray[np.int64], event_variance: Array) -> Smile:
        """The smile of expiries: trading ``days`` after this one (n,), variance of dated events until then (n,)."""
        d = self._dynamics
        z, eta = normal_nodes(_REST_NODES), self._noise()
        y, noise = (each.ravel() for each in np.meshgrid(z.values, eta.values, indexing="ij"))
        weights = np.outer(z.weights, eta.weights).ravel()
        left = moment.left[:, None]
        step = np.sqrt(left) * y
        states = d.following(
            np.array(moment.variance), np.array(moment.scale), moment.shock[:, None] + step, noise + 0.0 * step
        )
        moves = step - 0.5 * left
        following = states @ weights
        variance, ratio = np.empty((len(left), len(days))), np.ones((len(left), len(days), len(_STRIKES)))
        for column, (day, extra) in enumerate(zip(days.tolist(), event_variance.tolist(), strict=True)):
            slope, level = self._affine(day)
            variance[:, column] = moment.left + slope * following + level + extra
            if day and not (self._flat and self._jumps is None):
                nodes = _event_nodes(extra, slope * float(following.min()) + level)
                out = np.empty((len(left), len(_STRIKES)))
                average(
                    np.outer(weights, nodes.weights).ravel(),
                    _spread(moves, nodes.values),
                    np.repeat(states, len(nodes.values), axis=1),
                    self._tables[day],
                    np.array([slope, level]),
                    self._places,
                    variance[:, column],
                    _STRIKES,
                    out,
                )
                ratio[:, column] = out
        return Smile(variance, ratio)

    def _noise(self) -> Nodes:
        return normal_nodes(_NOISE_NODES) if self._dynamics.second_noise else Nodes(np.zeros(1), ALONE.weights)

    def _affine(self, days: int) -> tuple[float, float]:
        slope, level = self._dynamics.mean_variance(days)
        return slope, level + (0.0 if self._jumps is None else days * self._jumps.variance)

    def _walk_back(self, grid: Array, days: int) -> list[Array]:
        """Ratios by days to expiry at closes, without jumps: (grid of states, grid of strikes) each."""
        flat = np.ones((len(grid), len(_STRIKES)))
        if self._flat:
            return [flat] * (days + 1)
        d = self._dynamics
        z, eta, scales = normal_nodes(_DAY_NODES), self._noise(), d.scales
        parts = np.meshgrid(scales.values, z.values, eta.values, indexing="ij")
        scale, y, noise = (each.ravel()[None, :] for each in parts)
        weights = (scales.weights[:, None, None] * z.weights[None, :, None] * eta.weights).ravel()
        today = grid[:, None] * scale
        moves, shock = np.sqrt(today) * y - 0.5 * today, np.sqrt(today) * y
        states = np.broadcast_to(d.following(grid[:, None], scale, shock, noise), moves.shape).copy()
        # On the last day the move is normal, given its scale: no nodes stand for it.
        last = np.empty_like(flat)
        of_scale = np.ascontiguousarray(grid[:, None] * scales.values)
        one_day = np.array([1.0, 0.0])
        average(scales.weights, np.zeros_like(of_scale), of_scale, flat, one_day, self._places, grid, _STRIKES, last)
        tables = [flat, last]
        for day in range(2, days + 1):
            slope, level = d.mean_variance(day)
            out = np.empty_like(flat)
            before = np.array(d.mean_variance(day - 1))
            target = slope * grid + level
            average(weights, moves, states, tables[-1], before, self._places, target, _STRIKES, out)
            tables.append(out)
        return tables

    def _with_jumps(self, grid: Array, days: int, table: Array) -> Array:
        """The ratios of ``table``, with as many nights of jumps."""
        if self._jumps is None or days == 0:
            return table
        width = np.sqrt(np.dot(self._dynamics.mean_variance(days), (_CALM * self._dynamics.long_run, 1.0)))
        nodes = self._jumps.moves(days, _step_for(float(width), self._jumps.deviation))
        moves = np.broadcast_to(nodes.values, (len(grid), len(nodes.values))).copy()
        states = np.repeat(grid[:, None], len(nodes.values), axis=1)
        slope, level = self._affine(days)
        out = np.empty_like(table)
        alone = np.array(self._dynamics.mean_variance(days))
        average(nodes.weights, moves, states, table, alone, self._places, slope * grid + level, _STRIKES, out)
        return out


@lru_cache(maxsize=32)
def fair_of(dynamics: AnyDynamics, jumps: Jumps | None, days: int) -> Fair:
    """The fair smile, made once for a process."""
    return Fair(dynamics, jumps, days)


def flat_smile(variance: Array) -> Smile:
    """That of a variance until expiry (times, expiries) which is the same at every strike."""
    return Smile(variance, np.ones((*variance.shape, len(_STRIKES))))


def _places(first_state: float, step: float = 1.0) -> Array:
    return np.array([np.log(first_state), step, _STRIKES[0], _STEP])


def _step_for(width: float, deviation: float) -> float:
    """How far apart points of a normal of some deviation may be where what follows is as wide as ``width``."""
    return min(_COARSEST, _STEP_OF_WIDTH * width / max(deviation, 1e-9))


def _event_nodes(variance: float, following: float) -> Nodes:
    """The compensated normal move of dated events, with the variance that is still to come after them."""
    if variance == 0.0:
        return Nodes(np.zeros(1), ALONE.weights)
    z = even_nodes(_step_for(float(np.sqrt(following)), float(np.sqrt(variance))))
    return Nodes(np.sqrt(variance) * z.values - 0.5 * variance, z.weights)


def _spread(moves: Array, more: Array) -> Array:
    """Each move (times, n) with each of ``more`` (m,): (times, n m)."""
    return np.ascontiguousarray((moves[:, :, None] + more).reshape(len(moves), -1))
