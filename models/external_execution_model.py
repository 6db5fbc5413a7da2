"""LEAN execution model: another one, which trades what the core and the framework's models want."""

from AlgorithmImports import ExecutionModel, IPortfolioTarget, OrderEvent, QCAlgorithm, SecurityChanges

from models.framework import Framework

__all__ = ["ExternalExecutionModel"]


class ExternalExecutionModel(ExecutionModel):
    """Ends the core's frame, which sends nothing, before ``model`` trades: its fills are inputs of the next frame."""

    def __init__(self, framework: Framework, model: ExecutionModel) -> None:
        super().__init__()
        self._framework = framework
        self._model = model

    def execute(self, algorithm: QCAlgorithm, targets: list[IPortfolioTarget]) -> None:
        """Let the model trade the targets, once the core knows of those that are not its own."""
        with self._framework.one_at_a_time:
            if self._framework.begin_execution(algorithm, targets):
                self._framework.core.close_frame()
        self._model.execute(algorithm, targets)

    def on_securities_changed(self, algorithm: QCAlgorithm, changes: SecurityChanges) -> None:
        """Hand on which securities came and went."""
        self._model.on_securities_changed(algorithm, changes)

    def on_order_event(self, algorithm: QCAlgorithm, order_event: OrderEvent) -> None:
        """Hand on what happened to an order."""
        self._model.on_order_event(algorithm, order_event)
