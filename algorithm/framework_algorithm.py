"""An algorithm whose framework models a user may swap, as in any algorithm of LEAN's."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from AlgorithmImports import AlphaModel, Insight, RiskManagementModel, Slice

from alo_lib.core import Core
from alo_lib.records import Stage
from models import (
    ExternalExecutionModel,
    Framework,
    GreeksRiskManagementModel,
    JournaledAlgorithm,
    Marshal,
    TouchExecutionModel,
    VegaBudgetPortfolioConstructionModel,
    VolatilityAlphaModel,
)

__all__ = ["FrameworkAlgorithm"]


class FrameworkAlgorithm(JournaledAlgorithm):
    """Keeps account of which models are plugged in, so that the core knows which stages are its own.

    ``set_alpha``, ``add_alpha``, ``set_portfolio_construction``, ``set_risk_management``, ``add_risk_management`` and
    ``set_execution`` are LEAN's, for models in Python and in C#, to be called once ours are plugged in, by these names
    or as ``SetAlpha``. A subclass of one of ours counts as ours; it is given this algorithm's ``framework``.
    """

    framework: Framework

    def plug_in(
        self, core: Core, marshal: Marshal, settle: Callable[[], None], one_at_a_time: AbstractContextManager[object]
    ) -> None:
        """Plug in the models of ours for every stage.

        ``settle`` makes what was journaled outlive this process; who looks at the core holds ``one_at_a_time``.
        """
        self.framework = Framework(core, marshal, settle, one_at_a_time)
        self._alphas: list[AlphaModel] = []
        self._risks: list[RiskManagementModel] = []
        self.set_alpha(VolatilityAlphaModel(self.framework))
        self.set_portfolio_construction(VegaBudgetPortfolioConstructionModel(self.framework))
        self.set_execution(TouchExecutionModel(self.framework))
        self.set_risk_management(GreeksRiskManagementModel(self.framework))

    def frame_insights(self, data: Slice) -> list[Insight]:
        """Insights of the open frame, of the alpha models that are ours."""
        ours = [model for model in self._alphas if _is(model, VolatilityAlphaModel)]
        return [insight for model in ours for insight in model.update(self, data)]

    def set_alpha(self, alpha: Any) -> None:
        """Let one alpha model alone find what is worth trading."""
        super().set_alpha(alpha)
        self._alphas = [alpha]
        self._alphas_changed()

    def add_alpha(self, alpha: Any) -> None:
        """Let an alpha model find what is worth trading, beside those that do."""
        super().add_alpha(alpha)
        self._alphas.append(alpha)
        self._alphas_changed()

    def set_portfolio_construction(self, portfolio_construction: Any) -> None:
        """Let a model decide what to hold."""
        super().set_portfolio_construction(portfolio_construction)
        ours = VegaBudgetPortfolioConstructionModel
        self.framework.insights_read = type(portfolio_construction) is not ours
        self.framework.assign(self, Stage.PORTFOLIO, external=not _is(portfolio_construction, ours))

    def set_risk_management(self, risk_management: Any) -> None:
        """Let one model alone limit what is held."""
        super().set_risk_management(risk_management)
        self._risks = [risk_management]
        self._risks_changed()

    def add_risk_management(self, risk_management: Any) -> None:
        """Let a model limit what is held, after those that do."""
        super().add_risk_management(risk_management)
        self._risks.append(risk_management)
        self._risks_changed()

    def set_execution(self, execution: Any) -> None:
        """Let a model trade what is to be held."""
        ours = _is(execution, TouchExecutionModel)
        super().set_execution(execution if ours else ExternalExecutionModel(self.framework, execution))
        self._execution = execution
        self.framework.assign(self, Stage.EXECUTION, external=not ours)
        self._targets_read()

    # Who calls them by LEAN's names in C#, which Python may do as well, must not pass by this account.
    SetAlpha, AddAlpha = set_alpha, add_alpha
    SetPortfolioConstruction = set_portfolio_construction
    SetRiskManagement, AddRiskManagement = set_risk_management, add_risk_management
    SetExecution = set_execution

    def _alphas_changed(self) -> None:
        ours = any(_is(model, VolatilityAlphaModel) for model in self._alphas)
        self.framework.assign(self, Stage.ALPHA, external=not ours)

    def _risks_changed(self) -> None:
        ours = any(_is(model, GreeksRiskManagementModel) for model in self._risks)
        self.framework.assign(self, Stage.RISK, external=not ours)
        self._targets_read()

    def _targets_read(self) -> None:
        plain = type(self._execution) is TouchExecutionModel
        others = [model for model in self._risks if type(model) is not GreeksRiskManagementModel]
        self.framework.targets_read = bool(others) or not plain


def _is(model: Any, ours: type) -> bool:
    """Whether a model is of a class of ours; ``isinstance`` holds for any of LEAN's that shares our class's base."""
    return ours in type(model).__mro__
