"""The strategy: what to look at, what it is worth, what to hold, how to hedge it, and when to let go."""

from alo_lib.strategy.scanner import select_contracts
from alo_lib.strategy.settings import StrategySettings

__all__ = ["StrategySettings", "select_contracts"]
