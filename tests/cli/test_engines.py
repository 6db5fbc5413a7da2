import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
import time
import venv
from pathlib import Path

import pytest

from alo_lib.cli.engines.docker import DockerEngine, stage_project
from alo_lib.cli.engines.native import (
    LAUNCHER,
    NativeEngine,
    find_dotnet,
    find_lean,
    find_libpython,
    lean_configuration,
)
from alo_lib.cli.failures import EngineError, RunFailedError
from alo_lib.cli.project import ROOT
from alo_lib.journal import JOURNAL_FOLDER, JournalError, object_store_key, read_journal, segments_in_object_store
from alo_lib.journal.format import segment_name
from alo_lib.market import DATA_MEASURED, DataFindings, FaultLog
from alo_lib.settings import Settings
from tests.views import kit

SETTINGS = Settings.of({"underlyings": "GOOG,AAPL", "start": "2015-12-24", "end": "2015-12-24", "entry_edge": 1 / 3})
FOUND = DataFindings((), ())


def _script(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!{sys.executable}\n{text}")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture(autouse=True)
def left_out(monkeypatch):
    """What LEAN leaves out of the data folders of these tests, which hold nothing."""
    left_out = FaultLog()
    monkeypatch.setattr("alo_lib.simulation.data_left_out", lambda settings, data, findings, messages: left_out)
    return left_out


@pytest.fixture
def no_progress():
    return lambda day, share: None


# A LEAN that is played by a script: it reads its configuration as LEAN does and leaves what it is told to leave.
FAKE_LEAN = """
import json, pathlib, sys
config = json.loads(pathlib.Path(sys.argv[sys.argv.index("--config") + 1]).read_text())
results, store = pathlib.Path(config["results-destination-folder"]), pathlib.Path(config["object-store-root"])
assert pathlib.Path("{launcher}").is_file(), "not started in the engine's own folder"
print("20240101 TRACE:: Engine.Main(): LEAN ALGORITHMIC TRADING ENGINE v2.5.0.0 Mode: DEBUG", flush=True)
for name, source in {files!r}.items():
    target = store / name if name == "{key}" else results / name
    target.write_bytes(pathlib.Path(source).read_bytes())
print("{line}")
print("STATISTICS:: OrderListHash 0123456789abcdef0123456789abcdef")
{end}
"""


def _fake_native(folder, files, status=0, line="", end=None):
    lean = folder / "lean"
    lean.mkdir()
    (lean / LAUNCHER).touch()
    text = FAKE_LEAN.format(
        launcher=LAUNCHER, files=files, key=object_store_key(0), line=line, end=end or f"sys.exit({status})"
    )
    return NativeEngine(lean, _script(folder / "dotnet" / "dotnet", text), Path("/lib/libpython.so"))


@pytest.fixture
def finished(tmp_path):
    """The files of a finished LEAN run, by the names that LEAN gives them."""
    made = tmp_path / "made"
    kit.write_results(made, kit.traded_messages(), name="main")
    names = {path.name: str(path) for path in made.iterdir() if path.is_file()}
    return {object_store_key(0): str(made / JOURNAL_FOLDER / segment_name(0))} | names


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "run"
    path.mkdir()
    return path


def _edited(finished, tmp_path, **state):
    results = kit.lean_results()
    results["state"] |= state
    path = tmp_path / "edited.json"
    path.write_text(json.dumps(results))
    return finished | {"main.json": str(path)}


def test_settings_survive_as_parameters():
    parameters = SETTINGS.as_parameters()
    assert parameters["underlyings"] == "GOOG,AAPL"
    assert parameters["start"] == "2015-12-24"
    assert all(isinstance(value, str) and "_" not in name for name, value in parameters.items())
    assert Settings.of(parameters) == SETTINGS


def test_the_configuration_has_what_lean_needs(folder):
    config = lean_configuration(SETTINGS, Path("/data"), folder, folder / "store")
    assert Path(config["algorithm-location"]) == ROOT / "main.py"
    assert config["data-folder"] == "/data/"
    assert config["python-venv"] == sys.prefix
    assert config["environments"][config["environment"]]["live-mode"] is False
    assert Settings.of(config["parameters"]) == SETTINGS


@pytest.mark.parametrize("status", [0, 134])
def test_a_run_is_judged_by_what_it_left(tmp_path, finished, folder, no_progress, capfd, status, left_out):
    engine = _fake_native(tmp_path, finished, status)
    outcome = engine.run(SETTINGS, tmp_path, FOUND, folder, no_progress)
    assert outcome.faults is left_out
    assert outcome.lean_version == "v2.5.0.0"
    assert outcome.order_list_hash == "0123456789abcdef0123456789abcdef"
    kept = folder / JOURNAL_FOLDER / segment_name(0)
    assert kept.read_bytes() == Path(finished[object_store_key(0)]).read_bytes()
    assert not (folder / "object-store").exists()
    assert "LEAN ALGORITHMIC TRADING ENGINE" in capfd.readouterr().err
    assert "OrderListHash" in (folder / "lean-console.txt").read_text()
    assert json.loads((folder / "lean-config.json").read_text())[DATA_MEASURED] is True


def test_nobody_waits_for_python_to_be_unloaded_when_all_is_written(tmp_path, finished, folder, no_progress):
    end = 'print("20240101 TRACE:: PythonInitializer.Shutdown(): start", flush=True); import time; time.sleep(600)'
    began = time.monotonic()
    outcome = _fake_native(tmp_path, finished, end=end).run(SETTINGS, tmp_path, FOUND, folder, no_progress)
    assert time.monotonic() - began < 300
    assert outcome.order_list_hash == "0123456789abcdef0123456789abcdef"
    assert (folder / "lean-console.txt").read_text().splitlines()[-1].endswith("Shutdown(): start")
    (tmp_path / "again").mkdir()
    (folder / "again").mkdir()
    with pytest.raises(RunFailedError, match=r"^LEAN ended without results; its log is"):
        _fake_native(tmp_path / "again", {}, end=end).run(SETTINGS, tmp_path, FOUND, folder / "again", no_progress)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"RuntimeError": "no luck today\n  at line 3"}, "the algorithm failed in LEAN: no luck today; its log is"),
        ({"Status": "Stopped"}, "LEAN's run ended as 'Stopped'"),
    ],
)
def test_a_run_that_failed_inside_is_told(tmp_path, finished, folder, no_progress, state, words):
    engine = _fake_native(tmp_path, _edited(finished, tmp_path, **state))
    with pytest.raises(RunFailedError, match=words):
        engine.run(SETTINGS, tmp_path, FOUND, folder, no_progress)
    kept = folder / JOURNAL_FOLDER / segment_name(0)  # it can be replayed all the same
    assert kept.read_bytes() == Path(finished[object_store_key(0)]).read_bytes()


def test_a_run_without_results_is_told_with_leans_last_error(tmp_path, folder, no_progress):
    engine = _fake_native(tmp_path, {}, 1, "20240101 ERROR:: Engine.Run(): no data for you.")
    with pytest.raises(RunFailedError, match=r"\(exit status 1\): Engine.Run\(\): no data for you; its"):
        engine.run(SETTINGS, tmp_path, FOUND, folder, no_progress)


def test_a_run_without_a_journal_or_with_damaged_results_is_told(tmp_path, finished, folder, no_progress):
    finished.pop(object_store_key(0))
    with pytest.raises(RunFailedError, match="left no journal"):
        _fake_native(tmp_path, finished).run(SETTINGS, tmp_path, FOUND, folder, no_progress)
    Path(finished["main.json"]).write_text("{")
    (tmp_path / "again").mkdir()
    (tmp_path / "second").mkdir()
    engine = _fake_native(tmp_path / "again", finished)
    with pytest.raises(RunFailedError, match="are damaged"):
        engine.run(SETTINGS, tmp_path, FOUND, tmp_path / "second", no_progress)


def test_lean_is_found_where_lean_home_says(tmp_path, monkeypatch):
    (tmp_path / LAUNCHER).touch()
    monkeypatch.setenv("LEAN_HOME", str(tmp_path))
    assert find_lean() == tmp_path.resolve()


def test_without_lean_home_the_usual_places_count(tmp_path, monkeypatch):
    monkeypatch.delenv("LEAN_HOME", raising=False)
    monkeypatch.setattr("alo_lib.cli.engines.native.USUAL_PLACES", (tmp_path / "Debug", tmp_path / "Release"))
    with pytest.raises(EngineError, match=r"LEAN_HOME is not set, and .*Debug and .*Release hold no"):
        find_lean()
    for place in ("Release", "Debug"):
        (tmp_path / place).mkdir()
        (tmp_path / place / LAUNCHER).touch()
        assert find_lean() == tmp_path / place


def test_dotnet_is_found_by_its_root_and_on_the_path(tmp_path, monkeypatch):
    rooted, on_path = (_script(tmp_path / name / "dotnet", "") for name in ("root", "path"))
    monkeypatch.setenv("PATH", str(on_path.parent))
    monkeypatch.delenv("DOTNET_ROOT", raising=False)
    assert find_dotnet() == on_path
    monkeypatch.setenv("DOTNET_ROOT", str(rooted.parent))
    assert find_dotnet() == rooted


def test_a_place_that_is_set_and_wrong_is_an_error(tmp_path, monkeypatch):
    """It is not passed over for what else is on the machine."""
    monkeypatch.setenv("PATH", str(_script(tmp_path / "path" / "dotnet", "").parent))
    monkeypatch.setenv("DOTNET_ROOT", str(tmp_path))
    with pytest.raises(EngineError, match=f"DOTNET_ROOT is {tmp_path}, which holds no dotnet command"):
        find_dotnet()
    wrong = tmp_path / f"libpython{sys.version_info.major}.{sys.version_info.minor}.so"
    monkeypatch.setenv("PYTHONNET_PYDLL", str(wrong))
    with pytest.raises(EngineError, match=f"PYTHONNET_PYDLL is {wrong}, which is no file"):
        find_libpython()


def test_the_python_library_is_of_the_running_version(monkeypatch, tmp_path):
    stem = f"libpython{sys.version_info.major}.{sys.version_info.minor}"
    given = tmp_path / f"{stem}.so"
    given.touch()
    monkeypatch.setenv("PYTHONNET_PYDLL", str(given))
    assert find_libpython() == given
    other = tmp_path / "libpython3.8.so"
    other.touch()
    monkeypatch.setenv("PYTHONNET_PYDLL", str(other))
    monkeypatch.setattr("alo_lib.cli.engines.native._library_folders", lambda: iter([tmp_path]))
    assert find_libpython() == given


def test_the_staged_project_is_this_one_with_its_own_settings(tmp_path):
    stage_project(tmp_path / "project", SETTINGS, Path("/data"), "an/image")
    config = json.loads((tmp_path / "project" / "config.json").read_text())
    assert Settings.of(config["parameters"]) == SETTINGS
    lean = json.loads((tmp_path / "project" / "lean.json").read_text())
    assert (lean["data-folder"], lean[DATA_MEASURED]) == ("/data", True)
    copied = tmp_path / "project" / "alo_lib" / "settings" / "settings.py"
    assert copied.read_bytes() == (ROOT / "alo_lib" / "settings" / "settings.py").read_bytes()
    assert (tmp_path / "project" / "main.py").is_file()
    assert not list((tmp_path / "project").rglob("*.pyc"))
    assert list((tmp_path / "project" / "storage").iterdir()) == []


@pytest.fixture
def commands(tmp_path, monkeypatch):
    """A docker and a lean command that are played by scripts; ``docker`` fails for the arguments in its file."""
    place = tmp_path / "bin"
    _script(place / "lean", "")
    refused = tmp_path / "refused"
    refused.write_text("nothing")
    _script(
        place / "docker",
        f"import sys, pathlib\nsys.exit(sys.argv[1] in pathlib.Path({str(refused)!r}).read_text().split())",
    )
    monkeypatch.setenv("PATH", str(place))
    monkeypatch.setenv("HOME", str(tmp_path))
    return refused


def test_docker_needs_commands_daemon_and_image(commands, monkeypatch):
    assert DockerEngine.find(ask_daemon=True).image == "quantconnect/lean:latest"
    commands.write_text("image")
    with pytest.raises(EngineError, match="docker pull quantconnect/lean:latest"):
        DockerEngine.find(ask_daemon=True)
    commands.write_text("info")
    with pytest.raises(EngineError, match="daemon does not answer"):
        DockerEngine.find(ask_daemon=True)
    DockerEngine.find(ask_daemon=False)
    (Path(os.environ["PATH"]) / "docker").unlink()
    with pytest.raises(EngineError, match="no docker command"):
        DockerEngine.find(ask_daemon=False)
    (Path(os.environ["PATH"]) / "lean").unlink()
    with pytest.raises(EngineError, match="no lean command"):
        DockerEngine.find(ask_daemon=False)


def test_the_users_own_engine_image_is_taken(commands, tmp_path):
    (tmp_path / ".lean").mkdir()
    (tmp_path / ".lean" / "config").write_text('{"engine-image": "my/lean:1"}')
    assert DockerEngine.find(ask_daemon=False).image == "my/lean:1"


def test_the_lean_command_runs_over_the_staged_project(commands, finished, folder, no_progress, tmp_path):
    text = f"""
import pathlib, sys
assert sys.argv[1:3] == ["backtest", "."] and "--no-update" in sys.argv
results = pathlib.Path(sys.argv[sys.argv.index("--output") + 1])
results.mkdir(parents=True)
for name, source in {finished!r}.items():
    kept = pathlib.Path("storage") / name
    target = kept if name == "{object_store_key(0)}" else results / name.replace("main", "1000000000")
    target.write_bytes(pathlib.Path(source).read_bytes())
"""
    _script(tmp_path / "bin" / "lean", text)
    outcome = DockerEngine.find(ask_daemon=True).run(SETTINGS, tmp_path, FOUND, folder, no_progress)
    assert outcome.order_list_hash is None
    assert read_journal(folder / JOURNAL_FOLDER).sealed
    assert (folder / "1000000000-summary.json").is_file()
    assert not (folder / "project").exists()


def _summary(run, small_market, tmp_path, engine):
    outcome = run(
        *("backtest", "--engine", engine, "--data", small_market, "--underlying", "ALFA", "--json"),
        *("--start", "2024-01-02", "--end", "2024-01-02", "--output", tmp_path / "runs"),
    )
    assert outcome.status == 0, outcome.err
    return json.loads(outcome.out)


@pytest.mark.slow
@pytest.mark.lean
def test_a_real_lean_runs_the_project(run, monkeypatch, small_market, tmp_path, native_environment):
    for name, value in native_environment.items():
        monkeypatch.setenv(name, value)
    foreign = tmp_path / "foreign"  # the first python on the PATH has packages of its own, and none of ours
    venv.create(foreign, symlinks=True, with_pip=False)
    monkeypatch.setenv("PATH", f"{foreign / 'bin'}{os.pathsep}{os.environ['PATH']}")
    assert _summary(run, small_market, tmp_path, "native")["engine"] == "native"


@pytest.mark.slow
@pytest.mark.lean
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_a_real_lean_and_keeps_what_it_left(small_market, tmp_path, native_environment, number, status):
    command = [sys.executable, "-P", "-m", "alo_lib.cli", "backtest", "--engine", "native", "--data", str(small_market)]
    command += [
        "--underlying",
        "ALFA",
        "--start",
        "2024-01-02",
        "--end",
        "2024-01-02",
        "--output",
        str(tmp_path / "runs"),
    ]
    environment = os.environ | native_environment | {"PYTHONPATH": str(ROOT)}
    with (tmp_path / "said").open("w") as said:
        run = subprocess.Popen(command, env=environment, stderr=said, stdout=subprocess.DEVNULL, cwd=tmp_path)
        try:
            end = time.monotonic() + 300.0
            while not (begun := _recorded(tmp_path / "runs")) and run.poll() is None and time.monotonic() < end:
                time.sleep(0.1)
            assert begun, (tmp_path / "said").read_text()
            run.send_signal(number)
            assert run.wait(60) == status
        finally:
            run.kill()
    (folder,) = (tmp_path / "runs").iterdir()
    last = (tmp_path / "said").read_text().splitlines()[-1]
    assert last.startswith("alo: interrupted; ")
    assert last.endswith(f"begins its backtests anew; 'alo replay {folder}' reads what this one journaled")
    journal = read_journal(folder / JOURNAL_FOLDER, unfinished=True)
    assert len(journal.messages) >= begun
    assert not _uses(str(folder))  # LEAN has gone with the command


def _recorded(runs):
    """How many messages the journal of a run holds that LEAN is at."""
    for store in runs.glob("*.partial/object-store"):
        with contextlib.suppress(JournalError):
            return len(read_journal(segments_in_object_store(store), unfinished=True).messages)
    return 0


def _uses(text):
    """Command lines of processes that name a text."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            lines.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return [line for line in lines if text in line]


@pytest.mark.slow
@pytest.mark.docker
def test_leans_own_command_line_runs_the_project(run, small_market, tmp_path):
    try:
        DockerEngine.find(ask_daemon=True)
    except EngineError as error:
        pytest.skip(str(error))
    assert _summary(run, small_market, tmp_path, "docker")["engine"] == "docker"


def test_lean_is_not_measured_to_be_optimized_again_unless_the_user_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    engine = NativeEngine(tmp_path, tmp_path / "dotnet", tmp_path / "libpython.so")
    monkeypatch.delenv("DOTNET_TieredPGO", raising=False)
    assert engine.environment()["DOTNET_TieredPGO"] == "0"
    monkeypatch.setenv("DOTNET_TieredPGO", "1")
    assert engine.environment()["DOTNET_TieredPGO"] == "1"
