"""Markets made from a seed, in LEAN's format."""

from alo_lib.market.generator.market import MANIFEST, Manifest, generate_market, read_manifest
from alo_lib.market.generator.underlyings import UNDERLYINGS, MarketUnderlying

__all__ = ["MANIFEST", "UNDERLYINGS", "Manifest", "MarketUnderlying", "generate_market", "read_manifest"]
