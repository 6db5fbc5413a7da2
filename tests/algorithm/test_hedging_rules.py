"""A real day by each hedging rule: replayed, and the same orders in a native LEAN."""

from pathlib import Path

import pytest

from alo_lib.cli.engines.embedded import EmbeddedEngine
from alo_lib.journal import Journal, message_digest, orders_of
from alo_lib.records import OrderReason
from alo_lib.runtime import replay
from alo_lib.strategy.hedging import HEDGING_RULES
from tests.algorithm.test_engines import JOBS, equity_at_end, native, run


def job(**settings: str) -> dict[str, str]:
    return JOBS["GOOG minute"] | settings


def hedges(journal: Journal) -> list[tuple[int, int]]:
    return [(order.time, order.filled) for order in orders_of(journal.messages) if order.tag == OrderReason.HEDGE.tag]


@pytest.fixture(scope="module")
def by_rule(lean_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Journal]:
    folder = tmp_path_factory.mktemp("rules")
    return {name: run(EmbeddedEngine(), job(hedge=name), lean_data, folder / name)[1] for name in HEDGING_RULES}


@pytest.mark.slow
@pytest.mark.parametrize("name", HEDGING_RULES)
def test_a_day_by_each_rule_is_decided_again_the_same(name: str, by_rule: dict[str, Journal]) -> None:
    journal = by_rule[name]
    result = replay(journal)
    assert result.divergence is None
    assert result.digest == message_digest(journal.messages)


@pytest.mark.slow
def test_rules_open_the_same_and_hedge_otherwise(by_rule: dict[str, Journal]) -> None:
    told = {name: hedges(journal) for name, journal in by_rule.items()}
    assert all(told.values())
    assert len({tuple(each) for each in told.values()}) == len(told)


@pytest.mark.lean
@pytest.mark.slow
@pytest.mark.parametrize("name", ["minimum_variance", "delta_band", "whalley_wilmott"])
def test_lean_hedges_by_a_rule_as_the_embedded_engine(name: str, lean_data: Path, tmp_path: Path) -> None:
    engine = native()
    settings = job(hedge=name, hedge_volatility="forecast") if name == "delta_band" else job(hedge=name)
    _, ours = run(EmbeddedEngine(), settings, lean_data, tmp_path / "embedded")
    _, theirs = run(engine, settings, lean_data, tmp_path / "native")
    assert orders_of(theirs.messages) == orders_of(ours.messages)
    assert hedges(ours)
    assert message_digest(theirs.messages) == message_digest(ours.messages)
    assert equity_at_end(tmp_path / "native") == equity_at_end(tmp_path / "embedded")
