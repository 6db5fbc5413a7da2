"""LEAN risk management model: what the core's limits put in place of sized targets."""

from AlgorithmImports import IPortfolioTarget, PortfolioTarget, QCAlgorithm, RiskManagementModel

from alo_lib.core import Core, FrameTask
from models.marshalling import Marshal

__all__ = ["GreeksRiskManagementModel"]


class GreeksRiskManagementModel(RiskManagementModel):
    """Runs the core's frame through its limits on vega, margin and drawdown."""

    def __init__(self, core: Core, marshal: Marshal) -> None:
        super().__init__()
        self._core = core
        self._marshal = marshal

    def manage_risk(self, algorithm: QCAlgorithm, targets: list[IPortfolioTarget]) -> list[IPortfolioTarget]:
        """Targets that replace sized ones in the open frame; none between frames."""
        if not self._core.in_frame:
            return []
        self._core.run_through(FrameTask.LIMIT)
        return [
            PortfolioTarget(self._marshal.symbol(int(target["instrument"])), int(target["quantity"]))
            for target in self._core.limited
        ]
