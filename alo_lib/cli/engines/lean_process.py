"""Running LEAN as a process: its log shown live and kept, and its end judged by what it left."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from alo_lib.cli.engines.base import EngineRun
from alo_lib.cli.failures import RunFailedError
from alo_lib.journal import JOURNAL_FOLDER, read_journal, take_from_object_store
from alo_lib.market import DataFindings
from alo_lib.settings import Settings

__all__ = ["LeanOutput", "run_and_show", "run_to_the_end"]

_GRACE_SECONDS = 10
_COLORS = re.compile(r"\x1b\[[0-9;]*m")
_VERSION = re.compile(r"LEAN ALGORITHMIC TRADING ENGINE (v[\w.]+)")
_ORDER_LIST_HASH = re.compile(r"OrderListHash\s+([0-9a-f]{32})")
_ERROR = re.compile(r"ERROR::\s*(.+)")


class LeanOutput(NamedTuple):
    """What a finished process printed, and its exit status; None where it was ended with nothing left to do."""

    lines: list[str]
    status: int | None

    @property
    def version(self) -> str | None:
        """LEAN's version, as it prints it at its start."""
        return self._first(_VERSION)

    @property
    def order_list_hash(self) -> str | None:
        """LEAN's hash over its orders."""
        return self._first(_ORDER_LIST_HASH)

    def _first(self, pattern: re.Pattern[str]) -> str | None:
        for line in self.lines:
            if found := pattern.search(line):
                return found.group(1)
        return None


def run_and_show(
    command: Sequence[str], *, folder: Path, environment: Mapping[str, str], log: Path, done: str | None = None
) -> LeanOutput:
    """Run a command in ``folder``, copy its output to standard error and to ``log`` as it comes, and wait for its end.

    A process that prints ``done`` has nothing left to do, and is ended. So it is when this one is interrupted.
    """
    lines: list[str] = []
    with (
        log.open("w", encoding="utf-8") as copy,
        subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        ) as process,
    ):
        assert process.stdout is not None
        try:
            for line in process.stdout:
                sys.stderr.write(line)
                copy.write(_COLORS.sub("", line))
                lines.append(_COLORS.sub("", line.rstrip("\n")))
                if done is not None and done in lines[-1]:
                    process.kill()
                    process.wait()
                    return LeanOutput(lines, None)
            status = process.wait()
        except BaseException:
            process.terminate()
            try:
                process.wait(_GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
            raise
    return LeanOutput(lines, status)


def run_to_the_end(
    launch: Callable[[], LeanOutput],
    *,
    store: Path,
    results: Path,
    log: Path,
    folder: Path,
    settings: Settings,
    data: Path,
    findings: DataFindings,
) -> EngineRun:
    """Let ``launch`` run LEAN, and take its journal out of the object store ``store`` into the run's ``folder``.

    RunFailedError, once the journal is taken, unless the file ``results`` is that of a completed run with a journal.
    """
    from alo_lib.simulation import data_left_out

    try:
        output = launch()
    finally:  # a run that failed or was ended has a journal as well
        segments = take_from_object_store(store, folder)
    _check_results(results, output, log)
    if not segments:
        raise RunFailedError(f"the algorithm left no journal in LEAN's object store; its log is {log}")
    faults = data_left_out(settings, data, findings, read_journal(folder / JOURNAL_FOLDER).messages)
    return EngineRun(faults, lean_version=output.version, order_list_hash=output.order_list_hash)


def _check_results(path: Path, output: LeanOutput, log: Path) -> None:
    """Raise RunFailedError unless the results in the file ``path`` are those of a completed run.

    The exit status does not count: a Release build of LEAN aborts after everything is written.
    """
    if not path.is_file():
        status = "" if output.status is None else f" (exit status {output.status})"
        raise RunFailedError(f"LEAN ended without results{status}{_last_errors(output)}; its log is {log}")
    try:
        state: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["state"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise RunFailedError(f"LEAN's results {path} are damaged; its log is {log}") from None
    if state.get("RuntimeError"):
        raise RunFailedError(f"the algorithm failed in LEAN: {_first_line(state['RuntimeError'])}; its log is {log}")
    if state.get("Status") != "Completed":
        raise RunFailedError(f"LEAN's run ended as {state.get('Status')!r}{_last_errors(output)}; its log is {log}")


def _last_errors(output: LeanOutput) -> str:
    """The last error LEAN printed, as the end of a sentence; empty when it printed none."""
    errors = [found.group(1) for line in output.lines if (found := _ERROR.search(line))]
    return f": {_first_line(errors[-1])}" if errors else ""


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0][:300].rstrip(". ")
