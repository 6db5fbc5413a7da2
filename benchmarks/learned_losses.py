"""What policies lose on the paths of training, as :class:`alo_lib.learning.episodes.Episodes` has them."""

import numpy as np
from numpy.typing import NDArray

from alo_lib.learning.episodes import Episodes
from alo_lib.strategy.hedging_policy import HedgingPolicy

__all__ = ["losses_by"]


def losses_by(policy: HedgingPolicy, episodes: Episodes) -> NDArray[np.float64]:
    """What each path loses (n,), $ for a share's worth of one structure, by a policy about the rule it was made for."""
    limits = np.array([policy.shift_limit, policy.log_ratio_limit])
    values = episodes.seen
    for number, layer in enumerate(policy.layers):
        values = (np.maximum(values, 0.0) if number else values) @ layer.weight.T + layer.bias
    out = limits * (values / (1.0 + np.abs(values))) * episodes.known[..., None]
    return episodes.losses(episodes.band(out[..., 0], out[..., 1]).hedges())
