"""A small market, an engine that takes no time, and the command line as a shell would call it."""

import datetime as dt
import os
from pathlib import Path
from typing import NamedTuple

import pytest

from alo_lib.cli import main
from alo_lib.cli.engines import EngineRun
from alo_lib.cli.engines.native import NativeEngine
from alo_lib.cli.failures import EngineError
from alo_lib.market import Coverage, DataFindings, FaultKind, FaultLog
from alo_lib.market.generator import MarketTruth, generate_market
from alo_lib.simulation import require_data
from tests.views import kit


class Outcome(NamedTuple):
    status: int
    out: str
    err: str


@pytest.fixture(scope="session")
def small_market(tmp_path_factory):
    folder = tmp_path_factory.mktemp("market") / "data"
    days = {"start": dt.date(2024, 1, 2), "end": dt.date(2024, 1, 3)}
    generate_market(folder, MarketTruth(**days, history_days=300, quote_minutes=30))
    return folder


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Call the command line in a folder of its own; the run has no environment variable that finds engines."""
    for name in ("LEAN_HOME", "DOTNET_ROOT", "PYTHONNET_PYDLL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "160")
    # Whether kernels are compiled yet depends on which tests ran before.
    monkeypatch.setattr("alo_lib.cli.compiling.QUIET_SECONDS", 3600.0)
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        assert isinstance(end.value.code, int)
        return Outcome(end.value.code, captured.out, captured.err)

    return call


class FakeEngine:
    """Leaves a finished run that was made by hand, or fails as it is told."""

    name = "embedded"
    place = "made by hand"
    shows_progress = True
    goes_on = True

    def __init__(self):
        self.failure = None
        self.messages = kit.traded_messages()
        self.findings = DataFindings((Coverage("ALFA", 2, bars=2, quotes=2, universes=2, daily=2),), ())
        self.faults = FaultLog(keep=1)
        self.faults.count_row(1000)
        for line in (3, 4):
            self.faults.record(FaultKind.CROSSED, "equity.zip", entry="a.csv", line=line)
        self.settings = None

    def run(self, settings, data, findings, folder, progress):
        self.settings = settings
        if self.failure is not None:
            (folder / "half").write_bytes(b"half of it")
            raise self.failure
        kit.write_results(folder, self.messages)
        for share in (0.0, 0.5, 1.0):
            progress(settings.start, share)
        return EngineRun(self.faults)


_MEASURED: set[tuple[str, Path]] = set()
"""Settings and folders that carry a result; measuring them is most of the time of a test with a made-up engine."""


@pytest.fixture
def engine(monkeypatch):
    fake = FakeEngine()
    monkeypatch.setattr("alo_lib.cli.engines.engine_named", lambda name: fake)

    def measured(settings, data):
        key = settings.model_dump_json(), data
        if key not in _MEASURED:
            require_data(settings, data)
            _MEASURED.add(key)
        return fake.findings

    monkeypatch.setattr("alo_lib.simulation.require_data", measured)
    return fake


@pytest.fixture
def backtest(run, small_market, engine, tmp_path):
    """``alo backtest`` on the small market and the fake engine; arguments given win over these."""

    def call(*arguments):
        usual = ("--data", small_market, "--start", "2024-01-02", "--end", "2024-01-03", "--underlying", "ALFA")
        return run("backtest", *usual, "--output", tmp_path / "runs", *arguments)

    return call


@pytest.fixture(scope="session")
def native_environment():
    """The environment variables that find this machine's LEAN; the test is skipped where there is none."""
    try:
        NativeEngine.find()
    except EngineError as error:
        pytest.skip(str(error))
    names = ("LEAN_HOME", "DOTNET_ROOT", "PYTHONNET_PYDLL")
    return {name: os.environ[name] for name in names if name in os.environ}
