"""The environment, as gymnasium's own checker and this strategy see it."""

import numpy as np
import pytest

pytest.importorskip("gymnasium", reason="gymnasium is in requirements/train.txt and not installed here")

from gymnasium.utils.env_checker import check_env

from alo_lib.learning import LearningError
from alo_lib.learning.environment import RISK_AVERSION, TradingEnvironment, utility
from alo_lib.learning.evaluation import RULES_TRIED, Rule, evaluate, seeds_for, tune
from alo_lib.settings import Settings

SETTINGS = Settings(garch_history=400)
ALL = np.ones(1, np.float32)


def environment(days: int = 25, settings: Settings = SETTINGS) -> TradingEnvironment:
    return TradingEnvironment(settings, days=days)


def episode(env: TradingEnvironment, seed: int, action: np.ndarray) -> list[tuple[object, ...]]:
    env.reset(seed=seed)
    steps: list[tuple[object, ...]] = []
    while not (steps and (steps[-1][2] or steps[-1][3])):
        seen, *rest = env.step(action)
        steps.append((seen.tolist(), *rest))
    return steps


def test_gymnasium_finds_nothing_wrong() -> None:
    check_env(environment(), skip_render_check=True)


def test_the_seed_fixes_an_episode() -> None:
    one, two = episode(environment(), 4, ALL), episode(environment(), 4, ALL)
    assert one == two
    assert episode(environment(), 5, ALL) != one


def test_episodes_after_a_reset_follow_from_its_seed() -> None:
    one, two = environment(), environment()
    one.reset(seed=4)
    two.reset(seed=4)
    np.testing.assert_array_equal(one.reset()[0], two.reset()[0])


def test_rewards_follow_from_profits_and_profits_from_equity() -> None:
    steps = episode(environment(60), 9, ALL)
    profits: list[float] = []
    for _, reward, _, _, info in steps:
        points = [profit / SETTINGS.vega_budget for profit in info["profits"]]  # type: ignore[index]
        assert reward == pytest.approx(sum(map(utility, points)))
        profits += info["profits"]  # type: ignore[index]
    assert len(profits) == 60
    assert steps[-1][4]["equity"] == pytest.approx(1e6 * np.prod(1.0 + np.array(profits)))  # type: ignore[index]
    assert [step[2:4] for step in steps] == [(False, False)] * (len(steps) - 1) + [(False, True)]


def test_utility_is_concave_and_never_falls() -> None:
    points = np.linspace(-300.0, 300.0, 6001)
    worth = np.array([utility(x) for x in points.tolist()])
    slopes = np.diff(worth) / np.diff(points)
    assert np.all(slopes > 0.0)
    assert np.all(np.diff(slopes) < 1e-9)
    assert utility(4.0) == pytest.approx(4.0 - 0.5 * RISK_AVERSION * 16.0)
    assert utility(-100.0) == pytest.approx(-100.0 - RISK_AVERSION * (1000.0 - 50.0))


def test_ruin_ends_an_episode() -> None:
    settings = Settings(garch_history=400, max_drawdown=0.0005)
    env = environment(60, settings)
    steps = episode(env, 9, ALL)
    assert steps[-1][2:4] == (True, False)
    with pytest.raises(LearningError, match="is over; call reset first"):
        env.step(ALL)


def test_refusals() -> None:
    with pytest.raises(LearningError, match="days is 0"):
        environment(0)
    env = environment()
    with pytest.raises(LearningError, match="has not begun"):
        env.step(ALL)
    env.reset(seed=1)
    for bad in (-0.1, 1.5, np.nan):
        with pytest.raises(LearningError, match=r"the multiplier is .*; allowed: 0 to 1"):
            env.step(np.array([bad]))


def test_seeds_of_different_roles_differ() -> None:
    roles = ("training", "tuning", "evaluation")
    seeds = [seed for role in roles for seed in seeds_for(1, role, 50)]  # type: ignore[arg-type]
    assert len(set(seeds)) == 150
    assert seeds_for(1, "tuning", 3) == seeds_for(1, "tuning", 3) != seeds_for(2, "tuning", 3)
    with pytest.raises(LearningError, match="seed is -1"):
        seeds_for(-1, "tuning", 3)


def test_evaluation_compares_on_the_same_episodes() -> None:
    sizings = {"all": Rule(1.0), "again": Rule(1.0), "none": Rule(0.0)}
    everything, again, nothing = evaluate(sizings, "all", seeds_for(3, "evaluation", 3), SETTINGS, days=25)
    assert (everything.lead, everything.lead_error, again.lead, again.lead_error) == (0.0, 0.0, 0.0, 0.0)
    assert nothing.lead == pytest.approx(-everything.reward)
    assert (nothing.reward, nothing.sharpe, nothing.opened, nothing.fees) == (0.0, None, 0.0, 0.0)
    assert everything.opened > 0
    assert everything.drawdown > 0.0


def test_rules_trade_from_their_edge_on() -> None:
    env = environment()
    seen = np.array([env.reset(seed=seed)[0] for seed in range(12)], np.float64)
    edge = 0.5 * (seen[:, 0] * 0.15 + 0.05)
    some = float(np.sort(edge)[5])
    assert np.sum(Rule(0.7, some)(seen) == 0.7) == 7
    assert np.all(Rule(0.4)(seen) == 0.4)


def test_tuning_takes_the_best_rule() -> None:
    seeds, days = seeds_for(1, "tuning", 2), 10
    best = tune(seeds, SETTINGS, days=days)
    tried = {str(rule): rule for rule in RULES_TRIED}
    rewards = {one.name: one.reward for one in evaluate(tried, str(best), seeds, SETTINGS, days=days)}
    assert rewards[str(best)] == max(rewards.values())


def test_evaluation_refuses() -> None:
    with pytest.raises(LearningError, match="episodes is 1; a comparison takes at least 2"):
        evaluate({"all": Rule(1.0)}, "all", [1], SETTINGS)
    with pytest.raises(LearningError, match="reference is 'best'; allowed: all"):
        evaluate({"all": Rule(1.0)}, "best", [1, 2], SETTINGS)
