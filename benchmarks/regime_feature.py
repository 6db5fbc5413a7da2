"""Whether the chance of a regime helps a hedging policy: `python -m benchmarks.learning --regimes`.

Markets switch between a calm and a wild regime by day. The regime model of the core (:class:`RegimeModel`) is fitted to
1,250 days of such a market, and filters each path's closes: what it says at a close is shown until the next. Options
are quoted by someone who does not know regimes, always at the long run's variance, which is the best case for the
chance; or by someone who has the same filter, at the variance that it expects until expiry.

Policies are trained with the chance and without, by the same paths, batches, first weights and network. It stands in
the place of the rate, which does not vary here: so no other format of a policy is needed to know whether it pays.
"""

import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.learning.courses import STICKINESS, Course
from alo_lib.learning.episodes import Episodes
from alo_lib.learning.markets import DAYS, STEPS_A_DAY, day_shares, spots_from_returns
from alo_lib.learning.positions import POSITIONS, SPOT, Costs, Hedged, along
from alo_lib.learning.scenarios import one_risk_aversion
from alo_lib.learning.smile import Smile
from alo_lib.learning.tails import tail_values
from alo_lib.learning.verdict import mean_and_interval
from alo_lib.records import TRADING_DAYS
from alo_lib.strategy.hedging_features import FEATURES
from alo_lib.strategy.hedging_policy import HedgingPolicy
from alo_lib.volatility import DailyHistory, RegimeModel, RegimeParameters
from benchmarks.harness import Row
from benchmarks.learned_losses import losses_by

__all__ = ["RegimeSizes", "chances", "regime_rows"]

Array = NDArray[np.float64]

VOLATILITIES: Final = (0.12, 0.34)
TRUE: Final = RegimeParameters(
    (0.0, 0.0),
    (VOLATILITIES[0] ** 2 / TRADING_DAYS, VOLATILITIES[1] ** 2 / TRADING_DAYS),
    ((0.98, 0.02), (0.05, 0.95)),
)
BEFORE: Final = 60
"""Days whose closes are known when a position is opened."""
FITTED_ON: Final = 1_250
NIGHT: Final = 0.2
FLAT: Final = Smile(np.array([1e-4]), np.tile([1.0, 0.0, 0.0], (DAYS, 1, 1)))
SCENARIOS: Final = tuple(
    (informed, "short straddle", Costs(half_spread)) for informed in (False, True) for half_spread in (0.0005, 0.0020)
)
_PLACE: Final = [feature.name for feature in FEATURES].index("rate")


class RegimeSizes(NamedTuple):
    """How much of each."""

    seeds: int = 3
    iterations: int = 150
    paths: int = 1_000  # of each scenario and seed, from which batches are drawn
    judged: int = 4_000


def regime_rows(sizes: RegimeSizes) -> Iterator[Row]:
    """Train with and without, a seed at a time, and compare on the same fresh paths."""
    from alo_lib.learning.training import Trainer

    course = Course(iterations=sizes.iterations, paths=sizes.paths, batch=min(300, sizes.paths))
    model = fitted()
    tuned_on = [(_book(model, number, 500, 1)[0], SCENARIOS[number][2]) for number in range(len(SCENARIOS))]
    aversion = one_risk_aversion(tuned_on, STICKINESS)
    untrained = replace(HedgingPolicy.zero(aversion, course.hidden), stickiness=STICKINESS)
    fresh = [_episodes(model, number, sizes.judged, 2, untrained) for number in range(len(SCENARIOS))]
    less = np.empty((2, len(SCENARIOS), sizes.seeds, sizes.judged))  # than the rule, with the chance and without
    began = time.process_time()
    for seed in range(sizes.seeds):
        pool = [_episodes(model, number, sizes.paths, 100 + seed, untrained) for number in range(len(SCENARIOS))]
        for arm, shown in enumerate((True, False)):
            trainer = Trainer(seed + 1, course, untrained, [_shown(each, shown) for each in pool], [])
            for _ in range(course.iterations):
                trainer.step()
            policy = trainer.policy()
            for number, each in enumerate(fresh):
                own = _shown(each, shown)
                less[arm, number, seed] = tail_values(own.base_loss) - tail_values(losses_by(policy, own))
        print(
            f"seed {seed + 1} of {sizes.seeds}: {time.process_time() - began:.0f} s of processor time", file=sys.stderr
        )
    for scenario, each, (with_it, without) in zip(SCENARIOS, fresh, less.swapaxes(0, 1), strict=True):
        informed, position, costs = scenario
        what = f"quotes that {'know' if informed else 'ignore'} regimes, {position}, {costs.half_spread * 1e4:g} bp"
        yield Row(f"{what}: CVaR 95 % by the rule", float(np.mean(tail_values(each.base_loss))), "$")
        yield Row(f"{what}: less without the chance", float(np.mean(without)), "$")
        mean, low, high = mean_and_interval(with_it - without)
        yield Row(f"{what}: less with it than without", mean, "$")
        yield Row(f"{what}: from", low, "$")
        yield Row(f"{what}: to", high, "$")
    yield Row("processor time of all trainings", time.process_time() - began, "s")


def fitted() -> RegimeModel:
    """The model as a core has it: of a history of the same market."""
    returns, _ = _daily(1, FITTED_ON, np.random.default_rng(77))
    return RegimeModel.fit(DailyHistory.from_returns(returns[:, 0]))


def chances(model: RegimeModel, closes: Array) -> Array:
    """The chance of the wildest regime at each close (days + 1, n), given the closes until then (days + 1, n)."""
    returns = np.diff(np.log(closes), axis=0)
    paths = [model.filter(DailyHistory.from_returns(np.ascontiguousarray(each))).probabilities for each in returns.T]
    return np.stack([np.concatenate([[model.parameters.stationary[-1]], path[:, -1]]) for path in paths], axis=1)


def _daily(count: int, days: int, generator: np.random.Generator) -> tuple[Array, Array]:
    """Daily log returns and variances, (days, count) each, of regimes that began long ago."""
    wild = generator.random(count) < TRUE.stationary[1]
    returns, variances = np.empty((days, count)), np.empty((days, count))
    leave = np.array([TRUE.transition[0][1], TRUE.transition[1][0]])
    for day in range(days):
        wild = wild ^ (generator.random(count) < leave[wild.astype(int)])
        variances[day] = np.array(TRUE.variances)[wild.astype(int)]
        returns[day] = np.sqrt(variances[day]) * generator.standard_normal(count) - 0.5 * variances[day]
    return returns, variances


def _paths(model: RegimeModel, count: int, seed: int, *, informed: bool) -> tuple[Array, Array, Array]:
    """Spots and variances that quotes go by, (steps + 1, n) each, and chances (steps, n)."""
    generator = np.random.default_rng(seed)
    returns, variances = _daily(count, BEFORE + DAYS, generator)
    closes = spots_from_returns(returns)
    seen = chances(model, closes)[BEFORE:]
    shares = day_shares(NIGHT)[None, :, None]
    free = generator.standard_normal((DAYS, STEPS_A_DAY, count)) * np.sqrt(shares * variances[BEFORE:, None])
    steps = free + shares * (returns[BEFORE:, None] - np.sum(free, axis=1, keepdims=True))
    spots = spots_from_returns(steps.reshape(DAYS * STEPS_A_DAY, count))
    quoted = np.full((DAYS + 1, count), float(TRUE.stationary @ TRUE.variances) * TRADING_DAYS)
    if informed:
        quoted = _expected(model, seen)
    by_step = np.minimum(np.arange(DAYS * STEPS_A_DAY + 1) // STEPS_A_DAY, DAYS)
    return spots, quoted[by_step], seen[by_step[:-1]]


def _expected(model: RegimeModel, seen: Array) -> Array:
    """Annual variance that is expected of the days left, (days + 1, n), by the chances at each close."""
    p = model.parameters
    mix = np.stack([1.0 - seen, seen], axis=-1)
    out = np.empty_like(seen)
    for day in range(len(seen)):
        now, total, left = mix[day], np.zeros(seen.shape[1]), max(DAYS - day, 1)
        for _ in range(left):
            now = now @ np.array(p.transition)
            total += now @ np.array(p.variances)
        out[day] = total / left * TRADING_DAYS
    return out


def _book(model: RegimeModel, number: int, count: int, seed: int) -> tuple[Hedged, Array]:
    informed, position, _ = SCENARIOS[number]
    spots, variances, seen = _paths(model, count, seed + (number << 32), informed=informed)
    return along(POSITIONS[position], FLAT, SPOT * spots, variances), seen


def _episodes(model: RegimeModel, number: int, count: int, seed: int, policy: HedgingPolicy) -> Episodes:
    """With the chance in the place of the rate, scaled from 0 to 1 as -1 to 1."""
    book, seen = _book(model, number, count, seed)
    made = Episodes.of(book, SCENARIOS[number][2], policy.base)
    made.seen[..., _PLACE] = (2.0 * seen - 1.0) * made.known
    return made


def _shown(episodes: Episodes, shown: bool) -> Episodes:
    """As they are, or without the chance."""
    if not shown:
        seen = episodes.seen.copy()
        seen[..., _PLACE] = 0.0
        return replace(episodes, seen=seen)
    highest = episodes.highest.copy()
    highest[_PLACE] = episodes.lowest[_PLACE] + 0.01  # it varies
    return replace(episodes, highest=highest)
