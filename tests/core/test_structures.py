"""Structures of several legs in the core: what is held is what their entries say, undone as a whole, and replayed."""

import numpy as np
import pytest

from alo_lib.records import Kind, legs_and_ratios
from alo_lib.runtime import replay
from alo_lib.strategy.structures import STRUCTURES
from tests.core.script import reasons, script

OF_ONE_EXPIRY = [name for name in STRUCTURES if name not in ("calendar", "diagonal")]
"""The script's market lists one."""
EASY = {"entry_edge": 0.0, "exit_edge": -1.0, "max_structures": 1, "stop_loss": 10, "direction": "short"}


@pytest.mark.parametrize("name", OF_ONE_EXPIRY)
def test_what_is_held_is_what_the_entry_says_and_is_decided_again(name: str) -> None:
    market = script(structures=name, **EASY)
    market.bar(10, volatility=0.35)
    market.bar(11, volatility=0.35)
    (entry,) = np.concatenate(market.decisions(Kind.ENTRY))
    legs, ratios = legs_and_ratios(entry)
    assert (bytes(entry["structure"]).decode(), ratios) == (name, STRUCTURES[name].ratios)
    side = int(entry["direction"]) * int(entry["quantity"])
    held = {market.core.instruments.number(symbol): n for symbol, n in market.held.items() if symbol != "TEST"}
    assert held == {leg: side * ratio for leg, ratio in zip(legs, ratios, strict=True)}
    assert replay(market.journal).divergence is None


def test_a_refused_leg_undoes_the_other_three() -> None:
    market = script(structures="iron-condor", **EASY)
    plain = script(structures="iron-condor", **EASY)
    plain.bar(10, volatility=0.35)
    (entry,) = np.concatenate(plain.decisions(Kind.ENTRY))
    market.refuse.add(plain.core.instruments.symbol(int(entry["leg3"])))
    market.bar(10, volatility=0.35)
    market.bar(10.2, volatility=0.35)
    assert set(reasons(market.decisions(Kind.INTENT))) >= {"ENTRY", "REBALANCE"}
    assert not any(market.held.values())
    assert any("no more of its trade is opened" in notice for notice in market.notices())
    assert replay(market.journal).divergence is None


def test_a_choice_for_the_whole_book_net_of_all_costs_is_decided_again() -> None:
    whole = {"choice": "whole_book", "rank": "stress", "edge_costs": "all", "band_penalty": 0.1, "max_structures": 3}
    market = script(structures="straddle,vertical,iron-condor", **EASY | whole)
    market.bar(10, volatility=0.35)
    market.bar(11, volatility=0.36)
    signals = np.concatenate(market.decisions(Kind.SIGNAL))
    assert np.all(signals["hedging_cost"] > 0.0)
    assert np.all(signals["penalty"] > 0.0)
    assert np.all(signals["stress_loss"][signals["edge_volatility"] >= 0.0] > 0.0)
    assert len(np.concatenate(market.decisions(Kind.ENTRY))) > 1
    assert replay(market.journal).divergence is None
