"""What the monitor tells of runs, held against their journals; a core that is killed is seen."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from alo_lib.cli.project import ROOT
from alo_lib.journal import JOURNAL_FOLDER, Journal, orders_of, read_journal
from alo_lib.monitor import Monitor, MonitorError, Source, find_source
from alo_lib.monitor.terminal import drawn, duration
from alo_lib.records import Kind, OrderReason
from alo_lib.runtime.link import Channel
from alo_lib.runtime.remote import RemoteCore
from alo_lib.simulation import run_backtest
from alo_lib.transport import TransportError
from tests.core.seeds import SETTINGS, live
from tests.runtime.processes import END, FRAME, PATIENCE, SLOTS, by_hand, quotes_in, serve
from tests.simulation import tiny


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tiny.write(tmp_path_factory.mktemp("data"))
    folder = tmp_path_factory.mktemp("runs") / "20240315-embedded"
    folder.mkdir()
    return run_backtest(tiny.settings(), data, folder).folder


def journal_of(folder: Path) -> Journal:
    return read_journal(folder / JOURNAL_FOLDER)


def test_a_run_is_told_as_its_journal_has_it(run: Path) -> None:
    told, journal = Monitor(find_source(run, run.parent)).look().told, journal_of(run)
    assert (told["engine"], told["phase"], told["up"], told["mode"]) == ("embedded", "stopped", False, "normal")
    assert told["journal"]["messages"] == told["journal"]["durable"] == len(journal.messages)
    kinds = Counter(message.kind.name.lower() for message in journal.messages)
    assert told["journal"]["kinds"] == dict(kinds)
    orders = orders_of(journal.messages)
    assert [each["order"] for each in told["blotter"]] == [order.number for order in reversed(orders)]
    assert [each["price"] for each in told["blotter"]] == [order.price for order in reversed(orders)]
    held: Counter[str] = Counter()
    for order in orders:
        held[order.symbol.strip()] += order.filled
    assert sorted(each["quantity"] for each in told["positions"]) == sorted(filter(None, held.values()))
    last = [message.records for message in journal.messages if message.kind is Kind.EXPOSURE][-1]
    assert told["equity"] == told["greeks"][0]["equity"] == last[-1]["equity"]
    assert told["greeks"][0]["vega"] == pytest.approx(last[-1]["vega"] / 100)
    deltas = sum(each["delta"] for each in told["positions"])
    assert deltas == pytest.approx(told["greeks"][0]["delta"], abs=1e-6)
    intents = [row for message in journal.messages if message.kind is Kind.INTENT for row in message.records]
    decided = [each for each in told["decisions"] if each["what"] == "order"]
    assert [each["reason"] for each in reversed(decided)] == [OrderReason(row["reason"]).tag for row in intents]
    notices = sum(len(message.records) for message in journal.messages if message.kind is Kind.NOTICE)
    assert sum(each["what"] == "notice" for each in told["notices"]) == notices


def test_it_is_told_for_programs_and_drawn_on_wide_and_narrow_terminals(run: Path) -> None:
    command = [sys.executable, "-m", "alo_lib.cli", "monitor", str(run), "--once"]
    printed = subprocess.run([*command, "--json"], cwd=ROOT, capture_output=True, text=True, check=True)
    told = json.loads(printed.stdout)
    for width in (40, 60, 80, 160):
        screen = Console(file=StringIO(), width=width)
        screen.print(drawn(told, width))
        lines = screen.file.getvalue().splitlines()  # type: ignore[attr-defined]
        assert max(map(len, lines)) <= width
        text = "\n".join(lines)
        for word in ("stopped", "frame", "fsync", "max-margin", "hedge", "TINY"):
            assert word in text, (width, word)
    plain = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "stopped" in plain.stdout
    assert plain.stderr == ""


def test_quantiles_and_bars_are_of_the_same_values(run: Path) -> None:
    told = Monitor(find_source(run, run.parent)).look().told
    for each in told["latency"].values():
        counts = [count for _, count in each["histogram"]]
        assert sum(counts) == each["count"]
        if counts:
            ends = [end for end, _ in each["histogram"]]
            assert ends == sorted(ends)
            quantiles = [each[name] for name in ("min", "median", "p95", "p99", "p999", "max")]
            assert quantiles == sorted(quantiles)
            assert quantiles[-1] <= ends[-1]
            assert counts[0] * counts[-1] > 0


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(None, "–"), (0.0, "0 s"), (1.5, "1.5 s"), (0.0123, "12.3 ms"), (2e-6, "2 us"), (5e-9, "5 ns")],
)
def test_durations_are_in_the_unit_that_suits_them(seconds: float | None, told: str) -> None:
    assert duration(seconds) == told


def test_what_is_not_there_is_one_sentence(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alo_lib.runtime.link.default_folder", lambda: tmp_path / "memory")
    monkeypatch.setattr("alo_lib.monitor.source.default_folder", lambda: tmp_path / "memory")
    with pytest.raises(MonitorError, match="there is no core nothing, no run of that name in "):
        find_source(Path("nothing"), tmp_path)
    with pytest.raises(MonitorError, match="does not show how a run stands"):
        find_source(tmp_path, tmp_path)
    with pytest.raises(MonitorError, match=r"no core of .* runs, and no run in "):
        find_source(None, tmp_path)
    assert find_source(None, run.parent).folder == run
    assert find_source(Path(run.name), run.parent).folder == run


def test_queues_and_frames_of_a_core_process_are_told(tmp_path: Path) -> None:
    process, remote = by_hand(tmp_path, paced=False)
    monitor = Monitor(Source("desk", tmp_path / "channel", channel=True))
    try:
        assert monitor.look().told["phase"] == "starting"
        quotes_in(remote)
        waiting = monitor.look().told["queues"][0]
        assert (waiting["ring"], waiting["waiting"] > 0) == ("input", True)
        process.run(40)
        told = monitor.look().told
        assert (told["phase"], told["queues"][0]["waiting"]) == ("stopped", 0)
        assert told["frames"]["released"] == told["latency"]["release_lateness"]["count"] == 40
        assert told["frames"]["run"] == told["latency"]["frame"]["count"] == 1
        assert told["journal"]["messages"] == len(read_journal(tmp_path / "journal").messages)
    finally:
        monitor.close()
        process.close()


def test_a_core_process_that_trades_is_told_as_its_journal_has_it(tmp_path: Path) -> None:
    server = serve(tmp_path, ["s1"])
    try:
        place = tmp_path / "s1"
        remote = RemoteCore(SETTINGS, Channel(place, slots=SLOTS), paced=True, patience=PATIENCE)
        remote.attach(PATIENCE)
        monitor = Monitor(Source("s1", place, channel=True))
        assert monitor.look().told["up"]
        live(1, remote)
        remote.remark(END)
        server.communicate(timeout=PATIENCE)
        remote.stop()
        told, journal = monitor.look().told, read_journal(place / "journal")
        orders = [order for order in orders_of(journal.messages) if order.number]
        assert {each["order"] for each in told["blotter"]} == {order.number for order in orders}
        states = Counter(order.status.name.lower() for order in orders)
        assert {name: count for name, count in told["orders"].items() if count} == dict(states)
        asked = {message.time for message in journal.messages if message.kind is Kind.INTENT}
        assert told["latency"]["decision_to_order"]["count"] == len(asked) > 0
        frames = sum(message.kind is Kind.FRAME for message in journal.messages)
        assert told["frames"]["run"] == told["latency"]["frame"]["count"] == frames
        assert told["journal"]["messages"] == told["journal"]["durable"] == len(journal.messages)
        assert told["latency"]["fsync"]["count"] > 0
    finally:
        server.kill()
        server.communicate()


def running(source: Source) -> bool:
    try:
        return bool(Monitor(source).look().told["phase"] == "running")
    except (MonitorError, TransportError):  # it has not said anything yet
        return False


def test_a_killed_core_is_seen_within_two_frames_and_a_scrape_does_not_touch_it(tmp_path: Path) -> None:
    common = ["--folder", str(tmp_path / "shm"), "--journal", str(tmp_path / "journal"), "--priority", "0"]
    command = [sys.executable, "-m", "alo_lib.cli", "core", "one", *common, "--set", "underlyings=TEST"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            source = Source("one", tmp_path / "shm" / "one", channel=True)
            end = time.monotonic() + PATIENCE
            while not running(source):
                assert process.poll() is None, process.communicate()[1]
                assert time.monotonic() < end
                time.sleep(0.05)
            monitor = Monitor(source)
            while (told := monitor.look().told)["frames"]["released"] < 20:
                assert time.monotonic() < end
                time.sleep(0.05)
            assert told["pid"] == process.pid
            assert told["process"]["resident"] > 50_000_000
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            time.sleep(2 * FRAME / 1e9)
            assert monitor.look(journal=False).told["phase"] == "killed"
            assert not monitor.look().told["up"]
        finally:
            process.kill()
