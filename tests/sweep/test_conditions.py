"""Windows that walk forward."""

import datetime as dt
import json

import pytest

from alo_lib.sweep import SweepError
from alo_lib.sweep.conditions import Condition, Window, conditions, walk_forward

DAYS = [dt.date(2024, 1, day) for day in (2, 3, 4, 5, 8, 9, 10, 11, 12)]


def test_tests_follow_their_training_and_never_overlap() -> None:
    found = walk_forward(DAYS, 4, 2)
    assert [(each.start.day, each.end.day, each.role, each.fold) for each in found] == [
        (2, 5, "train", 1),
        (8, 9, "test", 1),
        (4, 9, "train", 2),
        (10, 11, "test", 2),
    ]


def test_too_few_days_are_refused() -> None:
    assert len(walk_forward(DAYS, 7, 2)) == 2
    with pytest.raises(SweepError, match="there are 9 sessions to walk through; 8 to choose by and 2 to try on"):
        walk_forward(DAYS, 8, 2)


@pytest.mark.parametrize("seed", [None, 7])
def test_a_condition_is_the_one_that_it_states(seed: int | None) -> None:
    found = Condition(Window(DAYS[0], DAYS[-1], "test", 2), "ALFA,BRVO", seed)
    assert Condition.of(json.loads(json.dumps(found.stated()))) == found


def test_conditions_are_all_combinations() -> None:
    window = Window(DAYS[0], DAYS[-1])
    found = [(each.seed, each.underlyings) for each in conditions([window], ["ALFA", "ALFA,BRVO"], [1, 2])]
    assert found == [(1, "ALFA"), (1, "ALFA,BRVO"), (2, "ALFA"), (2, "ALFA,BRVO")]
