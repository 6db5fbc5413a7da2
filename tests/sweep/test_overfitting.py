"""The chance of overfitting against cases worked by hand, a plain walk through all halvings, and what noise gives."""

import itertools
import math
import statistics

import numpy as np
import pytest

from alo_lib.simulation.sharpe import sharpe_ratios_of_sums
from alo_lib.sweep.overfitting import blocks_for, overfitting


def walked(table: np.ndarray, blocks: int) -> list[float]:
    """Logits by the words of Bailey et al. (2017), one halving after the other."""
    length = len(table) // blocks
    cut = [table[len(table) - (blocks - k) * length :][:length] for k in range(blocks)]
    logits = []
    for taken in itertools.combinations(range(blocks), blocks // 2):
        inside = [row for k in taken for row in cut[k]]
        outside = [row for k in range(blocks) if k not in taken for row in cut[k]]
        ratios = [
            [statistics.mean(column) / statistics.stdev(column) for column in zip(*half, strict=True)]
            for half in (inside, outside)
        ]
        best = ratios[0].index(max(ratios[0]))
        rank = sum(each <= ratios[1][best] for each in ratios[1])
        share = rank / (len(ratios[1]) + 1)
        logits.append(math.log(share / (1 - share)))
    return logits


def test_two_that_change_places_are_overfitted_for_sure() -> None:
    """By hand: in either half the one that is best there has rank 1 of 2 in the other: log((1/3) / (2/3))."""
    table = np.array([[3.0, -1.0], [2.0, -2.0], [-1.0, 3.0], [-2.0, 2.0]])
    found = overfitting(table, 2)
    assert found is not None
    assert found.probability == 1.0
    assert found.logits == pytest.approx([math.log(0.5), math.log(0.5)])
    assert found.inside == pytest.approx([2.5 / math.sqrt(0.5)] * 2)
    assert found.outside == pytest.approx([-1.5 / math.sqrt(0.5)] * 2)


def test_one_that_is_always_better_never_is() -> None:
    """By hand: rank 2 of 2 everywhere: log((2/3) / (1/3)) in each of the six halvings of four blocks."""
    table = np.array([[2.0, 0.1], [3.0, -0.1]] * 4)
    found = overfitting(table, 4)
    assert found is not None
    assert (found.probability, len(found.logits)) == (0.0, 6)
    assert found.logits == pytest.approx([math.log(2.0)] * 6)


@pytest.mark.parametrize(("rows", "columns", "blocks"), [(12, 3, 4), (31, 5, 6), (50, 2, 8)])
def test_all_halvings_are_walked_through(rows: int, columns: int, blocks: int) -> None:
    table = np.random.default_rng(rows).normal(0.1, 1.0, (rows, columns))
    found = overfitting(table, blocks)
    assert found is not None
    assert len(found.logits) == math.comb(blocks, blocks // 2)
    assert found.logits == pytest.approx(walked(table, blocks))
    logits = walked(table, blocks)
    below, at = (sum(map(test, logits)) for test in (lambda each: each < 0.0, lambda each: each == 0.0))
    assert found.probability == pytest.approx((below + at / 2) / len(logits))
    assert found.rows == rows // blocks * blocks


@pytest.mark.parametrize("columns", [2, 3, 5, 21])
def test_noise_is_overfitted_half_of_the_time(columns: int) -> None:
    """Over many tables without any skill the mean is 1/2; that of one table is anywhere."""
    drawn = [overfitting(np.random.default_rng(seed).standard_normal((80, columns)), 8) for seed in range(200)]
    chances = [found.probability for found in drawn if found is not None]
    error = statistics.stdev(chances) / math.sqrt(len(chances))
    assert statistics.mean(chances) == pytest.approx(0.5, abs=3.0 * error)
    assert error < 0.03


def test_a_real_edge_is_not() -> None:
    """One of fifty earns a Sharpe ratio of 0.5 a session, eight a year: it is best in any half of a year."""
    table = np.random.default_rng(5).standard_normal((252, 50))
    table[:, 17] += 0.5
    found = overfitting(table)
    assert found is not None
    assert found.probability < 0.02
    assert (found.blocks, len(found.logits)) == (16, 12_870)


def test_what_never_varies_has_no_ratio() -> None:
    """Losing ways to trade are beaten, in every half, by one that earns the same each session: its ratio is 0."""
    losing = np.random.default_rng(1).standard_normal((24, 2)) - 5.0
    found = overfitting(np.column_stack([np.full(24, 0.1), losing]))
    assert found is not None
    assert set(found.inside.tolist()) == set(found.outside.tolist()) == {0.0}


@pytest.mark.parametrize("rows", [20, 64, 252])
@pytest.mark.parametrize("value", [2e-4, -2e-4, -1.3e-4, -1.9e-4])
def test_constant_returns_have_no_ratio_whatever_rounding_leaves(value: float, rows: int) -> None:
    returns = np.full((rows, 1), value)
    assert sharpe_ratios_of_sums(rows, returns.sum(axis=0), (returns * returns).sum(axis=0)).tolist() == [0.0]


def test_constant_stretches_do_not_hang_on_rounding() -> None:
    """Of a candidate that earns the same but once, the least changed, the chance is the same to a halving or so."""
    noise = np.random.default_rng(0).normal(0.0, 0.01, (80, 3))
    chances = []
    for value in (-1.3e-4, -1.9e-4):
        almost = np.full(80, value)
        almost[70] = 0.3
        found = overfitting(np.column_stack([almost, noise]))
        assert found is not None
        assert np.abs(found.outside).max() < 100.0
        chances.append(found.probability)
    assert chances[0] == pytest.approx(chances[1], abs=0.005)


def test_candidates_that_are_all_the_same_leave_nothing_to_choose() -> None:
    one = np.random.default_rng(3).standard_normal((80, 1))
    assert overfitting(np.repeat(one, 4, axis=1)) is None


@pytest.mark.parametrize(("rows", "blocks"), [(15, None), (16, 4), (21, 4), (24, 6), (63, 14), (64, 16), (5000, 16)])
def test_blocks_are_even_and_hold_some_sessions(rows: int, blocks: int | None) -> None:
    assert blocks_for(rows) == blocks


def test_too_little_tells_nothing() -> None:
    assert overfitting(np.zeros((100, 1))) is None
    assert overfitting(np.zeros((15, 9))) is None
    with pytest.raises(ValueError, match="3 blocks of 9 sessions; it must be an even number"):
        overfitting(np.zeros((9, 2)), 3)
