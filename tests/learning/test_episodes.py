"""The smooth form in which paths are learned from is the rule's own, but for whole shares."""

import numpy as np
import pytest

from alo_lib.learning.episodes import Episodes, cvar_and_tail
from alo_lib.learning.positions import BrokerCosts, Costs, net_losses
from alo_lib.strategy.hedging import AdjustedRule, MinimumVariance, WhalleyWilmott
from tests.learning.kit import COSTS, book

RULE = MinimumVariance(WhalleyWilmott(1_500.0), 2.0)


@pytest.mark.parametrize("position", ["short straddle", "short iron condor", "long straddle", "short call"])
def test_losses_are_those_of_the_rule_but_for_whole_shares(position: str) -> None:
    episodes = Episodes.of(book(position), COSTS, RULE)
    smooth = episodes.losses(episodes.band(*np.zeros((2, 1, 1))).hedges())
    whole = net_losses(book(position), RULE, COSTS)
    assert smooth == pytest.approx(whole, abs=0.02)
    assert np.std(whole) > 0.2
    assert episodes.base_tail[0] == pytest.approx(cvar_and_tail(whole)[0], abs=0.02)


def test_a_least_fee_an_order_is_paid_on_the_mean() -> None:
    """Orders of the best size, and the middle of the band at what a share of one costs."""
    costs = BrokerCosts(0.0002)
    episodes = Episodes.of(book(), costs, RULE)
    smooth = episodes.losses(episodes.band(*np.zeros((2, 1, 1))).hedges())
    whole = net_losses(book(), RULE, costs)
    cheap = net_losses(book(), RULE, Costs(0.0002))
    assert np.mean(smooth) == pytest.approx(np.mean(whole), abs=0.02)
    assert np.mean(whole) - np.mean(cheap) > 0.04
    assert np.corrcoef(smooth, whole)[0, 1] > 0.97


def test_an_adjusted_band_is_what_the_adjusted_rule_does() -> None:
    episodes = Episodes.of(book(), COSTS, RULE)
    shape = episodes.centre.shape
    shift, ratio = np.full(shape, 0.03), np.full(shape, -0.4)
    smooth = episodes.losses(episodes.band(shift, ratio).hedges())
    whole = net_losses(book(), AdjustedRule(RULE, lambda position, band: (0.03, -0.4)), COSTS)
    assert smooth == pytest.approx(whole, abs=0.02)
    assert abs(np.mean(smooth - episodes.losses(episodes.band(*np.zeros((2, 1, 1))).hedges()))) > 1e-3


def test_some_and_joined_paths_are_the_paths() -> None:
    parts = [Episodes.of(book(name), COSTS, RULE) for name in ("short straddle", "short call")]
    joined = Episodes.joined(parts)
    chosen = joined.some(np.array([3, 205, 399]))
    losses = np.concatenate([part.losses(part.band(*np.zeros((2, 1, 1))).hedges()) for part in parts])
    assert chosen.losses(chosen.band(*np.zeros((2, 1, 1))).hedges()).tolist() == losses[[3, 205, 399]].tolist()
    assert chosen.base_tail.tolist() == [parts[n].base_tail[0] for n in (0, 1, 1)]


def test_the_tail_is_the_worst_twentieth() -> None:
    losses = np.random.default_rng(1).standard_normal(200)
    cvar, tail = cvar_and_tail(losses)
    assert cvar == pytest.approx(np.mean(np.sort(losses)[-10:]))
    assert sorted(losses[tail]) == sorted(losses)[-10:]
