"""The rows and the table of the benchmark of the strategy, of outcomes that are made up."""

import datetime as dt

import pytest

from alo_lib.settings import Settings
from benchmarks.strategy_kept import Outcome
from benchmarks.strategy_markets import NO_EDGE
from benchmarks.strategy_rows import Found, rows_of, table_of
from benchmarks.strategy_ways import DEFAULT, EAGER, FLEETING, LEVEL, STEPS, tasks_of


def outcome(luck: float, edge: float, costs: float) -> Outcome:
    """One that carries 50, and whose delta made a quarter of its luck; its costs are spread alone."""
    parts = {"delta": 0.25 * luck, "gamma": edge + 0.5 * luck, "theta": 0.25 * luck, "vega": 50.0, "spread": costs}
    profit = luck + edge + costs + 50.0
    return Outcome(profit, 3, luck, edge, costs, 50.0, parts, (0.01, -0.01, 0.001 * edge), 1.0)


FOUND: Found = {
    (NO_EDGE, DEFAULT.name): {1: outcome(5000.0, 0.0, -100.0), 2: outcome(-4000.0, 0.0, -300.0)},
    (LEVEL, DEFAULT.name): {1: outcome(6000.0, 900.0, -200.0), 2: outcome(-7000.0, 1300.0, -400.0)},
}


def test_means_without_luck_are_edge_less_costs_and_are_judged_by_the_market() -> None:
    rows = {row.what: row for row in rows_of(FOUND)}
    fair, dear = (f"{market}, {DEFAULT.name}: " for market in (NO_EDGE, LEVEL))
    assert rows[f"{fair}the same without luck"].value == pytest.approx(-200.0)
    assert rows[f"{fair}the same without luck, from"].value == pytest.approx(-300.0)
    assert rows[f"{fair}the same without luck, from"].holds is True  # not above zero
    assert rows[f"{fair}net profit, financed"].value == pytest.approx(300.0)
    assert rows[f"{dear}the same without luck"].value == pytest.approx(800.0)
    assert (rows[f"{dear}the same without luck, from"].goal, rows[f"{dear}the same without luck, from"].holds) == (
        "> 0",
        True,
    )
    assert rows[f"{dear}gamma, theta and vega without luck"].value == pytest.approx(1100.0)  # the edge
    assert rows[f"{dear}more than without, without luck"].value == pytest.approx(1000.0)
    assert rows[f"{dear}variance that is left without luck"].value == pytest.approx((100.0 / 6400.0) ** 2)


def test_luck_is_judged_by_seeds_and_zero_has_to_be_within() -> None:
    assert {row.what: row for row in rows_of(FOUND)}["luck, all ways and markets of a seed, from"].holds is True
    lucky = {key: {seed: outcome(900.0 + seed, 0.0, -1.0) for seed in (1, 2)} for key in FOUND}
    rows = {row.what: row for row in rows_of(lucky)}
    assert rows["luck, all ways and markets of a seed"].value == pytest.approx(901.5)
    assert rows["luck, all ways and markets of a seed, from"].holds is False


def test_a_default_that_earns_nothing_of_an_edge_fails() -> None:
    poor = {**FOUND, (LEVEL, DEFAULT.name): {seed: outcome(9000.0, 100.0, -200.0) for seed in (1, 2)}}
    rows = {row.what: row for row in rows_of(poor)}
    assert rows[f"{LEVEL}, {DEFAULT.name}: the same without luck, from"].holds is False


def test_the_table_has_a_line_for_each_way_with_its_seeds() -> None:
    lines = table_of({**FOUND, (LEVEL, "once"): {1: outcome(1.0, 1.0, -1.0)}}).splitlines()
    assert len(lines) == 4
    assert lines[3].startswith(f"| {LEVEL} | default | 2 | 300 (")
    assert "| -500 | 1,100 | -300 | 800 (700 to 900) |" in lines[3]


def test_what_is_asked_first_is_run_first_and_nothing_twice() -> None:
    tasks = list(tasks_of(range(1, 31), dt.date(2024, 3, 28)))
    runs = [(task.seed, task.market, way.name) for task in tasks for way in task.ways]
    assert len(set(runs)) == len(runs)
    assert {(seed, market) for seed, market, _ in runs[:60]} == {
        (seed, market) for seed in range(1, 11) for market in (NO_EDGE, LEVEL)
    }


def test_steps_are_from_the_default_settings_back_to_what_is_fleeting_or_on_to_what_is_eager() -> None:
    asked = [way for task in tasks_of(range(1, 2), dt.date(2024, 3, 28), ["steps"]) for way in task.ways]
    assert asked == [*STEPS, *STEPS]
    default = Settings()
    assert all(getattr(default, name) != value for name, value in (FLEETING | EAGER).items())
    steps = [set(way.settings) for way in STEPS]
    assert set().union(*steps) == FLEETING.keys() | EAGER.keys()
    assert all(step <= FLEETING.keys() or step <= EAGER.keys() for step in steps)
    assert all(way.settings.items() <= (FLEETING | EAGER).items() for way in STEPS)
