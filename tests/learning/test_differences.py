"""What is shown of a policy beside its rule."""

import io
import math
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from alo_lib.learning.differences import differences
from alo_lib.strategy.hedging_features import FEATURES
from alo_lib.strategy.hedging_policy import HedgingPolicy, Layer
from alo_lib.views.policy import difference_table, differences_in_json


def constant(shift: float, log_ratio: float) -> HedgingPolicy:
    """A policy that does the same everywhere: limit * y / (1 + |y|) of the last layer's biases y."""
    policy = HedgingPolicy.zero(1_500.0)
    limits = (policy.shift_limit, policy.log_ratio_limit)
    bias = [value / (limit - abs(value)) for value, limit in zip((shift, log_ratio), limits, strict=True)]
    return replace(policy, layers=(Layer(policy.layers[0].weight, np.array(bias)),))


def test_a_policy_that_does_the_same_everywhere_is_shown_so() -> None:
    found = differences(constant(-0.02, math.log(1.5)))
    assert len(found) == 30
    assert [each.shift for each in found] == pytest.approx([-0.02] * 30)
    assert [each.ratio for each in found] == pytest.approx([1.5] * 30)
    middle = next(each for each in found if (each.moneyness, each.days, each.volatility) == (0.0, 15, 0.15))
    assert -0.05 < middle.centre < 0.0 < middle.half_width < 0.1  # leverage: fewer shares than the straddle's delta
    written = io.StringIO()
    Console(width=160, file=written).print(difference_table(found))
    assert written.getvalue().count("-0.020 x1.50") == 30


def test_where_it_was_not_trained_it_is_the_rule() -> None:
    ranges = tuple((-4.0, -3.5) if each.name == "log_time" else (each.low, each.high) for each in FEATURES)
    found = differences(replace(constant(0.1, 0.0), ranges=ranges))
    assert {each.days for each in found if not math.isnan(each.shift)} == {5}  # 5 of 252 days, whose logarithm is -3.9
    rows = differences_in_json(found)
    assert [row["shift"] for row in rows if row["days"] == 1] == [None] * 10
