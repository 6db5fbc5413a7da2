"""What a supervisor hears of a core."""

import socket
from pathlib import Path

import numpy as np
import pytest

from alo_lib.runtime.link import HEARTBEAT, Channel, CorePhase
from alo_lib.runtime.process import CoreProcess
from alo_lib.runtime.service import ServiceManager
from tests.core.seeds import SETTINGS

SECOND = 1_000_000_000


@pytest.fixture
def supervisor(tmp_path):
    """A socket as systemd's, and its address."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.setblocking(False)
        yield listening


def manager_of(environment: dict[str, str]) -> ServiceManager:
    manager = ServiceManager.of(environment)
    assert manager is not None
    return manager


def heard(supervisor):
    notices = []
    while True:
        try:
            notices.append(supervisor.recv(4096).decode().splitlines())
        except BlockingIOError:
            return notices


def beat(phase, at, frame=1, overruns=0):
    record = np.zeros(1, HEARTBEAT)[0]
    record["phase"], record["monotonic"] = list(CorePhase).index(phase), at
    record["frame"], record["overruns"] = frame, overruns
    return record


def test_a_watchdog_hears_four_times_in_its_time_and_each_phase_once(supervisor):
    manager = manager_of({"NOTIFY_SOCKET": supervisor.getsockname(), "WATCHDOG_USEC": "2000000"})
    manager.hear(beat(CorePhase.STARTING, 0))
    assert heard(supervisor) == [["STATUS=starting, frame 1, 0 overruns"]]
    for at in range(100, 2100, 10):  # ten milliseconds each, for two seconds
        manager.hear(beat(CorePhase.RUNNING, at * SECOND // 1000, at, 3))
    first, *others = heard(supervisor)
    assert first == ["READY=1", "WATCHDOG=1", "STATUS=running, frame 100, 3 overruns"]
    assert [each[0] for each in others] == ["WATCHDOG=1"] * 3
    manager.hear(beat(CorePhase.STOPPED, 2 * SECOND))
    assert heard(supervisor) == [["STOPPING=1", "STATUS=stopped, frame 1, 0 overruns"]]


def test_a_core_that_does_not_beat_is_not_said_to_live(supervisor):
    manager = manager_of({"NOTIFY_SOCKET": supervisor.getsockname(), "WATCHDOG_USEC": "2000000"})
    manager.hear(beat(CorePhase.RUNNING, SECOND))
    heard(supervisor)
    assert heard(supervisor) == []


def test_a_core_that_takes_inputs_in_for_long_is_said_to_live_and_is_no_more_once_it_stops(supervisor):
    """It beats between two inputs, in one frame: a watchdog that killed it would do so again each time."""
    manager = manager_of({"NOTIFY_SOCKET": supervisor.getsockname(), "WATCHDOG_USEC": "2000000"})
    for at in range(0, 4000, 10):  # of two watchdogs' times, all within frame 7
        manager.hear(beat(CorePhase.RUNNING, at * SECOND // 1000, 7))
    assert [each[-1] for each in heard(supervisor)] == ["STATUS=running, frame 7, 0 overruns"] * 8


def test_a_supervisor_that_is_gone_holds_nothing_up_and_hears_again(tmp_path):
    manager = manager_of({"NOTIFY_SOCKET": str(tmp_path / "notify")})
    manager.hear(beat(CorePhase.RUNNING, SECOND))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.setblocking(False)
        manager.hear(beat(CorePhase.RUNNING, SECOND + 1))
        assert heard(listening)[0][:2] == ["READY=1", "WATCHDOG=1"]


@pytest.mark.parametrize("environment", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "relative"}])
def test_nobody_hears_where_nobody_asked(environment):
    assert ServiceManager.of(environment) is None


@pytest.mark.parametrize("waits", ["", "0", "x", "-5"])
def test_without_a_watchdog_there_is_a_notice_a_second(supervisor, waits):
    manager = manager_of({"NOTIFY_SOCKET": supervisor.getsockname(), "WATCHDOG_USEC": waits})
    for at in range(10):
        manager.hear(beat(CorePhase.RUNNING, at * SECOND // 4))
    assert len(heard(supervisor)) == 3


def test_a_name_without_a_file_is_an_address_too():
    name = f"alo-test-{id(object())}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0{name}")
        listening.setblocking(False)
        manager_of({"NOTIFY_SOCKET": f"@{name}"}).hear(beat(CorePhase.RUNNING, SECOND))
        assert heard(listening)


def test_a_core_tells_it_from_its_own_heartbeat(tmp_path: Path, supervisor):
    manager = manager_of({"NOTIFY_SOCKET": supervisor.getsockname(), "WATCHDOG_USEC": "200000"})
    process = CoreProcess(
        SETTINGS, Channel(tmp_path / "channel", slots=1 << 12, hear=manager.hear), tmp_path / "journal"
    )
    assert heard(supervisor) == [["STATUS=starting, frame 0, 0 overruns"]]
    process.run(20)
    process.close()
    told = heard(supervisor)
    assert told[0][:2] == ["READY=1", "WATCHDOG=1"]
    assert 3 <= sum("WATCHDOG=1" in each for each in told) <= 6  # in 0.2 s, which is the watchdog's time
    assert told[-1][0] == "STOPPING=1"
