"""Sweeps and results made by hand."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from alo_lib.sweep.conditions import Condition, Window
from alo_lib.sweep.outcomes import Result
from alo_lib.sweep.plan import Sweep, Trial
from alo_lib.sweep.space import axes_of

FIRST = dt.date(2024, 1, 1)
WHOLE = Condition(Window(FIRST, FIRST + dt.timedelta(days=99)), "ALFA", 1)


def sweep_of(varied: dict[str, Any], *conditions: Condition, **more: Any) -> Sweep:
    return Sweep(axes=axes_of(varied), base={}, conditions=conditions or (WHOLE,), **more)


def done(trial: Trial, returns: Sequence[float], profit: float = 0.0, orders: int = 3) -> Result:
    """A trial that ended well, a session a day from its start."""
    start = trial.condition.window.start
    days = tuple(str(start + dt.timedelta(days=number)) for number in range(len(returns)))
    figures = {"net_profit": profit, "orders": orders}
    return Result(trial, "done", "", figures, {"data_digest": "d"}, days, tuple(returns))
