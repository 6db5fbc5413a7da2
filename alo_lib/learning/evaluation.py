"""What a policy is worth, against simple rules, on markets that none of them has seen."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from alo_lib.learning.environment import EPISODE_DAYS, TradingEnvironment
from alo_lib.learning.errors import LearningError
from alo_lib.learning.features import FEATURES
from alo_lib.records import TRADING_DAYS
from alo_lib.settings import Settings

__all__ = ["RULES_TRIED", "Evaluation", "Rule", "Sizing", "evaluate", "seeds_for", "tune"]

Array = NDArray[np.float64]
Sizing = Callable[[Array], Array]
"""From features (n, k) to multipliers (n,), as ``Policy.act``."""

_ROLES: Final = {"training": 0, "tuning": 1, "evaluation": 2}
_EDGE: Final = next(number for number, feature in enumerate(FEATURES) if feature.name == "edge_volatility")


@dataclass(frozen=True)
class Rule:
    """Trade ``size`` of every signal whose edge, as volatility, is at least ``least_edge``."""

    size: float
    least_edge: float = -math.inf

    def __call__(self, features: Array) -> Array:
        """The multipliers (n,) of features (n, k)."""
        feature = FEATURES[_EDGE]
        edge = 0.5 * (features[:, _EDGE] * (feature.high - feature.low) + feature.low + feature.high)
        # The observation is float32: an edge on the threshold may read a little below it.
        return np.where(edge >= self.least_edge - 1e-6, self.size, 0.0)

    def __str__(self) -> str:
        edge = "any edge" if math.isinf(self.least_edge) else f"an edge of at least {self.least_edge:g}"
        return f"{self.size:.0%} of a signal with {edge}"

    def to_dict(self) -> dict[str, float | None]:
        """Fields for JSON, which has no infinity: None for a rule that trades at any edge."""
        return {"size": self.size, "least_edge": None if math.isinf(self.least_edge) else self.least_edge}


RULES_TRIED: Final = tuple(Rule(size, edge) for size in (0.4, 0.7, 1.0) for edge in (-math.inf, 0.01, 0.02))
"""What :func:`tune` chooses from."""


@dataclass(frozen=True)
class Evaluation:
    """How one way of sizing did over some episodes. Rewards are sums over an episode, averaged over episodes."""

    name: str
    reward: float
    reward_error: float  # standard error of the mean
    lead: float  # mean reward over that of the reference, episode by episode
    lead_error: float
    profit: float  # a year, over equity, in excess of the riskless rate
    sharpe: float | None  # annualized, of daily profits; None when nothing was ever traded
    drawdown: float  # deepest fall from a high within an episode, over equity
    opened: float  # trades an episode
    fees: float  # money an episode

    def to_dict(self) -> dict[str, Any]:
        """Fields for JSON."""
        return asdict(self)


def seeds_for(seed: int, role: Literal["training", "tuning", "evaluation"], count: int) -> list[int]:
    """Seeds of episodes, which no two roles share but by chance.

    :raises LearningError: for a negative seed.
    """
    if seed < 0:
        raise LearningError(f"seed is {seed}; it must be 0 or more")
    return [int(state) for state in np.random.SeedSequence([seed, _ROLES[role]]).generate_state(count)]


def evaluate(
    sizings: Mapping[str, Sizing],
    reference: str,
    seeds: Sequence[int],
    settings: Settings | None = None,
    *,
    days: int = EPISODE_DAYS,
    progress: Callable[[], None] | None = None,
) -> list[Evaluation]:
    """Let each way of sizing trade the same episodes, and compare it with the one named ``reference``.

    ``progress`` is called after each episode.

    :raises LearningError: for fewer than two seeds, without which there is no standard error, or a reference that is
        not among the sizings.
    """
    if len(seeds) < 2:
        raise LearningError(f"episodes is {len(seeds)}; a comparison takes at least 2")
    if reference not in sizings:
        raise LearningError(f"reference is {reference!r}; allowed: {', '.join(sizings)}")
    environment = TradingEnvironment(settings, days=days)
    told = progress if progress is not None else lambda: None
    runs = {name: [_episode(environment, sizing, seed, told) for seed in seeds] for name, sizing in sizings.items()}
    yardstick = np.array([run.reward for run in runs[reference]])
    return [_summary(name, episodes, yardstick) for name, episodes in runs.items()]


def tune(
    seeds: Sequence[int],
    settings: Settings | None = None,
    *,
    days: int = EPISODE_DAYS,
    progress: Callable[[], None] | None = None,
) -> Rule:
    """The one of :data:`RULES_TRIED` with the greatest mean reward over some episodes; errors as :func:`evaluate`."""
    names = {str(number): rule for number, rule in enumerate(RULES_TRIED)}
    results = evaluate(names, "0", seeds, settings, days=days, progress=progress)
    return names[max(results, key=lambda result: result.reward).name]


@dataclass(frozen=True)
class _Episode:
    reward: float
    profits: list[float]
    opened: int
    fees: float


def _episode(environment: TradingEnvironment, sizing: Sizing, seed: int, progress: Callable[[], None]) -> _Episode:
    observation, info = environment.reset(seed=seed)
    reward, profits, over = 0.0, list[float](), False
    while not over:
        multiplier = sizing(observation[None, :].astype(np.float64))
        observation, gained, terminated, truncated, info = environment.step(multiplier)
        reward += float(gained)
        profits += info["profits"]
        over = terminated or truncated
    progress()
    return _Episode(reward, profits, info["opened"], info["fees"])


def _summary(name: str, episodes: list[_Episode], yardstick: Array) -> Evaluation:
    rewards = np.array([episode.reward for episode in episodes])
    lead = rewards - yardstick
    profits = np.concatenate([episode.profits for episode in episodes])
    deviation = float(np.std(profits, ddof=1))
    return Evaluation(
        name=name,
        reward=float(np.mean(rewards)),
        reward_error=_error(rewards),
        lead=float(np.mean(lead)),
        lead_error=_error(lead),
        profit=TRADING_DAYS * float(np.mean(profits)),
        sharpe=math.sqrt(TRADING_DAYS) * float(np.mean(profits)) / deviation if deviation > 0.0 else None,
        drawdown=max(_drawdown(np.array(episode.profits)) for episode in episodes),
        opened=float(np.mean([episode.opened for episode in episodes])),
        fees=float(np.mean([episode.fees for episode in episodes])),
    )


def _error(values: Array) -> float:
    return float(np.std(values, ddof=1) / math.sqrt(len(values)))


def _drawdown(profits: Array) -> float:
    wealth = np.concatenate([[1.0], np.cumprod(1.0 + profits)])
    return float(np.max(1.0 - wealth / np.maximum.accumulate(wealth)))
