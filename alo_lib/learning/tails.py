"""The tail by which hedges are judged."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["TAIL", "tail_values"]

Array = NDArray[np.float64]

TAIL: Final = 0.05
"""The share of the worst losses whose mean is the CVaR at 95 %."""


def tail_values(losses: Array) -> Array:
    """Numbers (n,) whose mean is the CVaR of losses (n,) at 95 % and whose deviation tells its standard error.

    q + max(loss - q, 0) / 5 %, q being the 95 % quantile: Rockafellar and Uryasev (2000).
    """
    quantile = float(np.quantile(losses, 1.0 - TAIL))
    return quantile + np.maximum(losses - quantile, 0.0) / TAIL
