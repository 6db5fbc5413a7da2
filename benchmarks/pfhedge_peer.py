"""pfhedge's baselines on the paths that policies are judged on, in the account of our environment.

`pip install pfhedge` (last released in 2023). Of it come Whalley and Wilmott's band, which is theirs and not ours, with
the best of our risk aversions by CVaR on tuning paths, fewer than ours have; and its no-transaction-band network (Imaki
et al., 2023; the example of its README): a perceptron of its own size gives the band's ends about the Black-Scholes
delta, learned by its own fitting from the expected shortfall at 95 %, on fresh paths of the same market an epoch. Both
see the moneyness, the time left, the volatility at the money and the shares that are held; both hedge a short call.
What they hold is rounded to whole shares, and pays what ours pay.
"""

import math
import time
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from pfhedge.instruments import BasePrimary, EuropeanOption
from pfhedge.nn import BlackScholes, Clamp, ExpectedShortfall, Hedger, MultiLayerPerceptron, WhalleyWilmott

from alo_lib.learning.markets import DAYS, STEPS_A_DAY, YEARS_A_STEP
from alo_lib.learning.positions import CONTRACTS, SPOT, Hedged, losses_of
from alo_lib.learning.scenarios import AVERSIONS, Scenario
from alo_lib.learning.smile import Smile
from alo_lib.learning.tails import TAIL, tail_values
from alo_lib.learning.verdict import fresh_books, tuning_book
from alo_lib.records import OPTION_MULTIPLIER
from benchmarks.harness import Row

__all__ = ["PeerSizes", "peer_rows"]

Array = NDArray[np.float64]

_LEARNED_FROM: Final = 5_000
"""The seed before that of the first epoch's paths."""


class PeerSizes(NamedTuple):
    """Paths of each kind, and epochs of fitting."""

    tuning: int = 2_000
    epochs: int = 40
    learned_from: int = 500  # an epoch

    @classmethod
    def quick(cls) -> "PeerSizes":
        """Of a look."""
        return cls(300, 2, 100)


class Paths(BasePrimary):  # type: ignore[misc]
    """Our paths as an instrument of pfhedge, on a spot of 1; each simulation takes fresh ones."""

    def __init__(self, scenario: Scenario, smile: Smile) -> None:
        super().__init__()
        self.cost, self.dt = scenario.costs.half_spread + scenario.costs.fee / SPOT, YEARS_A_STEP
        self._scenario, self._smile, self._seed = scenario, smile, _LEARNED_FROM

    @property
    def default_init_state(self) -> tuple[float, ...]:
        """As the contract says; where paths begin is the market's to say."""
        return ()

    def simulate(self, n_paths: int = 1, time_horizon: float = 0.0, init_state: object = None) -> None:
        """Fresh paths."""
        self._seed += 1
        self.take(self._scenario.book(self._smile, n_paths, self._seed))

    def take(self, book: Hedged) -> None:
        """These paths."""
        implied = np.concatenate([np.asarray(book.position.implied), np.asarray(book.position.implied)[-1:]])
        self.register_buffer("spot", torch.from_numpy((book.spot / SPOT).T.copy()))
        self.register_buffer("implied", torch.from_numpy(implied.T.copy()))

    @property
    def volatility(self) -> Any:
        """What options at the money are quoted at, (n, steps + 1)."""
        return self.get_buffer("implied")


class NoTransactionBand(torch.nn.Module):  # type: ignore[misc]
    """As in pfhedge's README."""

    def __init__(self, derivative: Any) -> None:
        super().__init__()
        self.delta = BlackScholes(derivative)
        self.mlp = MultiLayerPerceptron(out_features=2)
        self.clamp = Clamp()

    def inputs(self) -> list[str]:
        """Names of what is seen."""
        return [*self.delta.inputs(), "prev_hedge"]

    def forward(self, seen: Any) -> Any:
        """Shares to hold, a share's worth of the option."""
        held, delta = seen[..., [-1]], self.delta(seen[..., :-1])
        width = self.mlp(seen[..., :-1])
        low, high = delta - torch.relu(width[..., [0]]), delta + torch.relu(width[..., [1]])
        return self.clamp(held, min=low, max=high)


def peer_rows(scenario: Scenario, smile: Smile, judged: int, sizes: PeerSizes) -> Iterator[Row]:
    """CVaR of both on the first of the paths that a verdict of so many ``judged`` has; of a short call's scenario."""
    torch.manual_seed(1)
    torch.set_num_threads(1)
    stock = Paths(scenario, smile)
    option = EuropeanOption(stock, maturity=DAYS * STEPS_A_DAY * YEARS_A_STEP).to(torch.float64)
    tuning, fresh = tuning_book(scenario, smile, sizes.tuning), next(fresh_books(scenario, smile, judged))
    # Theirs is of utility a on a spot of 1, of a share's worth; ours is a number without unit, so both are the same.
    bands = [WhalleyWilmott(option, a=aversion) for aversion in AVERSIONS]
    tails = [_tail(tuning, each, option, scenario) for each in bands]
    best = int(np.argmin(tails))
    what = f"{scenario.name}: CVaR 95 % by pfhedge's"
    yield Row(f"{what} WhalleyWilmott at {AVERSIONS[best]:,.0f}", _tail(fresh, bands[best], option, scenario), "$")
    began, band = time.process_time(), NoTransactionBand(option)
    learned = Hedger(band, band.inputs(), criterion=ExpectedShortfall(TAIL)).to(torch.float64)
    _ = learned(torch.zeros(1, 1, len(band.inputs()), dtype=torch.float64))  # its first layer is as wide as its inputs
    learned.fit(option, n_epochs=sizes.epochs, n_paths=sizes.learned_from, verbose=False, validation=False)
    spent = time.process_time() - began
    told = f"no-transaction band, {sizes.epochs} epochs of {sizes.learned_from:,} paths in {spent:.0f} s"
    yield Row(f"{what} {told}", _tail(fresh, band, option, scenario), "$")


def _tail(book: Hedged, module: Any, option: Any, scenario: Scenario) -> float:
    """CVaR at 95 % where the module's hedges are held, as whole shares."""
    option.ul().take(book)
    with torch.no_grad():
        held = Hedger(module, module.inputs()).to(torch.float64).compute_hedge(option)[:, 0].numpy()
    shares = np.rint(held.T[:-1] * CONTRACTS * OPTION_MULTIPLIER)
    if not (shares.shape == book.spot[:-1].shape and math.isfinite(float(np.sum(shares)))):
        raise ValueError(f"pfhedge holds shares of shape {shares.shape}")
    return float(np.mean(tail_values(losses_of(book, shares, scenario.costs))))
