"""What an order costs, and how large orders are best where the smallest costs as much as one of many shares."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.numerics.elementwise import exp, log

__all__ = ["OrderCosts", "best_size", "cube_root"]

Floats = float | NDArray[np.float64]

_STEPS: Final = 8
"""Of Newton's method; it ends at the last bit after seven at the most, whatever the costs."""


class OrderCosts(NamedTuple):
    """Of n shares an order costs n ``half_spread`` + max(``least``, n ``fee``), $."""

    half_spread: Floats
    fee: Floats
    least: Floats

    def a_share(self, size: Floats) -> Floats:
        """What each share of an order of so many costs; of none as many as the least fee does not count for."""
        is_order = np.asarray(size) > 0.0
        least = np.where(is_order, self.least / np.where(is_order, size, 1.0), 0.0)
        return np.asarray(self.half_spread + np.maximum(self.fee, least))


def best_size(half_width: Floats, costs: OrderCosts) -> NDArray[np.float64]:
    """Shares D of the orders that hedge best; 0 where none is too small, or without a band.

    ``half_width`` w is Whalley and Wilmott's for a cost of $ 1 a share: A = w^3 is 3 v / 4 h, where the hedge's error y
    has the variance v a year and costs h y^2 a year. The best impulse control of this Brownian motion goes from U to u
    = U - D where the derivatives of its value at both are the order's marginal cost, and the value between them is the
    order's cost K(D): Whalley and Wilmott (1999), "Optimal hedging of options with small but arbitrary transaction cost
    structure", European Journal of Applied Mathematics 10. The derivative being (2 / v) (lambda y - h y^3 / 3), this is

        ((U + u) / 2)^3 = A K(D) / D    and, of K(D) = F + s D,    (U + u) / 2 D^3 = 4 A F:

    the middle of both is the half width at what an order of D costs a share. Without s it is U = D = (8 A F)^(1/4), u =
    0, the band of Altarovici, Muhle-Karbe and Soner (2015), "Asymptotics for fixed transaction costs", Finance and
    Stochastics 19; without F it is U = u = (A s)^(1/3), Whalley and Wilmott's of 1997. In x = D / (8 A F)^(1/4) both
    are x^8 (1 + x r) = 1, r being the ratio of s D to F at x = 1. From ``least`` / ``fee`` shares on a fee is
    proportional, and no order is better larger.
    """
    width, half_spread, fee, least = (np.asarray(each, np.float64) for each in (half_width, *costs))
    told = np.isfinite(width + half_spread + fee + least)
    has_size = told & (width > 0.0) & (least > 0.0)
    w, fixed = np.where(has_size, width, 1.0), np.where(has_size, least, 1.0)
    alone = np.sqrt(np.sqrt(8.0 * w * w * w * fixed))
    ratio = np.where(has_size, half_spread, 0.0) * alone / fixed
    size = alone * _fraction(ratio)
    most = np.where(fee > 0.0, least / np.where(fee > 0.0, fee, 1.0), np.inf)
    return np.where(has_size, np.minimum(size, most), np.where(told, 0.0, np.nan))


def _fraction(ratio: NDArray[np.float64]) -> NDArray[np.float64]:
    """The x from 0 to 1 of x^8 (1 + x r) = 1, by Newton from above: the left side is convex in x."""
    x = np.where(ratio > 1.0, exp(log(np.maximum(ratio, 1.0)) / -9.0), 1.0)
    for _ in range(_STEPS):
        square = x * x
        seventh = square * square * square * x
        x = x - (seventh * x * (1.0 + ratio * x) - 1.0) / (seventh * (8.0 + 9.0 * ratio * x))
    return np.asarray(x)


def cube_root(x: Floats) -> NDArray[np.float64]:
    """Of numbers from 0, with the same bits on every machine, as those of decisions; NaN stays."""
    array = np.asarray(x, np.float64)
    positive = array > 0.0
    root = exp(log(np.where(positive, array, 1.0)) / 3.0)
    return np.where(positive, root, array)
