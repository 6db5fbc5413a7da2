"""Leadership across hosts: one process has it, and gives it up before another can."""

import json
import os
import subprocess
import sys
import time as clocks
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from alo_lib.cli.project import ROOT
from alo_lib.records import SECOND
from alo_lib.runtime.etcd import Etcd, EtcdError, Held
from alo_lib.runtime.fence import FencedError
from alo_lib.runtime.leadership import Alone, Leadership, leadership_of
from alo_lib.settings import Settings, SettingsError
from tests.runtime.etcd_server import FakeEtcd, free_port, real_etcd

KEY = "alo/leader/desk"


class Hand:
    """A clock that a test moves; what it says is the same to a process and to etcd."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds

    def nanoseconds(self) -> int:
        return round(self.seconds * SECOND)


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
    ("status", "body", "sentence"),
    [
        (200, b"", "answers what is no answer of etcd"),
        (200, b"[1]", "answers what is no answer of etcd"),
        (200, b"[" * 10_000, "answers what is no answer of etcd"),
        (200, b"\xff\xfe", "answers what is no answer of etcd"),
        (404, b"page not found", "answers with status 404"),
        (500, json.dumps({"message": "a\nb" + "x" * 500}).encode(), "answers: ab" + "x" * 198),
        (400, b'{"message": "etcdserver: user name is empty", "code": 3}', "refuses: etcdserver: user name is empty"),
    ],
)
def test_answers_that_are_none(etcd: FakeEtcd, status: int, body: bytes, sentence: str) -> None:
    etcd.broken = lambda what: (status, body)
    with pytest.raises(EtcdError) as told:
        Etcd([etcd.url], 5.0, {}).read("a")
    assert str(told.value) == f"{etcd.url} {sentence}"


@pytest.mark.parametrize("body", [b'{"kvs": 3}', b'{"kvs": [3]}', b"{}", b'{"kvs": []}'])
def test_a_key_that_is_told_oddly_is_none(etcd: FakeEtcd, body: bytes) -> None:
    etcd.broken = lambda what: (200, body)
    assert Etcd([etcd.url], 5.0, {}).read("a") is None


def test_what_a_key_has_is_quoted_in_part_and_no_escape_of_terminals_is(etcd: FakeEtcd) -> None:
    etcd.keys["a"] = "\x1b[31mred\n" + "y" * 500, 0
    assert Etcd([etcd.url], 5.0, {}).read("a") == Held("[31mred" + "y" * 193, 0)


def test_servers_are_asked_in_turn(etcd: FakeEtcd) -> None:
    dead = f"http://127.0.0.1:{free_port()}"
    client = Etcd([dead, etcd.url], 5.0, {"http_proxy": dead})
    assert client.read("a") is None
    assert client._endpoints == [etcd.url, dead]
    etcd.close()
    with pytest.raises(EtcdError, match=rf"{etcd.url} does not answer \(.*\); {dead} does not answer \(Connection"):
        client.read("a")


def test_certificates_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "authority.pem").write_text("no certificate")
    with pytest.raises(EtcdError, match=r"the certificates of etcd cannot be read: .*authority\.pem: "):
        Etcd(["https://h:1"], 1.0, {"ETCDCTL_CACERT": str(tmp_path / "authority.pem")})


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


@pytest.mark.slow
def test_the_real_etcd_with_users(tmp_path: Path) -> None:
    with real_etcd(tmp_path) as url:
        client = Etcd([url], 5.0, {})
        granted = client.grant(1)
        assert granted.seconds >= 2
        assert client.create("a", "x", granted.lease)
        assert not client.create("a", "y", granted.lease)
        assert client.read("a") == Held("x", granted.lease)
        assert client.keep_alive(granted.lease) == granted.seconds
        client.revoke(granted.lease)
        client.revoke(granted.lease)
        assert client.read("a") is None
        assert client.keep_alive(granted.lease) == 0
        with pytest.raises(EtcdError, match="requested lease not found"):
            client.create("a", "x", granted.lease)

        for what, asked in (
            ("user/add", {"name": "root", "password": "secret"}),
            ("user/grant", {"user": "root", "role": "root"}),
            ("enable", {}),
        ):
            client._ask(f"auth/{what}", asked)
        with pytest.raises(EtcdError, match=r"refuses: .*user name is empty"):
            client.read("a")
        with pytest.raises(EtcdError, match="authentication failed"):
            Etcd([url], 5.0, {"ETCDCTL_USER": "root:wrong"}).read("a")
        user = Etcd([url], 5.0, {"ETCDCTL_USER": "root:secret"})
        assert user.read("a") is None
        user._token = "one that has ended"
        assert user.read("a") is None
