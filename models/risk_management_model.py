"""LEAN risk management model: what the core's limits put in place of sized targets."""

from AlgorithmImports import IPortfolioTarget, PortfolioTarget, QCAlgorithm, RiskManagementModel

from alo_lib.core import FrameTask
from alo_lib.records import Stage
from models.framework import Framework

__all__ = ["GreeksRiskManagementModel"]


class GreeksRiskManagementModel(RiskManagementModel):
    """Runs the core's frame through its limits on vega, margin and drawdown.

    They apply to the targets that it is given, whoever made them.
    """

    def __init__(self, framework: Framework) -> None:
        super().__init__()
        self._framework = framework

    def manage_risk(self, algorithm: QCAlgorithm, targets: list[IPortfolioTarget]) -> list[PortfolioTarget]:
        """Targets that replace given ones in the open frame; none between frames."""
        framework, core = self._framework, self._framework.core
        with framework.one_at_a_time:
            if core.in_frame:
                core.run_through(FrameTask.TARGET)
            framework.take_targets(algorithm, Stage.PORTFOLIO, targets)
            if not core.in_frame:
                return []
            core.run_through(FrameTask.LIMIT)
            return framework.targets(core.limited) if framework.targets_read or len(targets) else []
