"""The monitor's server with a core running: metrics, probes, streams, and what clients may do to it."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from prometheus_client.parser import text_string_to_metric_families

from alo_lib.cli.project import ROOT
from alo_lib.journal import JOURNAL_FOLDER, JournalError, orders_of, read_journal
from alo_lib.records import Kind
from alo_lib.settings import SettingsError
from alo_lib.simulation import run_backtest
from alo_lib.views.run import RunError
from tests.monitor.live_page import LivePage
from tests.runtime.processes import PATIENCE
from tests.simulation import tiny
from tests.views.browser import BROWSER

pytest.importorskip("uvicorn", reason="uvicorn is in requirements/serve.txt and not installed here")
pytest.importorskip("starlette", reason="starlette is in requirements/serve.txt and not installed here")

from alo_lib.monitor.server import ListenError, application, listening_of
from alo_lib.monitor.view import Seen
from alo_lib.monitor.watching import Watching

in_a_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed, which would open the page")
TEN_HOURS = 36_000


class Served(NamedTuple):
    process: "subprocess.Popen[str]"
    url: str
    port: int

    def get(self, path: str, **headers: str) -> tuple[int, bytes]:
        request = urllib.request.Request(self.url + path, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def told(self) -> dict[str, Any]:
        return json.loads(self.get("state.json")[1])


def serving(*arguments: str) -> Served:
    command = [sys.executable, "-m", "alo_lib.cli", "monitor", *arguments, "--serve", "--listen", "127.0.0.1:0"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    assert url.startswith("http://127.0.0.1:")
    return Served(process, url, int(url.rstrip("/").rpartition(":")[2]))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tiny.write(tmp_path_factory.mktemp("data"))
    return run_backtest(tiny.settings(), data, tmp_path_factory.mktemp("run")).folder


@pytest.fixture(scope="module")
def served(run: Path) -> Iterator[Served]:
    found = serving(str(run))
    try:
        until = time.monotonic() + PATIENCE
        while not found.told() and time.monotonic() < until:
            time.sleep(0.05)
        yield found
    finally:
        found.process.kill()
        found.process.communicate()


def documented() -> dict[str, tuple[str, set[str]]]:
    """Type and labels of each metric by the document's tables."""
    rows = re.findall(r"^\| `(alo_\w+)` \| (\w+) \|([^|]*)\|", (ROOT / "docs/telemetry.md").read_text(), re.MULTILINE)
    return {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}


def test_metrics_are_those_of_the_document_and_of_the_journal(served: Served, run: Path) -> None:
    status, content = served.get("metrics")
    assert status == 200
    families = {each.name: each for each in text_string_to_metric_families(content.decode())}
    told = {}
    for name, family in families.items():
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        told[f"{name}_total" if family.type == "counter" else name] = (family.type, labels)
    names = documented()
    assert set(told) == set(names) - {"alo_release_lateness_seconds"}  # nothing releases its frames
    for name, (kind, labels) in told.items():
        assert names[name][0] == kind, name
        assert labels <= names[name][1], name
        if families[name.removesuffix("_total") if kind == "counter" else name].samples:
            assert labels == names[name][1], name
    journal = read_journal(run / JOURNAL_FOLDER)
    values = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in families.values()
        for sample in family.samples
    }
    assert values["alo_journal_messages_total",] == len(journal.messages)
    frames = sum(message.kind is Kind.FRAME for message in journal.messages)
    assert values["alo_frames_run_total",] == values["alo_frame_seconds_count",] == frames
    assert values["alo_messages_total", "intent"] == sum(each.kind is Kind.INTENT for each in journal.messages)
    assert values["alo_orders", "filled"] == len(orders_of(journal.messages))
    last = [message.records for message in journal.messages if message.kind is Kind.EXPOSURE][-1]
    assert values["alo_equity",] == last["equity"][-1]
    assert values["alo_greek", "TINY", "theta"] == pytest.approx(last["theta"][-1] / 365)
    buckets = [sample for sample in families["alo_frame_seconds"].samples if sample.name.endswith("_bucket")]
    counts = [sample.value for sample in buckets]
    assert counts == sorted(counts)
    assert counts[-1] == frames


def test_probes_and_refusals(served: Served) -> None:
    assert served.get("health") == (200, b'{"healthy":true}')
    status, content = served.get("ready")
    assert (status, json.loads(content)["phase"]) == (503, "stopped")
    assert served.get("nothing")[0] == 404
    assert served.get("../../etc/passwd")[0] == 404
    assert served.get("state.json", Host="evil.example")[0] == 400
    assert served.get("%2e%2e/%00?x=" + "a" * 5000)[0] == 404
    for method in ("POST", "PUT", "DELETE"):
        request = urllib.request.Request(served.url + "state.json", data=b"x" * 100_000, method=method)
        with pytest.raises(urllib.error.HTTPError, match="405"):
            urllib.request.urlopen(request, timeout=PATIENCE)
    risk = json.loads(served.get("risk.json")[1])
    assert len(risk["ladder"]["together"][0][0]) == len(risk["ladder"]["spot_moves"])
    with urllib.request.urlopen(served.url, timeout=PATIENCE) as answer:
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert b"http" not in answer.read().replace(b"http-equiv", b"")  # nothing comes from elsewhere


@pytest.mark.parametrize(
    ("text", "listening"),
    [("127.0.0.1:80", ("127.0.0.1", 80)), ("localhost:0", ("localhost", 0)), ("[::1]:9", ("::1", 9))],
)
def test_addresses_are_read(text: str, listening: tuple[str, int]) -> None:
    found = listening_of(text)
    assert found == listening
    assert "*" not in found.hosts
    assert list(listening_of("0.0.0.0:1").hosts) == ["*"]


@pytest.mark.parametrize(
    "text", ["", "80", "127.0.0.1", "127.0.0.1:65536", "127.0.0.1:-1", "a.b:80", "x\r\ny:80", ":80"]
)
def test_addresses_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ListenError, match="must be an address and a port"):
        listening_of(text)


@pytest.mark.parametrize(
    ("line", "host", "status"),
    [
        ("GET /nothing", "localhost", 404),
        ("POST /state.json", "localhost", 405),
        ("GET /", "evil.example", 400),
        ("GET /health", "localhost", 200),
    ],
)
def test_every_response_ends_its_connection_and_says_what_a_page_may(
    served: Served, line: str, host: str, status: int
) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE) as client:
        client.sendall(f"{line} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        answer = b""
        while part := client.recv(65_536):  # to its end
            answer += part
    head = answer.partition(b"\r\n\r\n")[0].lower()
    assert head.startswith(f"http/1.1 {status} ".encode())
    for header in (b"connection: close", b"x-content-type-options: nosniff", b"content-security-policy: default-src"):
        assert head.count(header) == 1


def event_of(client: socket.socket) -> dict[str, Any]:
    told = b""
    while b"\n\n" not in told.partition(b"data: ")[2]:
        part = client.recv(65_536)
        assert part
        told += part
    body = re.sub(rb"\r\n[0-9a-f]+\r\n", b"", told.partition(b"data: ")[2])
    return json.loads(body.partition(b"\n\n")[0])


def test_a_thousand_streams_slow_and_oversized_clients_are_survived(served: Served) -> None:
    clients = []
    try:
        for _ in range(1_000):
            client = socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE)
            client.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            clients.append(client)
        slow = socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE)
        clients.append(slow)
        slow.sendall(b"GET /state.json HT")  # and no more
        large = socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE)
        clients.append(large)
        large.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
        answer = b""
        try:
            for _ in range(200):
                large.sendall(b"y" * 1_000)
            answer = large.recv(100)
        except OSError:  # let go of before it was done
            pass
        assert not answer or b"400" in answer
        assert event_of(clients[0])["name"] == event_of(clients[999])["name"]
        until = time.monotonic() + 30
        while (found := served.get("metrics")[1]).find(b"alo_monitor_streams 1000.0") < 0:
            assert time.monotonic() < until, found[-200:]
            time.sleep(0.2)
        assert served.get("health")[0] == 200
        slow.settimeout(30)
        assert slow.recv(100) == b""  # let go of, and who asked in time is not
        assert b"alo_monitor_streams 1000.0" in served.get("metrics")[1]
    finally:
        for client in clients:
            client.close()
    until = time.monotonic() + 30
    while b"alo_monitor_streams 0.0" not in served.get("metrics")[1]:
        assert time.monotonic() < until
        time.sleep(0.2)


@in_a_browser
@pytest.mark.parametrize(("width", "dark"), [(1400, False), (390, True)])
def test_the_page_shows_the_journals_figures(served: Served, run: Path, width: int, dark: bool) -> None:
    with LivePage(served.url, width=width, dark=dark) as page:
        page.wait_for("document.querySelectorAll('tr').length > 20")
        page.evaluate("document.getElementById('risk').scrollIntoView()")
        page.wait_for("document.querySelectorAll('#stress td').length > 10")
        text, shown = page.evaluate("document.body.innerText"), page.evaluate("document.body.innerHTML")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        million = "document.querySelectorAll('.card b').forEach(node => { node.textContent = '$1,011,474.64'; })"
        fits = "[...document.querySelectorAll('.card b')].every(node => node.scrollWidth <= node.clientWidth)"
        assert page.evaluate(f"{million}; {fits}")
        total = page.evaluate("document.getElementById('sum').textContent")
        bars = page.evaluate("document.querySelectorAll('#times rect').length")
        assert page.said == []
    journal = read_journal(run / JOURNAL_FOLDER)
    last = [message.records for message in journal.messages if message.kind is Kind.EXPOSURE][-1]
    equity = float(last["equity"][-1])
    assert f"${equity:,.2f}" in text
    profit = equity - tiny.settings().cash
    assert total == f"{'−' if profit < 0 else ''}${abs(profit):,.2f}"
    assert f"{len(journal.messages):,} messages" in text
    for order in orders_of(journal.messages):
        assert f">{order.price:,.2f}<" in shown
    assert bars > 20
    assert "stopped" in text


@in_a_browser
@pytest.mark.parametrize("updates", [200, pytest.param(TEN_HOURS, marks=pytest.mark.slow)])
def test_updates_do_not_grow_the_pages_memory(served: Served, updates: int) -> None:
    """Of one update a second, ten hours of them, or the first minutes, one after the other.

    Each draws every part anew. Tables are cut to a few rows: what an update would leave behind is left behind by those,
    and eight bytes an update are seen.
    """
    cut = """const cut = value => Array.isArray(value) ? value.slice(0, 3).map(cut)
        : value && typeof value === 'object' ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, cut(v)]))
        : value;
        fetch('state.json').then(answer => answer.json()).then(told => { window.told = cut(told);
        window.told.latency = Object.fromEntries(Object.entries(told.latency).slice(0, 2).map(([k, v]) => [k, cut(v)]));
        })"""
    update = """for (let i = 0; i < 200; i++) { const at = String(++window.count).padStart(19, '0'); told.equity += 1;
        for (const rows of [told.blotter, told.decisions, told.notices]) for (const row of rows) row.time = at;
        told.profit.theta = window.count; told.greeks[0].delta = window.count; told.journal.messages += 1;
        told.frames.run += 1; show(JSON.parse(JSON.stringify(told))); }"""
    with LivePage(served.url) as page:
        page.wait_for("document.querySelectorAll('tr').length > 20")
        page.evaluate("source.close()")
        page.evaluate(cut)
        page.evaluate("window.count = 0")
        page.evaluate(update)
        before, nodes = page.heap(), page.evaluate("document.querySelectorAll('*').length")
        for _ in range(updates // 200):
            page.evaluate(update)
        assert page.heap() < before + 300_000
        assert page.evaluate("document.querySelectorAll('*').length") == nodes
        assert page.evaluate("document.body.innerText").count(f"{updates + 200:019}") >= 2
        assert page.said == []


class Dying:
    """A monitor of a run whose process is gone after the first look."""

    frame_seconds = 0.001

    def __init__(self) -> None:
        self.looks = 0

    @property
    def alive(self) -> bool:
        return self.looks == 0

    def look(self) -> Seen:
        self.looks += 1
        return Seen({"up": self.looks == 1}, None)  # type: ignore[arg-type]


def test_a_process_that_goes_is_looked_for_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alo_lib.monitor.watching._EVERY", 1e9)

    async def watch() -> bytes:
        watching = Watching(Dying())  # type: ignore[arg-type]
        task = asyncio.create_task(watching.run())
        assert await watching.next(1, PATIENCE) == 2  # the second look, for which nothing else is a reason
        task.cancel()
        return watching.latest

    assert json.loads(asyncio.run(watch())) == {"up": False, "problem": ""}


def test_a_risk_that_cannot_be_reckoned_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    async def failing(self: Watching) -> dict[str, Any]:
        raise error

    monkeypatch.setattr(Watching, "risk", failing)
    routes = application(Watching(Dying())).routes  # type: ignore[arg-type]
    (risk,) = (route.endpoint for route in routes if route.path == "/risk.json")
    for error in (RunError("no book"), JournalError("damaged"), SettingsError("max-vega is 'x'; a number is needed")):
        answer = asyncio.run(risk(None))
        assert (answer.status_code, json.loads(answer.body)) == (503, {"problem": str(error)})


def test_a_core_is_served_and_its_kill_told_within_two_frames(tmp_path: Path) -> None:
    common = ["--folder", str(tmp_path / "shm"), "--journal", str(tmp_path / "journal"), "--priority", "0"]
    command = [sys.executable, "-m", "alo_lib.cli", "core", "one", *common, "--set", "underlyings=TEST"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as core:
        served = None
        try:
            until = time.monotonic() + PATIENCE
            while not (tmp_path / "shm" / "one" / "telemetry.state").exists():
                assert core.poll() is None, core.communicate()[1]
                assert time.monotonic() < until
                time.sleep(0.05)
            served = serving(str(tmp_path / "shm" / "one"))
            while served.get("ready")[0] != 200:
                assert time.monotonic() < until
                time.sleep(0.1)
            assert served.told()["pid"] == core.pid
            assert b"alo_release_lateness_seconds_count " in served.get("metrics")[1]
            with socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE) as client:
                client.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert event_of(client)["phase"] == "running"
                os.kill(core.pid, signal.SIGKILL)
                core.wait()
                phases = [event_of(client)["phase"]]
                while phases[-1] != "killed":
                    phases.append(event_of(client)["phase"])
                assert set(phases[:-1]) <= {"running"}
                assert len(phases) <= 3  # one event that waited and one on its way may come before
            assert served.get("ready")[0] == 503
            assert b'alo_phase{phase="killed"} 1.0' in served.get("metrics")[1]
        finally:
            core.kill()
            if served is not None:
                served.process.kill()
                served.process.communicate()
