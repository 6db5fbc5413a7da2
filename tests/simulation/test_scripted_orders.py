"""Orders of every type over a day of GOOG, embedded and in LEAN: the same events to the cent and the moment."""

import json
from collections import Counter
from pathlib import Path

import pytest

from alo_lib.records import OrderStatus as S
from alo_lib.records import OrderType
from tests.models.lean_run import kept_by
from tests.simulation.scripted_orders import MarketDay, exercises, made, run_embedded

ALGORITHM = Path(__file__).with_name("scripted_algorithm.py")
STATUS, TYPE = 3, 4


@pytest.mark.lean
@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_event_is_leans(lean_data: Path, tmp_path: Path, seed: int) -> None:
    day = MarketDay(lean_data)
    script = made(day, seed)
    ours = run_embedded(day, script)
    (tmp_path / "script.json").write_text(json.dumps(script))
    parameters = {"script": str(tmp_path / "script.json")}
    assert ours == kept_by(ALGORITHM, "events", tmp_path, lean_data, parameters)


@pytest.mark.lean
def test_exercises_are_leans(lean_data: Path, tmp_path: Path) -> None:
    day = MarketDay(lean_data)
    script = exercises(day)
    ours = run_embedded(day, script)
    (tmp_path / "script.json").write_text(json.dumps(script))
    parameters = {"script": str(tmp_path / "script.json")}
    assert ours == kept_by(ALGORITHM, "events", tmp_path, lean_data, parameters)


def test_an_exercise_brings_shares_at_the_strike_without_a_fee(lean_data: Path) -> None:
    day = MarketDay(lean_data)
    events = [event for event in run_embedded(day, exercises(day)) if event[TYPE] == OrderType.OPTION_EXERCISE]
    shares = [
        (quantity, price, fee) for _, order, number, *_, quantity, price, fee in events if (order, number) == (0, 0)
    ]
    assert shares == [(100, 740.0, 0.0), (-100, 755.0, 0.0), (100, 740.0, 0.0)]
    options = [(order, status, quantity) for _, order, _, status, _, quantity, _, _ in events if order]
    assert options == [each for order in (7, 8, 10, 11) for each in ((order, S.SUBMITTED, 0), (order, S.FILLED, -1))]
    assert not any(price or fee for _, order, *_, price, fee in events if order)


def test_a_script_has_all_that_can_become_of_an_order(lean_data: Path) -> None:
    day = MarketDay(lean_data)
    events = run_embedded(day, made(day, 3))
    counted = Counter((event[TYPE], event[STATUS]) for event in events)
    for type_ in (OrderType.LIMIT, OrderType.COMBO_LIMIT):
        for status in (S.SUBMITTED, S.FILLED, S.UPDATE_SUBMITTED, S.CANCEL_PENDING, S.CANCELED):
            assert counted[type_, status], (type_.name, status.name)
        assert counted[type_, S.SUBMITTED] > counted[type_, S.FILLED]  # some rest, and are never met
    assert counted[OrderType.COMBO_MARKET, S.FILLED] == counted[OrderType.COMBO_MARKET, S.SUBMITTED] > 0
