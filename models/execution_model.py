"""LEAN execution model: the core's intents as LEAN orders."""

from AlgorithmImports import ExecutionModel, IPortfolioTarget, QCAlgorithm

from models.framework import Framework
from models.marshalling import order_tag

__all__ = ["TouchExecutionModel"]


class TouchExecutionModel(ExecutionModel):
    """Runs the core's frame to its end and sends its market orders, none larger than the quote displays.

    Targets that it is given and that are not the core's own are traded the same way. Live, orders are sent without
    waiting for the broker: what becomes of them comes as order events.
    """

    def __init__(self, framework: Framework) -> None:
        super().__init__()
        self._framework = framework

    def execute(self, algorithm: QCAlgorithm, targets: list[IPortfolioTarget]) -> None:
        """Send the open frame's orders; nothing between frames."""
        if not self._framework.begin_execution(algorithm, targets):
            return
        for intent in self._framework.orders():
            symbol, quantity = self._framework.marshal.symbol(int(intent["instrument"])), int(intent["quantity"])
            tag = order_tag(int(intent["reason"]), int(intent["order"]))
            algorithm.market_order(symbol, quantity, algorithm.live_mode, tag)
