"""Orders of every type over a day of GOOG, embedded and in LEAN: the same events to the cent and the moment."""

import json
from collections import Counter
from pathlib import Path

import pytest

from alo_lib.records import OrderStatus as S
from alo_lib.records import OrderType
from tests.models.lean_run import kept_by
from tests.simulation.scripted_orders import MarketDay, made, run_embedded

ALGORITHM = Path(__file__).with_name("scripted_algorithm.py")
STATUS, TYPE = 3, 4


@pytest.mark.lean
@pytest.mark.parametrize("seed", [3, pytest.param(1, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.slow)])
def test_every_event_is_leans(lean_data: Path, tmp_path: Path, seed: int) -> None:
    day = MarketDay(lean_data)
    script = made(day, seed)
    ours = run_embedded(day, script)
    (tmp_path / "script.json").write_text(json.dumps(script))
    parameters = {"script": str(tmp_path / "script.json")}
    assert ours == kept_by(ALGORITHM, "events", tmp_path, lean_data, parameters)


def test_a_script_has_all_that_can_become_of_an_order(lean_data: Path) -> None:
    day = MarketDay(lean_data)
    events = run_embedded(day, made(day, 3))
    counted = Counter((event[TYPE], event[STATUS]) for event in events)
    for type_ in (OrderType.LIMIT, OrderType.COMBO_LIMIT):
        for status in (S.SUBMITTED, S.FILLED, S.UPDATE_SUBMITTED, S.CANCEL_PENDING, S.CANCELED):
            assert counted[type_, status], (type_.name, status.name)
        assert counted[type_, S.SUBMITTED] > counted[type_, S.FILLED]  # some rest, and are never met
    assert counted[OrderType.COMBO_MARKET, S.FILLED] == counted[OrderType.COMBO_MARKET, S.SUBMITTED] > 0
