"""The ./alo script, over a project of two files, with this Python as the one that it finds."""

import os
import shutil
import subprocess
import sys

import pytest

from alo_lib.cli.project import ROOT

PROGRAM = """
import json, os, sys
print(json.dumps({"arguments": sys.argv[1:], "prefix": sys.prefix, "path": sys.path[:1], "folder": os.getcwd()}))
"""


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "a project"
    (folder / "alo_lib" / "cli").mkdir(parents=True)
    (folder / "requirements").mkdir()
    (folder / "alo_lib" / "cli" / "__main__.py").write_text(PROGRAM)
    (folder / "requirements.txt").write_text("# nothing\n")
    for name in ("run", "test"):
        (folder / "requirements" / f"{name}.txt").write_text("-r ../requirements.txt\n")
    shutil.copy(ROOT / "alo", folder / "alo")
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "python3.11").symlink_to(_base_python())
    return folder


def _base_python():
    return os.path.realpath(sys.executable)


def _call(project, *arguments, cwd=None, **environment):
    path = f"{project.parent / 'bin'}:/usr/bin:/bin"
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [str(project / "alo"), *arguments],
        cwd=cwd or project,
        env=clean | {"PATH": path} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_the_first_call_sets_up_and_the_next_ones_start_at_once(project):
    first = _call(project, "backtest", "--json")
    assert first.returncode == 0, first.stderr
    assert "Setting up an environment" in first.stderr
    assert first.stderr.endswith("The environment is ready.\n")
    assert first.stdout.count("\n") == 1  # what the program prints, and nothing of the set-up
    assert str(project / ".venv") in first.stdout

    second = _call(project, "backtest", "a b", cwd="/", PYTHONPATH="/elsewhere")
    assert (second.returncode, second.stderr) == (0, "")
    assert '"arguments": ["backtest", "a b"]' in second.stdout
    assert f'"path": ["{project}"]' in second.stdout

    assert "Bringing the environment" in _call(project, "test").stderr
    assert _call(project, "test").stderr == ""

    (project / "requirements" / "docs.txt").write_text("./no-such-package\n")
    helped = _call(project, "docs", "--output", "x", "--help")
    assert (helped.returncode, helped.stderr) == (0, "")  # help needs none of what the command needs
    assert _call(project, "docs", "--", "--help").returncode == 2
    (project / ".venv" / "setting-up").unlink()

    (project / "requirements.txt").write_text("# other\n")
    assert "Bringing the environment" in _call(project).stderr

    moved = project.rename(project.parent / "moved")
    assert _call(moved).stderr == ""

    link = moved.parent / "link"
    link.symlink_to(moved / "alo")
    assert subprocess.run([str(link)], capture_output=True, text=True, check=True).stderr == ""

    (moved / ".venv" / "setting-up").touch()  # as an interrupted set-up leaves it
    (moved / ".venv" / "stamp-run").unlink()
    assert "Setting up an environment" in _call(moved).stderr

    (moved / "requirements" / "run.txt").write_text("./no-such-package\n")
    failed = _call(moved)
    assert failed.returncode == 2
    assert failed.stdout == ""
    assert "ERROR" in failed.stderr
    assert "requirements/run.txt could not be installed" in failed.stderr.splitlines()[-1]


def test_without_a_fitting_python_it_asks_for_one(project):
    (project.parent / "bin" / "python3.11").unlink()
    for name in ("sh", "dirname", "readlink", "cat", "cmp"):
        (project.parent / "bin" / name).symlink_to(shutil.which(name))
    for name in ("python3.11", "python3"):
        old = project.parent / "bin" / name
        old.write_text("#!/bin/sh\nexit 1\n")
        old.chmod(0o755)
    done = _call(project, PATH=str(project.parent / "bin"))
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        "alo: Python 3.11 or 3.12 is needed and neither was found; install one of them and run this again\n"
    )
    assert not (project / ".venv").exists()


def test_continuous_integration_runs_what_users_run():
    text = (ROOT / ".ci" / "run").read_text()
    commands = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert commands[0] == "set -euo pipefail"
    assert commands[1:] == ['exec "$(dirname -- "${BASH_SOURCE[0]}")/../alo" test']
