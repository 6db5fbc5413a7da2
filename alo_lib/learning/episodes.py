"""Paths as training takes them: what a policy sees at each step, its rule's band, and what hedging by it costs.

Nothing of it depends on the shares that are held, so that a policy is asked about all steps at once, and hedging is a
recursion of clamps: into the band, and no further.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.learning.carry import Holding
from alo_lib.learning.positions import CONTRACTS, Costs, Hedged, paid_for
from alo_lib.learning.tails import TAIL, tail_values
from alo_lib.records import OPTION_MULTIPLIER
from alo_lib.strategy.hedging import MinimumVariance
from alo_lib.strategy.hedging_features import FEATURES, features, scaled

__all__ = ["Episodes", "SmoothBand", "cvar_and_tail"]

Array = NDArray[np.float64]

_SHARES: Final = CONTRACTS * OPTION_MULTIPLIER
_BY_STEP: Final = ("seen", "known", "centre", "half_width", "spot", "unit_costs")
_BY_PATH: Final = ("options", "contracts", "base_loss", "base_tail")


@dataclass(frozen=True)
class SmoothBand:
    """Where a hedge is kept: low and high end at each step (steps, n), deltas a contract."""

    low: Array
    high: Array

    def hedges(self) -> Array:
        """Deltas a contract held after each step (steps, n), starting from none; not rounded to whole shares."""
        held = np.zeros(self.low.shape[1])
        hedges = np.empty_like(self.low)
        for step in range(len(hedges)):
            held = hedges[step] = np.minimum(np.maximum(held, self.low[step]), self.high[step])
        return hedges


@dataclass(frozen=True)
class Episodes:
    """Paths of one scenario: (steps, n, k), (steps, n) or (n,); shares and bands in deltas a contract."""

    seen: Array  # scaled features, in float64
    known: Array  # 1 where all features are within their declared ranges, else 0
    lowest: Array  # (k,), raw
    highest: Array
    centre: Array  # of the rule that is adjusted
    half_width: Array
    spot: Array  # (steps + 1, n), with what a share has paid, and interest
    unit_costs: Array  # the same, with interest
    options: Array  # $ for a share's worth of one structure: premium and payoff
    contracts: Array  # a structure, (n,)
    base_loss: Array  # of the path by the rule itself, (n,)
    base_tail: Array  # of the scenario that a path is of, the CVaR by the rule, (n,)
    holding: Holding | None = None  # None where neither shares nor money bring anything

    @classmethod
    def of(cls, book: Hedged, costs: Costs, rule: MinimumVariance) -> "Episodes":
        """The paths of a book, about a rule.

        Where small orders are dear the rule goes from half a best order beyond a band to half of one within it. Here
        the hedge goes to the middle of both, each share at what one of such an order costs, but for the first and last
        order: so hedging stays a recursion of clamps, and costs as much on the mean.
        """
        position = book.costing(costs)
        band = rule.band(position)
        order = np.maximum(np.broadcast_to(band.half_width - band.target, book.spot[:-1].shape), 1.0)
        unit_costs = book.unit_costs(costs)
        unit_costs[1:-1] = np.asarray(position.order_costs.a_share(order))[1:]
        value, holding = book.spot, None
        shape = book.spot[:-1].shape
        raw = features(position, band).reshape(*shape, len(FEATURES))
        low, high = (np.array(ends) for ends in zip(*((each.low, each.high) for each in FEATURES), strict=True))
        known = np.all((raw >= low) & (raw <= high), axis=-1)
        units = float(np.max(position.units))  # of all paths, until options are exercised
        if book.account is not None:
            value, growth, holding = book.account
            unit_costs, holding = growth * unit_costs, holding._replace(brought=holding.brought / units)
        made = cls(
            seen=np.where(known[..., None], scaled(raw), 0.0),
            known=known.astype(np.float64),
            lowest=np.min(raw[known], axis=0),
            highest=np.max(raw[known], axis=0),
            centre=np.broadcast_to(band.centre / units, shape),
            half_width=np.broadcast_to(0.5 * (band.half_width + band.target) / units, shape),
            spot=value,
            unit_costs=unit_costs,
            options=(book.premium + book.payoff) / _SHARES,
            contracts=np.full(shape[1], units / _SHARES),
            base_loss=np.zeros(shape[1]),
            base_tail=np.ones(shape[1]),
            holding=holding,
        )
        losses = made.losses(made.band(*np.zeros((2, 1, 1))).hedges())
        return replace(made, base_loss=losses, base_tail=np.full(shape[1], np.mean(tail_values(losses))))

    @classmethod
    def joined(cls, parts: "Sequence[Episodes]") -> "Episodes":
        """Those of several scenarios, side by side."""

        def joint(name: str, axis: int) -> Array:
            return np.concatenate([getattr(part, name) for part in parts], axis=axis)

        holding = None
        if any(part.holding is not None for part in parts):
            all_held = [part.holding or Holding(*np.zeros((2, *part.centre.shape))) for part in parts]
            holding = Holding(*(np.concatenate(column, axis=1) for column in zip(*all_held, strict=True)))

        return cls(
            **{name: joint(name, 1) for name in _BY_STEP},
            **{name: joint(name, 0) for name in _BY_PATH},
            lowest=np.min([part.lowest for part in parts], axis=0),
            highest=np.max([part.highest for part in parts], axis=0),
            holding=holding,
        )

    def some(self, paths: NDArray[np.intp]) -> "Episodes":
        """Some of the paths."""
        by_step = {name: np.take(getattr(self, name), paths, axis=1) for name in _BY_STEP}
        holding = self.holding
        if holding is not None:
            holding = Holding(*(np.take(each, paths, axis=1) for each in holding))
        return replace(self, **by_step, **{name: getattr(self, name)[paths] for name in _BY_PATH}, holding=holding)

    def band(self, shift: Array, log_ratio: Array) -> SmoothBand:
        """The band as a policy adjusts it, (steps, n) each."""
        centre, half_width = self.centre + shift, self.half_width * np.exp(log_ratio)
        return SmoothBand(centre - half_width, centre + half_width)

    def losses(self, hedges: Array) -> Array:
        """What each path loses (n,), net of costs, where these hedges are held (steps, n)."""
        return np.asarray(self.contracts * paid_for(hedges, self.spot, self.unit_costs, self.holding) - self.options)


def cvar_and_tail(losses: Array) -> tuple[float, NDArray[np.intp]]:
    """CVaR at 95 % of losses (n,), and which paths are its tail: the gradient of the first is the mean of theirs."""
    worst = np.argsort(-losses, kind="stable")[: max(round(TAIL * len(losses)), 1)]
    return float(np.mean(losses[worst])), np.sort(worst)
