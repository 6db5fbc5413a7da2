"""The main job with LEAN's own models swapped in, as the environment's ALO_SWAP says; it counts what is made."""

import json
import os
from typing import Any

from AlgorithmImports import (
    EqualWeightingPortfolioConstructionModel,
    ImmediateExecutionModel,
    Insight,
    PortfolioTarget,
)

import models.alpha_model
import models.framework
from algorithm.volatility_arbitrage import VolatilityArbitrageAlgorithm

MADE = {"insights": 0, "targets": 0}


class CountedInsight:
    """Stands for LEAN's class in our alpha model."""

    group = Insight.group

    def __new__(cls, *arguments: Any) -> Any:
        MADE["insights"] += 1
        return Insight(*arguments)


def counted_target(*arguments: Any) -> PortfolioTarget:
    """Stands for LEAN's class in our models."""
    MADE["targets"] += 1
    return PortfolioTarget(*arguments)


class SwappedAlgorithm(VolatilityArbitrageAlgorithm):
    """One swap a run."""

    def initialize(self) -> None:
        models.alpha_model.Insight = CountedInsight  # type: ignore[attr-defined, assignment]
        models.framework.PortfolioTarget = counted_target  # type: ignore[attr-defined, assignment]
        super().initialize()
        swap = os.environ["ALO_SWAP"]
        if swap == "portfolio construction":
            self.set_portfolio_construction(EqualWeightingPortfolioConstructionModel())
        elif swap == "execution":
            self.set_execution(ImmediateExecutionModel())

    def on_end_of_algorithm(self) -> None:
        super().on_end_of_algorithm()
        self.object_store.save("made", json.dumps(MADE))
