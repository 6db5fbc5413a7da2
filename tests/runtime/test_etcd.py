"""The client of etcd: what it asks, and what it makes of answers that are none."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from alo_lib.runtime.etcd import Etcd, EtcdError, Held
from tests.runtime.etcd_server import FakeEtcd, free_port, real_etcd


@pytest.fixture
def etcd() -> Iterator[FakeEtcd]:
    server = FakeEtcd()
    yield server
    server.close()


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (200, b"", "answers what is no answer of etcd"),
        (200, b"[1]", "answers what is no answer of etcd"),
        (200, b"[" * 10_000, "answers what is no answer of etcd"),
        (200, b"\xff\xfe", "answers what is no answer of etcd"),
        (404, b"page not found\n", "answers with status 404: page not found"),
        (500, json.dumps({"message": "a\nb" + "x" * 500}).encode(), "answers: ab" + "x" * 198),
        (400, b'{"message": "etcdserver: user name is empty", "code": 3}', "refuses: etcdserver: user name is empty"),
        (503, b'{"error": {"grpc_code": 14, "message": "etcdserver: no leader"}}', "answers: etcdserver: no leader"),
        (404, b"{}", "refuses: status 404"),
        (302, b"", "answers with status 302"),
    ],
)
def test_answers_that_are_none(etcd: FakeEtcd, status: int, body: bytes, sentence: str) -> None:
    etcd.broken = lambda what: (status, body)
    with pytest.raises(EtcdError) as told:
        Etcd([etcd.url], 5.0, {}).read("a")
    assert str(told.value) == f"{etcd.url} {sentence}"


@pytest.mark.parametrize("body", [b"{}", b'{"ID": "3"}', b'{"TTL": "9"}', b'{"ID": [], "TTL": "9"}'])
def test_no_key_is_given_a_lease_that_is_none(etcd: FakeEtcd, body: bytes) -> None:
    """It would stay for ever."""
    etcd.broken = lambda what: (200, body)
    with pytest.raises(EtcdError, match="answers what is no answer of etcd"):
        Etcd([etcd.url], 5.0, {}).grant(9)


def test_a_renewal_that_fails_is_no_lease_that_has_ended(etcd: FakeEtcd) -> None:
    etcd.broken = lambda what: (200, b'{"error": {"grpc_code": 14}}')
    with pytest.raises(EtcdError, match="answers what is no answer of etcd"):
        Etcd([etcd.url], 5.0, {}).keep_alive(3)


@pytest.mark.parametrize("url", ["http://a..b:2379", f"http://{'a' * 70}:2379", "http://[::12:]:2379"])
def test_a_host_that_is_none_does_not_answer(url: str) -> None:
    with pytest.raises(EtcdError, match=r"does not answer \("):
        Etcd([url], 5.0, {}).read("a")


@pytest.mark.parametrize("user", [{"ETCDCTL_USER": "a:b:c"}, {"ETCDCTL_USER": "a", "ETCDCTL_PASSWORD": "b:c"}])
def test_a_user_is_told_as_to_etcdctl(etcd: FakeEtcd, user: dict[str, str]) -> None:
    etcd.broken = lambda what: (400, b"{}")
    with pytest.raises(EtcdError, match="status 400"):
        Etcd([etcd.url], 5.0, user).read("a")
    assert etcd.told == {"name": "a", "password": "b:c"}


@pytest.mark.parametrize("token", ['""', "3", '"a\\nb"', '"\\u20ac"'])
def test_a_token_that_is_none(etcd: FakeEtcd, token: str) -> None:
    etcd.broken = lambda what: (200, f'{{"token": {token}}}'.encode())
    with pytest.raises(EtcdError, match="answers what is no answer of etcd"):
        Etcd([etcd.url], 5.0, {"ETCDCTL_USER": "a:b"}).read("a")


@pytest.mark.parametrize("code", [3, 16])
def test_a_token_that_is_refused_is_asked_for_again(etcd: FakeEtcd, code: int) -> None:
    """It has ended, or users were changed since."""
    asked: list[str] = []

    def users(what: str) -> tuple[int, bytes] | None:
        asked.append(what)
        if what == "auth/authenticate":
            return 200, b'{"token": "t"}'
        return (400, f'{{"code": {code}}}'.encode()) if asked.count("kv/range") == 1 else None

    etcd.broken = users
    assert Etcd([etcd.url], 5.0, {"ETCDCTL_USER": "a:b"}).read("a") is None
    assert asked == ["auth/authenticate", "kv/range"] * 2


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
