"""The exported policy: its arithmetic, its file, and the files that it refuses."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alo_lib.learning import FEATURES, POLICY_VERSION, Layer, Policy, PolicyError
from alo_lib.learning.policy import _digest

WIDTH = len(FEATURES)


def random_policy(seed: int = 3, hidden: tuple[int, ...] = (16, 8)) -> Policy:
    generator = np.random.default_rng(seed)
    widths = (WIDTH, *hidden, 1)
    return Policy(
        tuple(
            Layer(generator.normal(0.0, 0.5, (outputs, inputs)), generator.normal(0.3, 0.2, outputs))
            for inputs, outputs in pairwise(widths)
        )
    )


def some_features(count: int = 200) -> np.ndarray:
    return np.random.default_rng(8).uniform(-1.0, 1.0, (count, WIDTH))


@pytest.mark.parametrize("hidden", [(), (5,), (16, 8), (4, 4, 4)])
def test_agrees_with_matrix_products(hidden: tuple[int, ...]) -> None:
    policy, features = random_policy(hidden=hidden), some_features()
    values = features
    for number, layer in enumerate(policy.layers):
        values = np.maximum(values, 0.0) if number else values
        values = values @ layer.weight.T + layer.bias
    actions = policy.act(features)
    assert actions.shape == (len(features),)
    np.testing.assert_allclose(actions, np.clip(values[:, 0], 0.0, 1.0), rtol=0.0, atol=1e-14)
    assert np.unique(actions).size > 10


def test_a_row_gives_the_same_bits_among_any_others() -> None:
    policy, features = random_policy(), some_features(33)
    alone = np.array([policy.act(row[None, :])[0] for row in features])
    np.testing.assert_array_equal(policy.act(features), alone)
    np.testing.assert_array_equal(policy.act(np.asfortranarray(features)), alone)
    assert policy.act(features[:0]).shape == (0,)


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (np.zeros(WIDTH), r"shape \(9,\); allowed: \(n, 9\)"),
        (np.zeros((2, WIDTH + 1)), r"shape \(2, 10\); allowed"),
        (np.where(np.arange(WIDTH) == 2, np.nan, np.zeros((2, WIDTH))), "log_volatility_ratio of row 0 is nan"),
        (np.full((1, WIDTH), 1.5), "edge_volatility of row 0 is 1.5; allowed: -1 to 1"),
    ],
)
def test_refuses_features_that_are_none(features: np.ndarray, message: str) -> None:
    with pytest.raises(PolicyError, match=message):
        random_policy().act(features)


def test_comes_back_from_its_file_to_the_last_bit(tmp_path: Path) -> None:
    policy = random_policy()
    policy.save(tmp_path / "one.npz")
    policy.save(tmp_path / "two.npz")
    again = Policy.load(tmp_path / "one.npz")
    assert again.digest == policy.digest
    np.testing.assert_array_equal(again.act(some_features()), policy.act(some_features()))
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    assert random_policy(seed=4).digest != policy.digest


Contents = dict[str, Any]


def changed(**values: Any) -> Callable[[Contents], None]:
    return lambda contents: contents.update(values)


def renamed(contents: Contents) -> None:
    contents["features"][0] = "moon_phase"


def reshaped(contents: Contents) -> None:
    contents["weight_1"] = contents["weight_1"].T


def widened(contents: Contents) -> None:
    contents["ranges"] = contents["ranges"] * 2.0


def missing(contents: Contents) -> None:
    del contents["bias_2"]


def infinite(contents: Contents) -> None:
    contents["weight_0"] = np.full_like(contents["weight_0"], np.inf)


def single(contents: Contents) -> None:
    contents["weight_0"] = contents["weight_0"].astype(np.float32)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (changed(version=np.array(POLICY_VERSION + 1)), "version 2, but this program reads version 1"),
        (changed(version=np.array([1, 1])), r"version is an array of int64 and shape \(2,\)"),
        (changed(version=np.array(1.0)), "version is an array of float64"),
        (renamed, "features 'moon_phase', .* but this program observes edge_volatility"),
        (widened, "or on other ranges of them"),
        (reshaped, r"layer 1 of the policy has weights of shape \(16, 8\)"),
        (missing, "'bias_1'.* is not what a policy consists of"),
        (infinite, "layer 0 of the policy has weights that are not finite"),
        (single, "weight_0 holds float32"),
        (changed(extra=np.zeros(1)), "which is not what a policy consists of"),
        (changed(bias_0=np.array([{}])), "it is not a policy file .*allow_pickle=False"),
        (changed(weight_0=np.zeros((1 << 16, WIDTH))), "a policy has at most 4194304"),
    ],
)
def test_refuses_files_that_are_not_its_own(damage: Callable[[Contents], None], message: str, tmp_path: Path) -> None:
    contents = random_policy()._contents()
    damage(contents)
    path = tmp_path / "policy.npz"
    digest = "0" if any(array.dtype.hasobject for array in contents.values()) else _digest(contents)
    np.savez_compressed(path, **contents, digest=np.array(digest))
    with pytest.raises(PolicyError, match=message) as caught:
        Policy.load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_refuses_contents_that_were_changed_under_their_digest(tmp_path: Path) -> None:
    policy = random_policy()
    contents = policy._contents()
    contents["bias_2"] = contents["bias_2"] + 1e-12
    np.savez(tmp_path / "policy.npz", **contents, digest=np.array(policy.digest))
    with pytest.raises(PolicyError, match=r"the digest [0-9a-f]{16}\.\.\., but it claims " + policy.digest[:16]):
        Policy.load(tmp_path / "policy.npz")


@pytest.mark.parametrize("content", [b"", b"not a policy at all", b"PK\x03\x04" + bytes(64)])
def test_refuses_other_files(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "policy.npz"
    path.write_bytes(content)
    with pytest.raises(PolicyError, match="it is not a policy file"):
        Policy.load(path)


def test_every_damaged_byte_is_found_or_harmless(tmp_path: Path) -> None:
    policy = random_policy(hidden=(2,))
    path = tmp_path / "policy.npz"
    policy.save(path)
    whole = path.read_bytes()
    found = 0
    for place in range(0, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x41]) + whole[place + 1 :])
        try:
            assert Policy.load(path).digest == policy.digest
        except PolicyError:
            found += 1
    assert found > len(whole) // 20


def test_a_missing_file_is_the_systems_own_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Policy.load(tmp_path / "nowhere.npz")


@pytest.mark.parametrize("count", [0, 5])
def test_refuses_too_few_and_too_many_layers(count: int) -> None:
    layer = Layer(np.eye(WIDTH), np.zeros(WIDTH))
    with pytest.raises(PolicyError, match=f"1 to 4 layers, but this one has {count}"):
        Policy((layer,) * count)
