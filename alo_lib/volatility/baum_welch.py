"""Maximum likelihood of a Gaussian hidden Markov model by expectation and maximization (Baum and others 1970).

Probabilities are scaled day by day (Rabiner 1989, section V). Every sum is taken in one order, so that another
processor finds the same fit.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.numerics.compilation import kernel
from alo_lib.numerics.elementary import exponential, logarithm

__all__ = ["LEAST_VARIANCE", "HiddenMarkovFit", "baum_welch"]

Array = NDArray[np.float64]

LEAST_VARIANCE = 1e-6
"""Of a regime, for observations of unit variance: with a thousandth of the sample's deviation it holds days that are
all alike, such as those without a move, and its likelihood grows without end the more it shrinks to them."""


class HiddenMarkovFit(NamedTuple):
    """Parameters of k regimes: ``means``, ``variances`` (k,) and ``transition`` (k, k), and what they say of the data.

    ``shares`` (k,) of the days lie in each regime, by the probabilities that know all days.
    """

    means: Array
    variances: Array
    transition: Array
    log_likelihood: float
    shares: Array


def baum_welch(
    observed: Array, means: Array, variances: Array, transition: Array, *, most_iterations: int, tolerance: float
) -> HiddenMarkovFit | None:
    """Improve a first guess of k regimes of ``observed`` (n,), of about unit variance, until they gain no more.

    Done when an iteration gains less than ``tolerance`` of log likelihood. None where that takes more than
    ``most_iterations``, or a regime shrinks to nothing. Regimes are equally likely before the first day at first.
    """
    count, k = observed.size, means.size
    fit = means.copy(), variances.copy(), transition.copy()
    start, days = np.full(k, 1.0 / k), np.empty((count, k))
    scratch = np.empty((2, count, k))
    last = -math.inf
    for _ in range(most_iterations):
        log_likelihood, moves = _expect(observed, start, *fit, days, scratch)
        if not _maximize(observed, days, moves, start, *fit):
            return None
        if log_likelihood - last < tolerance:
            log_likelihood, _ = _expect(observed, start, *fit, days, scratch)
            return HiddenMarkovFit(*fit, log_likelihood, _shares(days))
        last = log_likelihood
    return None


@kernel
def _expect(
    observed: Array,
    start: Array,
    means: Array,
    variances: Array,
    transition: Array,
    days: Array,
    scratch: Array,
) -> tuple[float, Array]:
    """Fill ``days`` (n, k) with the probability of each regime, knowing all days.

    Returns the log likelihood and the expected number of moves between regimes (k, k). ``scratch`` is (2, n, k).
    """
    count, k = days.shape
    density, forward = scratch[0], scratch[1]
    log_likelihood = 0.0
    for t in range(count):
        best = -math.inf
        for i in range(k):
            gap = observed[t] - means[i]
            density[t, i] = -0.5 * (gap * gap / variances[i] + logarithm(2.0 * math.pi * variances[i]))
            best = max(best, density[t, i])
        total = 0.0
        for j in range(k):
            density[t, j] = exponential(density[t, j] - best)
            mass = start[j]
            if t > 0:
                mass = 0.0
                for i in range(k):
                    mass += forward[t - 1, i] * transition[i, j]
            forward[t, j] = mass * density[t, j]
            total += forward[t, j]
        # Over the day's likelihood, so that one factor scales both passes.
        for j in range(k):
            forward[t, j] /= total
            density[t, j] /= total
        log_likelihood += best + logarithm(total)
    moves = np.zeros((k, k))
    backward, earlier = np.ones(k), np.ones(k)
    for t in range(count - 1, -1, -1):
        for i in range(k):
            days[t, i] = forward[t, i] * backward[i]
        if t == 0:
            break
        for i in range(k):
            earlier[i] = 0.0
            for j in range(k):
                ahead = transition[i, j] * density[t, j] * backward[j]
                moves[i, j] += forward[t - 1, i] * ahead
                earlier[i] += ahead
        for i in range(k):
            backward[i] = earlier[i]
    return log_likelihood, moves


@kernel
def _maximize(
    observed: Array, days: Array, moves: Array, start: Array, means: Array, variances: Array, transition: Array
) -> bool:
    """Set the parameters to the likeliest ones for ``days`` and ``moves``; False when a regime shrinks to nothing."""
    count, k = days.shape
    for i in range(k):
        start[i] = days[0, i]
        weight, first, left = 0.0, 0.0, 0.0
        for t in range(count):
            weight += days[t, i]
            first += days[t, i] * observed[t]
        for j in range(k):
            left += moves[i, j]
        if not (weight > 0.0 and left > 0.0):
            return False
        means[i] = first / weight
        second = 0.0
        for t in range(count):
            gap = observed[t] - means[i]
            second += days[t, i] * gap * gap
        variances[i] = second / weight
        if not variances[i] > LEAST_VARIANCE:
            return False
        for j in range(k):
            transition[i, j] = moves[i, j] / left
    return True


@kernel
def _shares(days: Array) -> Array:
    """Mean probability of each regime, the days summed in their order."""
    count, k = days.shape
    shares = np.zeros(k)
    for t in range(count):
        for i in range(k):
            shares[i] += days[t, i]
    for i in range(k):
        shares[i] /= count
    return shares
