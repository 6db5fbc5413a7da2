"""How far the best of many trials can be trusted: the deflated Sharpe ratio, and the chance that it was overfitted."""

import math
from collections.abc import Callable, Iterator
from functools import partial
from itertools import combinations, islice
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm, rankdata

from alo_lib.simulation.sharpe import sharpe_ratios_of_sums

__all__ = ["FEWEST_SESSIONS", "Overfitting", "blocks_for", "deflated_sharpe", "expected_best", "overfitting"]

Array = NDArray[np.float64]

_MOST_BLOCKS: Final = 16
"""As Bailey et al. (2017) take: 12,870 ways to halve them."""
_LEAST_BLOCKS: Final = 4
_LEAST_ROWS: Final = 4
"""Sessions of a block: fewer make no ratio."""
FEWEST_SESSIONS: Final = _LEAST_BLOCKS * _LEAST_ROWS
"""That have any chance of overfitting."""
_CELLS: Final = 4_000_000
"""Halvings times ways to trade that are looked at together: 32 MB for each table of them."""


def expected_best(ratios: ArrayLike) -> float:
    """The Sharpe ratio that the best of as many trials without any skill is expected to have.

    From the deviation of the ``ratios`` (n,) of all that was tried, as the mean of the largest of n normals is
    approximated by Bailey and Lopez de Prado (2014), equation 1; 0 for a single one.
    """
    tried = np.asarray(ratios, np.float64)
    count = len(tried)
    if count < 2:
        return 0.0
    first, second = norm.ppf(1.0 - 1.0 / count), norm.ppf(1.0 - 1.0 / (count * math.e))
    return float(tried.std(ddof=1) * ((1.0 - np.euler_gamma) * first + np.euler_gamma * second))


def deflated_sharpe(ratio: float, hurdle: float, count: int, skewness: float, kurtosis: float) -> float:
    """The probability that a Sharpe ratio is above ``hurdle``: Bailey and Lopez de Prado (2014), equation 2.

    Neither ratio is annualized; ``count`` returns made it, of some skewness and kurtosis (3 for normal ones). With
    :func:`expected_best` for the hurdle it is deflated for how much was tried.
    """
    error = math.sqrt((1.0 - skewness * ratio + 0.25 * (kurtosis - 1.0) * ratio * ratio) / (count - 1))
    return float(norm.cdf((ratio - hurdle) / error))


class Overfitting(NamedTuple):
    """What halving the sessions in every way says of choosing the best by its ratio."""

    probability: float
    """That what is best in one half is below the median in the other, at it counting half: PBO. 1/2 for noise."""
    logits: Array
    """(c,) of the relative rank, in the other half, of what is best in one: 0 is the median, below it is overfitted."""
    inside: Array
    """(c,) ratio of the best in the half that it is chosen by, a session."""
    outside: Array
    """(c,) its ratio in the other half."""
    blocks: int
    rows: int
    """Sessions that were used: whole blocks of them, the latest."""


def blocks_for(rows: int) -> int | None:
    """Into how many blocks so many sessions are cut: an even number; None where they are too few for any."""
    most = min(_MOST_BLOCKS, rows // _LEAST_ROWS) // 2 * 2
    return most if most >= _LEAST_BLOCKS else None


def overfitting(returns: ArrayLike, blocks: int | None = None, *, by_mean: bool = False) -> Overfitting | None:
    """Combinatorially symmetric cross-validation: Bailey, Borwein, Lopez de Prado and Zhu (2017), section 2.

    ``returns`` (t, n) hold the sessions, in order, of each of n ways to trade. They are cut into ``blocks`` of equal
    length, by default as :func:`blocks_for` has it; the first sessions that fill none are left out. In each way to
    take half of the blocks the way of the best ratio is looked up, and ranked by the others; equals share their rank.
    ``by_mean`` the best mean return counts in the place of the ratio.
    None where there are too few sessions, or fewer than two ways to trade that differ.

    :raises ValueError: for a number of blocks that is odd, below two, or above the sessions.
    """
    table = np.asarray(returns, np.float64)
    if blocks is not None and (blocks < 2 or blocks % 2 or blocks > len(table)):
        raise ValueError(f"{blocks} blocks of {len(table)} sessions; it must be an even number of them, at least 2")
    cut = blocks_for(len(table)) if blocks is None else blocks
    if cut is None or table.shape[1] < 2:
        return None
    length = len(table) // cut
    used = table[len(table) - cut * length :].reshape(cut, length, -1)
    if (used == used[:, :, :1]).all():
        return None
    sums, squares = used.sum(axis=1), (used * used).sum(axis=1)
    rows = length * cut // 2
    by_ratio = partial(sharpe_ratios_of_sums, rows)
    judged: Callable[[Array, Array], Array] = (lambda each, _: each / rows) if by_mean else by_ratio
    logits, inside, outside = [], [], []
    for chosen in _halvings(cut, max(_CELLS // table.shape[1], 1)):
        here = judged(chosen @ sums, chosen @ squares)
        there = judged((1.0 - chosen) @ sums, (1.0 - chosen) @ squares)
        best = here.argmax(axis=1)
        each = np.arange(len(best))
        rank = rankdata(there, axis=1)[each, best] / (there.shape[1] + 1.0)
        logits.append(np.log(rank / (1.0 - rank)))
        inside.append(here[each, best])
        outside.append(there[each, best])
    ranked = np.concatenate(logits)
    probability = float(np.mean(ranked < 0.0) + 0.5 * np.mean(ranked == 0.0))
    return Overfitting(probability, ranked, np.concatenate(inside), np.concatenate(outside), cut, cut * length)


def _halvings(blocks: int, at_once: int) -> Iterator[Array]:
    """All ways to take half of the blocks, some (k, blocks) at once: 1 for what is taken."""
    every = combinations(range(blocks), blocks // 2)
    while some := list(islice(every, at_once)):
        chosen = np.zeros((len(some), blocks))
        np.put_along_axis(chosen, np.array(some), 1.0, axis=1)
        yield chosen
