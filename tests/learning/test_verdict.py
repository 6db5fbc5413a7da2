"""The verdict on policies: a tie where they are the rule, and intervals over paths and seeds."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import t as student

from alo_lib.learning.markets import Heston
from alo_lib.learning.positions import Costs
from alo_lib.learning.scenarios import Scenario, one_risk_aversion, tuned_minimum_variance, tuned_whalley_wilmott
from alo_lib.learning.tails import tail_values
from alo_lib.learning.verdict import _compared, judge, tuned_in
from alo_lib.strategy.hedging import WhalleyWilmott
from alo_lib.strategy.hedging_policy import HedgingPolicy
from tests.learning.kit import COSTS, book, smile

SCENARIO = Scenario(Heston(), "short straddle", Costs(0.0020))


def test_the_tuned_rule_itself_ties_and_another_loses() -> None:
    tuned = tuned_in(SCENARIO, smile(), 300)
    assert isinstance(tuned.base, WhalleyWilmott)
    zeros = HedgingPolicy.zero(tuned.base.risk_aversion)
    verdict = judge([replace(zeros, stickiness=tuned.stickiness)], SCENARIO, smile(), 300, tuning=300)
    beside = verdict.minimum_variance
    assert beside.rule == tuned
    assert (beside.less, beside.low, beside.high) == (0.0, 0.0, 0.0)
    assert verdict.cvar == beside.cvar
    assert not verdict.wins
    worse = judge([replace(HedgingPolicy.zero(40.0), stickiness=1.0)], SCENARIO, smile(), 300, tuning=300)
    assert worse.minimum_variance.high < 0.0
    assert worse.worse > 0.02


def test_intervals_are_over_paths_and_over_seeds() -> None:
    generator = np.random.default_rng(4)
    tail = tail_values(generator.standard_normal(400))
    learned = np.stack([tail - 0.1 - 0.01 * n + 0.05 * generator.standard_normal(400) for n in range(3)])
    found = _compared(WhalleyWilmott(40.0), tail, learned)
    less = tail - learned
    over_paths = 1.959964 * np.std(np.mean(less, axis=0), ddof=1) / 20.0
    over_seeds = student.ppf(0.975, 2) * np.std(np.mean(less, axis=1), ddof=1) / math.sqrt(3.0)
    assert found.less == pytest.approx(np.mean(less))
    assert found.high - found.low == pytest.approx(2.0 * math.hypot(over_paths, over_seeds))
    assert found.less - found.low == pytest.approx(found.high - found.less)


def test_rules_are_tuned_to_their_least_tail() -> None:
    assert tuned_whalley_wilmott(book(), COSTS).risk_aversion in (250.0, 600.0, 1_500.0, 4_000.0)
    tuned = tuned_minimum_variance(book(), COSTS)
    assert tuned.stickiness > 1.0
    assert isinstance(tuned.base, WhalleyWilmott)
    assert one_risk_aversion([(book(), COSTS)], tuned.stickiness) == tuned.base.risk_aversion
