"""LEAN execution model: the core's intents as LEAN orders."""

from AlgorithmImports import ExecutionModel, IPortfolioTarget, QCAlgorithm

from alo_lib.core import Core
from models.marshalling import Marshal, order_tag

__all__ = ["TouchExecutionModel"]


class TouchExecutionModel(ExecutionModel):
    """Runs the core's frame to its end and sends its market orders, none larger than the quote displays.

    Live, orders are sent without waiting for the broker: what becomes of them comes as order events.
    """

    def __init__(self, core: Core, marshal: Marshal) -> None:
        super().__init__()
        self._core = core
        self._marshal = marshal

    def execute(self, algorithm: QCAlgorithm, targets: list[IPortfolioTarget]) -> None:
        """Send the open frame's orders; nothing between frames."""
        if not self._core.in_frame:
            return
        for intent in self._core.run():
            symbol, quantity = self._marshal.symbol(int(intent["instrument"])), int(intent["quantity"])
            tag = order_tag(int(intent["reason"]), int(intent["order"]))
            algorithm.market_order(symbol, quantity, algorithm.live_mode, tag)
