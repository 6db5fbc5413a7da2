"""How far contracts and pairs come on their way to a trade, counted by hand beside the strategy's own counts."""

import numpy as np
import pytest

from alo_lib.records import Kind, Records
from alo_lib.settings import Settings
from alo_lib.strategy.scanner import scan
from alo_lib.strategy.screening import screen_chain
from tests.core.script import NEXT, Script, closes, script
from tests.strategy.kit import moment_of
from tests.strategy.test_parts import NOW, quoted_book

LIMITS = (
    "unknown_implied",
    *("max_drawdown", "entry_delay", "entry_cutoff", "corporate_action", "session_block", "leg_held"),
    *("max_structures", "vega_budget", "participation", "max_vega", "max_margin"),
)
STAGES = ("listed", "quoted", "in_range", "liquid", "forecast", "candidates", "edge", "proposed", "opened")


def told(market: Script) -> list[Records]:
    return [row for table in market.decisions(Kind.FUNNEL) for row in table]


def last(market: Script) -> dict[str, int]:
    row = told(market)[-1]
    return {stage: int(row[stage]) for stage in STAGES}


def test_a_trade_passes_every_stage() -> None:
    market = script(max_structures=1)
    market.bar(10, volatility=0.35)
    counts = last(market)
    assert counts["listed"] == counts["quoted"] == counts["in_range"] == 14  # seven strikes, two rights
    assert counts["opened"] == counts["proposed"] == 1
    assert all(counts[stage] > 0 for stage in STAGES)


@pytest.mark.parametrize(
    ("changes", "stopped_at"),
    [
        ({"max_days_to_expiry": 40, "min_days_to_expiry": 14}, "in_range"),
        ({"max_spread": 0.001}, "liquid"),
        ({"min_quote_size": 51}, "liquid"),
        ({"max_moneyness": 0.0001}, None),
        ({"entry_edge": 1.0}, "edge"),
        ({"vega_budget": 1e-9}, "proposed"),
        ({"max_vega": 1e-9}, "opened"),
    ],
)
def test_it_names_the_stage_that_lets_nothing_pass(changes: dict[str, float], stopped_at: str | None) -> None:
    market = script(**changes)
    market.bar(10, volatility=0.35)
    counts = last(market)
    if stopped_at is None:  # the strike at the spot is near enough at any limit
        assert counts["candidates"] == 1
        return
    place = STAGES.index(stopped_at)
    assert all(counts[stage] > 0 for stage in STAGES[:place])
    assert all(counts[stage] == 0 for stage in STAGES[place:])


@pytest.mark.parametrize(
    ("changes", "hour", "limit"),
    [
        ({"entry_delay": 7200}, 10.0, "entry_delay"),
        ({"entry_cutoff": 7200}, 15.0, "entry_cutoff"),
        ({"vega_budget": 1e-9}, 10.0, "vega_budget"),
        ({"participation": 0.019}, 10.0, "participation"),  # of fifty contracts
        ({"max_vega": 1e-9, "max_structures": 3}, 10.0, "max_vega"),
        ({"max_margin": 1e-9, "max_structures": 3}, 10.0, "max_margin"),
        ({"entry_edge": 1.0}, 10.0, None),
    ],
)
def test_it_names_the_limit_that_stopped_pairs_and_counts_the_frames(
    changes: dict[str, float], hour: float, limit: str | None
) -> None:
    market = script(**changes)
    for bar in range(3):  # a frame of each has news; pairs are stopped several at a time
        market.bar(hour + bar / 60, volatility=0.35)
    row = told(market)[-1]
    assert row["opened"] == 0
    assert {name: int(row[name]) for name in LIMITS} == dict.fromkeys(LIMITS, 0) | ({limit: 3} if limit else {})


def test_a_trade_takes_its_legs_and_the_only_room() -> None:
    market = script(max_structures=1)
    market.bar(10, volatility=0.35)
    before = told(market)[-1]
    assert before["max_structures"] == 1  # of the frame that opened one pair, two others
    market.bar(10.5, volatility=0.35)
    after = told(market)[-1]
    assert {name for name in LIMITS if after[name] > before[name]} == {"leg_held", "max_structures"}


def test_without_a_forecast_pairs_end_there() -> None:
    market = Script()
    market.session(new_closes=closes(50))
    market.bar(10, volatility=0.35)
    counts = last(market)
    assert counts["liquid"] > 0
    assert counts["forecast"] == counts["candidates"] == counts["opened"] == 0


def test_contracts_without_quotes_are_listed_alone() -> None:
    book = quoted_book(bid=np.nan)
    settings = Settings()
    counts = scan(book, *screen_chain(book, np.full(18, 0.2), settings, 0.02, NOW, []), settings, moment_of()).funnel[0]
    assert [int(counts[stage]) for stage in STAGES] == [18, *[0] * 8]


def test_it_is_told_when_it_changed_and_begins_anew_with_a_session() -> None:
    market = script(max_structures=1)
    market.bar(10, volatility=0.35)
    once = len(told(market))
    market.bar(10.5, volatility=0.35)
    market.bar(11, volatility=0.35)
    rows = told(market)
    assert len(rows) <= once + 2
    before = last(market)
    market.session(NEXT, [100.0])
    market.bar(10, volatility=0.20)
    after = last(market)
    assert before["opened"] == 1
    assert after["opened"] == 0
