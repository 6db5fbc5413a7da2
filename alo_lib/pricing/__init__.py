"""American and European options: exercise boundary, schemes, price, greeks, implied volatility, chains."""

from alo_lib.pricing.arguments import DOMAINS, Invalid, PricingError, Style
from alo_lib.pricing.chain import Chain
from alo_lib.pricing.options import Boundary, Greeks, exercise_boundary, greeks, implied_volatility, price
from alo_lib.pricing.scheme import ACCURATE, FAST, HIGH_PRECISION, Scheme

__all__ = [
    "ACCURATE",
    "DOMAINS",
    "FAST",
    "HIGH_PRECISION",
    "Boundary",
    "Chain",
    "Greeks",
    "Invalid",
    "PricingError",
    "Scheme",
    "Style",
    "exercise_boundary",
    "greeks",
    "implied_volatility",
    "price",
]
