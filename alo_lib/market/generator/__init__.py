"""Markets made from a seed, in LEAN's format."""

from alo_lib.market.generator.half_made import HalfMade, Made
from alo_lib.market.generator.market import FILED, generate_market
from alo_lib.market.generator.truth import TRUTH, MarketTruth, NameTruth, read_truth

__all__ = ["FILED", "TRUTH", "HalfMade", "Made", "MarketTruth", "NameTruth", "generate_market", "read_truth"]
