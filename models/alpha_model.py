"""LEAN alpha model: the core's ranked structures as insights."""

import datetime as dt
from typing import Final

from AlgorithmImports import AlphaModel, Insight, InsightDirection, InsightType, QCAlgorithm, Slice

from alo_lib.core import FrameTask
from alo_lib.records import OPTION_MULTIPLIER, VOLATILITY_POINT, Records, sides_of
from models.framework import SOURCE, Framework

__all__ = ["VolatilityAlphaModel"]

_UNTIL_NEXT_SESSION: Final = dt.timedelta(days=1)


class VolatilityAlphaModel(AlphaModel):
    """Runs the core's frame up to its signals; each structure worth trading becomes a group of volatility insights.

    A leg that is bought has one that goes up, a leg that is sold one that goes down, as many as its contracts in
    one structure. Insights are made where a portfolio construction model other than ours reads them: once a session
    for the same legs on the same sides. An insight's magnitude is the edge in volatility after costs, its
    confidence the part of the difference between implied and forecast volatility that costs leave, its weight the
    share of the account that the vega budget would put into the contract.
    """

    def __init__(self, framework: Framework) -> None:
        super().__init__()
        self.name = "VolatilityArbitrage"
        self._framework = framework
        self._emitted: dict[frozenset[int], dict[int, int]] = {}  # signed contracts by legs, in this session
        self._date: dt.date | None = None

    def update(self, algorithm: QCAlgorithm, data: Slice) -> list[Insight]:
        """Insights of the open frame, best first; none between frames."""
        with self._framework.one_at_a_time:
            return self._insights(algorithm)

    def _insights(self, algorithm: QCAlgorithm) -> list[Insight]:
        core = self._framework.core
        if not core.in_frame:
            return []
        core.run_through(FrameTask.SIGNAL)
        if not self._framework.insights_read:
            return []
        if self._date != algorithm.time.date():
            self._date, self._emitted = algorithm.time.date(), {}
        insights: list[Insight] = []
        for signal in core.signals[core.signals["edge_volatility"] >= core.settings.entry_edge]:
            sides = sides_of(signal)
            if self._emitted.get(frozenset(sides)) != sides:
                self._emitted[frozenset(sides)] = sides
                contracts = [(leg, side) for leg, side in sides.items() for _ in range(abs(side))]
                insights += Insight.group([self._insight(algorithm, signal, leg, side) for leg, side in contracts])
        return insights

    def _insight(self, algorithm: QCAlgorithm, signal: Records, leg: int, side: int) -> Insight:
        symbol = self._framework.marshal.symbol(leg)
        direction = InsightDirection.UP if side > 0 else InsightDirection.DOWN
        edge = float(signal["edge_volatility"])
        difference = abs(float(signal["forecast_volatility"] - signal["implied_volatility"]))
        confidence = min(edge / difference, 1.0) if difference > 0.0 else 0.0
        budget = self._framework.core.settings.vega_budget / VOLATILITY_POINT  # vega of 1.00 for each unit of equity
        weight = budget / float(signal["vega"]) * float(algorithm.securities[symbol].price) * OPTION_MULTIPLIER
        kind = InsightType.VOLATILITY
        return Insight(symbol, _UNTIL_NEXT_SESSION, kind, direction, edge, confidence, SOURCE, weight)
