"""An index against its members: the correlation that volatilities of both imply, and what dispersion trades of it.

The variance of a basket of weights w is sum w_i^2 v_i^2 + rho sum_(i != j) w_i w_j v_i v_j, with one correlation rho
for every pair; so the volatility of the index and those of its members say which one: Driessen, Maenhout and Vilkov
(2009), "The price of correlation risk: evidence from equity options", Journal of Finance 64, and Cboe's indices of
implied correlation. Weights are shares of the index's value, and add up to 1.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.numerics.fixed_order import dot

__all__ = ["Dispersion", "average_correlation", "dispersion", "index_volatility", "member_vegas"]

Floats = NDArray[np.float64]


class Dispersion(NamedTuple):
    """A unit of the index's vega sold, and its members' bought so that only correlation is left. Volatilities."""

    correlation: float
    """That is implied."""
    fair: float
    """That is expected."""
    edge: float
    """By which the index is implied above what its members' implied volatilities are at the fair correlation."""
    vegas: Floats
    """Of each member (n,), to buy for one of the index that is sold."""
    stress: float
    """What is lost where correlation becomes one and the members' volatilities stay."""


def average_correlation(index: float, members: Floats, weights: Floats) -> float:
    """The correlation at which members (n,) of these weights (n,) have the index's volatility.

    Below the least that n members can have, or above 1, no correlation does; what the formula says is told all the
    same, as Cboe's does. NaN where a volatility is, and of one member alone.
    """
    alone, together = _variances(members, weights)
    return (index * index - alone) / (together - alone) if together > alone else np.nan


def index_volatility(correlation: float, members: Floats, weights: Floats) -> float:
    """The volatility of a basket of members (n,) of these weights (n,); 0 where no correlation so low is possible."""
    alone, together = _variances(members, weights)
    return float(np.sqrt(np.maximum(alone + correlation * (together - alone), 0.0)))


def dispersion(index: float, members: Floats, weights: Floats, fair: float) -> Dispersion:
    """What is to be gained by the correlation that implied volatilities say against a ``fair`` one.

    A fair correlation above the implied one has an edge below zero: the other side.
    """
    return Dispersion(
        correlation=average_correlation(index, members, weights),
        fair=fair,
        edge=index - index_volatility(fair, members, weights),
        vegas=member_vegas(index, members, weights),
        stress=dot(weights, members) - index,
    )


def member_vegas(index: float, members: Floats, weights: Floats) -> Floats:
    """Vega of each member (n,) against one of the index: derivatives of the index's volatility by its members'.

    At the correlation rho that they imply: w_i ((1 - rho) w_i v_i + rho sum w_j v_j) / v.
    """
    implied, whole = average_correlation(index, members, weights), dot(weights, members)
    return np.asarray(weights * ((1.0 - implied) * weights * members + implied * whole) / index)


def _variances(members: Floats, weights: Floats) -> tuple[float, float]:
    """Of the basket where no member moves with another, and where all move as one."""
    return dot(weights * weights, members * members), dot(weights, members) ** 2
