"""LEAN's plug-in points, filled by the library: each model translates, calls it, and returns."""

from typing import TYPE_CHECKING

from alo_lib.exports import export_lazily

if TYPE_CHECKING:
    from models.alpha_model import VolatilityAlphaModel
    from models.execution_model import TouchExecutionModel
    from models.expected_dividends import expected_dividends
    from models.external_execution_model import ExternalExecutionModel
    from models.forwards import forwards
    from models.framework import Framework
    from models.greeks_history import greeks_history
    from models.host import LeanHost
    from models.host_events import HostEvents, JournaledAlgorithm
    from models.implied_volatility_rank import AloImpliedVolatilityRank
    from models.margin_interest_model import AloMarginInterestRateModel
    from models.marshalling import Marshal
    from models.option_indicators import AloDelta, AloGamma, AloImpliedVolatility, AloRho, AloTheta, AloVega
    from models.option_price_model import AloOptionPriceModel
    from models.portfolio_construction_model import VegaBudgetPortfolioConstructionModel
    from models.portfolio_greeks import portfolio_greeks
    from models.risk_management_model import GreeksRiskManagementModel
    from models.universe_greeks import greeks_filter, universe_greeks
    from models.volatility_data import AloForecastData, AloRegimeData, AloSurfaceData
    from models.volatility_model import AloVolatilityModel

__all__ = [
    "AloDelta",
    "AloForecastData",
    "AloGamma",
    "AloImpliedVolatility",
    "AloImpliedVolatilityRank",
    "AloMarginInterestRateModel",
    "AloOptionPriceModel",
    "AloRegimeData",
    "AloRho",
    "AloSurfaceData",
    "AloTheta",
    "AloVega",
    "AloVolatilityModel",
    "ExternalExecutionModel",
    "Framework",
    "GreeksRiskManagementModel",
    "HostEvents",
    "JournaledAlgorithm",
    "LeanHost",
    "Marshal",
    "TouchExecutionModel",
    "VegaBudgetPortfolioConstructionModel",
    "VolatilityAlphaModel",
    "expected_dividends",
    "forwards",
    "greeks_filter",
    "greeks_history",
    "portfolio_greeks",
    "universe_greeks",
]

export_lazily(__name__)
