"""Fit the correction of the boundary's first guess to solved boundaries, beside the one that the pricer has.

The correction (:mod:`alo_lib.pricing.first_guess`) is two cubics, one where a put's boundary starts at the strike and
one where it starts below. Each is a linear least-squares fit of ln(g / formula) at a boundary's nodes; parameters are
drawn uniformly, volatility and time in their logarithms, from the ranges below. Ours is the correction that the pricer
has, fitted once on a draw that is lost; peer is the one fitted here. Both are measured on a second draw, where ours is
to be nearly as good. ``--coefficients`` prints the new ones; the pricer keeps its own, for others change prices' bits.
"""

import sys
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from alo_lib.pricing import PricingError, exercise_boundary
from alo_lib.pricing.boundary import perpetual_distance
from alo_lib.pricing.first_guess import (
    AT_STRIKE,
    BELOW_STRIKE,
    MONOMIALS,
    between,
    groups_at_strike,
    groups_below_strike,
    short_times,
    toward_limit,
)
from benchmarks.harness import Row, options_of, report

Array = npt.NDArray[np.float64]

VOLATILITY: Final = (0.04, 1.2)
TIME: Final = (1.0 / 365.0, 5.0)  # years
RATE: Final = (0.002, 0.2)
YIELD: Final = (0.0, 0.3)  # at most the rate where the boundary starts at the strike
SCHEME: Final = (8, 12, 32, 32)
ALLOWED: Final = 1.5  # times the error of a new fit


class Sample(NamedTuple):
    """Solved boundaries at their nodes, each a row: what the correction is fitted to."""

    groups: Array  # (k, 3) the cubic's variables
    log: Array  # (k,) ln(g / formula)


def _row(
    rate: float, dividend_yield: float, volatility: float, tau: float, solved: float
) -> tuple[float, float, float, float]:
    """Groups and log ratio of one node: the boundary ``solved`` at time to expiry ``tau``."""
    below = dividend_yield > rate
    start = float(np.log(rate / dividend_yield)) if below else 0.0
    limit = perpetual_distance(rate, dividend_yield, volatility, start)
    variance, spread = volatility**2, volatility * float(np.sqrt(tau))
    from_start, from_strike = short_times(rate, rate - dividend_yield, variance, tau, spread, start)
    distance = between(from_start, from_strike) if below else max(from_start, from_strike)
    x, y, z = (
        groups_below_strike(from_start, from_strike, limit, start, spread)
        if below
        else groups_at_strike(rate, dividend_yield, variance, spread)
    )
    return x, y, z, float(np.log((start - np.log(solved)) / toward_limit(distance, limit)))


def draw(below: bool, count: int, seed: int) -> Sample:
    """The boundaries of ``count`` puts with strike 1 whose boundary starts below the strike, or at it."""
    random = np.random.default_rng(seed)
    rows: list[tuple[float, float, float, float]] = []
    while count > 0:
        rate = random.uniform(*RATE)
        dividend_yield = random.uniform(rate, YIELD[1]) if below else random.uniform(YIELD[0], rate)
        volatility, time = (float(np.exp(random.uniform(*np.log(span)))) for span in (VOLATILITY, TIME))
        try:
            boundary = exercise_boundary(1.0, rate, dividend_yield, volatility, time, -1, scheme=SCHEME)
        except PricingError:
            continue  # no boundary was found: nothing to fit to
        count -= 1
        for tau, solved in zip(boundary.time_to_expiry.tolist(), boundary.upper.tolist(), strict=True):
            rows.append(_row(rate, dividend_yield, volatility, tau, solved))
    table = np.array(rows)
    return Sample(table[:, :3], table[:, 3])


def _matrix(groups: Array) -> Array:
    """The monomials of the cubic, (k, 20)."""
    return np.asarray(np.prod(groups[:, np.newaxis, :] ** np.array(MONOMIALS), axis=2))


def fit(sample: Sample) -> Array:
    """The cubic's coefficients, in the order of MONOMIALS."""
    return np.asarray(np.linalg.lstsq(_matrix(sample.groups), sample.log, rcond=None)[0])


def error(sample: Sample, coefficients: npt.ArrayLike) -> float:
    """Root mean square of ln(g / guess)."""
    left = sample.log - _matrix(sample.groups) @ np.asarray(coefficients)
    return float(np.sqrt(np.mean(left**2)))


def measure(count: int, coefficients: bool = False) -> Iterator[Row]:
    """Fit on one draw, and compare on another."""
    for name, below, present in (("at the strike", False, AT_STRIKE), ("below the strike", True, BELOW_STRIKE)):
        fitted, other = fit(draw(below, count, 1)), draw(below, count, 2)
        if coefficients:
            print(name, ", ".join(f"{c:.4f}" for c in fitted), file=sys.stderr)
        ours, peer, formula = (100.0 * error(other, c) for c in (present, fitted, np.zeros(len(MONOMIALS))))
        yield Row(f"{name}: formula without correction, RMS", formula, "%")
        yield Row(f"{name}: with the pricer's; with a new one, RMS", ours, "%", peer)
        holds = ours <= ALLOWED * peer
        yield Row(f"{name}: error over that of a new one", ours / peer, "x", 1.0, f"<= {ALLOWED}", holds)


def main() -> int:
    parser = options_of(__doc__)
    parser.add_argument("--coefficients", action="store_true", help="print the new coefficients on standard error")
    options = parser.parse_args()
    return report(measure(300 if options.quick else 3000, options.coefficients), as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
