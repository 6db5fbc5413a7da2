"""What hedging by a policy comes to beside its rule, scenario by scenario, and where the difference is from."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.learning.positions import Hedged, hedges_of, losses_of, trading_costs
from alo_lib.learning.scenarios import Scenario
from alo_lib.learning.smile import Smile
from alo_lib.learning.tails import tail_values
from alo_lib.strategy.hedging import HedgingRule
from alo_lib.strategy.hedging_policy import HedgingPolicy

__all__ = ["Hedging", "Outcome", "outcomes"]

Array = NDArray[np.float64]

_SHOWN_ON: Final = 13
"""Seed of the paths."""


class Hedging(NamedTuple):
    """By one rule, $ for a share's worth of one structure on a spot of 100."""

    cvar: float  # at 95 %, of the loss net of costs
    loss: float  # its mean
    costs: float  # of it, what was paid for trading
    deviation: float  # of what is lost beside the costs: what is left unhedged


class Outcome(NamedTuple):
    """One scenario, on the same fresh paths."""

    scenario: str
    rule: Hedging
    policy: Hedging

    @property
    def less(self) -> float:
        """By how much less CVaR is by the policy, a share of that by the rule."""
        return 1.0 - self.policy.cvar / self.rule.cvar


def outcomes(
    policy: HedgingPolicy, scenarios: Sequence[Scenario], smiles: Mapping[str, Smile], paths: int = 1_000
) -> list[Outcome]:
    """Of a policy and of the rule that it adjusts, in each scenario; smiles are by the market's name."""
    made = []
    for number, scenario in enumerate(scenarios):
        book = scenario.book(smiles[scenario.market.name], paths, _SHOWN_ON + (number << 32))
        made.append(Outcome(scenario.name, *(_hedging(book, each, scenario) for each in (policy.base, policy.rule))))
    return made


def _hedging(book: Hedged, rule: HedgingRule, scenario: Scenario) -> Hedging:
    parts = [_of_part(part, rule, scenario) for part in book.parts()]
    losses, costs = np.concatenate(parts, axis=1)
    left = float(np.std(losses - costs))
    return Hedging(float(np.mean(tail_values(losses))), float(np.mean(losses)), float(np.mean(costs)), left)


def _of_part(book: Hedged, rule: HedgingRule, scenario: Scenario) -> Array:
    """Losses and what of them is costs, (2, n)."""
    hedges = hedges_of(book, rule, scenario.costs)
    return np.array([losses_of(book, hedges, scenario.costs), trading_costs(book, hedges, scenario.costs)])
