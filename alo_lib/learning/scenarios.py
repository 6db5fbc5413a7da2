"""What a policy learns from and is judged on, positions in markets at a cost, and the rules that are its opponents."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.learning.carry import NO_CARRY, Carry
from alo_lib.learning.markets import DAYS, BlackScholes, Heston, Jumps, Market
from alo_lib.learning.positions import POSITIONS, Costs, Hedged, hedged, net_losses
from alo_lib.learning.smile import Smile, smile_of
from alo_lib.learning.tails import tail_values
from alo_lib.strategy.hedging import MinimumVariance, WhalleyWilmott

__all__ = [
    "AMERICAN",
    "AVERSIONS",
    "BATES",
    "COURSES",
    "STICKINESSES",
    "TRAINING",
    "Scenario",
    "one_risk_aversion",
    "smiles_of",
    "tuned_minimum_variance",
    "tuned_whalley_wilmott",
]

Array = NDArray[np.float64]

AVERSIONS: Final = (40.0, 100.0, 250.0, 600.0, 1_500.0, 4_000.0, 10_000.0, 25_000.0)
"""From which the risk aversion of a rule is tuned."""
STICKINESSES: Final = (1.0, 1.5, 2.0, 2.5, 3.0)
"""From which the stickiness is tuned; 1 is the Black-Scholes delta."""


class Scenario(NamedTuple):
    """A position of :data:`~alo_lib.learning.positions.POSITIONS` in a market, at a cost."""

    market: Market
    position: str
    costs: Costs
    days: int = DAYS  # trading days to expiry, of which the first are hedged
    carry: Carry = NO_CARRY  # with one, options are American

    @property
    def name(self) -> str:
        """As tables have it."""
        widening = ", widening" if self.costs.widening else ""
        least_fee = ", least fee" if self.costs.order_fee else ""
        days = f", {self.days} days" if self.days != DAYS else ""
        carry = f", {self.carry.name}" if self.carry != NO_CARRY else ""
        bp = f"{self.costs.half_spread * 1e4:g} bp"
        return f"{self.market.name}, {self.position}{days}, {bp}{widening}{least_fee}{carry}"

    def book(self, smile: Smile, paths: int, seed: int) -> Hedged:
        """The position on fresh paths."""
        return hedged(POSITIONS[self.position], self.market, smile, paths, seed, self.days, self.carry)


_HESTON: Final = Heston()
_CALM: Final = Heston(
    level=0.0225, reversion=2.0, of_volatility=0.25, correlation=-0.5, night_share=0.2, name="calm Heston"
)
_WILD: Final = Heston(
    level=0.09, reversion=5.0, of_volatility=1.1, correlation=-0.8, night_share=0.2, name="wild Heston"
)
BATES: Final = Heston(jumps=Jumps(3.0, -0.03, 0.04), name="Bates")

_JUMPS: Final = Heston(
    reversion=1.0, of_volatility=0.1, correlation=0.0, jumps=Jumps(4.0, -0.03, 0.03), night_share=0.2, name="jumps"
)
_CRASHES: Final = Heston(
    level=0.03, reversion=1.0, of_volatility=0.1, correlation=0.0, jumps=Jumps(1.5, -0.07, 0.05), name="crashes"
)

TRAINING: Final = (
    Scenario(_HESTON, "short straddle", Costs(0.0005)),
    Scenario(_HESTON, "short straddle", Costs(0.0020)),
    Scenario(_HESTON, "short iron condor", Costs(0.0005)),
    Scenario(_HESTON, "short iron condor", Costs(0.0020)),
    Scenario(_HESTON, "short call", Costs(0.0005)),
    Scenario(_HESTON, "short call", Costs(0.0020)),
    Scenario(_HESTON, "short put", Costs(0.0010)),
    Scenario(_WILD, "short straddle", Costs(0.0010, widening=True)),
    Scenario(_WILD, "short call", Costs(0.0005, widening=True)),
    Scenario(_CALM, "short strangle", Costs(0.0002, widening=True)),
    Scenario(_CALM, "long straddle", Costs(0.0010)),
    Scenario(BlackScholes(), "short straddle", Costs(0.0005)),
    Scenario(BlackScholes(), "short iron condor", Costs(0.0020)),
    Scenario(_JUMPS, "short straddle", Costs(0.0005)),
    Scenario(_JUMPS, "short iron condor", Costs(0.0020)),
    Scenario(_JUMPS, "short call", Costs(0.0010, widening=True)),
    Scenario(_CRASHES, "short straddle", Costs(0.0020)),
)
"""What policies learn from: stochastic volatility, and jumps where volatility hardly moves. Both at once (Bates), rough
volatility and GARCH they are only judged on."""

AMERICAN: Final = (
    Scenario(_HESTON, "short put", Costs(0.0005), carry=Carry(0.05)),
    Scenario(_HESTON, "short straddle", Costs(0.0010), carry=Carry(0.05, 0.03)),
    Scenario(_HESTON, "short call", Costs(0.0010), carry=Carry(0.03, 0.0, ((16, 1.0),))),
    Scenario(_WILD, "short strangle", Costs(0.0010), carry=Carry(0.05, 0.0, ((11, 0.5),))),
)
"""Options that may be exercised early, at rates, yields and dividends."""

COURSES: Final = {"european": TRAINING, "american": (*TRAINING, *AMERICAN)}
"""What a training may learn from, by its name."""


def smiles_of(scenarios: Sequence[Scenario], paths: int) -> dict[str, Smile]:
    """The smile of each market by its name, to the last expiry that is asked for, made of ``paths`` paths."""
    markets = {each.market.name: each.market for each in scenarios}
    longest = {name: max(each.days for each in scenarios if each.market.name == name) for name in markets}
    return {name: smile_of(market, paths, longest[name]) for name, market in markets.items()}


def tuned_whalley_wilmott(book: Hedged, costs: Costs) -> WhalleyWilmott:
    """The one of least CVaR on a book's paths."""
    rules = [WhalleyWilmott(aversion) for aversion in AVERSIONS]
    return rules[int(np.argmin([_tail(book, rule, costs) for rule in rules]))]


def tuned_minimum_variance(book: Hedged, costs: Costs) -> MinimumVariance:
    """The one of least CVaR on a book's paths, of all risk aversions and stickinesses."""
    rules = [_minimum_variance(a, s) for s in STICKINESSES for a in AVERSIONS]
    return rules[int(np.argmin([_tail(book, rule, costs) for rule in rules]))]


def one_risk_aversion(books: Sequence[tuple[Hedged, Costs]], stickiness: float) -> float:
    """Of the minimum-variance band of a stickiness that leaves the least over all of these together.

    Least is the mean of each CVaR over the best that can be done of it.
    """
    rules = [_minimum_variance(aversion, stickiness) for aversion in AVERSIONS]
    tails = np.array([[_tail(book, rule, costs) for rule in rules] for book, costs in books])
    return AVERSIONS[int(np.argmin(np.mean(tails / np.min(tails, axis=1, keepdims=True), axis=0)))]


def _minimum_variance(aversion: float, stickiness: float) -> MinimumVariance:
    return MinimumVariance(WhalleyWilmott(aversion), stickiness)


def _tail(book: Hedged, rule: WhalleyWilmott | MinimumVariance, costs: Costs) -> float:
    losses = [net_losses(part, rule, costs) for part in book.parts()]
    return float(np.mean(tail_values(np.concatenate(losses))))
