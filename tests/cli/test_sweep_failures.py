"""A sweep whose workers, nodes and own process are killed: nothing is lost, nothing is there twice.

Each runs in processes of its own on Ray, on this machine: two nodes are two ``ray start``.
"""

import datetime as dt
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from alo_lib.cli.project import ROOT
from alo_lib.market.generator import MarketTruth, generate_market
from alo_lib.market.generator.dynamics import Garch
from alo_lib.market.generator.truth import Edge, NameTruth

pytest.importorskip("ray", reason="ray is in requirements/sweep.txt and not installed here")
pytest.importorskip("pyarrow", reason="pyarrow is in requirements/sweep.txt and not installed here")

pytestmark = pytest.mark.slow

AXES = (
    "--window",
    "2024-01-02..2024-01-12",
    "--by",
    "net-profit",
    "--set",
    "resolution=hour",
    "--set",
    "entry-edge=0,0.01,0.02",
    "--set",
    "hedge-band=0.05,0.1",
)
TRIALS = 6
PATIENCE = 240.0


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sweep") / "data"
    name = NameTruth(ticker="ALFA", dynamics=Garch(volatility=0.24), edge=Edge(mean=0.03))
    days = {"start": dt.date(2024, 1, 2), "end": dt.date(2024, 1, 12)}
    generate_market(folder, MarketTruth(**days, quote_minutes=60, names=(name,)))
    return folder


@pytest.fixture(scope="module")
def undisturbed(market: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The sweep as nothing happens to it, on one core."""
    return finished(begun(market, tmp_path_factory.mktemp("undisturbed") / "sweep", "--workers", "1"))


def begun(market: Path, output: Path, *arguments: str) -> "subprocess.Popen[str]":
    given = ("--data", str(market), "--underlying", "ALFA", "--output", str(output), "--json", *AXES, *arguments)
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "alo_lib.cli", "sweep", *given],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(sweep: "subprocess.Popen[str]") -> dict[str, Any]:
    out, err = sweep.communicate(timeout=2 * PATIENCE)
    assert sweep.returncode == 0, err
    told: dict[str, Any] = json.loads(out)
    return told


def until(holds: Callable[[], Any], what: str) -> Any:
    """What ``holds`` gives as soon as it is anything."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if found := holds():
            return found
        time.sleep(0.1)
    raise AssertionError(f"it did not come to that {what}")


def ended(output: Path) -> list[Path]:
    return sorted(path for path in (output / "trials").glob("[0-9]*") if path.suffix != ".partial")


def under_way(output: Path) -> list[Path]:
    return sorted((output / "trials").glob("*.partial"))


def children(process: int) -> dict[int, str]:
    """Processes below one, with what they were started as."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    below, new = set[int](), {process}
    while new := {each for each, parent in parents.items() if parent in new} - below:
        below |= new
    found = {}
    for each in below:
        try:
            found[each] = Path(f"/proc/{each}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
    return found


def workers(process: int) -> list[int]:
    """Those of its Ray workers that run a trial."""
    return [each for each, command in children(process).items() if command.startswith("ray::run_trial")]


def require_the_same(told: dict[str, Any], undisturbed: dict[str, Any], output: Path) -> None:
    """Each trial once, with the figures that it has when nothing happens."""
    assert [each["trial"] for each in told["trials"]] == list(range(TRIALS))
    assert [each["why"] for each in told["trials"] if each["state"] != "done"] == []
    for name in ("journal_digest", "order_digest", "net_profit"):
        assert [each["figures"][name] for each in told["trials"]] == [
            each["figures"][name] for each in undisturbed["trials"]
        ]
    assert (told["best"], told["overfitting"]) == (undisturbed["best"], undisturbed["overfitting"])
    assert [path.name for path in ended(output)] == [f"{number:06d}" for number in range(TRIALS)]
    assert under_way(output) == []


def test_a_sweep_that_was_killed_goes_on(market: Path, undisturbed: dict[str, Any], tmp_path: Path) -> None:
    output = tmp_path / "sweep"
    first = begun(market, output, "--workers", "1")
    until(lambda: len(ended(output)) >= 2 and under_way(output), "trials had ended and one was under way")
    first.send_signal(signal.SIGKILL)
    first.communicate()
    kept = {path.name: path.stat().st_ino for path in ended(output)}
    assert 2 <= len(kept) < TRIALS
    told = finished(begun(market, output, "--workers", "1"))
    require_the_same(told, undisturbed, output)
    assert {path.name: path.stat().st_ino for path in ended(output)}.items() >= kept.items()  # not run again


def test_an_interrupted_sweep_says_how_to_go_on(market: Path, undisturbed: dict[str, Any], tmp_path: Path) -> None:
    output = tmp_path / "sweep"
    first = begun(market, output, "--workers", "1")
    until(lambda: ended(output), "a trial had ended")
    first.send_signal(signal.SIGTERM)
    _, err = first.communicate(timeout=PATIENCE)
    assert first.returncode == 128 + signal.SIGTERM
    assert err.splitlines()[-1].endswith("the same command goes on with it")
    require_the_same(finished(begun(market, output, "--workers", "1")), undisturbed, output)


@contextmanager
def node(*arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A node of a Ray cluster on this machine, for as long as this lasts; one core."""
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--num-cpus=1", "--disable-usage-stats"]
    small = ("--object-store-memory=100000000", "--node-ip-address=127.0.0.1")
    started = subprocess.Popen(
        [*command, *small, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), "RAY_enable_metrics_collection": "0"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield started
    finally:
        for each in [*children(started.pid), started.pid]:
            try:
                os.kill(each, signal.SIGKILL)
            except ProcessLookupError:
                continue
        started.wait()


def raylet(started: "subprocess.Popen[bytes]") -> int | None:
    return next((each for each, command in children(started.pid).items() if "raylet/raylet " in command), None)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def test_a_worker_and_a_node_that_are_killed_lose_nothing(
    market: Path, undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    output, address = tmp_path / "sweep", f"127.0.0.1:{free_port()}"
    head_arguments = ("--head", f"--port={address.rpartition(':')[2]}", "--include-dashboard=false")
    with node(*head_arguments) as head:
        until(lambda: raylet(head), "the first node ran")
        sweep = begun(market, output, "--address", address)
        until(lambda: workers(head.pid), "the command had joined the first node")
        with node(f"--address={address}") as second:
            until(lambda: workers(head.pid) and workers(second.pid), "both nodes were at work")
            os.kill(workers(head.pid)[0], signal.SIGKILL)
            until(lambda: ended(output), "a trial had ended")
            until(lambda: workers(second.pid), "the second node was at work again")
            lost = raylet(second)
            assert lost is not None
            os.kill(lost, signal.SIGKILL)
            assert len(ended(output)) < TRIALS, "all had ended before the node was killed"
            told = finished(sweep)
    require_the_same(told, undisturbed, output)
