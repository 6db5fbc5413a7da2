"""What came of a sweep: its points, the best of them, how far that can be trusted, and what walking forward made."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kurtosis, skew

from alo_lib.records import TRADING_DAYS
from alo_lib.records.units import LEAST_SESSIONS
from alo_lib.sweep.conditions import Condition
from alo_lib.sweep.neighbourhoods import neighbours
from alo_lib.sweep.overfitting import Overfitting, deflated_sharpe, expected_best, overfitting, ratios_of
from alo_lib.sweep.plan import Sweep, Trial
from alo_lib.sweep.space import Point

__all__ = ["Fold", "PointOutcome", "Result", "Verdict", "score", "verdict"]

Array = NDArray[np.float64]

State = Literal["done", "failed", "lost"]


@dataclass(frozen=True)
class Result:
    """What came of one trial."""

    trial: Trial
    state: State
    why: str = ""  # it failed by an error of its own, or was lost with its worker
    figures: Mapping[str, Any] = field(default_factory=dict)  # the summary of its run
    provenance: Mapping[str, Any] = field(default_factory=dict)  # digests of data and program, folder, seconds
    days: tuple[str, ...] = ()  # sessions
    returns: tuple[float, ...] = ()  # of sessions, above the risk-free rate; NaN where no rate was told


class PointOutcome(NamedTuple):
    """One point of the settings, over all conditions that it is chosen by."""

    point: Point
    trials: tuple[int, ...]
    complete: bool  # all of them ended well
    orders: int
    profit: float  # mean net profit of a trial; NaN where none ended well
    sessions: int
    ratio: float  # Sharpe ratio a session; NaN where there is none
    deflated: float  # probability that it is above what the best of as many without skill has; NaN without a ratio
    robust: float  # mean of what it and its neighbours are judged by; NaN where it is no candidate
    score: float  # what it is judged by; NaN where it is no candidate

    @property
    def sharpe(self) -> float:
        """Its ratio, a year."""
        return self.ratio * math.sqrt(TRADING_DAYS)


class Fold(NamedTuple):
    """One step forward: what was chosen, how good it was where it was chosen, and what it made then."""

    number: int
    train: Condition
    test: Condition
    chosen: PointOutcome | None  # by its training sessions
    overfitting: Overfitting | None  # of choosing by those
    profit: float  # of its test, mean over trials; NaN where it has not ended well
    sessions: int
    ratio: float  # of its test, a session; NaN where there is none


class Verdict(NamedTuple):
    """All of it. Points stand in the order in which they were tried."""

    points: tuple[PointOutcome, ...]
    best: PointOutcome | None
    most_robust: PointOutcome | None
    hurdle: float  # the ratio that the best of as many without skill is expected to have, a session
    overfitting: Overfitting | None
    folds: tuple[Fold, ...]
    forward: tuple[float, int, float]  # profit, sessions and ratio of all tests together
    idle: int  # points that never traded: no candidates


def score(sweep: Sweep, results: Sequence[Result]) -> float | None:
    """What a point is judged by, from all of its trials; None where one did not end well or it has no figure."""
    found = _judged(sweep, results)[0]
    return None if math.isnan(found) else found


def _judged(sweep: Sweep, results: Sequence[Result]) -> tuple[float, float, float]:
    """What a point is judged by, its ratio a session, and its mean profit; NaN where there is none."""
    done = [each for each in results if each.state == "done"]
    if not done:
        return math.nan, math.nan, math.nan
    profit = float(np.mean([each.figures["net_profit"] for each in done]))
    if len(done) < len(results) or not any(each.figures["orders"] for each in done):
        return math.nan, math.nan, profit
    ratio = _ratio(_stacked(done)[1])
    return (ratio * math.sqrt(TRADING_DAYS) if sweep.by == "sharpe" else profit), ratio, profit


def _ratio(returns: Array) -> float:
    if len(returns) < LEAST_SESSIONS or not np.isfinite(returns).all() or np.ptp(returns) == 0.0:
        return math.nan
    return float(ratios_of(returns[:, None])[0])


def _stacked(results: Iterable[Result]) -> tuple[list[tuple[Any, ...]], Array]:
    """Sessions of trials, one after the other, and their returns; a session that windows share counts once."""
    found: dict[tuple[Any, ...], float] = {}
    for each in results:
        for day, value in zip(each.days, each.returns, strict=True):
            found.setdefault((*each.trial.condition.source, day), value)
    return list(found), np.array(list(found.values()))


def verdict(sweep: Sweep, results: Sequence[Result]) -> Verdict:
    """What the trials of a sweep come to; those that are missing count as not ended well."""
    by_point = _by_point(each for each in results if each.trial.condition.window.role != "test")
    points, hurdle = _points(sweep, by_point)
    stack = _matrix(by_point, points)
    folds = tuple(_folds(sweep, results))
    tests = [each for each in results if each.trial.condition.window.role == "test" and each.state == "done"]
    forward = _stacked(tests)[1]
    return Verdict(
        points,
        _top(points, "score"),
        _top(points, "robust"),
        hurdle,
        None if stack is None else overfitting(stack, by_mean=sweep.by != "sharpe"),
        folds,
        (float(sum(each.profit for each in folds)), len(forward), _ratio(forward)),
        sum(each.complete and each.orders == 0 for each in points),
    )


def _by_point(results: Iterable[Result]) -> dict[tuple[str, ...], list[Result]]:
    found: dict[tuple[str, ...], list[Result]] = {}
    for each in results:
        found.setdefault(tuple(each.trial.point.values()), []).append(each)
    return found


def _points(
    sweep: Sweep, by_point: Mapping[tuple[str, ...], Sequence[Result]]
) -> tuple[tuple[PointOutcome, ...], float]:
    """Each point, and the ratio that the best of them would have without any skill."""
    judged = [_judged(sweep, each) for each in by_point.values()]
    scores = np.array([each[0] for each in judged])
    ratios = np.array([each[1] for each in judged])
    hurdle = expected_best(ratios[np.isfinite(ratios)])
    near = neighbours(sweep.axes, [each[0].trial.point for each in by_point.values()])
    points = []
    for place, (found, (own, ratio, profit)) in enumerate(zip(by_point.values(), judged, strict=True)):
        done = [each for each in found if each.state == "done"]
        returns = _stacked(done)[1]
        deflated = math.nan
        if math.isfinite(ratio):
            shape = float(skew(returns)), float(kurtosis(returns, fisher=False))
            deflated = deflated_sharpe(ratio, hurdle, len(returns), *shape)
        around = scores[near[place]]
        robust = float(np.mean(around[np.isfinite(around)])) if math.isfinite(own) else math.nan
        points.append(
            PointOutcome(
                found[0].trial.point,
                tuple(each.trial.number for each in found),
                len(done) == len(found),
                sum(each.figures["orders"] for each in done),
                profit,
                len(returns),
                ratio,
                deflated,
                robust,
                own,
            )
        )
    return tuple(points), hurdle


def _top(points: Sequence[PointOutcome], name: str) -> PointOutcome | None:
    """The point of the highest figure of that name, of equals the first; None where none has it."""
    known = [each for each in points if math.isfinite(getattr(each, name))]
    return max(known, key=lambda each: float(getattr(each, name)), default=None)


def _matrix(by_point: Mapping[tuple[str, ...], Sequence[Result]], points: Sequence[PointOutcome]) -> Array | None:
    """Returns (sessions, candidates) of the sessions that all candidates have; None without candidates."""
    stacked = [
        dict(zip(*_stacked(found), strict=True))
        for found, point in zip(by_point.values(), points, strict=True)
        if math.isfinite(point.score)
    ]
    if not stacked:
        return None
    shared = [session for session in stacked[0] if all(session in each for each in stacked)]
    table = np.array([[each[session] for each in stacked] for session in shared])
    return table if np.isfinite(table).all() else None


def _folds(sweep: Sweep, results: Sequence[Result]) -> Iterable[Fold]:
    for number in sorted({each.window.fold for each in sweep.conditions} - {0}):
        train, test = (
            [each for each in sweep.conditions if (each.window.fold, each.window.role) == (number, role)]
            for role in ("train", "test")
        )
        by_point = _by_point(each for each in results if each.trial.condition in train)
        points, _ = _points(sweep, by_point)
        chosen, stack = _top(points, "score"), _matrix(by_point, points)
        tried = [
            each
            for each in results
            if each.trial.condition in test and chosen is not None and each.trial.point == chosen.point
        ]
        done = [each for each in tried if each.state == "done"]
        whole = len(done) == len(test)
        returns = _stacked(done)[1] if whole else np.zeros(0)
        profit = float(np.mean([each.figures["net_profit"] for each in done])) if whole else math.nan
        yield Fold(
            number,
            train[0],
            test[0],
            chosen,
            None if stack is None else overfitting(stack, by_mean=sweep.by != "sharpe"),
            profit,
            len(returns),
            _ratio(returns),
        )
