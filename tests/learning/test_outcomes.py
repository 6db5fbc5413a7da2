"""What a page tells of a policy: by the rule itself nothing is gained, and costs are a part of what is lost."""

from dataclasses import replace

import numpy as np
import pytest

from alo_lib.learning.markets import BlackScholes
from alo_lib.learning.outcomes import outcomes
from alo_lib.learning.positions import Costs
from alo_lib.learning.scenarios import Scenario, smiles_of
from alo_lib.strategy.hedging_policy import HedgingPolicy, Layer
from alo_lib.views.policy_page import policy_html

SCENARIOS = [Scenario(BlackScholes(), "short call", Costs(each)) for each in (0.0005, 0.0020)]


def wider(log_ratio: float) -> HedgingPolicy:
    """The rule's band, so many times as wide everywhere."""
    zeros = HedgingPolicy.zero(1_500.0)
    bias = np.array([0.0, log_ratio / (zeros.log_ratio_limit - abs(log_ratio))])
    return replace(zeros, layers=(Layer(zeros.layers[0].weight, bias),))


def test_zeros_lose_what_the_rule_does_and_a_wide_band_costs_less_and_leaves_more() -> None:
    smiles = smiles_of(SCENARIOS, 100)
    for told in outcomes(HedgingPolicy.zero(1_500.0), SCENARIOS, smiles, 300):
        assert told.rule == told.policy
        assert told.less == 0.0
    for told in outcomes(wider(0.8), SCENARIOS, smiles, 300):
        assert 0.0 < told.policy.costs < told.rule.costs
        assert told.policy.deviation > told.rule.deviation
        assert told.less == pytest.approx(1.0 - told.policy.cvar / told.rule.cvar)


def test_costs_and_what_is_left_are_all_that_is_lost() -> None:
    """In Black and Scholes' market options are worth their premium: what is lost on the mean is costs."""
    (told,) = outcomes(HedgingPolicy.zero(1_500.0), SCENARIOS[1:], smiles_of(SCENARIOS, 100), 2_000)
    assert told.rule.loss == pytest.approx(told.rule.costs, abs=4.0 * told.rule.deviation / np.sqrt(2_000))


def test_the_page_shows_where_why_and_how() -> None:
    told = outcomes(wider(0.3), SCENARIOS, smiles_of(SCENARIOS, 100), 100)
    curve = np.array([[25.0, -0.01, -0.011], [50.0, -0.02, -0.015]])
    written = policy_html(wider(0.3), told, {"seed 1": curve})
    for words in ("Why that pays", "How it learned", "short iron condor, half a spread of 10 bp", "-1.5", "1.35"):
        assert words in written
    assert SCENARIOS[1].name in written
    assert "How it learned" not in policy_html(wider(0.3), told, {})
