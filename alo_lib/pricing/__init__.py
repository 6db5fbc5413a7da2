"""American and European options: exercise boundary, schemes, price, greeks, implied volatility, chains."""

from typing import TYPE_CHECKING

from alo_lib.exports import export_lazily

if TYPE_CHECKING:
    from alo_lib.pricing.arguments import DOMAINS, Invalid, PricingError, Style, Styles
    from alo_lib.pricing.chain import Chain
    from alo_lib.pricing.constant_maturity import at_maturity
    from alo_lib.pricing.curves import Curve
    from alo_lib.pricing.early_exercise import EarlyExercise, ExDates, early_exercise
    from alo_lib.pricing.explained import Implied, implied_volatility, implied_with_status
    from alo_lib.pricing.greeks_ahead import GreeksAhead, greeks_ahead
    from alo_lib.pricing.options import Boundary, Greeks, exercise_boundary, greeks, price
    from alo_lib.pricing.quoted_chain import Contracts, MarketTerms, QuotedChain
    from alo_lib.pricing.quotes import ContractStatus, market_price
    from alo_lib.pricing.schedules import DividendModel, Dividends, DividendsLike
    from alo_lib.pricing.scheme import ACCURATE, FAST, HIGH_PRECISION, Scheme

__all__ = [
    "ACCURATE",
    "DOMAINS",
    "FAST",
    "HIGH_PRECISION",
    "Boundary",
    "Chain",
    "ContractStatus",
    "Contracts",
    "Curve",
    "DividendModel",
    "Dividends",
    "DividendsLike",
    "EarlyExercise",
    "ExDates",
    "Greeks",
    "GreeksAhead",
    "Implied",
    "Invalid",
    "MarketTerms",
    "PricingError",
    "QuotedChain",
    "Scheme",
    "Style",
    "Styles",
    "at_maturity",
    "early_exercise",
    "exercise_boundary",
    "greeks",
    "greeks_ahead",
    "implied_volatility",
    "implied_with_status",
    "market_price",
    "price",
]

export_lazily(__name__)
