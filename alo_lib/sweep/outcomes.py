"""What came of a sweep: its points, the best of them, how far that can be trusted, and what walking forward made."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kurtosis, skew

from alo_lib.simulation.sharpe import annualized, sharpe_ratio
from alo_lib.sweep.conditions import Condition
from alo_lib.sweep.neighbourhoods import neighbours
from alo_lib.sweep.overfitting import Overfitting, deflated_sharpe, expected_best, overfitting
from alo_lib.sweep.plan import Sweep, Trial
from alo_lib.sweep.space import Key, Point, key_of

__all__ = ["Fold", "Forward", "PointOutcome", "Result", "Verdict", "score", "verdict"]

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
        return annualized(self.ratio)


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

    @property
    def sharpe(self) -> float:
        """The ratio of its test, a year."""
        return annualized(self.ratio)


class Forward(NamedTuple):
    """What all steps forward made together; a session that their tests share counts once in the ratio."""

    profit: float
    sessions: int
    ratio: float  # a session; NaN where there is none

    @property
    def sharpe(self) -> float:
        """Their ratio, a year."""
        return annualized(self.ratio)


class Verdict(NamedTuple):
    """All of it. Points stand in the order in which they were tried."""

    points: tuple[PointOutcome, ...]
    best: PointOutcome | None
    most_robust: PointOutcome | None
    hurdle: float  # the ratio that the best of as many without skill is expected to have, a session
    overfitting: Overfitting | None
    folds: tuple[Fold, ...]
    forward: Forward
    idle: int  # points that never traded: no candidates

    @property
    def expected_sharpe(self) -> float:
        """The hurdle, a year."""
        return annualized(self.hurdle)


class _Judged(NamedTuple):
    """What a point comes to by itself; NaN where there is none."""

    score: float  # what it is judged by
    ratio: float  # a session
    profit: float  # mean


def score(sweep: Sweep, results: Sequence[Result]) -> float | None:
    """What a point is judged by, from all of its trials; None where one did not end well or it has no figure."""
    found = _judged(sweep, results).score
    return None if math.isnan(found) else found


def _judged(sweep: Sweep, results: Sequence[Result]) -> _Judged:
    done = [each for each in results if each.state == "done"]
    if not done:
        return _Judged(math.nan, math.nan, math.nan)
    profit = float(np.mean([each.figures["net_profit"] for each in done]))
    if len(done) < len(results) or not any(each.figures["orders"] for each in done):
        return _Judged(math.nan, math.nan, profit)
    ratio = _ratio(_stacked(done)[1])
    return _Judged(annualized(ratio) if sweep.by == "sharpe" else profit, ratio, profit)


def _ratio(returns: Array) -> float:
    """The Sharpe ratio of a session; NaN where there is none."""
    ratio = sharpe_ratio(returns, 1) if np.isfinite(returns).all() else None
    return math.nan if ratio is None else ratio


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
        points=points,
        best=_top(points, "score"),
        most_robust=_top(points, "robust"),
        hurdle=hurdle,
        overfitting=_overfitting(sweep, stack),
        folds=folds,
        forward=Forward(float(sum(each.profit for each in folds)), len(forward), _ratio(forward)),
        idle=sum(each.complete and each.orders == 0 for each in points),
    )


def _overfitting(sweep: Sweep, stack: Array | None) -> Overfitting | None:
    return None if stack is None else overfitting(stack, by_mean=sweep.by != "sharpe")


def _by_point(results: Iterable[Result]) -> dict[Key, list[Result]]:
    found: dict[Key, list[Result]] = {}
    for each in results:
        found.setdefault(key_of(each.trial.point), []).append(each)
    return found


def _points(sweep: Sweep, by_point: Mapping[Key, Sequence[Result]]) -> tuple[tuple[PointOutcome, ...], float]:
    """Each point, and the ratio that the best of them would have without any skill."""
    judged = [_judged(sweep, each) for each in by_point.values()]
    scores = np.array([each.score for each in judged])
    ratios = np.array([each.ratio for each in judged])
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
                point=found[0].trial.point,
                trials=tuple(each.trial.number for each in found),
                complete=len(done) == len(found),
                orders=sum(each.figures["orders"] for each in done),
                profit=profit,
                sessions=len(returns),
                ratio=ratio,
                deflated=deflated,
                robust=robust,
                score=own,
            )
        )
    return tuple(points), hurdle


def _top(points: Sequence[PointOutcome], name: str) -> PointOutcome | None:
    """The point of the highest figure of that name, of equals the first; None where none has it."""
    known = [each for each in points if math.isfinite(getattr(each, name))]
    return max(known, key=lambda each: float(getattr(each, name)), default=None)


def _matrix(by_point: Mapping[Key, Sequence[Result]], points: Sequence[PointOutcome]) -> Array | None:
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
        train, test = sweep.of_fold(number, "train"), sweep.of_fold(number, "test")
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
            number=number,
            train=train[0],
            test=test[0],
            chosen=chosen,
            overfitting=_overfitting(sweep, stack),
            profit=profit,
            sessions=len(returns),
            ratio=_ratio(returns),
        )
