"""``alo monitor``: what it watches and where it listens, by its options and a file of host and core settings."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alo_lib.cli.commands.monitor import monitor
from alo_lib.monitor import find_source
from alo_lib.runtime.link import Channel
from alo_lib.runtime.process import CoreProcess
from alo_lib.settings.operation import OperationSettings
from alo_lib.simulation import run_backtest
from tests.core.seeds import SETTINGS
from tests.simulation import tiny


def test_it_listens_where_units_and_prometheus_say() -> None:
    with monitor.make_context("monitor", []) as context:
        assert context.params["listen"] == OperationSettings().monitor.listen
        assert context.params["run"] is None


@pytest.mark.parametrize("beside", ["--once", "--json"])
def test_a_server_is_not_asked_once(run: Callable[..., Any], beside: str) -> None:
    done = run("monitor", "core", "--serve", beside)
    assert (done.status, done.err) == (
        2, "alo: --serve goes on until it is interrupted; it takes neither --once nor --json\n"
    )  # fmt: skip


def test_a_terminal_writes_no_log(run: Callable[..., Any], tmp_path: Path) -> None:
    done = run("monitor", "core", "--log", tmp_path / "log")
    assert (done.status, done.err) == (2, "alo: --log goes with --serve\n")
    assert not (tmp_path / "log").exists()


def test_a_terminal_takes_no_commands(run: Callable[..., Any], tmp_path: Path) -> None:
    done = run("monitor", "core", "--control", tmp_path / "token")
    assert (done.status, done.err) == (
        2, "alo: --control goes with --serve; a terminal steers by 'alo command'\n"
    )  # fmt: skip
    assert not (tmp_path / "token").exists()


def test_what_is_no_core_takes_no_commands(run: Callable[..., Any], tmp_path: Path) -> None:
    pytest.importorskip("uvicorn", reason="uvicorn is in requirements/serve.txt and not installed here")
    (tmp_path / "run").mkdir()
    folder = run_backtest(tiny.settings(), tiny.write(tmp_path / "data"), tmp_path / "run").folder
    done = run("monitor", folder, "--serve", "--control", tmp_path / "token")
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("alo: --control steers a core that 'alo core' runs, and ")
    assert not (tmp_path / "token").exists()


def test_a_file_names_the_core_and_the_address_and_options_win(tmp_path: Path) -> None:
    file = tmp_path / "alo.json"
    file.write_text('{"core": {"name": "desk"}, "monitor": {"listen": "127.0.0.1:9555", "control": "/run/token"}}')
    with monitor.make_context("monitor", ["--serve", "--config", str(file)]) as context:
        assert context.params["control"] == Path("/run/token")
        assert (context.params["run"], context.params["listen"]) == (Path("desk"), "127.0.0.1:9555")
    with monitor.make_context("monitor", ["other", "--config", str(file), "--listen", "127.0.0.1:0"]) as context:
        assert (context.params["run"], context.params["listen"]) == (Path("other"), "127.0.0.1:0")


def test_a_core_in_a_folder_of_a_file_is_found_there(tmp_path: Path) -> None:
    file = tmp_path / "alo.json"
    file.write_text(f'{{"core": {{"name": "desk", "folder": "{tmp_path}/memory"}}}}')
    process = CoreProcess(SETTINGS, Channel(tmp_path / "memory" / "desk", slots=1 << 12), tmp_path / "journal")
    try:
        with monitor.make_context("monitor", ["--config", str(file)]) as context:
            source = find_source(context.params["run"], tmp_path / "none")
        assert (source.name, source.folder, source.channel) == ("desk", tmp_path / "memory" / "desk", True)
    finally:
        process.close()
