"""Leadership across hosts: one process has it, and gives it up before another can."""

import os
import subprocess
import sys
import threading
import time as clocks
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from alo_lib.cli.project import ROOT
from alo_lib.records import SECOND
from alo_lib.runtime.etcd import Etcd, Held
from alo_lib.runtime.fence import FencedError
from alo_lib.runtime.leadership import Alone, Leadership, leadership_of
from alo_lib.settings import Settings, SettingsError
from tests.runtime.etcd_server import FakeEtcd

KEY = "alo/leader/desk"


class Hand:
    """A clock that a test moves; what it says is the same to a process and to etcd."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds

    def nanoseconds(self) -> int:
        return round(self.seconds * SECOND)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for long: what counts is the clock that a test moves."""
    monkeypatch.setattr("alo_lib.runtime.leadership._LOOKS", 60)
    monkeypatch.setattr("alo_lib.runtime.leadership._RENEWALS", 60)


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def etcd(hand: Hand) -> Iterator[FakeEtcd]:
    server = FakeEtcd(hand)
    yield server
    server.close()


@pytest.fixture
def leader(etcd: FakeEtcd, hand: Hand) -> Iterator[Callable[..., Leadership]]:
    """Makes leaderships on one etcd and one clock, each with what it ``said``."""
    made: list[Leadership] = []

    def make(said: list[str] | None = None, seconds: int = 2, hangs_after: float | None = None) -> Leadership:
        heard: list[str] = [] if said is None else said
        client = Etcd([etcd.url], 5.0, {})
        made.append(
            Leadership(client, "desk", seconds, hear=heard.append, hangs_after=hangs_after, clock=hand.nanoseconds)
        )
        made[-1].begin()
        return made[-1]

    yield make
    for each in made:
        each.end()


def soon(condition: Callable[[], bool]) -> None:
    end = clocks.monotonic() + 60
    while not condition():
        assert clocks.monotonic() < end
        clocks.sleep(0.01)


def answers(etcd: FakeEtcd) -> None:
    """Let every leadership ask once more, from beginning to end."""
    count = len(etcd.asked)
    soon(lambda: len(etcd.asked) > count + 3)


def test_one_leads_and_another_does_once_it_ends(etcd: FakeEtcd, leader: Callable[..., Leadership]) -> None:
    said: list[str] = []
    first = leader()
    assert first.wait(60)
    first.look()
    second = leader(said)
    soon(lambda: bool(said))
    assert said == [second.standing]
    assert said[0].startswith("process ")
    assert said[0].endswith(" leads 'desk'")
    assert not second.leads
    with pytest.raises(FencedError, match="leads 'desk' no more"):
        second.look()
    first.end()
    assert second.wait(60)
    with pytest.raises(FencedError, match="it has ended; another host may"):
        first.look()
    assert len(etcd.keys) == 1


def test_who_cannot_renew_leads_no_more_before_another_can(
    etcd: FakeEtcd, hand: Hand, leader: Callable[..., Leadership]
) -> None:
    said: list[str] = []
    first = leader(said)
    assert first.wait(60)
    granted = hand.seconds
    etcd.broken = lambda what: (503, b'{"message": "etcdserver: no leader"}')
    soon(lambda: "is not renewed" in said[-1])
    hand.seconds = granted + 1.79
    first.look()
    hand.seconds = granted + 1.81
    with pytest.raises(FencedError, match="no leader; another host may"):
        first.look()
    soon(lambda: "no more: its lease was not renewed" in said[-1])
    etcd.broken = lambda what: None
    assert etcd.answer("kv/range", {"key": "YWxvL2xlYWRlci9kZXNr"})[1].count(b"lease")  # etcd gives it to nobody yet
    second = leader()
    soon(lambda: second.standing.startswith("process"))
    assert not second.leads
    hand.seconds = granted + 2.01
    assert second.wait(60)
    assert not first.leads  # and never again


def test_it_counts_from_when_it_asked(etcd: FakeEtcd, hand: Hand, leader: Callable[..., Leadership]) -> None:
    """The answer comes seconds later: etcd may have begun to count before that."""

    def slow(what: str) -> None:
        if what == "lease/grant":
            hand.seconds += 5

    etcd.broken = slow
    first = leader(seconds=10)
    assert first.wait(60)
    etcd.broken = lambda what: (503, b"{}")
    hand.seconds = 1000 + 9.05
    assert not first.leads


def test_a_renewal_that_comes_late_goes_on(etcd: FakeEtcd, hand: Hand, leader: Callable[..., Leadership]) -> None:
    first = leader(seconds=4)
    assert first.wait(60)
    etcd.broken = lambda what: (503, b"{}")
    hand.seconds += 3
    etcd.broken = lambda what: None
    answers(etcd)
    hand.seconds += 3
    first.look()


@pytest.mark.parametrize("value", ["", "process 3 on host b"])
def test_a_key_that_was_taken_away(etcd: FakeEtcd, leader: Callable[..., Leadership], value: str) -> None:
    first = leader()
    assert first.wait(60)
    etcd.take_away(KEY, value)
    soon(lambda: not first.leads)
    with pytest.raises(FencedError, match="its key was taken away" + (f", and {value} has it" if value else "")):
        first.look()


def test_a_lease_that_etcd_has_lost(etcd: FakeEtcd, leader: Callable[..., Leadership]) -> None:
    first = leader()
    assert first.wait(60)
    etcd.leases.clear()
    soon(lambda: not first.leads)
    with pytest.raises(FencedError, match="its lease has ended"):
        first.look()


def test_an_answer_that_was_lost_leaves_the_lead_to_who_has_it(
    etcd: FakeEtcd, leader: Callable[..., Leadership]
) -> None:
    """The key was given, and what said so nobody heard."""
    lost: list[int] = []

    def lose(what: str) -> tuple[int, bytes] | None:
        if what != "kv/txn" or lost:
            return None
        lost.append(1)
        lease = next(iter(etcd.leases))
        etcd.keys[KEY] = "process 7 on host a", lease
        return 504, b""

    etcd.broken = lose
    first = leader()
    assert first.wait(60)
    assert len(etcd.leases) == 1


def test_a_server_that_renews_alone_makes_nobody_lead(etcd: FakeEtcd, leader: Callable[..., Leadership]) -> None:
    """It has lost the majority: it may renew a lease for a second, but cannot tell who has a key."""
    asked: list[str] = []

    def alone(what: str) -> tuple[int, bytes] | None:
        asked.append(what)
        if what == "kv/txn":  # given, and not told
            etcd.keys[KEY] = "this process", next(iter(etcd.leases))
            return 504, b""
        return (503, b"{}") if what == "kv/range" and "lease/keepalive" in asked else None

    etcd.broken = alone
    first = leader()
    soon(lambda: asked.count("kv/range") > 4)
    assert not first.leads
    etcd.broken = lambda what: None
    assert first.wait(60)


def test_whatever_befalls_the_thread_it_goes_on(
    etcd: FakeEtcd, leader: Callable[..., Leadership], monkeypatch: pytest.MonkeyPatch
) -> None:
    read, times = Etcd.read, []

    def fails(client: Etcd, key: str) -> Held | None:
        times.append(key)
        if len(times) < 3:
            raise RecursionError("too deep")
        return read(client, key)

    monkeypatch.setattr(Etcd, "read", fails)
    said: list[str] = []
    assert leader(said).wait(60)
    assert said[0] == "etcd does not tell who leads 'desk': RecursionError: too deep"


def test_who_leads_does_not_depend_on_whether_anybody_can_be_told(etcd: FakeEtcd, hand: Hand) -> None:
    def broken_pipe(sentence: str) -> None:
        raise BrokenPipeError

    first = Leadership(Etcd([etcd.url], 5.0, {}), "desk", 2, hear=broken_pipe, clock=hand.nanoseconds)
    first.begin()
    assert first.wait(60)
    etcd.broken = lambda what: (503, b"{}")
    soon(lambda: "status 503" in first.standing)
    etcd.broken = lambda what: None
    soon(lambda: first.standing.endswith(" leads 'desk'"))
    first.end()
    assert not etcd.keys


def test_a_renewal_that_fails_is_told_and_so_is_that_it_is_well_again(
    etcd: FakeEtcd, leader: Callable[..., Leadership]
) -> None:
    said: list[str] = []
    assert leader(said).wait(60)
    for _ in range(2):
        etcd.broken = lambda what: (503, b"{}")
        soon(lambda: "is not renewed" in said[-1])
        etcd.broken = lambda what: None
        soon(lambda: said[-1] == "the lease of 'desk' is renewed again")
    assert len(said) == 5


def test_who_stands_by_and_has_lost_the_lead_is_told_to_leave(
    etcd: FakeEtcd, leader: Callable[..., Leadership]
) -> None:
    """It would never lead again, and stand by for ever."""
    first = leader()
    assert first.wait(60)
    assert first.may_lead()
    second = leader()
    soon(lambda: second.standing.startswith("process"))
    assert not second.may_lead()
    etcd.leases.clear()
    soon(lambda: not first.leads)
    with pytest.raises(FencedError, match="its lease has ended"):
        first.may_lead()


def test_ending_does_not_wait_for_a_server_that_answers_bit_by_bit(
    etcd: FakeEtcd, hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alo_lib.runtime.leadership._LEAVING", 0.01)
    asked, answer = threading.Event(), threading.Event()
    said: list[str] = []

    def slow(what: str) -> None:
        if what == "lease/keepalive":
            asked.set()
            answer.wait(60)

    etcd.broken = slow
    first = Leadership(Etcd([etcd.url], 60.0, {}), "desk", 2, hear=said.append, clock=hand.nanoseconds)
    first.begin()
    assert asked.wait(60)
    first.end()
    assert not first.leads
    assert said[-1] == "the lease of 'desk' ends by itself within 2 s: etcd does not answer"
    answer.set()


@pytest.mark.slow
def test_who_hangs_leads_no_more_and_is_killed(tmp_path: Path, etcd: FakeEtcd, hand: Hand) -> None:
    """A process of its own: it beats once, and then does nothing."""
    program = tmp_path / "hangs.py"
    program.write_text(f"""
import time
from alo_lib.runtime.etcd import Etcd
from alo_lib.runtime.leadership import Leadership
etcd = Etcd(["{etcd.url}"], 5.0, {{}})
leadership = Leadership(etcd, "desk", 2, hear=lambda said: print(said, flush=True), hangs_after=0.2)
leadership.begin()
assert leadership.wait(60)
leadership.beat()
time.sleep(600)
""")
    ended = subprocess.run(
        [sys.executable, program],
        stdout=subprocess.PIPE,
        text=True,
        timeout=120,
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert ended.returncode == -9
    assert "gave no sign of life for 0.2 s" in ended.stdout
    assert "did not leave, and kills itself" in ended.stdout


def test_a_core_has_to_show_that_it_lives_once_it_has_begun(
    etcd: FakeEtcd, hand: Hand, leader: Callable[..., Leadership]
) -> None:
    first = leader(hangs_after=0.5)
    assert first.wait(60)
    for _ in range(3):
        hand.seconds += 1.5  # two thirds of its lease
        answers(etcd)
        first.look()
    first.beat()
    hand.seconds += 1.5
    soon(lambda: "no sign of life for 0.5 s" in first.standing)
    first.look()
    hand.seconds += 0.5
    with pytest.raises(FencedError, match=r"no sign of life for 0.5 s; another host may"):
        first.look()
    first.end()


@pytest.mark.parametrize(
    "value",
    ["desk", "desk@", "desk@h:1", "desk@ftp://h:1", "desk@http://h", "@http://h:1", "a b@http://h:1", "d@http://h:1/p"],
)
def test_settings_that_name_no_lease(value: str) -> None:
    with pytest.raises(SettingsError, match="leader-lease is"):
        Settings.of({"leader-lease": value})


def test_settings_that_do() -> None:
    assert isinstance(leadership_of(Settings.of({}), print), Alone)
    found = leadership_of(Settings.of({"leader-lease": "desk@http://[::1]:2379,https://etcd-2.example:2379"}), print)
    assert isinstance(found, Leadership)
    assert found._etcd._endpoints == ["http://[::1]:2379", "https://etcd-2.example:2379"]
