"""What the framework's other models decide, as the core is told it, and what they are told of the core's."""

import datetime as dt
from contextlib import nullcontext
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from alo_lib.core import FrameTask
from alo_lib.records import Kind, Message, Stage, legs_and_ratios, records
from alo_lib.strategy.external import External
from tests.models.kit import NOW, UTC_TIME, Algorithm, equity, option

ONE, OTHER, STRANGER = equity("ONE"), equity("OTHER"), equity("AAA")
CALL, PUT, FAR = option(ONE, 0), option(ONE, 1), option(ONE, 0, 120.0)
OTHERS_PUT = option(OTHER, 1)
NUMBERS = {ONE: 0, OTHER: 1, PUT: 2, CALL: 3, FAR: 4, OTHERS_PUT: 5}


class Core:
    """Keeps what it is told in the place of its own decisions."""

    def __init__(self) -> None:
        self.external, self.target_quantities, self.told = External(), {2: -5, 3: -5}, list[Message]()

    def overrule(self, message: Message) -> None:
        self.told.append(message)
        if message.kind is Kind.EXTERNAL_STAGE:
            self.external.assign(message.records)


@pytest.fixture
def framework(lean: Any) -> Any:
    marshal = import_module("models.marshalling").Marshal()
    for symbol, number in NUMBERS.items():
        marshal.add_underlying(number, symbol)
    lean.PortfolioTarget = lambda symbol, quantity: (symbol, quantity)
    return import_module("models.framework").Framework(Core(), marshal, lambda: None, nullcontext())


def insight(symbol: Any, **given: Any) -> SimpleNamespace:
    until = UTC_TIME + dt.timedelta(hours=1)
    made = {"source_model": "mine", "group_id": "one", "id": "i", "type": 1, "magnitude": 0.05, "direction": -1}
    return SimpleNamespace(symbol=symbol, close_time_utc=until, **made | given)


def target(symbol: Any, quantity: float) -> SimpleNamespace:
    return SimpleNamespace(symbol=symbol, quantity=quantity)


def test_a_stage_is_left_or_taken_back_where_that_changes_something(framework: Any) -> None:
    algorithm = Algorithm()
    for external in (False, True, True, False):
        framework.assign(algorithm, Stage.RISK, external=external)
    assert [(each.kind, each.time) for each in framework.core.told] == [(Kind.EXTERNAL_STAGE, NOW)] * 2
    assert [each.records["stage"].tolist() for each in framework.core.told] == [[Stage.RISK]] * 2
    assert [each.records["external"].tolist() for each in framework.core.told] == [[1], [0]]


def test_a_pair_of_a_call_and_a_put_is_told_whatever_their_order(framework: Any) -> None:
    pair = [insight(PUT, direction=1), insight(CALL, direction=1)]
    framework.take_insights(Algorithm(), [*pair, insight(FAR, source_model="alo", group_id="own")])
    (message,) = framework.core.told
    assert (message.kind, message.time) == (Kind.EXTERNAL_INSIGHT, NOW)
    (row,) = message.records
    assert [int(row[name]) for name in ("underlying", "direction")] == [0, 1]
    assert legs_and_ratios(row) == ((3, 2), (1, 1))
    assert (row["until"], row["magnitude"]) == (NOW + 3600 * 10**9, 0.05)


def test_a_magnitude_that_was_not_told_is_no_number(framework: Any) -> None:
    framework.take_insights(Algorithm(), [insight(PUT), insight(CALL, magnitude=None)])
    assert np.isnan(framework.core.told[0].records["magnitude"][0])


@pytest.mark.parametrize(
    ("group", "direction", "structure"),
    [
        ([(CALL, -1)], -1, ((3,), (1,))),
        ([(PUT, 1)], 1, ((2,), (1,))),
        ([(FAR, -1), (CALL, 1)], 1, ((3, 4), (1, -1))),
        ([(PUT, 1), (CALL, -1)], -1, ((3, 2), (1, -1))),  # its first leg, the call, is sold
        ([(CALL, 1), (FAR, -1), (FAR, -1)], 1, ((3, 4), (1, -2))),
        ([(PUT, -1), (FAR, 1), (CALL, -1)], -1, ((3, 4, 2), (1, -1, 1))),
        ([(PUT, 0), (CALL, 0)], 0, ((3, 2), (1, 1))),
    ],
)
def test_a_group_is_a_structure_by_the_directions_of_its_contracts(
    framework: Any, group: list[tuple[Any, int]], direction: int, structure: tuple[tuple[int, ...], tuple[int, ...]]
) -> None:
    framework.take_insights(Algorithm(), [insight(symbol, direction=side) for symbol, side in group])
    (row,) = framework.core.told[0].records
    assert (int(row["direction"]), legs_and_ratios(row)) == (direction, structure)


@pytest.mark.parametrize(
    "group",
    [
        [insight(CALL), insight(OTHERS_PUT)],
        [insight(CALL), insight(PUT, type=0)],
        [insight(CALL), insight(option(ONE, 1, 55.0))],
        [insight(CALL), insight(PUT, direction=0)],
        [insight(CALL), insight(CALL, direction=1)],
        [insight(CALL) for _ in range(11)],
        [insight(ONE)],
    ],
)
def test_what_is_no_structure_is_left_alone_and_told_once(framework: Any, group: list[Any]) -> None:
    algorithm = Algorithm()
    for _ in range(2):
        framework.take_insights(algorithm, group)
    assert framework.core.told == []
    alone = len({each.group_id or each.id for each in group})
    assert len(algorithm.logged) == alone
    assert algorithm.logged[0].startswith("alo: left alone is the insight on ")


def test_targets_that_the_core_has_not_come_to_are_told_by_instrument(framework: Any) -> None:
    algorithm = Algorithm()
    given = [target(CALL, -2.0), target(PUT, -5.0), target(ONE, 30.0), target(STRANGER, 1.0), target(STRANGER, 1.0)]
    framework.take_targets(algorithm, Stage.PORTFOLIO, iter(given))
    (message,) = framework.core.told
    assert (message.kind, message.time) == (Kind.EXTERNAL_TARGET, NOW)
    rows = [(int(row["instrument"]), int(row["quantity"]), int(row["stage"])) for row in message.records]
    assert rows == [(0, 30, Stage.PORTFOLIO), (3, -2, Stage.PORTFOLIO)]
    assert len(algorithm.logged) == 1
    assert "which the core does not trade" in algorithm.logged[0]


def test_nothing_is_told_of_nothing_or_of_what_the_core_wants_itself(framework: Any) -> None:
    for given in ([], [target(CALL, -5.0)]):
        framework.take_targets(Algorithm(), Stage.RISK, given)
    framework.take_insights(Algorithm(), [])
    assert framework.core.told == []


def test_the_cores_targets_are_leans(framework: Any) -> None:
    rows = records(Kind.TARGET, 2)
    rows["instrument"], rows["quantity"] = (2, 0), (-5, 17)
    assert framework.targets(rows) == [(PUT, -5), (ONE, 17)]


def test_execution_is_given_targets_past_the_cores_limits(framework: Any) -> None:
    """What the limits make of the core's targets is its own; only what differs from that is put in."""
    core, steps = framework.core, []

    def run_through(task: FrameTask) -> None:
        steps.append(task)
        core.target_quantities = {2: -4, 3: -4}

    core.run_through = run_through
    for core.in_frame, told in ((False, [-4, -4]), (True, [])):
        core.told.clear()
        assert framework.begin_execution(Algorithm(), [target(CALL, -4.0), target(PUT, -4.0)]) is core.in_frame
        rows = [row for message in core.told for row in message.records]
        assert [int(row["quantity"]) for row in rows] == told
        assert {int(row["stage"]) for row in rows} <= {Stage.RISK}
    assert steps == [FrameTask.LIMIT]
