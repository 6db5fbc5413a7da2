"""What options with dividends are worth on grids: how fine a grid a scheme takes, and values from two of them.

Values are extrapolated from two grids (:mod:`cash_grid`), one half as fine again as the other:
``(9 fine - 4 coarse) / 5`` takes the errors of second order away.
"""

from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from alo_lib.pricing.cash_batch import COARSE, FINE, READ_ROWS, combine, plan_batch, read_batch
from alo_lib.pricing.cash_plan import GridSize, segment_limit
from alo_lib.pricing.cash_rows import PLAN_ROWS
from alo_lib.pricing.scheme import ACCURATE, FAST, HIGH_PRECISION, Scheme
from alo_lib.pricing.terms import Cash, Options

__all__ = ["Asked", "bound", "cells_of", "size_of", "solve", "solve_moved", "solve_together"]

Array = npt.NDArray[np.float64]


_SIZES: Final = {FAST: GridSize(24, 3), ACCURATE: GridSize(48, 4), HIGH_PRECISION: GridSize(256, 24)}
_FINER: Final = (np.array([1.5, 5.0, 8.0]), np.array([0.6, 5.0, 8.0]))
"""Volatility times the root of time, European and American, beyond each of which a grid has twice as many cells."""
_THIN: Final = np.array([4.0, 12.0])
"""The same times the power of spot that an option is worth next to where exercise begins, to the same effect."""


def cells_of(options: Options, volatility: Array, american: bool, size: GridSize) -> npt.NDArray[np.int64]:
    """Cells of each option's grid (n,): more where they are wide beside the strike, or beside what bends.

    That is where spot goes far, and where drift takes it to where exercise begins faster than volatility spreads it.
    """
    far = volatility * np.sqrt(options.time)
    doubled = (far[:, None] > _FINER[american]).sum(axis=1)
    if american:
        with np.errstate(divide="ignore", invalid="ignore"):
            steep = far * _power_at_exercise(options, volatility)
        doubled = np.maximum(doubled, (steep[:, None] > _THIN).sum(axis=1))
    return np.asarray(size.cells << doubled, np.int64)


def _power_at_exercise(options: Options, volatility: Array) -> Array:
    """Which power of spot an option is worth next to where exercise begins (n,), long before expiry.

    That of a perpetual option without dividends; NaN or 0 where none is exercised.
    """
    variance, earned = volatility**2, np.where(options.right > 0.0, options.dividend_yield, options.rate)
    half = 0.5 - (options.rate - options.dividend_yield) / variance
    power = options.right * half + np.sqrt(half**2 + 2.0 * options.rate / variance)
    return np.asarray(np.where(earned > 0.0, power, 0.0))


def size_of(scheme: Scheme) -> GridSize:
    """The grid that goes with a scheme; one of the user's own has 4 cells for each boundary node, a step for three."""
    return _SIZES.get(scheme, GridSize(4 * scheme.nodes, -(-scheme.nodes // 3)))


def solve(
    options: Options, volatility: Array, american: bool, size: GridSize, cells: npt.NDArray[np.int64], cash: Cash
) -> Array:
    """Price and its first three derivatives by spot, (4, n), on grids of so many cells (n,)."""
    out = np.empty((4, volatility.size))
    for each in np.unique(cells):
        which = np.flatnonzero(cells == each)
        part, own = options.part(which), size._replace(cells=int(each))
        out[:, which] = _solve_alike(part, volatility[which], american, own, cash.part(which))
    return out


class _Planned(NamedTuple):
    """Options whose grids have cells of one size, as they are laid out: see :func:`plan_batch`."""

    cash: Cash
    order: npt.NDArray[np.int64]  # those of equal steps beside each other, each of the first ones before those like it
    options: Options
    volatility: Array
    american: bool
    cells: int
    plans: Array
    steps: npt.NDArray[np.int64]
    sure: Array  # (4, n) what those are worth that have no steps

    def read(self, multiple: int, *, moved: bool = True) -> Array:
        """What a grid has for the options, (READ_ROWS, n), or for the first ones alone."""
        out = np.empty((READ_ROWS, self.volatility.size))
        order = self.order if moved else self.order[self.order < len(self.plans)]
        read_batch(
            self.options,
            self.volatility,
            self.american,
            self.cash,
            order,
            self.cells,
            multiple,
            self.plans,
            self.steps,
            out,
        )
        return out

    def values(self, less: int, more: int, coarse: Array, fine: Array) -> Array:
        """Price and its first three derivatives by spot, (4, n), from two grids, see :func:`combine`."""
        out = self.sure.copy()
        combine(self.options, self.american, self.steps, less, more, coarse, fine, out)
        # Where volatility is so high that nothing else is left, cells are wide.
        out[0] = np.minimum(out[0], bound(self.options, self.american))
        return out


def _planned(options: Options, volatility: Array, american: bool, size: GridSize, cash: Cash, count: int) -> _Planned:
    """The layouts of options whose grids are of one size; those after the first ``count`` differ little from these."""
    every, segments = volatility.size, segment_limit(cash)
    plans, steps = np.empty((count, segments, PLAN_ROWS)), np.empty((every, segments), np.int64)
    sure = np.empty((4, every))
    plan_batch(options, volatility, american, cash, size, plans, steps, sure)
    own = steps[:count]
    order = np.lexsort(own[:, own.any(axis=0)].T) if own.any() else np.arange(count)
    order = (order[:, None] + np.arange(0, every, count)).reshape(-1)
    return _Planned(cash, order, options, volatility, american, size.cells, plans, steps, sure)


def _solve_alike(options: Options, volatility: Array, american: bool, size: GridSize, cash: Cash) -> Array:
    """What :func:`solve` gives on grids of one size."""
    planned = _planned(options, volatility, american, size, cash, volatility.size)
    coarse, fine = (planned.read(multiple) for multiple in (COARSE, FINE))
    return planned.values(COARSE, FINE, coarse, fine)


Asked: TypeAlias = list[tuple[Options, Array]]
"""Options and their volatilities (n,), some times: they differ from the first by what is asked."""


def _together(asked: Asked, cash: Cash) -> tuple[Options, Array, Cash]:
    """All that is asked as one: few options fill the lanes."""
    every = Options(*(np.concatenate(column) for column in zip(*(options for options, _ in asked), strict=True)))
    schedules = cash.part(np.tile(np.arange(cash.rows.shape[0]), len(asked)))
    return every, np.concatenate([volatility for _, volatility in asked]), schedules


def solve_together(asked: Asked, american: bool, size: GridSize, cash: Cash) -> list[Array]:
    """What :func:`solve` gives for each, on grids as fine as those of the first."""
    every, volatility, cash = _together(asked, cash)
    cells = np.tile(cells_of(*asked[0], american, size), len(asked))
    return np.split(solve(every, volatility, american, size, cells, cash), len(asked), axis=1)


def solve_moved(asked: Asked, american: bool, size: GridSize, cash: Cash) -> tuple[Array, list[Array]]:
    """What :func:`solve` gives for the first, and for all of them, it too, what differences are to be taken of.

    Those are from coarse grids that are laid out like the first one's. A European option's error is regular there, and
    is extrapolated with grids of one unit; where exercise begins between nodes has the errors of others spread by that.
    """
    options, volatility = asked[0]
    first, all_of_them = np.empty((4, volatility.size)), np.empty((len(asked), 4, volatility.size))
    cells = cells_of(options, volatility, american, size)
    for each in np.unique(cells):
        which = np.flatnonzero(cells == each)
        every, sigma, own = _together([(one.part(which), moved[which]) for one, moved in asked], cash.part(which))
        planned = _planned(every, sigma, american, size._replace(cells=int(each)), own, which.size)
        coarse, fine = planned.read(COARSE), planned.read(FINE, moved=False)
        first[:, which] = planned.values(COARSE, FINE, coarse, fine)[:, : which.size]
        less = 0 if american else 1
        found = planned.values(less, COARSE, coarse if american else planned.read(less), coarse)
        all_of_them[:, :, which] = found.reshape(4, len(asked), which.size).swapaxes(0, 1)
    return first, list(all_of_them)


def bound(options: Options, american: bool) -> Array:
    """What no volatility takes an option above: for a call the spot, for a put the strike's present value."""
    spot, strike, rate, dividend_yield, time, right = options
    earned = np.exp(-np.where(right > 0.0, dividend_yield, rate) * time)
    bound: Array = np.where(right > 0.0, spot, strike) * (np.maximum(earned, 1.0) if american else earned)
    return bound
