"""The structures that can be traded, one a module."""

from alo_lib.strategy.structures.registry import STRUCTURES, traded_structures
from alo_lib.strategy.structures.structure import Structure

__all__ = ["STRUCTURES", "Structure", "traded_structures"]
