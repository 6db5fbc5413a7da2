"""A hedging policy: its features by hand, its network by NumPy, zeros as the rule, its text and what is refused."""

import json
import math
from collections.abc import Callable
from dataclasses import fields, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import norm

from alo_lib.numerics.compilation import python_original
from alo_lib.strategy import hedging_policy
from alo_lib.strategy.hedging import Band, HedgedPosition, MinimumVariance, WhalleyWilmott
from alo_lib.strategy.hedging_features import FEATURES, INPUTS, features, inputs, scaled
from alo_lib.strategy.hedging_policy import MOST_UNITS, HedgingPolicy, Layer, PolicyError, bands_by
from alo_lib.strategy.policy_format import MOST_BYTES, policy_digest, policy_from, policy_text
from tests.strategy.kit import POSITION

K = len(FEATURES)
NAMES = [feature.name for feature in FEATURES]


def random_policy(*hidden: int, seed: int = 1, **changes: Any) -> HedgingPolicy:
    rng = np.random.default_rng(seed)
    layers = [Layer(rng.normal(size=(m, n)), rng.normal(size=m)) for n, m in pairwise([K, *hidden, 2])]
    return HedgingPolicy(tuple(layers), 4000.0, **changes)


def many_positions(count: int, seed: int = 2) -> HedgedPosition:
    """Positions most of which a policy knows, an element a path."""
    rng = np.random.default_rng(seed)
    spread = {name: np.asarray(getattr(POSITION, name)) * rng.uniform(0.7, 1.4, count) for name in POSITION.__slots__}
    return HedgedPosition(**(spread | {"gamma": POSITION.gamma * rng.uniform(-1.5, 1.5, count)}))


def one_of(position: HedgedPosition, path: int) -> HedgedPosition:
    return HedgedPosition(**{each.name: float(getattr(position, each.name)[path]) for each in fields(position)})


def in_numpy(policy: HedgingPolicy, raw: NDArray[np.float64]) -> NDArray[np.float64]:
    """Outputs (2,) of features (k,), each sum from the bias on in the order of the inputs."""
    low, high = (np.array([getattr(feature, end) for feature in FEATURES]) for end in ("low", "high"))
    values = (raw - 0.5 * (low + high)) / (0.5 * (high - low))
    for number, layer in enumerate(policy.layers):
        if number:
            values = np.maximum(values, 0.0)
        total = layer.bias.copy()
        for i, value in enumerate(values):
            total += layer.weight[:, i] * value
        values = total
    return np.array([policy.shift_limit, policy.log_ratio_limit]) * (values / (1.0 + np.abs(values)))


def test_features_of_a_short_straddle_are_those_of_the_textbook() -> None:
    spot, years, volatility, count = 80.0, 0.25, 0.3, 5.0
    d = 0.5 * volatility * math.sqrt(years)  # at the money, rate 0
    density = float(norm.pdf(d))
    units = -100.0 * count
    straddle = replace(
        POSITION,
        delta=units * (2.0 * float(norm.cdf(d)) - 1.0),
        gamma=units * 2.0 * density / (spot * volatility * math.sqrt(years)),
        vega=units * 2.0 * spot * density * math.sqrt(years),
        vega_skew=-2_000.0,
        contracts=2.0 * count,
        spot=spot,
        implied=volatility,
        forecast=0.24,
        time_to_expiry=years,
        half_spread=0.01,
        fee=0.006,
    )
    expected = {
        "delta": -(float(norm.cdf(d)) - 0.5),
        "gamma": -density,
        "vega": -density,
        "skew": -2_000.0 / (80.0 * 1_000.0),
        "log_time": math.log(0.25),
        "log_implied": math.log(0.3),
        "log_forecast_ratio": math.log(0.8),
        "log_cost": math.log(0.0002),
        "half_width": 0.07,
        "rate": 0.03,
        "short": 1.0,
    }
    told = dict(zip(NAMES, features(straddle, Band(0.0, 70.0, 70.0))[0].tolist(), strict=True))
    assert told == pytest.approx(expected, rel=1e-12)
    opposite = replace(straddle, delta=-straddle.delta, gamma=-straddle.gamma, vega=-straddle.vega)
    assert features(opposite, Band(0.0, 70.0, 70.0))[0, NAMES.index("short")] == 0.0


def test_size_and_a_split_change_no_feature() -> None:
    band = Band(0.0, 31.0, 31.0)
    sums = ("delta", "gamma", "vega", "theta", "vega_skew", "contracts")
    larger = replace(POSITION, **{name: 4.0 * getattr(POSITION, name) for name in sums})
    assert np.array_equal(features(larger, Band(0.0, 124.0, 124.0)), features(POSITION, band))
    # Two for one: twice the contracts, each of a share of half the price.
    split = replace(
        POSITION,
        delta=2.0 * POSITION.delta,
        gamma=4.0 * POSITION.gamma,
        contracts=2.0 * POSITION.contracts,
        **{name: 0.5 * getattr(POSITION, name) for name in ("spot", "half_spread", "fee")},
    )
    assert np.array_equal(features(split, Band(0.0, 62.0, 62.0)), features(POSITION, band))


def test_declared_ranges_become_minus_one_to_one() -> None:
    ends = np.array([[feature.low, feature.high] for feature in FEATURES]).T
    assert scaled(ends) == pytest.approx(np.array([-np.ones(K), np.ones(K)]))


def test_zeros_are_the_rule_to_the_last_bit() -> None:
    rule = MinimumVariance(WhalleyWilmott(600.0), 2.0)
    position = many_positions(2_000)
    for hidden in ((), (16, 16)):
        policy = HedgingPolicy.zero(600.0, hidden)
        for ours, theirs in zip(policy.rule.band(position), rule.band(position), strict=True):
            assert np.asarray(ours).tobytes() == np.asarray(theirs).tobytes()
        assert policy.rule.band(POSITION) == rule.band(POSITION)
        assert policy.knows(position).mean() > 0.9


@pytest.mark.parametrize("hidden", [(), (1,), (16, 16), (13, 64, 7)])
def test_the_kernel_has_the_bits_of_sums_in_order(hidden: tuple[int, ...]) -> None:
    policy, position = random_policy(*hidden), many_positions(400)
    band = policy.base.band(position)
    shift, log_ratio = (np.asarray(each) for each in policy.adjustment(position, band))
    raw, known = features(position, band), policy.knows(position)
    wanted = np.array([in_numpy(policy, row) if sure else np.zeros(2) for row, sure in zip(raw, known, strict=True)])
    assert np.stack([shift, log_ratio], axis=1).tobytes() == wanted.tobytes()
    assert np.all(np.abs(shift) < policy.shift_limit)
    assert np.all(np.abs(log_ratio) < policy.log_ratio_limit)
    assert np.abs(shift[known]).min() > 0.0


def test_a_path_is_decided_the_same_alone_and_uncompiled() -> None:
    policy, position = random_policy(16, 16), many_positions(50)
    band = policy.base.band(position)
    shift, log_ratio = (np.asarray(each) for each in policy.adjustment(position, band))
    rows, prepared = inputs(position, band), policy.prepared
    for path in range(50):
        alone = one_of(position, path)
        assert policy.adjustment(alone, policy.base.band(alone)) == (shift[path], log_ratio[path])
        out = np.empty(2)
        python_original(hedging_policy.decide)(rows[path], *prepared, prepared.scratch(), out)
        assert out.tolist() == [shift[path], log_ratio[path]]


def test_inputs_are_in_their_order() -> None:
    row = inputs(POSITION, Band(1.0, 2.0, 2.0))[0].tolist()
    assert dict(zip(INPUTS, row, strict=True)) == {
        **{name: getattr(POSITION, name) for name in INPUTS[:-1]},
        "half_width": 2.0,
    }


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"forecast": math.nan}, ["log_forecast_ratio"]),
        ({"forecast": 2.0}, ["log_forecast_ratio"]),
        ({"time_to_expiry": 0.0}, ["vega", "log_time", "half_width"]),
        ({"implied": 0.01}, ["log_implied", "log_forecast_ratio"]),
        ({"half_spread": 0.0, "fee": 0.0}, ["log_cost"]),
        ({"delta": 2_000.1}, ["delta"]),
        ({"gamma": math.nan}, ["gamma", "half_width"]),
        ({"rate": 0.2}, ["rate"]),
    ],
)
def test_outside_of_its_ranges_it_is_the_rule(changes: dict[str, float], names: list[str]) -> None:
    policy, position = random_policy(8), replace(POSITION, **changes)
    band = policy.base.band(position)
    assert policy.adjustment(position, band) == (0.0, 0.0)
    assert not policy.knows(position)
    assert set(policy.unknown(position)) <= set(names)
    assert policy.unknown(position)
    assert policy.knows(POSITION)
    assert policy.unknown(POSITION) == []


def test_what_it_was_trained_on_may_be_less_than_what_is_declared() -> None:
    ranges = [(feature.low, feature.high) for feature in FEATURES]
    ranges[NAMES.index("log_implied")] = (math.log(0.1), math.log(0.24))
    policy = random_policy(8, ranges=tuple(ranges))
    assert policy.unknown(POSITION) == ["log_implied"]
    assert policy.unknown(replace(POSITION, implied=0.24, forecast=0.24)) == []
    position = replace(POSITION, implied=0.2)
    band = policy.base.band(position)
    assert policy.adjustment(position, band) == random_policy(8).adjustment(position, band)


def test_weights_whose_sums_are_not_finite_are_the_rule() -> None:
    huge = [Layer(np.zeros((2, K)), np.full(2, 1e308)), Layer(np.array([[10.0, -10.0]] * 2), np.zeros(2))]
    policy = HedgingPolicy(tuple(huge), 4000.0)
    assert policy.adjustment(POSITION, policy.base.band(POSITION)) == (0.0, 0.0)
    assert not policy.knows(POSITION)


def test_text_is_the_same_for_the_same_policy_and_comes_back() -> None:
    policy = random_policy(16, 16, shift_limit=0.1, stickiness=1.5)
    again = policy_from(policy_text(policy))
    assert policy_text(again) == policy_text(policy)
    assert policy_digest(again) == policy_digest(policy) != policy_digest(random_policy(16, 16))
    assert again.base == MinimumVariance(WhalleyWilmott(4000.0), 1.5)
    band = policy.base.band(POSITION)
    assert again.adjustment(POSITION, band) == policy.adjustment(POSITION, band)


def _resigned(change: Callable[[dict[str, Any]], object]) -> bytes:
    """The text of a policy that somebody changed, and whose digest they made anew."""
    import hashlib

    values = json.loads(policy_text(random_policy(4)))
    change(values)
    values.pop("digest", None)
    digest = hashlib.sha256(json.dumps(values, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    return json.dumps(values | {"digest": digest}).encode()


def _put(*path: str | int, value: object) -> Callable[[dict[str, Any]], None]:
    def change(values: Any) -> None:
        for step in path[:-1]:
            values = values[step]
        values[path[-1]] = value

    return change


def test_a_text_that_is_signed_anew_without_a_change_is_read() -> None:
    assert policy_text(policy_from(_resigned(lambda values: None))) == policy_text(random_policy(4))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"", "it is not JSON"),
        (b"\xff\xfe", "it is not UTF-8"),
        (b"[1]", "it is no hedging policy"),
        (b"PK\x03\x04", "it is not"),
        (b"[" * 100_000, "it is not JSON that is read"),
        (b" " * (MOST_BYTES + 1), "it has 262,145 bytes; a policy has at most 262,144"),
        (policy_text(random_policy(4))[:-40], "it is not JSON"),
        (policy_text(random_policy(4)).replace(b"4000.0", b"4001.0"), "but it claims"),
        (_resigned(_put("version", value=2)), "it is a policy of version 2, but this program reads version 1"),
        (_resigned(_put("features", 3, 0, value="smirk")), "it was trained on other features"),
        (_resigned(_put("features", 3, 2, value=0.75)), "it was trained on other features, or on other ranges"),
        (_resigned(_put("rule", value="delta_band")), "it adjusts the rule 'delta_band'"),
        (_resigned(_put("more", value=1)), "what it says is not what a policy consists of: more"),
        (_resigned(lambda values: values.pop("ranges")), "what it says is not what a policy consists of: ranges"),
        (
            _resigned(_put("layers", 0, "weight", 1, 2, value=math.nan)),
            "layer 0 of the policy has weights that",
        ),
        (_resigned(_put("layers", 1, "bias", 0, value=math.inf)), "layer 1 of the policy has weights that"),
        (_resigned(_put("layers", 0, "weight", 1, 2, value="1")), "its numbers are not those of a policy"),
        (_resigned(_put("layers", 0, "weight", 1, value=[1.0])), "its numbers are not those of a policy"),
        (_resigned(_put("layers", 0, value=None)), "its numbers are not those of a policy"),
        (_resigned(_put("layers", value=7)), "its numbers are not those of a policy"),
        (_resigned(_put("layers", value=[])), "a policy has 1 to 4 layers, but this one has 0"),
        (_resigned(_put("layers", 0, "bias", value=[0.0] * 5)), "layer 0 of the policy has weights of shape"),
        (_resigned(_put("risk_aversion", value=0.0)), "risk_aversion of the policy is 0; allowed: above 0 up to"),
        (_resigned(_put("risk_aversion", value=True)), "its numbers are not those of a policy"),
        (_resigned(_put("shift_limit", value=0.6)), "shift_limit of the policy is 0.6; allowed: from 0 up to 0.5"),
        (_resigned(_put("log_ratio_limit", value=math.nan)), "log_ratio_limit of the policy is nan"),
        (_resigned(_put("ranges", 0, 0, value=-1.5)), "the policy's range of delta is -1.5 to 1; allowed: within"),
        (_resigned(_put("ranges", 0, value=[0.5, 0.25])), "the policy's range of delta is 0.5 to 0.25"),
        (_resigned(_put("ranges", value=[[0.0, 1.0]])), "a policy has 11 ranges, one a feature, but this one has 1"),
    ],
)
def test_a_text_that_is_no_policy_is_refused_in_a_sentence(text: bytes, sentence: str) -> None:
    with pytest.raises(PolicyError) as refused:
        policy_from(text)
    assert str(refused.value).startswith(sentence) or sentence in str(refused.value)
    assert len(str(refused.value)) < 400
    assert "\n" not in str(refused.value)


def test_a_layer_may_not_be_wider_than_there_is_room() -> None:
    random_policy(MOST_UNITS, MOST_UNITS, MOST_UNITS)
    with pytest.raises(PolicyError, match="gives 1 to 64 outputs"):
        random_policy(MOST_UNITS + 1)
    with pytest.raises(PolicyError, match="1 to 4 layers, but this one has 5"):
        random_policy(4, 4, 4, 4)


def test_bands_of_several_policies_are_those_of_each() -> None:
    position = many_positions(50)
    policies = [random_policy(8, seed=seed) for seed in (1, 2)] + [HedgingPolicy.zero(50.0, hidden=(3, 3))]
    for policy, found in zip(policies, bands_by(policies, position), strict=True):
        for ours, own in zip(found, policy.rule.band(position), strict=True):
            assert np.array_equal(ours, own)
