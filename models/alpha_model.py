"""LEAN alpha model: the core's ranked pairs as insights."""

import datetime as dt

from AlgorithmImports import AlphaModel, Insight, InsightDirection, InsightType, QCAlgorithm, Slice

from alo_lib.core import Core, FrameTask
from models.marshalling import Marshal

__all__ = ["VolatilityAlphaModel"]

_UNTIL_NEXT_SESSION = dt.timedelta(days=1)


class VolatilityAlphaModel(AlphaModel):
    """Runs the core's frame up to its signals; each pair worth trading becomes a volatility insight on both legs."""

    def __init__(self, core: Core, marshal: Marshal) -> None:
        super().__init__()
        self.name = "VolatilityArbitrage"
        self._core = core
        self._marshal = marshal

    def update(self, algorithm: QCAlgorithm, data: Slice) -> list[Insight]:
        """Insights of the open frame, best first; none between frames."""
        if not self._core.in_frame:
            return []
        self._core.run_through(FrameTask.SIGNAL)
        worthwhile = self._core.signals[self._core.signals["edge_volatility"] >= self._core.settings.entry_edge]
        insights = []
        for signal in worthwhile:
            direction = InsightDirection.UP if signal["direction"] > 0 else InsightDirection.DOWN
            for leg in ("call", "put"):
                symbol = self._marshal.symbol(int(signal[leg]))
                magnitude = float(signal["edge_volatility"])
                insights.append(
                    Insight(symbol, _UNTIL_NEXT_SESSION, InsightType.VOLATILITY, direction, magnitude, None)
                )
        return insights
