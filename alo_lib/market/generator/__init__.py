"""Markets made from a seed, in LEAN's format."""

from alo_lib.market.generator.market import Made, generate_market
from alo_lib.market.generator.truth import TRUTH, MarketTruth, NameTruth, read_truth

__all__ = ["TRUTH", "Made", "MarketTruth", "NameTruth", "generate_market", "read_truth"]
