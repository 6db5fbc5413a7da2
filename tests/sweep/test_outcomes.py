"""What a sweep comes to, from results made by hand, by plain formulas of the test's own."""

import datetime as dt
import math
import statistics

import numpy as np
import pytest
from scipy.stats import norm

from alo_lib.sweep.conditions import Condition, Window
from alo_lib.sweep.outcomes import Result, score, verdict
from alo_lib.sweep.space import grid
from tests.sweep.kit import FIRST, WHOLE, done, sweep_of

RETURNS = np.random.default_rng(2).normal(0.0, 0.01, (60, 9))


def by_hand(returns: list[float]) -> float:
    return statistics.mean(returns) / statistics.stdev(returns)


def results_of(sweep, returns):
    points = list(grid(sweep.axes, sweep.points))
    trials = sweep.trials_of(points, 0, sweep.chosen_by)
    return [done(trial, row.tolist(), 100.0 * row.sum()) for trial, row in zip(trials, returns.T, strict=True)]


def test_the_best_is_deflated_by_all_that_was_tried() -> None:
    sweep = sweep_of({"entry-edge": "0.01,0.02,0.03", "hedge-band": "0.1,0.2,0.3"})
    found = verdict(sweep, results_of(sweep, RETURNS))
    ratios = [by_hand(column) for column in RETURNS.T.tolist()]
    place = ratios.index(max(ratios))
    assert found.best is found.points[place]
    assert found.best.sharpe == pytest.approx(ratios[place] * math.sqrt(252))
    gamma = 0.5772156649015329
    hurdle = statistics.stdev(ratios) * ((1 - gamma) * norm.ppf(1 - 1 / 9) + gamma * norm.ppf(1 - 1 / (9 * math.e)))
    assert found.hurdle == pytest.approx(hurdle)
    own = RETURNS[:, place]
    centred = own - own.mean()
    third, fourth = (np.mean(centred**n) / np.mean(centred**2) ** (n / 2) for n in (3, 4))
    error = math.sqrt((1 - third * ratios[place] + (fourth - 1) / 4 * ratios[place] ** 2) / 59)
    assert found.best.deflated == pytest.approx(norm.cdf((ratios[place] - hurdle) / error))
    assert found.overfitting is not None
    assert (found.overfitting.blocks, found.overfitting.rows) == (14, 56)


def test_robust_is_the_mean_of_a_point_and_those_a_step_away() -> None:
    sweep = sweep_of({"entry-edge": "0.01,0.02,0.03", "hedge-band": "0.1,0.2,0.3"}, by="net-profit")
    found = verdict(sweep, results_of(sweep, RETURNS))
    profits = 100.0 * RETURNS.sum(axis=0)
    assert found.points[4].robust == pytest.approx(np.mean(profits[[1, 3, 4, 5, 7]]))
    assert found.best is found.points[int(profits.argmax())]


def test_a_failed_trial_takes_its_point_out_and_no_other() -> None:
    sweep = sweep_of({"entry-edge": "0.01,0.02,0.03"})
    results = results_of(sweep, RETURNS[:, :3])
    best = verdict(sweep, results).best
    assert best is not None
    failed = [Result(each.trial, "failed", "why") if each.trial.point == best.point else each for each in results]
    found = verdict(sweep, failed)
    assert found.best is not None
    assert found.best.point != best.point
    assert [each.complete for each in found.points].count(False) == 1
    assert score(sweep, [each for each in failed if each.state == "failed"]) is None


def test_what_never_traded_is_no_candidate() -> None:
    sweep = sweep_of({"entry-edge": "0.01,0.02"})
    results = results_of(sweep, RETURNS[:, :2])
    quiet = [done(each.trial, each.returns, orders=0) for each in results]
    found = verdict(sweep, quiet)
    assert (found.best, found.overfitting, found.idle) == (None, None, 2)


def test_too_few_sessions_have_a_profit_and_no_ratio() -> None:
    returns = RETURNS[:19, :2]
    sweep = sweep_of({"entry-edge": "0.01,0.02"})
    assert verdict(sweep, results_of(sweep, returns)).best is None
    by_profit = sweep_of({"entry-edge": "0.01,0.02"}, by="net-profit")
    found = verdict(by_profit, results_of(by_profit, returns))
    assert found.best is not None
    assert math.isnan(found.best.deflated)
    assert found.overfitting is not None


def test_conditions_of_a_point_are_put_one_behind_the_other() -> None:
    other = Condition(WHOLE.window, "ALFA", 2)
    sweep = sweep_of({"entry-edge": "0.01,0.02"}, WHOLE, other)
    found = verdict(sweep, results_of(sweep, RETURNS[:, :4]))
    first, second = found.points
    assert first.ratio == pytest.approx(by_hand(RETURNS[:, [0, 1]].T.ravel().tolist()))
    assert second.profit == pytest.approx(50.0 * RETURNS[:, 2:4].sum())
    assert (first.sessions, first.trials) == (120, (0, 1))


def test_walking_forward_tries_what_was_chosen_and_counts_shared_sessions_once() -> None:
    def condition(first: int, sessions: int, role: str, fold: int) -> Condition:
        start = FIRST + dt.timedelta(days=first)
        return Condition(Window(start, start + dt.timedelta(days=sessions - 1), role, fold), "ALFA")  # type: ignore[arg-type]

    train = [condition(0, 30, "train", 1), condition(10, 30, "train", 2)]
    test = [condition(30, 20, "test", 1), condition(40, 20, "test", 2)]
    sweep = sweep_of({"entry-edge": "0.01,0.02"}, train[0], test[0], train[1], test[1])
    good, bad = (RETURNS[:30, 0] + shift for shift in (0.01, -0.01))
    points = list(grid(sweep.axes, 5))
    trials = list(sweep.trials_of(points, 0, sweep.chosen_by))
    assert [each.condition for each in trials] == [train[0], train[1]] * 2
    results = [done(each, made.tolist()) for each, made in zip(trials, (good, bad, bad, good), strict=True)]
    for number, each in enumerate(test):
        (trial,) = sweep.trials_of([points[number]], 4 + number, [each])
        results.append(done(trial, RETURNS[30:50, number].tolist(), 10.0 + number))
    found = verdict(sweep, results)
    assert [fold.chosen and fold.chosen.point for fold in found.folds] == points
    assert [fold.profit for fold in found.folds] == [10.0, 11.0]
    assert found.forward[:2] == (21.0, 30)  # ten of the forty are in both tests
    assert found.forward.ratio == pytest.approx(by_hand([*RETURNS[30:50, 0].tolist(), *RETURNS[40:50, 1].tolist()]))
    assert found.points[0].sessions == 40
