"""The strategy: what to look at, what it is worth, what to hold, how to hedge it, and when to let go."""

from alo_lib.strategy.scanner import select_contracts

__all__ = ["select_contracts"]
