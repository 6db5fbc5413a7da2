"""Training a hedging policy by pathwise gradients: the loss is differentiated through every hedge of every path."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.learning.courses import Course
from alo_lib.learning.episodes import Episodes, cvar_and_tail
from alo_lib.learning.errors import LearningError, MissingPackagesError
from alo_lib.strategy.hedging_features import FEATURES
from alo_lib.strategy.hedging_policy import HedgingPolicy, Layer

try:
    import torch
except ImportError as error:
    raise MissingPackagesError(error.name) from error

__all__ = ["Progress", "Trainer"]

Array = NDArray[np.float64]

UNTAUGHT: Final = ("log_forecast_ratio", "rate")
"""Features to which a policy gives no weight where they do not vary in what it is trained on."""
_MOMENTS: Final = ("exp_avg", "exp_avg_sq")
_AVERAGED: Final = 0.25
_DIVERGED: Final = 1.5
_ROWS: Final = 4_096  # that a processor's cache holds with all layers


@dataclass(frozen=True)
class Progress:
    """How far a training has come."""

    iteration: int
    learned: float  # CVaR over that of the rule, less 1, on the batch; below 0 is better
    judged: float  # the same of the averaged weights on paths kept apart; NaN where it was not looked at
    gradient: float


class Trainer:
    """A policy which starts as the rule that ``untrained`` is, to the last bit.

    Each iteration draws a batch of paths of each scenario, asks the policy about all of them, and goes down the
    gradient of the mean over scenarios of CVaR at 95 % over that of the rule. Of that only the tail's paths have a part
    (Rockafellar and Uryasev, 2000), so only these are differentiated. Adam, the rate falling to nothing by a cosine;
    what comes of it is the mean of the weights over the last quarter. One thread, float64: on one machine the same seed
    gives the same bits, whether or not it was interrupted.
    """

    def __init__(
        self,
        seed: int,
        course: Course,
        untrained: HedgingPolicy,
        pool: Sequence[Episodes],
        apart: Sequence[Episodes],
    ) -> None:
        torch.set_num_threads(1)
        torch.use_deterministic_algorithms(True)
        self._seed, self._course, self._untrained, self._apart = seed, course, untrained, apart
        self._pool, self._scenarios = Episodes.joined(pool), len(pool)
        self.iteration = 0
        varies = self._pool.lowest < self._pool.highest
        self._taught = [bool(v) or feature.name not in UNTAUGHT for v, feature in zip(varies, FEATURES, strict=True)]
        self._mask = torch.tensor(self._taught, dtype=torch.float64)
        limits = [untrained.shift_limit, untrained.log_ratio_limit]
        self._limits = torch.tensor(limits, dtype=torch.float64)
        generator = np.random.default_rng([seed, 0])
        self.weights: list[torch.Tensor] = []
        for number, layer in enumerate(untrained.layers):
            weight = np.zeros(layer.weight.shape)
            if number < len(untrained.layers) - 1:
                weight = generator.standard_normal(weight.shape) * np.sqrt(2.0 / weight.shape[1])
            for each in (weight, layer.bias.copy()):
                self.weights.append(torch.tensor(each, dtype=torch.float64, requires_grad=True))
        self.averaged = [torch.zeros_like(each) for each in self.weights]
        self.averages = 0
        self._adam = torch.optim.Adam(self.weights, lr=course.rate)

    def step(self, *, judge: bool = False) -> Progress:
        """One iteration.

        :raises LearningError: where training diverges: numbers that are not finite, or a tail half as large again.
        """
        some = self._drawn()
        rows = (self._scenarios, -1)
        losses = some.losses(some.band(*self._adjusted(some, self.weights)).hedges()).reshape(rows)
        tails = [cvar_and_tail(each) for each in losses]
        plain = [cvar_and_tail(each)[0] for each in some.base_loss.reshape(rows)]
        ratios = [cvar / rule for (cvar, _), rule in zip(tails, plain, strict=True)]
        learned = float(np.mean(ratios)) - 1.0
        if not (np.isfinite(learned) and learned < _DIVERGED - 1.0):
            raise LearningError(
                f"training diverges: after {self.iteration} iterations the tail is {learned:+.0%} of the rule's; "
                f"take a smaller rate than {self._course.rate:g}"
            )
        self._adam.zero_grad()
        worst = np.concatenate([number * losses.shape[1] + tail for number, (_, tail) in enumerate(tails)])
        self._mean_loss(some.some(worst)).backward()
        gradient = float(torch.nn.utils.clip_grad_norm_(self.weights, 1.0))
        for group in self._adam.param_groups:
            group["lr"] = self._course.rate * 0.5 * (1.0 + np.cos(np.pi * self.iteration / self._course.iterations))
        self._adam.step()
        self.iteration += 1
        if self.iteration > (1.0 - _AVERAGED) * self._course.iterations:
            self.averages += 1
            with torch.no_grad():
                for mean, weight in zip(self.averaged, self.weights, strict=True):
                    mean += (weight - mean) / self.averages
        return Progress(self.iteration, learned, self.judged() if judge else float("nan"), gradient)

    def _drawn(self) -> Episodes:
        """A batch of paths of each scenario, the same for a seed and iteration."""
        generator = np.random.default_rng([self._seed, 1, self.iteration])
        size = self._pool.options.size // self._scenarios
        drawn = [generator.choice(size, self._course.batch, replace=False) for _ in range(self._scenarios)]
        return self._pool.some(np.concatenate([n * size + np.sort(each) for n, each in enumerate(drawn)]))

    def judged(self) -> float:
        """CVaR over that of the rule, less 1, on paths kept apart, the mean over scenarios."""
        ratios = []
        for episodes in self._apart:
            losses = episodes.losses(episodes.band(*self._adjusted(episodes, self._best())).hedges())
            ratios.append(cvar_and_tail(losses)[0] / episodes.base_tail[0])
        return float(np.mean(ratios)) - 1.0

    def state(self) -> dict[str, Array]:
        """Where the training stands, for a checkpoint."""
        state = {"counts": np.array([self.iteration, self.averages], np.float64)}
        for number, (weight, mean) in enumerate(zip(self.weights, self.averaged, strict=True)):
            moments = self._adam.state.get(weight, {})
            state[f"weight_{number}"], state[f"mean_{number}"] = _array(weight), _array(mean)
            for name in _MOMENTS:
                state[f"{name}_{number}"] = _array(moments.get(name, torch.zeros_like(weight)))
        return state

    def restore(self, state: dict[str, Array]) -> None:
        """Go on from where a training of the same course and seed stood.

        :raises LearningError: for counts that no training has.
        """
        iteration, averages = state["counts"].tolist()
        if not (0 <= averages <= iteration <= self._course.iterations and iteration == int(iteration)):
            raise LearningError(
                f"the checkpoint is of iteration {iteration:g}; the training has {self._course.iterations}"
            )
        self.iteration, self.averages = int(iteration), int(averages)
        with torch.no_grad():
            for number, (weight, mean) in enumerate(zip(self.weights, self.averaged, strict=True)):
                weight.copy_(torch.from_numpy(state[f"weight_{number}"]))
                mean.copy_(torch.from_numpy(state[f"mean_{number}"]))
                if self.iteration:
                    moments = {name: torch.tensor(state[f"{name}_{number}"]) for name in _MOMENTS}
                    self._adam.state[weight] = {"step": torch.tensor(float(self.iteration)), **moments}

    def policy(self) -> HedgingPolicy:
        """What has been learned so far."""
        arrays = [_array(each) for each in self._best()]
        arrays[0] *= self._mask.numpy()
        layers = tuple(Layer(w, b) for w, b in zip(arrays[::2], arrays[1::2], strict=True))
        ends = self._pool.lowest, self._pool.highest
        ranges = tuple(
            (float(a), float(b)) if taught else (feature.low, feature.high)
            for feature, a, b, taught in zip(FEATURES, *ends, self._taught, strict=True)
        )
        return replace(self._untrained, layers=layers, ranges=ranges)

    def _best(self) -> list[Any]:
        return self.averaged if self.averages else self.weights

    def _network(self, seen: Any, weights: Sequence[Any]) -> Any:
        values = seen * self._mask
        for number in range(0, len(weights), 2):
            if number:
                values = torch.relu(values)
            values = torch.addmm(weights[number + 1], values, weights[number].T)
        return self._limits * (values / (1.0 + torch.abs(values)))

    def _adjusted(self, episodes: Episodes, weights: Sequence[Any]) -> Array:
        """Shift and log ratio (2, steps, n), without gradients."""
        with torch.no_grad():
            rows = torch.from_numpy(episodes.seen.reshape(-1, len(FEATURES)))
            parts = [self._network(part, weights) for part in rows.split(_ROWS)]
            out = torch.cat(parts).numpy().reshape(*episodes.known.shape, 2)
        return np.moveaxis(out * episodes.known[..., None], -1, 0)

    def _mean_loss(self, episodes: Episodes) -> Any:
        """The mean over paths of the loss over the rule's CVaR, with its gradient."""
        rows = torch.from_numpy(episodes.seen.reshape(-1, len(FEATURES)))
        out = self._network(rows, self.weights).reshape(*episodes.known.shape, 2)
        out = out * torch.from_numpy(episodes.known)[..., None]
        centre = torch.from_numpy(np.ascontiguousarray(episodes.centre)) + out[..., 0]
        half_width = torch.from_numpy(np.ascontiguousarray(episodes.half_width)) * torch.exp(out[..., 1])
        low, high = (centre - half_width).unbind(0), (centre + half_width).unbind(0)
        held = torch.zeros(episodes.options.size, dtype=torch.float64)
        hedges = []
        for lowest, highest in zip(low, high, strict=True):
            held = torch.minimum(torch.maximum(held, lowest), highest)
            hedges.append(held)
        held_all = torch.stack(hedges)
        traded = ordered = torch.diff(held_all, dim=0, prepend=torch.zeros_like(held)[None])
        spot, costs = torch.from_numpy(episodes.spot), torch.from_numpy(episodes.unit_costs)
        lent = torch.zeros_like(held)
        if episodes.holding is not None:
            lending, brought = map(torch.from_numpy, episodes.holding)
            ordered, lent = traded - brought, torch.sum(torch.relu(-held_all) * lending, dim=0)
        paid = torch.sum(traded * spot[:-1] + torch.abs(ordered) * costs[:-1], dim=0) + lent
        closed = held * spot[-1] - torch.abs(held) * costs[-1]
        contracts, options, tails = map(torch.from_numpy, (episodes.contracts, episodes.options, episodes.base_tail))
        return torch.mean((contracts * (paid - closed) - options) / tails)


def _array(tensor: Any) -> Array:
    return np.array(tensor.detach().numpy(), np.float64)
