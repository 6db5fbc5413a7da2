"""Training: the same seed gives the same policy, and the policy is what PyTorch says."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("gymnasium", reason="gymnasium is in requirements/train.txt and not installed here")
pytest.importorskip("torch", reason="torch is in requirements/train.txt and not installed here")
pytest.importorskip("stable_baselines3", reason="stable-baselines3 is in requirements/train.txt and not installed here")

from alo_lib.cli.commands import train as train_command
from alo_lib.learning import FEATURES, LearningError, Policy
from alo_lib.learning.training import Trainer
from alo_lib.settings import Settings

SETTINGS = Settings(garch_history=400)


def trained(seed: int, steps: int = 32) -> Trainer:
    trainer = Trainer(seed, SETTINGS, days=15, rollout=32)
    assert trainer.train(steps) == steps
    return trainer


def test_the_seed_fixes_every_bit_of_the_policy() -> None:
    one, two, other = (trained(seed).policy() for seed in (1, 1, 2))
    assert one.digest == two.digest != other.digest


def test_training_changes_the_policy_and_goes_on() -> None:
    trainer = Trainer(1, SETTINGS, days=15, rollout=32)
    told: list[int] = []
    untrained = trainer.policy().digest
    assert trainer.train(20, told.append) == 32
    once = trainer.policy().digest
    assert trainer.train(32, told.append) == 32
    assert len({untrained, once, trainer.policy().digest}) == 3
    assert told == [4 * n for n in range(1, 9)] * 2


def test_the_exported_policy_agrees_with_pytorch(tmp_path: Path) -> None:
    trainer = trained(3)
    trainer.policy().save(tmp_path / "policy.npz")
    policy = Policy.load(tmp_path / "policy.npz")
    features = np.random.default_rng(1).uniform(-1.0, 1.0, (5000, len(FEATURES))).astype(np.float32).astype(np.float64)
    assert np.max(np.abs(policy.act(features) - trainer.act(features))) < 1e-6
    assert np.unique(policy.act(features)).size > 100


def test_refusals() -> None:
    with pytest.raises(LearningError, match="steps is 0"):
        Trainer(1, SETTINGS, days=15, rollout=32).train(0)
    with pytest.raises(LearningError, match="rollout is 6; allowed: positive multiples of 4"):
        Trainer(1, SETTINGS, rollout=6)
    with pytest.raises(LearningError, match="seed is -1"):
        Trainer(-1, SETTINGS)


@pytest.mark.slow
def test_the_command_trains_judges_and_writes(tmp_path: Path) -> None:
    output = tmp_path / "policy.npz"
    arguments = ["--steps", "1", "--episodes", "2", "--seed", "4", "--output", str(output), "--json"]
    ended = CliRunner().invoke(train_command.train, arguments, catch_exceptions=False)
    told = json.loads(ended.stdout)
    assert told["digest"] == Policy.load(output).digest
    assert [one["name"] for one in told["evaluations"]] == [
        "everything",
        "nothing",
        "entry edge",
        "tuned rule",
        "learned",
    ]
    assert told["steps"] == 1024
