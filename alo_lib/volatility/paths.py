"""Simulated paths of daily returns: what is asked for, and paths for models that have no dynamics of their own."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.volatility.errors import ParameterError
from alo_lib.volatility.history import DailyObservation

if TYPE_CHECKING:
    from alo_lib.volatility.model import VolatilityModel

__all__ = ["check_paths", "day_by_day", "forward_variances", "paths_of_part"]

Array = NDArray[np.float64]

_MOST_RETURNS: Final = 100_000_000
"""Of all paths together: 800 MB."""
_LEAST_SHARE: Final = 1e-6
"""Of the mean variance, below which a day of a part's forecast has nothing that could be brought to a level."""


def check_paths(days: int, paths: int, seed: int) -> None:
    """Refuse what cannot be simulated.

    :raises ParameterError: for fewer than one day or path, a seed below 0, what is no whole number, or more returns
        than 100 million.
    """
    for name, value, least in (("days", days, 1), ("paths", paths, 1), ("seed", seed, 0)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
            raise ParameterError(f"{name} must be a whole number, {least} or more, but it is {value!r}")
    if days * paths > _MOST_RETURNS:
        raise ParameterError(f"paths times days must be {_MOST_RETURNS:,} at most, but they are {days * paths:,}")


def day_by_day(model: "VolatilityModel[Any, Any]", state: Any, days: int, shocks: Array) -> Array:
    """Paths (p, d) of a model that reads returns alone: each return has the forecast variance, and is then seen.

    ``shocks`` (p, d) are standardized.
    """
    returns = np.empty_like(shocks)
    for path, row in enumerate(shocks.tolist()):
        now = state
        for day, shock in enumerate(row):
            returns[path, day] = float(np.sqrt(model.forecast(now, 1.0))) * shock
            if day + 1 < days:
                now = model.update(now, DailyObservation(float(returns[path, day])))
    return returns


def forward_variances(model: "VolatilityModel[Any, Any]", state: Any, days: int) -> Array:
    """Expected variance of each of the next ``days``, shape (d,): what the forecast's total grows by."""
    horizons = np.arange(1.0, days + 1.0)
    totals = np.maximum.accumulate(horizons * model.forecast(state, horizons))
    result: Array = np.diff(totals, prepend=0.0)
    return result


def paths_of_part(
    model: "VolatilityModel[Any, Any]",
    state: Any,
    part: "VolatilityModel[Any, Any]",
    part_state: Any,
    days: int,
    paths: int,
    seed: int,
) -> Array:
    """Paths (p, d) of a ``part``, each day's returns brought to the variance that ``model`` expects of it.

    Clustering, leverage and tails are the part's, the level on every day is the model's.
    """
    check_paths(days, paths, seed)
    own, theirs = forward_variances(model, state, days), forward_variances(part, part_state, days)
    factors = np.sqrt(own / np.maximum(theirs, _LEAST_SHARE * float(np.mean(theirs))))
    result: Array = part.simulate_paths(part_state, days, paths=paths, seed=seed) * factors
    return result
