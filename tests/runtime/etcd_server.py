"""Servers of etcd for tests: one of ours, whose clock and faults a test tells, and the real one where it is."""

import base64
import json
import shutil
import socket
import subprocess
import threading
import time as clocks
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest


class FakeEtcd:
    """Leases and keys by a clock in seconds. ``broken`` answers in a test's own way, where it answers at all."""

    def __init__(self, clock: Callable[[], float] = clocks.monotonic, *, least: int = 2) -> None:
        self.clock, self.least = clock, least
        self.leases: dict[int, tuple[float, int]] = {}  # when each ends, and its seconds
        self.keys: dict[str, tuple[str, int]] = {}
        self.asked: list[str] = []
        self.told: dict[str, Any] = {}  # with what it was asked last
        self.broken: Callable[[str], tuple[int, bytes] | None] = lambda what: None
        self._lock = threading.Lock()
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, told = fake.answer(self.path.removeprefix("/v3/"), body)
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", fake.url)
                self.end_headers()
                self.wfile.write(told)

            def log_message(self, *told: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def answer(self, what: str, body: dict[str, Any]) -> tuple[int, bytes]:
        with self._lock:
            self.asked.append(what)
            self.told = body
            if (told := self.broken(what)) is not None:
                return told
            self._expire()
            status, answer = getattr(self, f"_{what.replace('/', '_')}")(body)
            return status, json.dumps(answer).encode()

    def take_away(self, key: str, value: str = "") -> None:
        """As a person does who deletes a key, or gives it another value."""
        with self._lock:
            self.keys.pop(key)
            if value:
                self.keys[key] = value, 0

    def _expire(self) -> None:
        self.leases = {lease: each for lease, each in self.leases.items() if self.clock() < each[0]}
        self.keys = {key: each for key, each in self.keys.items() if each[1] in (0, *self.leases)}

    def _lease_grant(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        seconds = max(int(body["TTL"]), self.least)
        lease = 7_587_899_217_035_563_269 + len(self.asked)
        self.leases[lease] = self.clock() + seconds, seconds
        return 200, {"ID": str(lease), "TTL": str(seconds)}

    def _lease_keepalive(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        lease = int(body["ID"])
        if lease not in self.leases:
            return 200, {"result": {"ID": str(lease)}}
        seconds = self.leases[lease][1]
        self.leases[lease] = self.clock() + seconds, seconds
        return 200, {"result": {"ID": str(lease), "TTL": str(seconds)}}

    def _lease_revoke(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if self.leases.pop(int(body["ID"]), None) is None:
            return 404, {"message": "etcdserver: requested lease not found", "code": 5}
        self._expire()
        return 200, {}

    def _kv_range(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        key = base64.b64decode(body["key"]).decode()
        if key not in self.keys:
            return 200, {"header": {}}
        value, lease = self.keys[key]
        found = {"key": body["key"], "value": base64.b64encode(value.encode()).decode()}
        return 200, {"kvs": [found | ({"lease": str(lease)} if lease else {})], "count": "1"}

    def _kv_txn(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        put = body["success"][0]["request_put"]
        key = base64.b64decode(put["key"]).decode()
        if key in self.keys:
            return 200, {"header": {}}
        if int(put["lease"]) not in self.leases:
            return 404, {"message": "etcdserver: requested lease not found", "code": 5}
        self.keys[key] = base64.b64decode(put["value"]).decode(), int(put["lease"])
        return 200, {"succeeded": True, "responses": [{"response_put": {}}]}


@contextmanager
def real_etcd(folder: Path, address: str = "127.0.0.1", *options: str) -> Iterator[str]:
    """The URL of a server at an address of this machine. Skips where etcd is not installed."""
    program = shutil.which("etcd")
    if program is None:
        pytest.skip("etcd is not installed (Debian's etcd-server)")
    ports = [free_port(address) for _ in range(2)]
    client, peer = (f"http://{address}:{port}" for port in ports)
    command = [program, "--data-dir", str(folder / "etcd"), "--listen-client-urls", client]
    command += ["--advertise-client-urls", client, "--listen-peer-urls", peer, *options]
    command += ["--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}"]
    with (folder / "etcd.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        end = clocks.monotonic() + 60
        while not _healthy(client):
            assert server.poll() is None, (folder / "etcd.log").read_text()
            assert clocks.monotonic() < end
            clocks.sleep(0.05)
        yield client
    finally:
        server.kill()
        server.wait()


def _healthy(url: str) -> bool:
    try:
        with urlopen(f"{url}/health", timeout=1) as answer:
            return b"true" in answer.read()
    except OSError:
        return False


def free_port(address: str = "127.0.0.1") -> int:
    with socket.socket() as found:
        found.bind((address, 0))
        return int(found.getsockname()[1])
