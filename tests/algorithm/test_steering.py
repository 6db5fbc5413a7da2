"""LEAN's way in for a person: a command is answered, logged, kept for the next process and taken one at a time."""

import threading
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest

from alo_lib.journal import read_journal
from alo_lib.journal.stored_segments import segments_of
from alo_lib.records import HaltCause, HostEvent, Kind
from tests.algorithm.lean_world import Algorithm, World
from tests.algorithm.test_lean_machine import hosted  # noqa: F401 - a fixture
from tests.core.chains import TICKERS
from tests.core.script import FIRST, at


@pytest.fixture
def world(hosted: Any) -> World:  # noqa: F811 - the fixture
    made = Algorithm.world = World({"underlyings": ",".join(TICKERS)}, lambda: None)
    made.now = at(FIRST, 10)
    return made


def started(world: World) -> Any:
    """The algorithm in a process of its own, which has what the last one left on the disk."""
    world.store.begin_process()
    algorithm = import_module("algorithm.volatility_arbitrage").VolatilityArbitrageAlgorithm()
    algorithm.initialize()
    return algorithm


def test_a_command_is_done_logged_and_kept_for_the_process_after_a_kill(world: World) -> None:
    algorithm = started(world)
    assert algorithm.on_command(SimpleNamespace(command="pause")) is True
    assert algorithm.logged[-1].startswith("alo command pause: from the next frame on the mode is halted (operator)")
    again = started(world)  # nothing was kept since: the command itself had it written
    assert again._core.halts == {HaltCause.OPERATOR}
    assert again.on_command(SimpleNamespace(command="undo")) is True
    assert started(world)._core.halts == set()
    journal = read_journal(segments_of(lambda key: world.store.on_disk.get(key)), unfinished=True)
    events = [row["event"] for message in journal.messages if message.kind is Kind.EVENT for row in message.records]
    assert events.count(HostEvent.COMMAND) == 2


@pytest.mark.parametrize("command", [None, 3, "flaten", {"command": "pause"}], ids=repr)
def test_what_is_no_command_is_answered_with_what_is_allowed(world: World, command: object) -> None:
    algorithm = started(world)
    assert algorithm.on_command(SimpleNamespace(command=command)) is False
    assert "llowed are pause, reduce-only, flatten, resume, reset-halt, undo, cancel-orders, " in algorithm.logged[-1]
    assert algorithm._core.halts == set()


def test_a_limit_is_set_by_its_name_and_loosened_with_a_confirmation(world: World) -> None:
    algorithm = started(world)
    steps: list[tuple[dict[str, Any], bool]] = [
        ({"command": "set-limit"}, False),
        ({"command": "set-limit", "limit": "max-drawdown=10%"}, True),
        ({"command": "set-limit", "limit": "max-drawdown=15%"}, False),
        ({"command": "set-limit", "limit": "max-drawdown=15%", "confirm": "yes"}, False),
        ({"command": "set-limit", "limit": "max-drawdown=15%", "confirm": True}, True),
    ]
    for payload, done in steps:
        assert algorithm.on_command(SimpleNamespace(**payload)) is done, payload
    assert "takes a confirmation" in algorithm.logged[-3]
    again = started(world)
    assert again._core.steering.limits == {"max_drawdown": 0.15}


def test_a_snapshot_is_kept_in_the_object_store(world: World) -> None:
    algorithm = started(world)
    assert algorithm.on_command(SimpleNamespace(command="snapshot")) is True
    assert algorithm.logged[-1].startswith("alo command snapshot: the state is kept as of message ")


def test_a_payload_without_a_command_is_refused(world: World) -> None:
    algorithm = started(world)
    assert algorithm.on_command(SimpleNamespace()) is False
    assert algorithm.on_command(None) is False


def test_a_command_waits_until_nothing_else_is_told_to_the_core(world: World) -> None:
    algorithm = started(world)
    other = threading.Thread(target=algorithm.on_command, args=[SimpleNamespace(command="flatten")])
    with algorithm._one_at_a_time:
        other.start()
        other.join(0.3)
        assert other.is_alive()
        assert algorithm._core.halts == set()
    other.join(30)
    assert not other.is_alive()
    assert algorithm._core.halts == {HaltCause.OPERATOR_FLATTEN}
