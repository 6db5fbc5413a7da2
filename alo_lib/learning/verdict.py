"""How much less of a tail a policy leaves than the tuned rules, on paths that neither has seen."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from alo_lib.learning.positions import Costs, Hedged, losses_of, net_losses
from alo_lib.learning.scenarios import Scenario, tuned_minimum_variance, tuned_whalley_wilmott
from alo_lib.learning.smile import Smile
from alo_lib.learning.stepping import hedges_within
from alo_lib.learning.tails import tail_values
from alo_lib.strategy.hedging import HedgingRule, MinimumVariance, WhalleyWilmott
from alo_lib.strategy.hedging_policy import HedgingPolicy, bands_by

__all__ = ["Comparison", "Verdict", "fresh_books", "judge", "mean_and_interval", "tuned_in", "tuning_book"]

Array = NDArray[np.float64]
Rule = TypeVar("Rule", WhalleyWilmott, MinimumVariance)

_TUNED_ON: Final = 101
_FRESH: Final = 202
_CHUNK: Final = 10_000
"""Paths at a time, each with a seed of its own."""
_Z: Final = 1.959964


@dataclass(frozen=True)
class Comparison(Generic[Rule]):
    """Policies beside a rule: CVaR of the rule, and by how much less of it they leave, with its 95 % interval.

    The interval is over paths, shared and so paired, and over training seeds.
    """

    rule: Rule
    cvar: float
    less: float
    low: float
    high: float


@dataclass(frozen=True)
class Verdict:
    """One scenario: the mean CVaR of the policies, beside each tuned rule."""

    scenario: Scenario
    cvar: float
    whalley_wilmott: Comparison[WhalleyWilmott]
    minimum_variance: Comparison[MinimumVariance]
    carried: Comparison[MinimumVariance] | None = None  # the band of least variance with the numbers of another market

    @property
    def wins(self) -> bool:
        """Whether the interval of what is less lies above zero against both rules."""
        return self.whalley_wilmott.low > 0.0 and self.minimum_variance.low > 0.0

    @property
    def worse(self) -> float:
        """CVaR over that of the better rule, less 1; its interval's bad end."""
        both = ((each.cvar, each.low) for each in (self.whalley_wilmott, self.minimum_variance))
        cvar, low = min(both, key=lambda each: each[0])
        return -low / cvar


def judge(
    policies: Sequence[HedgingPolicy],
    scenario: Scenario,
    smile: Smile,
    paths: int,
    tuning: int = 10_000,
    *,
    carried: MinimumVariance | None = None,
) -> Verdict:
    """Tune both rules on ``tuning`` paths, and compare on ``paths`` fresh ones, in whole shares, costs included.

    ``carried`` is a rule that was tuned elsewhere, and is compared as it is.
    """
    learned_on, costs = tuning_book(scenario, smile, tuning), scenario.costs
    band, centred = tuned_whalley_wilmott(learned_on, costs), tuned_minimum_variance(learned_on, costs)
    rules = (band, centred) if carried is None else (band, centred, carried)
    losses: list[Array] = []
    for book in fresh_books(scenario, smile, paths):
        losses.extend(_losses(part, rules, policies, costs) for part in book.parts())
    tails = np.array([tail_values(each) for each in np.concatenate(losses, axis=1)])
    learned = tails[len(rules) :]
    return Verdict(
        scenario,
        float(np.mean(learned)),
        _compared(band, tails[0], learned),
        _compared(centred, tails[1], learned),
        None if carried is None else _compared(carried, tails[2], learned),
    )


def tuned_in(scenario: Scenario, smile: Smile, tuning: int) -> MinimumVariance:
    """The band of least variance as :func:`judge` tunes it in this scenario."""
    return tuned_minimum_variance(tuning_book(scenario, smile, tuning), scenario.costs)


def tuning_book(scenario: Scenario, smile: Smile, paths: int) -> Hedged:
    """The position on the paths that rules are tuned on; another number of paths has others."""
    return scenario.book(smile, paths, _TUNED_ON)


def fresh_books(scenario: Scenario, smile: Smile, paths: int) -> Iterator[Hedged]:
    """The position on the paths that are judged on, up to 10,000 at a time."""
    for start in range(0, paths, _CHUNK):
        yield scenario.book(smile, min(_CHUNK, paths - start), _FRESH + start // _CHUNK)


def _losses(book: Hedged, rules: Sequence[HedgingRule], policies: Sequence[HedgingPolicy], costs: Costs) -> Array:
    """What each path loses by each rule, then by each policy, ($ of :func:`net_losses`, (rules + policies, n))."""
    bands, shape = bands_by(policies, book.costing(costs)), book.spot[:-1].shape
    by_rules = [net_losses(book, rule, costs) for rule in rules]
    return np.array(by_rules + [losses_of(book, hedges_within(band, shape), costs) for band in bands])


def _compared(rule: Rule, tail: Array, learned: Array) -> Comparison[Rule]:
    """``tail`` (n,) is of the rule, ``learned`` (seeds, n) of the policies."""
    return Comparison(rule, float(np.mean(tail)), *mean_and_interval(tail[None, :] - learned))


def mean_and_interval(less: Array) -> tuple[float, float, float]:
    """Mean of paired differences (seeds, n), and the low and high end of its 95 % interval over paths and seeds."""
    seeds = less.shape[0]
    over_paths = _Z * float(np.std(np.mean(less, axis=0), ddof=1)) / math.sqrt(less.shape[1])
    over_seeds = 0.0
    if seeds > 1:
        quantile = float(student.ppf(0.975, seeds - 1))
        over_seeds = quantile * float(np.std(np.mean(less, axis=1), ddof=1)) / math.sqrt(seeds)
    gain, half = float(np.mean(less)), math.hypot(over_paths, over_seeds)
    return gain, gain - half, gain + half
