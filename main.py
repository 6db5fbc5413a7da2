"""LEAN's entry: the one algorithm class that its loader looks for in this file."""

from algorithm.volatility_arbitrage import VolatilityArbitrageAlgorithm


class VolatilityArbitrage(VolatilityArbitrageAlgorithm):
    """The main job, as ``lean backtest .`` and ``./alo backtest --engine native|docker`` run it."""
