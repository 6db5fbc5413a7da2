"""Training a policy by proximal policy optimization, and judging it on markets that it has not seen."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.learning.environment import EPISODE_DAYS, TradingEnvironment
from alo_lib.learning.errors import LearningError, MissingPackagesError
from alo_lib.learning.evaluation import seeds_for
from alo_lib.learning.features import FEATURES
from alo_lib.learning.policy import Layer, Policy
from alo_lib.settings import Settings

try:
    import torch
    from stable_baselines3 import PPO
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.vec_env import DummyVecEnv
except ImportError as error:
    raise MissingPackagesError(error.name) from error

__all__ = ["ROLLOUT", "Trainer"]

_MARKETS: Final = 4  # traded in turn, so that one rollout sees several
ROLLOUT: Final = 1024
"""Decisions between two updates of the weights; training goes on in whole rollouts."""
_BATCH: Final = 256
_HIDDEN: Final = 32
_FIRST_MULTIPLIER: Final = 0.5
_LOG_DEVIATION: Final = -0.9  # of the multipliers tried around the actor's own, at first


class Trainer:
    """An actor and a critic, each with two hidden layers, and the environments that they learn in.

    Single-threaded and seeded: on one machine, the same seed, settings and steps give the same weights to the last bit.
    PyTorch is told to be deterministic for the whole process. Episodes last ``days`` trading days.

    :raises LearningError: for a seed below 0, or a rollout that is not a positive multiple of 4.
    """

    def __init__(
        self,
        seed: int,
        settings: Settings | None = None,
        *,
        days: int = EPISODE_DAYS,
        rollout: int = ROLLOUT,
    ) -> None:
        if rollout < _MARKETS or rollout % _MARKETS:
            raise LearningError(f"rollout is {rollout}; allowed: positive multiples of {_MARKETS}")
        torch.set_num_threads(1)
        torch.use_deterministic_algorithms(True)

        def environment() -> TradingEnvironment:
            return TradingEnvironment(settings, days=days)

        environments = DummyVecEnv([environment] * _MARKETS)
        first = seeds_for(seed, "training", 1)[0]
        self._model = PPO(
            "MlpPolicy",
            environments,
            n_steps=rollout // _MARKETS,
            batch_size=min(_BATCH, rollout),
            n_epochs=8,
            learning_rate=1e-3,
            gamma=0.90,
            gae_lambda=0.90,
            ent_coef=0.0,
            seed=first,
            device="cpu",
            policy_kwargs={
                "net_arch": {"pi": [_HIDDEN, _HIDDEN], "vf": [_HIDDEN, _HIDDEN]},
                "activation_fn": torch.nn.ReLU,
                "log_std_init": _LOG_DEVIATION,
            },
        )
        with torch.no_grad():
            self._model.policy.action_net.bias.fill_(_FIRST_MULTIPLIER)

    def train(self, steps: int, progress: Callable[[int], None] | None = None) -> int:
        """Learn from at least ``steps`` further decisions, in whole rollouts, and return how many they were.

        ``progress`` is told the number of decisions so far after each one.

        :raises LearningError: for fewer than 1.
        """
        if steps < 1:
            raise LearningError(f"steps is {steps}; training takes at least 1")
        before = self._model.num_timesteps
        self._model.learn(steps, callback=_Progress(progress, before), reset_num_timesteps=before == 0)
        return int(self._model.num_timesteps - before)

    def policy(self) -> Policy:
        """The actor as it is now, its exploration left out."""
        actor = self._model.policy
        modules = [module for module in actor.mlp_extractor.policy_net if isinstance(module, torch.nn.Linear)]
        return Policy(tuple(Layer(_array(one.weight), _array(one.bias)) for one in [*modules, actor.action_net]))

    def act(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """The multipliers (n,) that PyTorch makes of ``features`` (n, k), in its float32."""
        if features.shape[1:] != (len(FEATURES),):
            raise LearningError(f"features have shape {features.shape}; allowed: (n, {len(FEATURES)})")
        actions, _ = self._model.predict(features.astype(np.float32), deterministic=True)
        return np.asarray(actions[:, 0], np.float64)


class _Progress(BaseCallback):  # type: ignore[misc]
    """Tells how far training has come."""

    def __init__(self, tell: Callable[[int], None] | None, before: int) -> None:
        super().__init__()
        self._tell = tell
        self._before = before

    def _on_step(self) -> bool:
        if self._tell is not None:
            self._tell(self.num_timesteps - self._before)
        return True


def _array(parameter: Any) -> NDArray[np.float64]:
    return np.asarray(parameter.detach().numpy(), np.float64)
