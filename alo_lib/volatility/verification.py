"""Whether forecasts meant what they said: their level and their bands against what came after, over a past walk.

A walk's models knew the days before them alone, so that what is counted here is out of sample.
"""

import math
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alo_lib.records import TRADING_DAYS
from alo_lib.volatility.errors import ObservationError, ParameterError
from alo_lib.volatility.har import future_means
from alo_lib.volatility.history import DailyHistory
from alo_lib.volatility.hybrid import PARTS, HybridParts
from alo_lib.volatility.variance_distribution import Proxy
from alo_lib.volatility.walk_forward import Walk, walk_forward

__all__ = ["MEASURES", "HorizonCheck", "Measure", "level_interval", "level_of", "verify_forecasts", "verify_walk"]

Array = NDArray[np.float64]

Measure = Literal["returns", "range", "intraday"]
"""What a level is measured by: either proxy, or the bars within the days."""
MEASURES: Final = get_args(Measure)

_LEAST_BLOCK: Final = 21
_RESAMPLES: Final = 2000


@dataclass(frozen=True)
class HorizonCheck:
    """Forecasts over ``days`` trading days, on the ``count`` days of a walk whose future is complete, by proxy.

    Of few windows that do not overlap, ``count`` / ``days``, neither level nor coverage says much.
    """

    days: int
    count: int
    level: dict[Measure, float]
    """Mean forecast over mean realized variance: 1 is unbiased. That of bars within the day is over the days whose
    whole future has such bars, and missing without any."""
    level_error: dict[Measure, float]
    """Its standard error, of blocks of twice the horizon; NaN for fewer than four of them."""
    inside: dict[Proxy, float]
    """Share of days whose realized volatility fell into the 90 % band."""
    below: dict[Proxy, float]
    """Share of days whose realized volatility fell below it."""


def verify_forecasts(
    history: DailyHistory, *, refit_days: int = 63, parts: HybridParts = PARTS, intraday: ArrayLike | None = None
) -> tuple[HorizonCheck, ...]:
    """Walk over a ``history`` of a year of returns or more with a hybrid of ``parts`` and count.

    ``intraday`` (n,) is what bars within each day measure of it, see
    :func:`~alo_lib.volatility.intraday.levelled_measures`. Each refit takes some 0.1 s.

    :raises VolatilityError: as :func:`~alo_lib.volatility.walk_forward.walk_forward`.
    """
    return verify_walk(walk_forward(history, refit_days=refit_days, parts=parts), history, intraday)


def verify_walk(walk: Walk, history: DailyHistory, intraday: ArrayLike | None = None) -> tuple[HorizonCheck, ...]:
    """One check for each of the walk's horizons that is complete on one day at least; ``history`` is what it walked.

    The range is brought to the level of squared returns by the factor that was known on the day, and ``intraday`` (n,),
    which is at the level of the range and NaN on days without, with it.

    :raises ObservationError: for ``intraday`` of another shape.
    """
    values: dict[Measure, Array] = {"returns": np.square(history.returns), "range": history.measures}
    if intraday is not None:
        values["intraday"] = np.asarray(intraday, dtype=np.float64)
        if values["intraday"].shape != history.returns.shape:
            raise ObservationError(
                f"intraday must have one value a day, {len(history)}, but the shape is {values['intraday'].shape}"
            )
    bands: dict[Proxy, tuple[Array, Array]] = {
        "returns": (walk.low, walk.high),
        "range": (walk.range_low, walk.range_high),
    }
    checks = []
    for k, days in enumerate(walk.days):
        count = len(history) - days - walk.first
        if count < 1:
            continue
        forecast = np.square(walk.volatility[:count, k]) / TRADING_DAYS
        level: dict[Measure, float] = {}
        error = level.copy()
        inside: dict[Proxy, float] = {}
        below = inside.copy()
        for measure, each in values.items():
            realized = future_means(each, days)[walk.first :]
            if measure != "returns":
                realized = realized * walk.range_scale[:count]
            known = np.isfinite(realized)
            if not np.any(known):
                continue
            level[measure], error[measure] = level_of(forecast[known], realized[known], days)
            if measure == "intraday":
                continue
            volatility = np.sqrt(TRADING_DAYS * realized)
            low, high = (edge[:count, k] for edge in bands[measure])
            inside[measure] = float(np.mean((low <= volatility) & (volatility <= high)))
            below[measure] = float(np.mean(volatility < low))
        checks.append(HorizonCheck(days, count, level, error, inside, below))
    return tuple(checks)


def level_of(forecast: Array, realized: Array, days: int) -> tuple[float, float]:
    """Mean ``forecast`` over mean ``realized`` variance over ``days``, each (n,), and its standard error.

    The error is that of means over all blocks of twice the horizon, a month at least (Kuensch 1989).
    """
    level = float(np.mean(forecast) / np.mean(realized))
    block = _block(days)
    if forecast.size < 4 * block:
        return level, math.nan
    difference = forecast / np.mean(forecast) - realized / np.mean(realized)
    blocks = np.lib.stride_tricks.sliding_window_view(difference, block).sum(axis=-1)
    return level, level * math.sqrt(float(np.var(blocks)) / block / forecast.size)


def level_interval(
    forecast: Array, realized: Array, days: int, probability: float = 0.95, *, seed: int = 0
) -> tuple[float, float]:
    """Where :func:`level_of` lies with ``probability``, by samples of blocks drawn anew; NaN for fewer than four.

    Percentiles of the moving-block bootstrap on a circle (Politis and Romano 1992), forecast and realized drawn
    together. The same arguments give the same bits.

    :raises ParameterError: for a probability outside (0, 1).
    """
    if not 0.0 < probability < 1.0:
        raise ParameterError(f"probability must be in (0, 1), but it is {probability!r}")
    block, size = _block(days), forecast.size
    if size < 4 * block:
        return math.nan, math.nan
    begins = np.random.default_rng(seed).integers(0, size, (_RESAMPLES, math.ceil(size / block)))
    said, came = (_circular_sums(values, block)[begins].sum(axis=1) for values in (forecast, realized))
    low, high = np.quantile(said / came, [0.5 - 0.5 * probability, 0.5 + 0.5 * probability]).tolist()
    return low, high


def _block(days: int) -> int:
    """Days that are kept together when means over ``days`` are judged."""
    return max(2 * days, _LEAST_BLOCK)


def _circular_sums(values: Array, block: int) -> Array:
    """Sums over ``block`` values from each of n on, those after the last being the first again: (n,)."""
    return np.asarray(
        np.lib.stride_tricks.sliding_window_view(np.append(values, values[: block - 1]), block).sum(axis=-1)
    )
