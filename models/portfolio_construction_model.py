"""LEAN portfolio construction model: the core's sized positions as targets."""

from AlgorithmImports import Insight, PortfolioConstructionModel, PortfolioTarget, QCAlgorithm

from alo_lib.core import Core, FrameTask
from models.marshalling import Marshal

__all__ = ["VegaBudgetPortfolioConstructionModel"]


class VegaBudgetPortfolioConstructionModel(PortfolioConstructionModel):
    """Runs the core's frame up to its targets: vega-budgeted pairs, and the shares that hedge them."""

    def __init__(self, core: Core, marshal: Marshal) -> None:
        super().__init__()
        self._core = core
        self._marshal = marshal

    def create_targets(self, algorithm: QCAlgorithm, insights: list[Insight]) -> list[PortfolioTarget]:
        """Quantities wanted in the open frame; none between frames."""
        if not self._core.in_frame:
            return []
        self._core.run_through(FrameTask.TARGET)
        return [
            PortfolioTarget(self._marshal.symbol(int(target["instrument"])), int(target["quantity"]))
            for target in self._core.targets
        ]
