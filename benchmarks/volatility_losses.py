"""Which forecast loses least, against two proxies of what came: the range, and squared returns, which hedging realizes.

QLIKE (Patton 2011) ranks forecasts by any unbiased proxy alike; squared returns are the noisier one. It is
x - log x - 1 of x = realized / forecast. A day without a move has no logarithm, so that on squared returns what does
not depend on the forecast is left out: losses are told less GARCH's there, and not as a ratio.
"""

from collections.abc import Iterator, Mapping

import numpy as np
from arch.bootstrap import MCS
from numpy.typing import NDArray

from benchmarks.harness import Row
from benchmarks.volatility_levels import diebold_mariano

__all__ = ["PEER", "judge_range", "judge_squared_returns"]

Array = NDArray[np.float64]

PEER = "GARCH normal"
_OURS = "hybrid"


def judge_range(
    what: str, horizon: int, came: Array, forecasts: Mapping[str, Array], replications: int, goal: float | None
) -> Iterator[Row]:
    """QLIKE and squared error of mean daily variances, each (n,), against the range ``came`` (n,), over GARCH's.

    ``goal`` is what the hybrid's QLIKE must reach.
    """
    losses = {name: came / said - np.log(came / said) - 1.0 for name, said in forecasts.items()}
    base = float(np.mean(losses[PEER]))
    for name, values in losses.items():
        if name == PEER:
            continue
        ratio, wanted = float(np.mean(values)) / base, goal if name == _OURS else None
        told = ("", None) if wanted is None else (f"<= {wanted}", ratio <= wanted)
        yield Row(f"{what}: QLIKE of {name}", ratio, "of GARCH's", 1.0, *told)
    errors = [float(np.mean(np.square(came - forecasts[name]))) for name in (_OURS, PEER)]
    yield Row(f"{what}: squared error of hybrid", errors[0] / errors[1], "of GARCH's", 1.0)
    yield from _judge_lead(what, horizon, losses, replications)


def judge_squared_returns(
    what: str, horizon: int, came: Array, forecasts: Mapping[str, Array], replications: int
) -> Iterator[Row]:
    """QLIKE of mean daily variances, each (n,), against mean squared returns ``came`` (n,), less GARCH's."""
    where = f"{what}, squared returns"
    losses = {name: came / said + np.log(said) for name, said in forecasts.items()}
    for name, values in losses.items():
        if name != PEER:
            yield Row(f"{where}: QLIKE of {name} less GARCH's", float(np.mean(values - losses[PEER])), "")
    yield from _judge_lead(where, horizon, losses, replications)


def _judge_lead(what: str, horizon: int, losses: Mapping[str, Array], replications: int) -> Iterator[Row]:
    """The hybrid's lead over GARCH in standard errors, and whether it is in the 90 % model confidence set."""
    names = list(losses)
    confidence = MCS(
        np.stack(list(losses.values()), axis=1),
        size=0.10,
        reps=replications,
        block_size=max(2 * horizon, 10),
        seed=1,
    )
    confidence.compute()
    included = sorted(names[i] for i in confidence.included)
    statistic = diebold_mariano(losses[PEER] - losses[_OURS], horizon)
    yield Row(f"{what}: Diebold-Mariano of hybrid over GARCH", statistic, "t")
    value = float(confidence.pvalues["Pvalue"].loc[names.index(_OURS)])
    members = ", ".join(included)
    yield Row(f"{what}: hybrid in the 90 % set ({members})", value, "p", None, ">= 0.1", _OURS in included)
