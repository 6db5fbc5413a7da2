"""The main job on real data: the same decisions on every engine, the same bytes on every run."""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from alo_lib.cli.engines.base import EngineRun
from alo_lib.cli.engines.embedded import EmbeddedEngine
from alo_lib.cli.engines.native import NativeEngine
from alo_lib.cli.failures import EngineError
from alo_lib.cli.project import ROOT
from alo_lib.journal import (
    JOURNAL_FOLDER,
    Journal,
    message_digest,
    order_digest,
    orders_of,
    read_journal,
    take_from_object_store,
)
from alo_lib.records import ACCOUNT_CASH, HOUR, Kind, OrderType
from alo_lib.runtime import replay
from alo_lib.runtime.link import Channel, channel_folder
from alo_lib.settings import Settings
from alo_lib.simulation import require_data
from tests.models.lean_run import run_in_lean

EXPECTED = Path(__file__).with_name("expected_orders.json")
SWAPPED = Path(__file__).with_name("swapped_algorithm.py")
JOBS = {
    "GOOG minute": {"underlyings": "GOOG", "start": "2015-12-24", "end": "2015-12-24"},
    "AAPL hour, through its split": {
        "underlyings": "AAPL",
        "start": "2014-06-06",
        "end": "2014-06-09",
        "resolution": "hour",
    },
}
FIRST_DAYS = {
    "a split's": {"underlyings": "AAPL", "start": "2014-06-09", "end": "2014-06-09", "resolution": "hour"},
    "a spin-off's and a new name's": {
        "underlyings": "FOXA",
        "start": "2013-07-01",
        "end": "2013-07-02",
        "min_coverage": "0",
    },
}
"""Runs that begin on such a day; the second one's data end with a bar."""

MONDAY = 1_402_272_000_000_000_000
"""2014-06-09, the day of AAPL's split."""
FRIDAY_CLOSE = 1_405_713_600_000_000_000
"""Of 2014-07-18, when the July options end."""
OVER_EXPIRY = {
    "underlyings": "AAPL",
    "start": "2014-06-06",
    "end": "2014-07-25",
    "resolution": "hour",
    "min_coverage": "0",
}


def native() -> NativeEngine:
    try:
        return NativeEngine.find()
    except EngineError as error:
        pytest.skip(f"no native LEAN: {error}")


def run(engine: Any, job: dict[str, str], data: Path, folder: Path) -> tuple[EngineRun, Journal]:
    folder.mkdir()
    settings = Settings.of(job)
    outcome = engine.run(settings, data, require_data(settings, data), folder, lambda date, share: None)
    return outcome, read_journal(folder / JOURNAL_FOLDER)


def table(journal: Journal) -> list[dict[str, Any]]:
    """Orders as the stored expectation has them."""
    return [
        asdict(order) | {"price": round(order.price, 4), "fee": round(order.fee, 2)}
        for order in orders_of(journal.messages)
    ]


@pytest.fixture(scope="module", params=list(JOBS))
def job(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def embedded_folder(job: str, lean_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("embedded") / "run"
    run(EmbeddedEngine(), JOBS[job], lean_data, folder)
    return folder


@pytest.fixture(scope="module")
def embedded(embedded_folder: Path) -> Journal:
    return read_journal(embedded_folder / JOURNAL_FOLDER)


def equity_at_end(folder: Path) -> str:
    return str(json.loads((folder / "main.json").read_text())["statistics"]["End Equity"])


def test_orders_are_the_stored_ones(job: str, embedded: Journal) -> None:
    assert table(embedded) == json.loads(EXPECTED.read_text())[job]


def test_cash_bears_interest_over_the_weekend_and_none_within_a_day(job: str, embedded: Journal) -> None:
    booked = [message.records[0].tolist() for message in embedded.messages if message.kind is Kind.INTEREST]
    if job == "GOOG minute":
        assert booked == []
        return
    cash = 1_000_000.0
    for order in orders_of(embedded.messages):
        if order.time < MONDAY:
            cash -= order.filled * order.price * (100 if len(order.symbol) == 21 else 1) + order.fee
    # The file's rate on the Friday is 0.75 %, of which half a percent is kept; no shares were short.
    assert booked == [(ACCOUNT_CASH, 3, round(cash * 0.0025 * 3 / 360, 2), 0.0025)]


def test_two_runs_write_the_same_journal(job: str, embedded: Journal, lean_data: Path, tmp_path: Path) -> None:
    again = run(EmbeddedEngine(), JOBS[job], lean_data, tmp_path / "run")[1]
    assert message_digest(again.messages) == message_digest(embedded.messages)
    assert order_digest(orders_of(again.messages)) == order_digest(orders_of(embedded.messages))


def test_replay_decides_the_same(embedded: Journal) -> None:
    result = replay(embedded)
    assert result.divergence is None
    assert result.digest == message_digest(embedded.messages)


@pytest.fixture(scope="module")
def in_lean(job: str, lean_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[EngineRun, Path]:
    """The job in a native LEAN, once."""
    engine, folder = native(), tmp_path_factory.mktemp("native") / "run"
    return run(engine, JOBS[job], lean_data, folder)[0], folder


# Over AAPL's split the run until after expiry goes as well, and it is compared with the same strength.
jobs_in_lean = pytest.mark.parametrize(
    "job",
    ["GOOG minute", pytest.param("AAPL hour, through its split", marks=pytest.mark.slow)],
    indirect=True,
    scope="module",
)


@pytest.mark.lean
@jobs_in_lean
def test_lean_sends_the_same_orders_and_writes_the_same_journal(
    job: str, embedded: Journal, embedded_folder: Path, in_lean: tuple[EngineRun, Path]
) -> None:
    _, folder = in_lean
    journal = read_journal(folder / JOURNAL_FOLDER)
    ours, theirs = orders_of(embedded.messages), orders_of(journal.messages)
    assert len(ours) == len(theirs) > 4
    for number, (mine, leans) in enumerate(zip(ours, theirs, strict=True), 1):
        assert mine == leans, f"order {number}"
    assert message_digest(journal.messages) == message_digest(embedded.messages)
    assert equity_at_end(folder) == equity_at_end(embedded_folder)


@pytest.mark.lean
@jobs_in_lean
def test_lean_decides_the_same_again_and_makes_nothing_for_nobody_where_nothing_is_swapped(
    job: str, in_lean: tuple[EngineRun, Path], lean_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALO_SWAP", "nothing")
    console = run_in_lean(SWAPPED, tmp_path, lean_data, parameters=Settings.of(JOBS[job]).as_parameters())
    assert take_from_object_store(tmp_path / "store", tmp_path), console[-3000:]
    first, folder = in_lean
    again = read_journal(tmp_path / JOURNAL_FOLDER).messages
    assert message_digest(again) == message_digest(read_journal(folder / JOURNAL_FOLDER).messages)
    assert first.order_list_hash
    assert f"OrderListHash {first.order_list_hash}" in console
    assert json.loads((tmp_path / "store" / "made").read_text()) == {"insights": 0, "targets": 0}
    assert not any(message.kind.is_external for message in again)


@pytest.mark.lean
@pytest.mark.slow
@pytest.mark.parametrize("day", FIRST_DAYS)
def test_lean_begins_on_a_day_with_a_corporate_action_as_the_embedded_engine(
    day: str, lean_data: Path, tmp_path: Path
) -> None:
    engine = native()
    _, ours = run(EmbeddedEngine(), FIRST_DAYS[day], lean_data, tmp_path / "embedded")
    _, theirs = run(engine, FIRST_DAYS[day], lean_data, tmp_path / "native")
    assert orders_of(theirs.messages) == orders_of(ours.messages)
    assert message_digest(theirs.messages) == message_digest(ours.messages)


@pytest.mark.lean
@pytest.mark.slow
def test_lean_settles_held_options_at_expiry_as_the_embedded_engine(lean_data: Path, tmp_path: Path) -> None:
    engine = native()
    _, embedded = run(EmbeddedEngine(), OVER_EXPIRY, lean_data, tmp_path / "embedded")
    _, journal = run(engine, OVER_EXPIRY, lean_data, tmp_path / "native")
    settled = [order for order in orders_of(journal.messages) if order.type is OrderType.OPTION_EXERCISE]
    assert len(settled) == 6
    assert {order.time for order in settled} == {FRIDAY_CLOSE + 8 * HOUR}
    assert orders_of(journal.messages) == orders_of(embedded.messages)
    assert message_digest(journal.messages) == message_digest(embedded.messages)
    assert equity_at_end(tmp_path / "native") == equity_at_end(tmp_path / "embedded")
    assert replay(journal).divergence is None


@pytest.mark.slow
@pytest.mark.lean
def test_lean_decides_the_same_through_a_core_process(
    embedded: Journal, job: str, lean_data: Path, tmp_path: Path
) -> None:
    engine, name = native(), f"test_{os.getpid()}"
    wanted = [word for key, value in JOBS[job].items() for word in ("--set", f"{key}={value}")]
    command = [sys.executable, "-m", "alo_lib.cli", "core", name, "--paced", "--priority", "0", *wanted]
    core = subprocess.Popen([*command, "--journal", str(tmp_path / "journal")], cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        (tmp_path / "run").mkdir()
        settings = Settings.of(JOBS[job], {"core_process": name})
        findings = require_data(settings, lean_data)
        engine.run(settings, lean_data, findings, tmp_path / "run", lambda date, share: None)
        assert core.wait(60) == 0
    finally:
        core.kill()
        core.wait()
        Channel(channel_folder(name)).remove()
    journal = read_journal(tmp_path / "run" / JOURNAL_FOLDER)
    assert message_digest(journal.messages) == message_digest(embedded.messages)
    assert replay(journal).divergence is None
