"""LEAN execution model: the core's intents as LEAN orders."""

from AlgorithmImports import ExecutionModel, IPortfolioTarget, QCAlgorithm

from alo_lib.records import sent_together
from models.framework import Framework
from models.order_tickets import amend_order, send_orders

__all__ = ["TouchExecutionModel"]


class TouchExecutionModel(ExecutionModel):
    """Runs the core's frame to its end, changes its working orders and sends new ones, none beyond what is displayed.

    Targets that it is given and that are not the core's own are traded the same way. Live, orders are sent without
    waiting for the broker: what becomes of them comes as order events.
    """

    def __init__(self, framework: Framework) -> None:
        super().__init__()
        self._framework = framework

    def execute(self, algorithm: QCAlgorithm, targets: list[IPortfolioTarget]) -> None:
        """Send the open frame's orders; nothing between frames."""
        framework, marshal = self._framework, self._framework.marshal
        with framework.one_at_a_time:
            if not framework.begin_execution(algorithm, targets):
                return
            intents = framework.orders()
            for amendment in framework.core.amendments:
                amend_order(algorithm, marshal, amendment)
            for sent in sent_together(intents):
                send_orders(algorithm, marshal, sent)
