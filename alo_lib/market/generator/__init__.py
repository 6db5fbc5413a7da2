"""Markets made from a seed, in LEAN's format."""

from alo_lib.market.generator.market import MANIFEST, Manifest, generate_market, read_manifest
from alo_lib.market.generator.underlyings import UNDERLYINGS, Underlying

__all__ = ["MANIFEST", "UNDERLYINGS", "Manifest", "Underlying", "generate_market", "read_manifest"]
