"""Training: gradients against finite differences, the same bits for a seed and after an interruption, and refusals."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is in requirements/train.txt and not installed here")

import torch

from alo_lib.learning import LearningError
from alo_lib.learning.courses import Course
from alo_lib.learning.episodes import Episodes, cvar_and_tail
from alo_lib.learning.positions import net_losses
from alo_lib.learning.scenarios import AMERICAN
from alo_lib.learning.seeds import train_seeds
from alo_lib.learning.training import UNTAUGHT, Trainer
from alo_lib.strategy.hedging_features import FEATURES
from alo_lib.strategy.hedging_policy import HedgingPolicy
from alo_lib.strategy.policy_format import policy_digest, policy_from, policy_text
from tests.learning.kit import COSTS, book, smile

COURSE = Course(iterations=8, paths=200, batch=40, hidden=(5,), rate=0.02)
UNTRAINED = replace(HedgingPolicy.zero(1_500.0, (5,)), stickiness=2.0)


@cache
def pool() -> list[Episodes]:
    return [Episodes.of(book(name), COSTS, UNTRAINED.base) for name in ("short straddle", "long straddle")]


def trainer(seed: int = 1, course: Course = COURSE) -> Trainer:
    return Trainer(seed, course, UNTRAINED, pool(), pool())


def trained(seed: int = 1, iterations: int = 8) -> Trainer:
    made = trainer(seed)
    for _ in range(iterations):
        made.step()
    return made


def test_before_training_it_is_the_rule() -> None:
    policy = trainer().policy()
    assert trainer().judged() == pytest.approx(0.0, abs=2e-3)  # CVaR as a mean of the worst, and by a quantile
    for name in ("short straddle", "long straddle"):
        ours, rules = (net_losses(book(name), rule, COSTS) for rule in (policy.rule, UNTRAINED.base))
        assert ours.tolist() == rules.tolist()


def test_the_gradient_is_that_of_finite_differences() -> None:
    made = trained(iterations=3)
    episodes = pool()[0].some(np.arange(30))
    made._adam.zero_grad()
    made._mean_loss(episodes).backward()
    for weight in made.weights:
        gradient = weight.grad.clone()
        for at in [(0,) * weight.dim(), (-1,) * weight.dim()]:
            with torch.no_grad():
                values = []
                for step in (1e-6, -2e-6):
                    weight[at] += step
                    values.append(float(made._mean_loss(episodes)))
                weight[at] += 1e-6
            assert (values[0] - values[1]) / 2e-6 == pytest.approx(float(gradient[at]), rel=2e-3, abs=1e-6)
    assert max(float(weight.grad.abs().max()) for weight in made.weights) > 1e-3


def american() -> list[Episodes]:
    """One pool at no rate and one at a rate with a dividend, whose holders exercise."""
    scenario = AMERICAN[2]
    return [pool()[0], Episodes.of(scenario.book(smile(), 200, 5), scenario.costs, UNTRAINED.base)]


def test_the_gradient_counts_what_an_account_books() -> None:
    """The loss that is differentiated is the mean over paths of the losses, interest and exercise included."""
    joined = Episodes.joined(american())
    made = Trainer(1, COURSE, UNTRAINED, american(), american())
    for _ in range(2):
        made.step()
    losses = joined.losses(joined.band(*made._adjusted(joined, made.weights)).hedges())
    with torch.no_grad():
        told = float(made._mean_loss(joined))
    assert told == pytest.approx(float(np.mean(losses / joined.base_tail)), abs=1e-12)
    assert joined.holding is not None
    assert np.any(joined.holding.brought != 0.0)


def test_a_rate_is_taught_where_it_varies() -> None:
    number = [feature.name for feature in FEATURES].index("rate")
    made = Trainer(1, COURSE, UNTRAINED, american(), american())
    for _ in range(3):
        made.step()
    policy = made.policy()
    assert policy.layers[0].weight[:, number].any()
    assert policy.ranges[number] == (0.0, 0.03)
    assert policy_digest(policy_from(policy_text(policy))) == policy_digest(policy)
    plain = trained().policy()
    assert plain.ranges[number] == (FEATURES[number].low, FEATURES[number].high)


def test_what_is_written_decides_as_what_was_trained() -> None:
    made = trained()
    policy = made.policy()
    position = book().costing(COSTS)
    shift, ratio = policy.adjustment(position, policy.base.band(position))
    ours = made._adjusted(pool()[0], made._best())
    inside = policy.knows(position)
    assert np.mean(inside) > 0.999
    assert np.abs(ours[0]).max() > 1e-3
    for own, decided in zip(ours, (shift, ratio), strict=True):
        assert own[inside] == pytest.approx(np.asarray(decided)[inside], abs=1e-12)
    for number, feature in enumerate(FEATURES):
        if feature.name in UNTAUGHT:
            assert not policy.layers[0].weight[:, number].any()


def test_it_learns() -> None:
    course = replace(COURSE, iterations=40, batch=200)
    made = trainer(course=course)
    before = made.judged()
    for _ in range(40):
        made.step()
    assert made.judged() < before - 0.02


def test_the_seed_fixes_every_bit() -> None:
    one, two, other = (policy_digest(trained(seed).policy()) for seed in (1, 1, 2))
    assert one == two != other


def test_an_interrupted_training_comes_to_the_same_bits() -> None:
    whole = trained()
    first, second = trained(iterations=7), trainer()
    second.restore(first.state())
    second.step()
    assert {k: v.tolist() for k, v in second.state().items()} == {k: v.tolist() for k, v in whole.state().items()}


def test_a_training_that_diverges_ends_with_a_sentence() -> None:
    made = trainer(course=replace(COURSE, rate=1.0, iterations=200))
    with torch.no_grad():
        made.weights[-1] += torch.tensor([50.0, -50.0], dtype=torch.float64)
    with pytest.raises(
        LearningError, match=r"training diverges: after 0 iterations the tail is \+.*smaller rate than 1"
    ):
        made.step()
    with torch.no_grad():
        made.weights[0][0, 0] = float("nan")
    with pytest.raises(LearningError, match="training diverges"):
        made.step()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")  # Ray's own
def test_seeds_are_trained_side_by_side_and_go_on_from_checkpoints(tmp_path: Path) -> None:
    course = Course(iterations=2, paths=100, batch=20, hidden=(3,))
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        folder.mkdir()
    pytest.importorskip("ray", reason="ray is in requirements/train.txt and not installed here")
    told: list[object] = []
    alone = train_seeds(course, [4, 5], one, 1, told.append)
    beside = train_seeds(course, [4, 5], two, 2, told.append)
    assert [policy_digest(each.policy) for each in alone] == [policy_digest(each.policy) for each in beside]
    for seed in (4, 5):
        contents = {(folder / f"seed-{seed}.json").read_bytes() for folder in (one, two)}
        assert len(contents) == 1
        policy_from(contents.pop())
    again = train_seeds(course, [4], one, 1, told.append)
    assert policy_digest(again[0].policy) == policy_digest(alone[0].policy)
    with pytest.raises(
        LearningError, match=r"seed-4.checkpoint.npz is the checkpoint of a training with other numbers"
    ):
        train_seeds(replace(course, rate=0.1), [4], one, 1, told.append)


def test_the_tail_whose_gradient_is_taken_is_the_policys() -> None:
    made = trained(iterations=2)
    some = pool()[0]
    losses = some.losses(some.band(*made._adjusted(some, made.weights)).hedges())
    cvar, tail = cvar_and_tail(losses)
    assert float(made._mean_loss(some.some(tail)).detach()) == pytest.approx(cvar / some.base_tail[0], abs=1e-12)
