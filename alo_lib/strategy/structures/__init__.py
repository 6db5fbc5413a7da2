"""The structures that can be traded, one a module."""

from alo_lib.strategy.structures.registry import STRUCTURES
from alo_lib.strategy.structures.structure import Structure

__all__ = ["STRUCTURES", "Structure"]
