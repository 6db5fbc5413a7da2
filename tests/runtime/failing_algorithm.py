"""The main job, ended in the middle of its day: ``alo-failing`` says whether by an error or by a kill."""

import os
import signal
from typing import Any

from AlgorithmImports import Slice

from algorithm import volatility_arbitrage

AT = (10, 40)
"""Hour and minute in New York."""


class FailingAlgorithm(volatility_arbitrage.VolatilityArbitrageAlgorithm):
    """As it is, until it is not."""

    def get_parameters(self) -> Any:
        parameters = super().get_parameters()
        return [pair for pair in parameters if pair.key != "alo-failing"]

    def on_data(self, slice: Slice) -> None:
        super().on_data(slice)
        if (self.time.hour, self.time.minute) >= AT:
            if self.get_parameter("alo-failing") == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            raise ValueError("in the middle of the day")
