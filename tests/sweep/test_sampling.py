"""Points that are drawn or proposed: the same ones each time, none twice, and better than chance where it can be."""

import itertools

import pytest

from alo_lib.sweep.sampling import batches
from alo_lib.sweep.space import Point
from tests.sweep.kit import sweep_of


def drawn(**more: object) -> list[Point]:
    """All points of a sweep whose best is at 7 %."""
    varied = {"entry-edge": "0..0.1", "direction": "long,short"}
    sweep = sweep_of(varied, **more)
    return list(itertools.chain(*batches(sweep, lambda point: -abs(float(point["entry_edge"]) - 0.07))))


def test_random_points_are_the_same_for_a_seed_and_never_twice() -> None:
    first = drawn(sampler="random", trials=40, seed=3)
    assert first == drawn(sampler="random", trials=40, seed=3)
    assert first != drawn(sampler="random", trials=40, seed=4)
    assert len({tuple(point.values()) for point in first}) == 40
    values = [float(point["entry_edge"]) for point in first]
    assert (0.0 <= min(values) < 0.02, 0.08 < max(values) <= 0.1) == (True, True)
    assert {point["direction"] for point in first} == {"long", "short"}


def test_random_ends_where_there_is_no_more_to_draw() -> None:
    sweep = sweep_of({"direction": "long,short", "order-type": "limit,market"}, sampler="random", trials=40)
    (points,) = batches(sweep, lambda _: None)
    assert len(points) == 4


def test_optuna_proposes_the_same_and_comes_near_the_best() -> None:
    pytest.importorskip("optuna", reason="optuna is in requirements/sweep.txt and not installed here")
    first = drawn(sampler="optuna", trials=40, batch=4, seed=1)
    assert first == drawn(sampler="optuna", trials=40, batch=4, seed=1)
    assert len({tuple(point.values()) for point in first}) == 40
    off = [abs(float(point["entry_edge"]) - 0.07) for point in first]
    assert sum(off[20:]) < 0.6 * sum(off[:10]) * 2.0


def test_optuna_hears_of_points_without_a_figure() -> None:
    pytest.importorskip("optuna", reason="optuna is in requirements/sweep.txt and not installed here")
    sweep = sweep_of({"entry-edge": "0..0.1"}, sampler="optuna", trials=12, batch=5)
    assert [len(batch) for batch in batches(sweep, lambda _: None)] == [5, 5, 2]
