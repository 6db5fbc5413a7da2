"""The main job with LEAN's own models swapped in, as the environment's ALO_SWAP says; it counts what is made."""

import datetime as dt
import json
import os
from typing import Any

from AlgorithmImports import (
    AlphaModel,
    EqualWeightingPortfolioConstructionModel,
    ImmediateExecutionModel,
    Insight,
    InsightDirection,
    InsightType,
    OptionChain,
    PortfolioTarget,
    QCAlgorithm,
    Slice,
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


class StrangersAlpha(AlphaModel):
    """Sells a straddle at the money a month out, before ours trades, ends it in an hour, and speaks of the shares."""

    def __init__(self) -> None:
        super().__init__()
        self.name = "Stranger"
        self._said = dict[dt.time, InsightDirection]()
        self.legs = list[Any]()
        self.told: list[dict[str, Any]] = []

    def update(self, algorithm: QCAlgorithm, data: Slice) -> list[Insight]:
        for hour, direction in ((dt.time(9, 31), InsightDirection.DOWN), (dt.time(10, 30), InsightDirection.FLAT)):
            if algorithm.time.time() >= hour and hour not in self._said:
                chains = list(data.option_chains.values())
                if chains and not self.legs:
                    self.legs = self._straddle(chains[0], algorithm.time)
                if self.legs:
                    self._said[hour] = direction
                    return self._insights(algorithm, direction)
        return []

    def _straddle(self, chain: OptionChain, now: dt.datetime) -> list[Any]:
        expiry = min(contract.expiry for contract in chain if contract.expiry > now + dt.timedelta(days=30))
        listed = [contract for contract in chain if contract.expiry == expiry]
        strike = min({each.strike for each in listed}, key=lambda strike: abs(strike - chain.underlying.price))
        return sorted((each.symbol for each in listed if each.strike == strike), key=lambda leg: leg.id.option_right)

    def _insights(self, algorithm: QCAlgorithm, direction: InsightDirection) -> list[Insight]:
        kind, hours = InsightType.VOLATILITY, dt.timedelta(hours=2)
        names = [leg.value for leg in self.legs]
        self.told.append({"time": algorithm.utc_time.isoformat(), "legs": names, "direction": int(direction)})
        pair = [Insight(leg, hours, kind, direction, 0.05, None) for leg in self.legs]
        shares = Insight(self.legs[0].underlying, hours, InsightType.PRICE, direction, 0.05, None)
        return [*Insight.group(pair), shares]


class SwappedAlgorithm(VolatilityArbitrageAlgorithm):
    """One swap a run."""

    def initialize(self) -> None:
        models.alpha_model.Insight = CountedInsight  # type: ignore[attr-defined, assignment]
        models.framework.PortfolioTarget = counted_target  # type: ignore[attr-defined, assignment]
        super().initialize()
        swap = os.environ["ALO_SWAP"]
        self.stranger = StrangersAlpha()
        if swap == "alpha":
            self.AddAlpha(self.stranger)  # by LEAN's older name
        elif swap == "portfolio construction":
            self.set_portfolio_construction(EqualWeightingPortfolioConstructionModel())
        elif swap == "execution":
            self.set_execution(ImmediateExecutionModel())

    def on_end_of_algorithm(self) -> None:
        super().on_end_of_algorithm()
        self.object_store.save("made", json.dumps(MADE))
        self.object_store.save("told", json.dumps(self.stranger.told))
