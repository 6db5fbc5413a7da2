"""Actor-critic training beside pathwise gradients: `python -m benchmarks.actor_critic POLICY.training/seed-1.json`.

The same markets, rule, network and limits; proximal policy optimization of stable-baselines3, to be installed by
hand (`pip install stable-baselines3`). It is rewarded at the end of a path with what it leaves less of the tail than
the rule does there: q + max(loss - q, 0) / 5 %, q being the rule's 95 % quantile (Rockafellar and Uryasev, 2000). Both
are judged on the paths that `alo train` keeps apart.
"""

import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import gymnasium
import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecEnv

from alo_lib.learning.courses import Course, Lessons, episodes_for, lessons_of
from alo_lib.learning.episodes import Episodes, cvar_and_tail
from alo_lib.learning.positions import paid_for
from alo_lib.learning.tails import TAIL
from alo_lib.runtime.policy_file import load_policy
from alo_lib.strategy.hedging_features import FEATURES
from alo_lib.strategy.hedging_policy import HedgingPolicy, Layer
from benchmarks.harness import Row, options_of, report
from benchmarks.learned_losses import losses_by

__all__ = ["main"]

Array = NDArray[np.float64]

AT_ONCE: Final = 512
"""Paths that are hedged together."""


class Paths(VecEnv):  # type: ignore[misc]
    """Many paths, step by step; an action are the network's outputs, before they are bounded."""

    def __init__(self, pool: Sequence[Episodes], policy: HedgingPolicy, seed: int) -> None:
        everything = gymnasium.spaces.Box(-np.inf, np.inf, (len(FEATURES),), np.float64)
        super().__init__(AT_ONCE, everything, gymnasium.spaces.Box(-20.0, 20.0, (2,), np.float64))
        self._pool = Episodes.joined(pool)
        quantiles = [float(np.quantile(each.base_loss, 1.0 - TAIL)) for each in pool]
        self._quantile = np.repeat(quantiles, pool[0].options.size)
        self._limits = np.array([policy.shift_limit, policy.log_ratio_limit])
        self._generator = np.random.default_rng(seed)

    def reset(self) -> Array:
        """As the contract says."""
        chosen = np.sort(self._generator.choice(self._pool.options.size, AT_ONCE, replace=False))
        self._some, self._threshold = self._pool.some(chosen), self._quantile[chosen]
        self._step, self._hedges = 0, np.zeros_like(self._some.centre)
        return np.asarray(self._some.seen[0])

    def step_async(self, actions: Array) -> None:
        """As the contract says."""
        self._actions = np.asarray(actions, np.float64)

    def step_wait(self) -> tuple[Array, Array, NDArray[np.bool_], list[dict[str, Any]]]:
        """As the contract says."""
        some, step = self._some, self._step
        bounded = self._limits * (self._actions / (1.0 + np.abs(self._actions))) * some.known[step][:, None]
        centre, half_width = some.centre[step] + bounded[:, 0], some.half_width[step] * np.exp(bounded[:, 1])
        held = self._hedges[step - 1] if step else np.zeros(AT_ONCE)
        self._hedges[step] = np.clip(held, centre - half_width, centre + half_width)
        self._step += 1
        told: list[dict[str, Any]] = [{} for _ in range(AT_ONCE)]
        if self._step < len(some.seen):
            return some.seen[self._step], np.zeros(AT_ONCE), np.zeros(AT_ONCE, bool), told
        losses = some.contracts * paid_for(self._hedges, some.spot, some.unit_costs) - some.options
        left = [np.maximum(each - self._threshold, 0.0) / TAIL for each in (some.base_loss, losses)]
        reward = (left[0] - left[1]) / some.base_tail
        for each, seen in zip(told, some.seen[-1], strict=True):
            each["terminal_observation"] = seen
        return self.reset(), reward, np.ones(AT_ONCE, bool), told

    def close(self) -> None:
        """Nothing is open."""

    def get_attr(self, attr_name: str, indices: object = None) -> list[Any]:
        """As the contract says; paths have none."""
        return [None] * AT_ONCE

    def set_attr(self, attr_name: str, value: object, indices: object = None) -> None:
        """Paths have none."""

    def env_method(self, method_name: str, *args: object, indices: object = None, **named: object) -> list[Any]:
        """Paths have none."""
        raise NotImplementedError(method_name)

    def env_is_wrapped(self, wrapper_class: object, indices: object = None) -> list[bool]:
        """None is."""
        return [False] * AT_ONCE


def learned_by(model: Any, policy: HedgingPolicy) -> HedgingPolicy:
    """What the actor has come to: the network that is the mean of its actions."""
    linear = [*model.policy.mlp_extractor.policy_net, model.policy.action_net]
    pairs = [(each.weight, each.bias) for each in linear if isinstance(each, torch.nn.Linear)]
    layers = [Layer(*(np.array(part.detach().numpy(), np.float64) for part in pair)) for pair in pairs]
    return HedgingPolicy(tuple(layers), policy.risk_aversion, policy.stickiness)


def judged(policy: HedgingPolicy, lessons: Lessons, apart: Sequence[Episodes]) -> float:
    """CVaR over the rule's, less 1, the mean over scenarios, %; about the rule of these lessons."""
    ratios = [cvar_and_tail(losses_by(policy, each))[0] / cvar_and_tail(each.base_loss)[0] for each in apart]
    return 100.0 * (float(np.mean(ratios)) - 1.0)


def _measured(pathwise: HedgingPolicy | None, seconds: float, paths: int) -> Iterator[Row]:
    torch.set_num_threads(1)
    course = Course(paths=paths, batch=min(paths, 300))
    lessons = lessons_of(course)
    apart = episodes_for(lessons, min(paths, 600), None)
    if pathwise is not None:
        yield Row("pathwise gradients: CVaR over the rule's, less 1", judged(pathwise, lessons, apart), "%")
    market = Paths(episodes_for(lessons, paths, 1), lessons.untrained, 1)
    steps = len(apart[0].seen)
    shape = {"net_arch": list(course.hidden), "activation_fn": torch.nn.ReLU, "log_std_init": -1.5}
    model = PPO(
        "MlpPolicy", market, n_steps=steps, batch_size=AT_ONCE * steps // 8, n_epochs=4, gamma=1.0, gae_lambda=0.98,
        learning_rate=1e-3, policy_kwargs=shape, seed=1, device="cpu",
    )  # fmt: skip
    begin, rounds = time.process_time(), 0
    while time.process_time() - begin < seconds:
        model.learn(AT_ONCE * steps, reset_num_timesteps=False)
        rounds += 1
        spent = time.process_time() - begin
        if rounds & (rounds - 1) == 0 or spent >= seconds:
            what = f"actor-critic after {rounds * AT_ONCE:,} paths, {spent:.0f} s of processor time: CVaR the same"
            yield Row(what, judged(learned_by(model, lessons.untrained), lessons, apart), "%")


def main() -> int:
    """Command line."""
    parser = options_of(__doc__)
    parser.add_argument("policy", type=Path, nargs="?", help="what alo train wrote of a seed")
    parser.add_argument("--seconds", type=float, default=300.0, help="of processor time that actor-critic has")
    options = parser.parse_args()
    pathwise = None if options.policy is None else load_policy(options.policy)
    seconds, paths = (5.0, 100) if options.quick else (options.seconds, 1_500)
    return report(_measured(pathwise, seconds, paths), as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
