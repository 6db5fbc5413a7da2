"""Patient orders on GOOG's day: some are changed and given up, all is journaled, replayed, and the same in LEAN."""

from pathlib import Path
from typing import Any

import pytest

from alo_lib.cli.engines.embedded import EmbeddedEngine
from alo_lib.journal import Journal, message_digest, orders_of
from alo_lib.records import Kind, OrderStatus, OrderType
from alo_lib.runtime import replay
from tests.algorithm.test_engines import JOBS, native, run
from tests.sampled import sampled

TYPES = {"limit": OrderType.LIMIT, "combo": OrderType.COMBO_LIMIT}
STRUCTURES: dict[str, dict[str, object]] = {
    "straddle": {},
    "condor": {"structures": "iron-condor", "entry_edge": 0.0, "exit_edge": -0.005},
}


@pytest.fixture(scope="module", params=list(TYPES))
def order_type(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module", params=sampled(STRUCTURES, every=2))
def job(request: pytest.FixtureRequest, order_type: str) -> dict[str, Any]:
    return JOBS["GOOG minute"] | {"order_type": order_type} | STRUCTURES[request.param]


@pytest.fixture(scope="module")
def embedded(job: dict[str, Any], lean_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Journal:
    return run(EmbeddedEngine(), job, lean_data, tmp_path_factory.mktemp("embedded") / "run")[1]


def test_orders_wait_are_changed_and_given_up_and_a_replay_decides_the_same(order_type: str, embedded: Journal) -> None:
    patient = [order for order in orders_of(embedded.messages) if order.type is TYPES[order_type]]
    assert patient
    asked = [row for message in embedded.messages if message.kind is Kind.AMENDMENT for row in message.records]
    assert {int(row["cancel"]) for row in asked} == {0, 1}
    assert {order.status for order in patient} <= {OrderStatus.FILLED, OrderStatus.CANCELED}
    assert replay(embedded).digest == message_digest(embedded.messages)


@pytest.mark.lean
@pytest.mark.slow
@pytest.mark.parametrize("order_type", ["limit", "combo"], indirect=True)
@pytest.mark.parametrize("job", ["straddle", "condor"], indirect=True)
def test_lean_does_the_same(job: dict[str, Any], embedded: Journal, lean_data: Path, tmp_path: Path) -> None:
    theirs = run(native(), job, lean_data, tmp_path / "native")[1]
    assert message_digest(theirs.counted) == message_digest(embedded.counted)
