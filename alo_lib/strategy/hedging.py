"""Delta hedging: how many shares are held against an underlying's options.

A rule says about which number of shares, and how far from it, nothing is done, and how near to it a hedge is brought
that has left this band. Rules take floats or arrays, an element a path, so that a core, a simulation and the training
of a policy ask the same function.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from alo_lib.numerics.elementwise import exp
from alo_lib.records import OPTION_MULTIPLIER
from alo_lib.settings import Settings
from alo_lib.strategy.order_costs import OrderCosts, best_size, cube_root

__all__ = [
    "HEDGING_RULES",
    "AdjustedRule",
    "Adjustment",
    "Band",
    "DeltaBand",
    "HedgedPosition",
    "HedgingRule",
    "MinimumVariance",
    "WhalleyWilmott",
    "adjusted",
    "hedging_rule",
    "shares_wanted",
    "toward_band",
]

Floats = float | NDArray[np.float64]
"""One number, or one a path; those of a position broadcast."""


@dataclass(frozen=True, slots=True)
class HedgedPosition:
    """What is observed of the options held in one underlying, and of trading its shares."""

    delta: Floats  # shares that the options move as
    gamma: Floats  # shares per $ of the spot
    vega: Floats  # $ per 1.00 of volatility
    theta: Floats  # $ a year
    vega_skew: Floats  # $: of each leg vega times the smile's slope, d volatility / d ln(strike); 0 where unknown
    contracts: Floats  # long and short alike
    spot: Floats
    implied: Floats  # volatility at which the legs that expire first are held, their mean
    forecast: Floats  # until then; NaN where there is none
    time_to_expiry: Floats  # years to the nearest expiry
    rate: Floats
    half_spread: Floats  # $ a share
    fee: Floats  # $ a share
    order_fee: Floats  # $ an order at least

    @property
    def order_costs(self) -> OrderCosts:
        """What an order for the shares costs."""
        return OrderCosts(self.half_spread, self.fee, self.order_fee)

    @property
    def units(self) -> Floats:
        """Shares that all contracts are of."""
        return self.contracts * OPTION_MULTIPLIER


class Band(NamedTuple):
    """Shares: within ``half_width`` of ``centre`` nothing is traded; from beyond it to within ``target`` of it."""

    centre: Floats
    half_width: Floats
    target: Floats  # from 0, the centre, up to the half width, the edge


class HedgingRule(Protocol):
    """What a way of hedging is: a band for every position."""

    def band(self, position: HedgedPosition) -> Band:
        """The band of a position; a number that is not known makes NaN of it."""
        ...


@dataclass(frozen=True)
class DeltaBand:
    """A band about the Black-Scholes delta, ``width`` deltas a contract to either side; beyond it to centre or edge."""

    width: float
    to_edge: bool = False

    def band(self, position: HedgedPosition) -> Band:
        """As the contract says."""
        half_width = self.width * position.units
        return Band(-position.delta, half_width, half_width if self.to_edge else 0.0)


@dataclass(frozen=True)
class WhalleyWilmott:
    """Whalley and Wilmott's band about the Black-Scholes delta, with what an order costs at least.

    For proportional costs c and exponential utility of risk aversion a, to first order in c^(1/3), the half width of
    one option is (3/2 e^(-r tau) c S gamma^2 / a)^(1/3), and the best that can be done beyond the band is to trade to
    its edge: Whalley and Wilmott (1997), "An asymptotic analysis of an optimal hedging model for option pricing with
    transaction costs", Mathematical Finance 7, equation (3.9) and what follows it. Cost is half the spread and the fee
    over the spot. ``risk_aversion`` is a S for one share's worth of options, a number without unit: so the band grows
    with the number of contracts in proportion, and a split of the shares leaves it.

    Where an order costs something however small it is, orders have a size D that is best, and the hedge goes from D / 2
    beyond that half width to D / 2 within it, c being what an order of this size costs
    (:func:`~alo_lib.strategy.order_costs.best_size`). That fee is a whole order's, of which many contracts pay as much
    as one: their orders are many, and their band is the narrower, a share.
    """

    risk_aversion: float

    def band(self, position: HedgedPosition) -> Band:
        """As the contract says."""
        gamma = position.gamma * position.spot / np.maximum(position.units, 1.0)
        discount = exp(-position.rate * np.asarray(position.time_to_expiry))

        def half_width(cost: Floats) -> Floats:  # of c S, $ a share
            cube = 1.5 * discount * (cost / position.spot) * np.square(gamma) / self.risk_aversion
            return position.units * cube_root(cube)

        size = best_size(half_width(1.0), position.order_costs)
        middle = half_width(position.order_costs.a_share(size))
        return Band(-position.delta, middle + 0.5 * size, middle - 0.5 * size)


@dataclass(frozen=True)
class MinimumVariance:
    """Another rule's band about the delta of least variance: what the spot's moves do to volatility is hedged, too.

    The delta is delta + vega * d volatility / d spot. A contract's implied volatility moves with ln(spot) by
    (R - 1) times the smile's slope, R being the skew stickiness ratio: 0 where the smile moves with the spot (sticky
    moneyness), 1 where it stays at its strikes, 2 in every model of stochastic or local volatility as expiries become
    short: Bergomi (2009), "Smile dynamics IV", Risk, December; Derman (1999), "Regimes of volatility", Risk, April.
    Hull and White (2017), "Optimal delta hedging for options", Journal of Banking & Finance 82, find that of the S&P
    500 volatility falls as the spot rises, that is R > 1; they fit the response by regression on years of past quotes,
    which a core does not have. The slope it has, of today's chain.
    """

    base: HedgingRule
    stickiness: float

    def band(self, position: HedgedPosition) -> Band:
        """As the contract says."""
        band = self.base.band(position)
        return band._replace(centre=band.centre - (self.stickiness - 1.0) * position.vega_skew / position.spot)


Adjustment = Callable[[HedgedPosition, Band], tuple[Floats, Floats]]
"""From a position and a rule's band: by how much its centre shifts, in deltas a contract; log of its width's ratio."""


@dataclass(frozen=True)
class AdjustedRule:
    """Another rule's band, shifted and scaled: where a policy, learned or not, has its say.

    Zeros are the other rule, to the last bit.
    """

    base: HedgingRule
    adjustment: Adjustment

    def band(self, position: HedgedPosition) -> Band:
        """As the contract says."""
        band = self.base.band(position)
        return adjusted(band, position, *self.adjustment(position, band))


def adjusted(band: Band, position: HedgedPosition, shift: Floats, log_ratio: Floats) -> Band:
    """A band whose centre is shifted by so many deltas a contract, and its width scaled by a logarithm."""
    ratio = exp(log_ratio)
    return Band(band.centre + shift * position.units, band.half_width * ratio, band.target * ratio)


def shares_wanted(shares: Floats, position: HedgedPosition, rule: HedgingRule) -> NDArray[np.float64]:
    """Whole shares to hold by a rule where ``shares`` are held now, broadcast with the position; without options none.

    What is done about the rule's band is :func:`toward_band`.
    """
    wanted = toward_band(shares, rule.band(position))
    return np.where(np.asarray(position.contracts) == 0.0, 0.0, wanted)


def toward_band(shares: Floats, band: Band) -> NDArray[np.float64]:
    """Whole shares to hold where ``shares`` are held now, broadcast with the band.

    Within the band nothing changes. Beyond it the hedge goes to the first whole share within ``target`` of the centre,
    and to the one nearest to the centre where there is none. Where a band cannot be told the hedge stays.
    """
    centre, half_width, target = (np.asarray(each, np.float64) for each in band)
    neutral = np.rint(centre)
    lowest = np.minimum(np.ceil(centre - target), neutral)
    highest = np.maximum(np.floor(centre + target), neutral)
    goal = np.minimum(np.maximum(shares, lowest), highest)
    stays = (np.abs(shares - centre) <= half_width) | ~np.isfinite(centre) | np.isnan(half_width)
    return np.where(stays, shares, goal)


HEDGING_RULES: Final[dict[str, Callable[[Settings], HedgingRule]]] = {
    "delta_band": lambda settings: DeltaBand(settings.hedge_band),
    "whalley_wilmott": lambda settings: WhalleyWilmott(settings.risk_aversion),
    "minimum_variance": lambda settings: MinimumVariance(
        WhalleyWilmott(settings.risk_aversion), settings.skew_stickiness
    ),
}
"""By the setting ``hedge``, besides that of a learned policy."""


def hedging_rule(settings: Settings, learned: HedgingRule | None = None) -> HedgingRule:
    """The rule that the settings ask for; ``learned`` is that of the policy that a core was told.

    :raises ValueError: where the settings ask for a policy, and none was told.
    """
    if settings.hedge != "policy":
        return HEDGING_RULES[settings.hedge](settings)
    if learned is None:
        raise ValueError("setting hedge is policy, but no policy was told")
    return learned
