"""Compiled: prices that are averages of prices, as implied variances on a grid."""

import math

import numpy as np
from numpy.typing import NDArray

from alo_lib.numerics.compilation import kernel
from alo_lib.numerics.elementary import exponential, logarithm, normal_cdf, normal_cdf_pdf

__all__ = ["average", "read"]

Array = NDArray[np.float64]

_HALVINGS = 80
_CLOSE = 1e-12


@kernel
def _cubic(row: Array, place: float) -> float:
    """A row's value at a ``place`` counted in its steps, by Catmull and Rom's cubic; flat beyond the ends."""
    last = row.shape[0] - 1
    place = min(max(place, 0.0), float(last))
    i = min(int(place), max(last - 1, 0))
    f = place - i
    b, c = row[i], row[min(i + 1, last)]
    a, d = row[max(i - 1, 0)], row[min(i + 2, last)]
    value: float = b + 0.5 * f * (c - a + f * (2.0 * a - 5.0 * b + 4.0 * c - d + f * (3.0 * (b - c) + d - a)))
    return value


@kernel
def _out_of_the_money(k: float, deviation: float) -> tuple[float, float]:
    """The value of a call (k >= 0) or a put over its forward at a log strike k over it, and its derivative."""
    d1 = -k / deviation + 0.5 * deviation
    cdf, pdf = normal_cdf_pdf(d1)
    if k >= 0.0:
        return cdf - exponential(k) * normal_cdf(d1 - deviation), pdf
    return exponential(k) * normal_cdf(deviation - d1) - normal_cdf(-d1), pdf


@kernel
def _implied_deviation(k: float, value: float, guess: float) -> float:
    """At which deviation :func:`_out_of_the_money` is ``value``: Newton on its logarithm, held in a bracket."""
    low, high, deviation = 0.0, 32.0 * guess, guess
    target = logarithm(value)
    for _ in range(_HALVINGS):
        found, slope = _out_of_the_money(k, deviation)
        if found <= 1e-290:
            low = deviation
            deviation = 0.5 * (low + high)
            continue
        off = logarithm(found) - target
        if off > 0.0:
            high = deviation
        else:
            low = deviation
        following = deviation - off * found / slope if slope > 0.0 else high
        if not low < following < high:
            following = 0.5 * (low + high)
        if abs(following - deviation) <= _CLOSE * deviation:
            return following
        deviation = following
    return deviation


@kernel
def average(
    weights: Array,
    moves: Array,
    states: Array,
    source: Array,
    affine: Array,
    places: Array,
    variance: Array,
    strikes: Array,
    out: Array,
) -> None:
    """The smile of an option that is priced after some moves, before them: fill ``out`` (times, strikes).

    After ``moves`` (times, nodes) of the log forward, of probabilities ``weights`` (nodes,), the next day's variance is
    ``states`` (times, nodes), what is left until expiry has the variance ``affine[0] state + affine[1]``, and ratios
    of implied to this variance are ``source`` (grid of states, grid of strikes); ``places`` are the logarithm of the
    first state and the step, the first strike and the step. A strike is the log strike over the forward, over the
    deviation that is left. ``variance`` (times,) is the whole one, which ``out`` and ``strikes`` (n,) are relative to.
    """
    count = source.shape[0]
    row, totals = np.empty(source.shape[1]), np.empty(strikes.shape[0])
    for t in range(moves.shape[0]):
        deviation = math.sqrt(variance[t])
        totals[:] = 0.0
        for q in range(weights.shape[0]):
            place = (logarithm(states[t, q]) - places[0]) / places[1]
            place = min(max(place, 0.0), float(count - 1))
            i = min(int(place), max(count - 2, 0))
            f = place - i
            for j in range(row.shape[0]):
                row[j] = (1.0 - f) * source[i, j] + f * source[min(i + 1, count - 1), j]
            left = math.sqrt(affine[0] * states[t, q] + affine[1])
            growth = exponential(moves[t, q])
            for j in range(strikes.shape[0]):
                strike = strikes[j] * deviation
                k = strike - moves[t, q]
                one = left * math.sqrt(_cubic(row, (k / left - places[2]) / places[3]))
                d1 = -k / one + 0.5 * one
                if strike >= 0.0:
                    value = growth * normal_cdf(d1) - exponential(strike) * normal_cdf(d1 - one)
                else:
                    value = exponential(strike) * normal_cdf(one - d1) - growth * normal_cdf(-d1)
                totals[j] += weights[q] * value
        for j in range(strikes.shape[0]):
            one = _implied_deviation(strikes[j] * deviation, max(totals[j], 1e-280), deviation)
            out[t, j] = one * one / variance[t]


@kernel
def read(smiles: Array, expiry: NDArray[np.int64], strikes: Array, places: Array, out: Array) -> None:
    """Read ``smiles`` (times, expiries, grid of strikes) of each contract's ``expiry`` (n,) at ``strikes`` (times, n).

    ``places`` as in :func:`average`; ``out`` (times, n) is filled.
    """
    for t in range(strikes.shape[0]):
        for n in range(strikes.shape[1]):
            out[t, n] = _cubic(smiles[t, expiry[n]], (strikes[t, n] - places[2]) / places[3])
