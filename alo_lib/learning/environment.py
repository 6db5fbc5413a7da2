"""The environment that a policy is trained in: half a year of decisions on one made-up market."""

from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.learning.desk import Desk
from alo_lib.learning.errors import LearningError, MissingPackagesError
from alo_lib.learning.features import FEATURES
from alo_lib.learning.market import LearningMarket
from alo_lib.settings import Settings

try:
    import gymnasium
except ImportError as error:
    raise MissingPackagesError(error.name) from error

__all__ = ["EPISODE_DAYS", "RISK_AVERSION", "TradingEnvironment", "utility"]

EPISODE_DAYS: Final = 126
RISK_AVERSION: Final = 0.05
"""How fast a volatility point more is worth less; see :func:`utility`."""
_LARGEST_CURVED: Final = 10.0  # volatility points

_SEEDS: Final = 1 << 62


def utility(points: float) -> float:
    """What a day's profit in volatility points is worth: x - a h(x), with a = :data:`RISK_AVERSION`.

    h is Huber's function, x^2 / 2 up to 10 points either way and straight beyond: a crash is neither worth more than
    any number of common days, nor a large profit less than a small one.
    """
    size = abs(points)
    curved = min(size, _LARGEST_CURVED)
    return points - RISK_AVERSION * curved * (size - 0.5 * curved)


class TradingEnvironment(gymnasium.Env):  # type: ignore[misc]
    """One episode trades one seeded market for ``days`` trading days; a step lasts from one decision to the next.

    The observation is :func:`~alo_lib.learning.features.observe` of the best signal (float32, in [-1, 1]), the action
    the multiplier (1,) on its size. Days on which nothing could be opened are hedged and passed over. The reward is the
    sum over the step's days of :func:`utility`, of the day's profit, trading costs included, in units of what one
    structure of the full vega budget makes on one volatility point. An episode is truncated after its days, and
    terminated when equity has fallen by ``max_drawdown``. ``info`` tells the days' ``profits`` over the equity before
    each, ``equity``, and the ``fees`` and trades ``opened`` so far.

    ``reset(seed)`` fixes the episode's market and, through the generator that gymnasium keeps, those of the episodes
    after it.

    :raises LearningError: for fewer than one day.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": []}

    def __init__(self, settings: Settings | None = None, *, days: int = EPISODE_DAYS) -> None:
        if days < 1:
            raise LearningError(f"days is {days}; an episode has at least 1")
        self.observation_space = gymnasium.spaces.Box(-1.0, 1.0, (len(FEATURES),), np.float32)
        self.action_space = gymnasium.spaces.Box(0.0, 1.0, (1,), np.float32)
        self._settings = Settings() if settings is None else settings
        self._days = days
        self._day = 0
        self._desk: Desk | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Begin an episode; see the class."""
        super().reset(seed=seed)
        market = LearningMarket(int(self.np_random.integers(_SEEDS)), self._days, self._settings.garch_history + 1)
        self._desk, self._day = Desk(market, self._settings), 0
        return self._observe(self._desk), self._info(self._desk, [])

    def step(self, action: NDArray[np.floating[Any]]) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Trade with the multiplier ``action`` (1,) and go to the next day; see the class.

        :raises LearningError: before the first reset, after the last day, or for a multiplier outside [0, 1].
        """
        if self._desk is None or self._day >= self._days:
            raise LearningError("the episode has not begun or is over; call reset first")
        multiplier = float(np.asarray(action, np.float64).reshape(-1)[0])
        if not 0.0 <= multiplier <= 1.0:
            raise LearningError(f"the multiplier is {multiplier:g}; allowed: 0 to 1")
        desk = self._desk
        desk.trade(multiplier)
        profits = [self._next_day(desk)]
        while desk.signal is None and self._day < self._days and not desk.ruined:
            desk.trade(0.0)
            profits.append(self._next_day(desk))
        terminated = desk.ruined
        truncated = self._day >= self._days and not terminated
        if terminated:
            self._day = self._days
        reward = sum(utility(profit / self._settings.vega_budget) for profit in profits)
        return self._observe(desk), reward, terminated, truncated, self._info(desk, profits)

    def _next_day(self, desk: Desk) -> float:
        """Let a day pass and return its profit over the equity before it."""
        before = desk.equity_before_trading
        self._day += 1
        desk.open_day(self._day)
        return (desk.equity - before) / before

    @staticmethod
    def _observe(desk: Desk) -> NDArray[np.float32]:
        return desk.observation().astype(np.float32)

    @staticmethod
    def _info(desk: Desk, profits: list[float]) -> dict[str, Any]:
        return {"profits": profits, "equity": desk.equity, "fees": desk.fees, "opened": desk.opened}
