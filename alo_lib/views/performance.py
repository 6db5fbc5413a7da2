"""What the account did: equity, drawdown, and the figures that the engine's results state."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.records import SECOND
from alo_lib.views.run import RunError

__all__ = ["Performance", "drawdowns", "equity_curve", "performance"]


class Performance(NamedTuple):
    """Money in the account's currency, ratios as decimals."""

    start_equity: float
    end_equity: float
    net_profit: float
    drawdown: float  # the deepest fall from a high of the equity curve, 0.02 for 2 %
    sharpe: float | None  # as LEAN defines it; None while there are too few days to have one


class EquityCurve(NamedTuple):
    """Equity over time (ns UTC)."""

    time: NDArray[np.int64]
    equity: NDArray[np.float64]


def equity_curve(results: dict[str, Any]) -> EquityCurve:
    """The closes of LEAN's ``Strategy Equity`` candles. RunError when the results have none."""
    try:
        values = results["charts"]["Strategy Equity"]["series"]["Equity"]["values"]
        points = [(int(point[0]), float(point[-1])) for point in values if point[-1] is not None]
    except (KeyError, TypeError, IndexError, ValueError):
        raise RunError("the results have no chart 'Strategy Equity' with a series 'Equity'") from None
    return EquityCurve(
        np.array([point[0] for point in points], np.int64) * SECOND,
        np.array([point[1] for point in points], np.float64),
    )


def drawdowns(equity: NDArray[np.float64]) -> NDArray[np.float64]:
    """At each point the fall from the highest equity before it, as a decimal of zero or below."""
    if not len(equity):
        return equity
    highest = np.maximum.accumulate(equity)
    return np.asarray(equity / highest - 1.0, np.float64)


def performance(results: dict[str, Any]) -> Performance:
    """The figures of a run's results. RunError when the results do not state them."""
    try:
        stated = results["totalPerformance"]["portfolioStatistics"]
        start, end, sharpe = (float(stated[name]) for name in ("startEquity", "endEquity", "sharpeRatio"))
    except (KeyError, TypeError, ValueError):
        raise RunError("the results state no equity and Sharpe ratio in totalPerformance") from None
    curve = equity_curve(results)
    deepest = float(-drawdowns(curve.equity).min()) + 0.0 if len(curve.equity) else 0.0  # no negative zero
    return Performance(start, end, end - start, deepest, sharpe if sharpe else None)
