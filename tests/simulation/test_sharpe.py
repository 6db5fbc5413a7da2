"""Sharpe ratios against plain statistics, and where there are none."""

import math
import statistics

import numpy as np
import pytest

from alo_lib.simulation.sharpe import annualized, sharpe_ratio, sharpe_ratios_of_sums

RETURNS = np.random.default_rng(3).normal(0.001, 0.01, (40, 3))


def by_hand(returns: list[float]) -> float:
    return statistics.mean(returns) / statistics.stdev(returns)


@pytest.mark.parametrize(("sessions", "times"), [(1, 1.0), (252, math.sqrt(252))])
def test_a_ratio_is_mean_over_deviation_of_so_many_sessions(sessions: int, times: float) -> None:
    returns = RETURNS[:, 0]
    assert sharpe_ratio(returns, sessions) == pytest.approx(times * by_hand(returns.tolist()))


def test_a_year_is_what_a_ratio_is_of_unless_another_is_asked_for() -> None:
    returns = RETURNS[:, 0]
    once = sharpe_ratio(returns, 1)
    assert once is not None
    assert sharpe_ratio(returns) == pytest.approx(annualized(once))


def test_too_few_returns_and_such_as_never_vary_have_none() -> None:
    assert sharpe_ratio(RETURNS[:19, 0]) is None
    assert sharpe_ratio(np.full(30, 0.01)) is None
    assert sharpe_ratio(RETURNS[:20, 0]) is not None


def test_sums_have_the_ratios_of_what_was_summed() -> None:
    table = np.column_stack([np.full(40, 0.1), RETURNS])
    found = sharpe_ratios_of_sums(40, table.sum(axis=0), (table * table).sum(axis=0)).tolist()
    assert found[0] == 0.0
    assert found[1:] == pytest.approx([by_hand(column) for column in RETURNS.T.tolist()])
