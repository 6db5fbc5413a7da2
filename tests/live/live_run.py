"""LEAN as a live paper account on another day, from its start to its violent end."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alo_lib.cli.engines.native import LAUNCHER, lean_configuration
from alo_lib.cli.project import ROOT
from alo_lib.journal import Journal, JournalError, read_journal, segments_in_object_store
from alo_lib.runtime.link import Channel, channel_folder
from alo_lib.settings import Settings
from tests.models.lean_run import native_lean

HERE = Path(__file__).parent
ALGORITHM = HERE / "live_market.py"
PATIENCE = 300.0
"""Seconds for what takes a minute on a quiet machine: LEAN's start and a few bars."""

_LIVE = json.loads((ROOT / "lean.json").read_text())["environments"]["live-paper"] | {
    "data-queue-handler": ["QuantConnect.Lean.Engine.DataFeeds.Queues.FakeDataQueue"],
}
del _LIVE["parameters"]  # a test's settings count


_ERRING = {
    "live-mode-brokerage": "ErringBrokerage",
    "transaction-handler": "QuantConnect.Lean.Engine.TransactionHandlers.BrokerageTransactionHandler",
}
"""In their place, with the brokerage of these tests."""


def erring_brokerage(folder: Path) -> Path:
    """The folder of plug-ins with the brokerage that errs, compiled from ours. Skips where .NET's SDK is missing."""
    engine = native_lean()
    compilers = sorted(engine.dotnet.parent.glob("sdk/*/Roslyn/bincore/csc.dll"))
    if not compilers:
        pytest.skip("no .NET SDK: the brokerage of these tests cannot be compiled")
    plugins = folder / "plugins"
    plugins.mkdir(exist_ok=True)
    libraries = sorted(engine.dotnet.parent.glob("shared/Microsoft.NETCore.App/*/*.dll"))
    libraries += [engine.lean / f"QuantConnect.{name}.dll" for name in ("Common", "Brokerages", "Logging")]
    libraries += [engine.lean / f"{name}.dll" for name in ("Newtonsoft.Json", "NodaTime", "Python.Runtime")]
    command = [str(engine.dotnet), str(compilers[-1]), "-nologo", "-target:library", "-nowarn:1701,1702"]
    command += [f"-out:{plugins / 'ErringBrokerage.dll'}", *(f"-r:{library}" for library in libraries)]
    made = subprocess.run(
        [*command, str(HERE / "ErringBrokerage.cs")], check=False, capture_output=True, env=engine.environment()
    )
    assert made.returncode == 0, made.stdout.decode()
    return plugins


def moved_clock(folder: Path, start: float) -> dict[str, str]:
    """Environment of processes whose wall clock says ``start``, seconds UTC, now. Skips where it cannot be made."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler: the wall clock cannot be moved")
    library = folder / "moved_clock.so"
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", library, HERE / "moved_clock.c"], check=True)
    return {"LD_PRELOAD": str(library), "ALO_CLOCK_MOVED": str(int(start - time.time()))}


class LiveLean:
    """One account: LEAN can be started on it, killed, and started again."""

    def __init__(
        self, folder: Path, data: Path, settings: Settings, clock: dict[str, str], account: Path | None = None
    ) -> None:
        """``account`` is the folder of the broker's account, where that is another LEAN's."""
        self.folder = folder
        self.account = account or folder
        self._data = data
        self._settings = settings
        self._engine = native_lean()
        self._clock = clock
        self._process: subprocess.Popen[bytes] | None = None
        self._lives = 0
        self._tree = ROOT
        self._plugins: Path | None = None
        self.store_bytes = 0  # that the object store keeps at the most; 0 for LEAN's own limit
        (folder / "store").mkdir(exist_ok=True)

    def err(self, **misdeeds: float) -> None:
        """Trade with the brokerage that errs, in so far as its ``misdeeds`` say (ErringBrokerage.cs)."""
        self._plugins = self._plugins or erring_brokerage(self.folder)
        (self.account / "misdeeds.json").write_text(json.dumps(misdeeds))

    def change(self, settings: Settings | None = None, tree: Path | None = None) -> None:
        """Have the next life begin under other settings, or with the program of another tree."""
        self._settings, self._tree = settings or self._settings, tree or self._tree

    def start(self) -> None:
        """Begin a life; the broker has the account as the last one left it."""
        configuration = lean_configuration(self._settings, self._data.resolve(), self.folder, self.folder / "store")
        configuration |= {"environment": "live-paper", "algorithm-location": str(ALGORITHM)}
        configuration["algorithm-type-name"] = ALGORITHM.stem
        configuration["environments"]["live-paper"] = _LIVE
        configuration["live-holdings"] = json.dumps(self.holdings)
        for limit in ("algorithm-manager-time-loop-maximum", "scheduled-event-leaky-bucket-capacity"):
            configuration[limit] = 1_000_000  # minutes: a night may be jumped over in one
        if self.store_bytes:
            configuration["storage-limit"] = self.store_bytes
        if self._settings.leader_lease:
            configuration["initialization-timeout"] = 86_400
        if self._plugins is not None:
            configuration["environments"]["live-paper"] = _LIVE | _ERRING
            configuration["plugin-directory"] = str(self._plugins)
        (self.folder / "lean-config.json").write_text(json.dumps(configuration))
        environment = self._engine.environment() | self._clock
        environment |= {"PYTHONPATH": f"{self._engine.lean}:{self._tree}", "ALO_TEST_ACCOUNT": str(self.account)}
        self._lives += 1
        with self.console.open("wb") as console:
            self._process = subprocess.Popen(
                [
                    str(self._engine.dotnet),
                    str(self._engine.lean / LAUNCHER),
                    "--config",
                    str(self.folder / "lean-config.json"),
                ],
                cwd=self.folder,  # where it looks for commands: another LEAN's are not its own
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
            )

    def kill(self) -> None:
        """End it as a power cut of the process would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def signal(self, number: int) -> None:
        """Send it a signal, as one that stops or wakes it."""
        assert self._process is not None
        self._process.send_signal(number)

    def end(self) -> int:
        """Wait until it ends by itself; returns its status."""
        assert self._process is not None
        status = self._process.wait(PATIENCE)
        self._process = None
        return status

    def wait_for(
        self, what: str, condition: Callable[[], bool], *, patience: float = PATIENCE, each: float = 0.5
    ) -> None:
        """Return once it holds, looked at ``each`` so many seconds. Fails when LEAN ends before, or in the end."""
        end = time.monotonic() + patience
        while not condition():
            status = None if self._process is None else self._process.poll()
            if status is not None or time.monotonic() > end:
                log = "\n".join(line for line in self.log if "ERROR" in line) or "\n".join(self.log[-40:])
                pytest.fail(f"{what}: not seen; LEAN's status is {status}\n{log}")
            time.sleep(each)

    def command(self, name: str, payload: object) -> bool | None:
        """Whether what a command file in its working directory asks was done; None where LEAN does not say."""
        result = self.folder / f"result-command-{name}.json"
        result.unlink(missing_ok=True)
        told = {"id": name, **payload} if isinstance(payload, dict) else payload
        before = len(self.answers)
        written = self.folder / "command"
        written.write_text(json.dumps(told))
        written.rename(self.folder / f"command-{name}.json")  # LEAN sees all of it or nothing
        self.wait_for(f"an answer to {told}", result.is_file)
        self.wait_for(f"the answer to {told} in the log", lambda: len(self.answers) > before)
        done: bool | None = json.loads(result.read_text())["Success"]
        result.unlink()
        return done

    @property
    def pid(self) -> int:
        """Its process, while it lives."""
        assert self._process is not None
        return self._process.pid

    @property
    def answers(self) -> list[str]:
        """What its log says of commands."""
        return [line.split("alo command ", 1)[1] for line in self.log if "alo command " in line]

    @property
    def console(self) -> Path:
        """What this life printed."""
        return self.folder / f"console-{self._lives}.txt"

    @property
    def log(self) -> list[str]:
        """Its lines so far. LEAN's own log is flushed line by line."""
        path = self.folder / "log.txt"
        return path.read_text(errors="replace").splitlines() if path.is_file() else []

    @property
    def holdings(self) -> list[dict[str, Any]]:
        """What the broker holds."""
        path = self.account / "holdings.json"
        rows: list[dict[str, Any]] = json.loads(path.read_text()) if path.is_file() else []
        return rows

    @property
    def results(self) -> dict[str, Any]:
        """LEAN's live results; empty before there are any, and at a look that sees half of a file."""
        for path in self.folder.glob("live_market-*_10minute.json"):
            with contextlib.suppress(ValueError):
                found: dict[str, Any] = json.loads(path.read_text())
                return found
        return {}

    @property
    def journal(self) -> Journal | None:
        """The journal in the object store; None before there is any."""
        segments = segments_in_object_store(self.folder / "store")
        return read_journal(segments, unfinished=True) if segments else None


class LiveCore:
    """A core process under the same clock, which can be killed and started again."""

    def __init__(
        self, name: str, journal: Path, settings: dict[str, str], clock: dict[str, str], *options: str
    ) -> None:
        self._name = name
        self._folder = Path(options[options.index("--folder") + 1]) if "--folder" in options else None
        self._options = options
        self._settings = settings
        self._tree = ROOT
        self._journal = journal
        self._environment = os.environ | clock
        self._process: subprocess.Popen[bytes] | None = None

    def change(self, settings: dict[str, str] | None = None, tree: Path | None = None) -> None:
        """Have the next life begin under other settings, or with the program of another tree."""
        self._settings, self._tree = settings or self._settings, tree or self._tree

    def start(self) -> None:
        """Begin a life."""
        wanted = [word for key, value in self._settings.items() for word in ("--set", f"{key}={value}")]
        command = [sys.executable, "-m", "alo_lib.cli", "core", self._name, "--priority", "0", *wanted]
        command += ["--journal", str(self._journal), *self._options]
        self._process = subprocess.Popen(command, cwd=self._tree, env=self._environment, stderr=subprocess.DEVNULL)

    @property
    def pid(self) -> int:
        """Its process, while it lives."""
        assert self._process is not None
        return self._process.pid

    def end(self, number: int) -> int:
        """End it by a signal; returns its status."""
        if self._process is None:
            return 0
        self._process.send_signal(number)
        process, self._process = self._process, None
        return process.wait(PATIENCE)

    def remove(self) -> None:
        """End it, and take away what it shared."""
        self.end(signal.SIGKILL)
        Channel(channel_folder(self._name, self._folder)).remove()

    @property
    def journal(self) -> Journal | None:
        """What it has journaled; None before that, and at a look that sees half of the entry being written."""
        try:
            return read_journal(self._journal, unfinished=True)
        except JournalError:
            return None
