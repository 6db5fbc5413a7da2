"""Running LEAN as a process: its log shown live and kept, and its end judged by what it left."""

import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from alo_lib.cli.failures import RunFailedError

__all__ = ["LeanOutput", "check_results", "last_errors", "run_and_show"]

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


def check_results(folder: Path, name: str, output: LeanOutput, log: Path) -> None:
    """Raise RunFailedError unless the results ``name``.json in ``folder`` are those of a completed run.

    The exit status does not count: a Release build of LEAN aborts after everything is written.
    """
    path = folder / f"{name}.json"
    if not path.is_file():
        status = "" if output.status is None else f" (exit status {output.status})"
        raise RunFailedError(f"LEAN ended without results{status}{last_errors(output)}; its log is {log}")
    try:
        state: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["state"]
    except (ValueError, KeyError, TypeError):
        raise RunFailedError(f"LEAN's results {path} are damaged; its log is {log}") from None
    if state.get("RuntimeError"):
        raise RunFailedError(f"the algorithm failed in LEAN: {_first_line(state['RuntimeError'])}; its log is {log}")
    if state.get("Status") != "Completed":
        raise RunFailedError(f"LEAN's run ended as {state.get('Status')!r}{last_errors(output)}; its log is {log}")


def last_errors(output: LeanOutput) -> str:
    """The last error LEAN printed, as the end of a sentence; empty when it printed none."""
    errors = [found.group(1) for line in output.lines if (found := _ERROR.search(line))]
    return f": {_first_line(errors[-1])}" if errors else ""


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0][:300].rstrip(". ")
