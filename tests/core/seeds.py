"""Random markets for a core, one a seed: the same for every core that is driven through one."""

import datetime as dt
from typing import Any

import numpy as np

from tests.core.script import FIRST, Script, of_test

__all__ = ["SETTINGS", "live"]

SETTINGS = of_test()


def live(seed: int, core: Any = None) -> Script:
    """Two sessions with some bars each: spot and volatility walk at random, some orders are refused."""
    random = np.random.default_rng(seed)
    market = Script(SETTINGS, size=int(random.integers(2, 60)), shares_shown=int(random.integers(50, 5_000)))
    if core is not None:
        market.core = core
        market.core.instruments.add_equity("TEST")
    spot, volatility = 100.0, float(random.uniform(0.1, 0.5))
    for day in range(2):
        market.session(FIRST + dt.timedelta(days=day), None if day == 0 else [round(spot, 2)])
        hours = np.sort(random.choice(np.arange(9.6, 15.9, 0.1), int(random.integers(2, 5)), replace=False))
        for hour in hours:
            spot *= float(np.exp(random.normal(0, 0.01)))
            volatility = float(np.clip(volatility * np.exp(random.normal(0, 0.4)), 0.05, 0.8))
            listed = sorted(market.core.instruments.symbol(number) for number in range(1, len(market.core.instruments)))
            market.refuse = {str(random.choice(listed))} if random.random() < 0.3 else set()
            market.bar(float(hour), spot=round(spot, 2), volatility=volatility)
    return market
