"""``alo test``."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

import click

from alo_lib.cli.failures import RUN_FAILED
from alo_lib.cli.project import ROOT

__all__ = ["test"]


class Check(NamedTuple):
    """One check: its name, what Python runs for it, and whether its last line is worth repeating."""

    name: str
    arguments: tuple[str, ...]
    counts: bool = False


class CheckOutcome(NamedTuple):
    """How a step ended."""

    step: Check
    passed: bool
    seconds: float
    last_line: str


_IMPORTS = "import sys; from importlinter.cli import lint_imports_command as run; run()"
_CHECKS = (
    Check("ruff check", ("-m", "ruff", "check")),
    Check("ruff format", ("-m", "ruff", "format", "--check")),
    Check("mypy", ("-m", "mypy")),
    Check("import-linter", ("-c", _IMPORTS)),
)

_ON_ALL_PROCESSORS = ("-n", "auto", "--dist", "loadfile", "--no-loadscope-reorder")
"""Tests of one file stay together: they share what their fixtures make. Their order, tests/conftest.py says."""


@click.command(
    short_help="Run all tests and checks of the project.",
    context_settings={"ignore_unknown_options": True},
)
@click.option("--all", "everything", is_flag=True, help="Slow tests too.")
@click.option("--only-pytest", is_flag=True, help="Leave out ruff, mypy and import-linter.")
@click.argument("pytest_arguments", nargs=-1, type=click.UNPROCESSED)
def test(everything: bool, only_pytest: bool, pytest_arguments: tuple[str, ...]) -> int:
    """Run ruff, mypy, import-linter and pytest over the project.

    Every check runs, also after one has failed; the exit status is 1 when any of them failed. Whatever else is given
    goes to pytest; where nothing is, the whole suite runs on as many processors as there are.

    \b
    Examples:
      alo test
      alo test --all
      alo test --only-pytest tests/views -k report
    """
    chosen = () if everything else ("-m", "not slow")
    given = pytest_arguments or _ON_ALL_PROCESSORS
    pytest = Check("pytest", ("-m", "pytest", *chosen, *given), counts=True)
    outcomes = [_run(step) for step in ((pytest,) if only_pytest else (*_CHECKS, pytest))]
    click.echo()
    for step, passed, seconds, last_line in outcomes:
        verdict = click.style("passed", fg="green") if passed else click.style("FAILED", fg="red", bold=True)
        click.echo(f"{step.name:<15}{verdict}  {seconds:z6.1f} s{'   ' + last_line if step.counts else ''}")
    return 0 if all(outcome.passed for outcome in outcomes) else RUN_FAILED


def _run(step: Check) -> CheckOutcome:
    click.secho(f"== {step.name}", bold=True)
    began = time.perf_counter()
    status, last_line = _stream([sys.executable, *step.arguments])
    return CheckOutcome(step, status == 0, time.perf_counter() - began, last_line)


def _stream(command: Sequence[str]) -> tuple[int, str]:
    """Run a command in the project's folder, show its output as it comes, and keep the last line."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    if sys.stdout.isatty():
        environment |= {"FORCE_COLOR": "1"}
    last_line = ""
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            click.echo(line, nl=False)
            last_line = line.strip() or last_line
    return process.returncode, click.unstyle(last_line).strip("= ")
