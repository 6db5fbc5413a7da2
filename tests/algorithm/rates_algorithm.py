"""The main job with a risk-free model of its own: the rate in force is that of LEAN's history, to later dates 3 %."""

import datetime as dt

from AlgorithmImports import InterestRateProvider, QCAlgorithm

from algorithm.volatility_arbitrage import VolatilityArbitrageAlgorithm


class RatesAhead:
    """A model as Python code gives it to LEAN."""

    def __init__(self, algorithm: QCAlgorithm) -> None:
        self._algorithm = algorithm
        self._history = InterestRateProvider()

    def get_interest_rate(self, date: dt.datetime) -> float:
        if date.date() <= self._algorithm.time.date():
            return float(self._history.get_interest_rate(date))
        return 0.03


class RatesAlgorithm(VolatilityArbitrageAlgorithm):
    """Sets it once it is initialized, as who derives from the main job would."""

    def initialize(self) -> None:
        super().initialize()
        self.set_risk_free_interest_rate_model(RatesAhead(self))
