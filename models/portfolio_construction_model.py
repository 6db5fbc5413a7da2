"""LEAN portfolio construction model: the core's sized positions as targets."""

from AlgorithmImports import Insight, PortfolioConstructionModel, PortfolioTarget, QCAlgorithm

from alo_lib.core import FrameTask
from models.framework import Framework

__all__ = ["VegaBudgetPortfolioConstructionModel"]


class VegaBudgetPortfolioConstructionModel(PortfolioConstructionModel):
    """Runs the core's frame up to its targets: vega-budgeted structures, and the shares that hedge them.

    Insights of other alpha models, in groups of the contracts of one underlying, are traded as the core's own signals
    are. Targets are made where a model other than ours reads them.
    """

    def __init__(self, framework: Framework) -> None:
        super().__init__()
        self._framework = framework

    def create_targets(self, algorithm: QCAlgorithm, insights: list[Insight]) -> list[PortfolioTarget]:
        """Quantities wanted in the open frame; none between frames."""
        framework, core = self._framework, self._framework.core
        with framework.one_at_a_time:
            framework.take_insights(algorithm, insights)
            if not core.in_frame:
                return []
            core.run_through(FrameTask.TARGET)
            return framework.targets(core.targets) if framework.targets_read else []
