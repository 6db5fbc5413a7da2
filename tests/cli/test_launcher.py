"""The ./alo script, over a project of two files, with this Python as the one that it finds."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from alo_lib.cli import alo
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
    shutil.copy(ROOT / "alo_lib" / "cli" / "main.py", folder / "alo_lib" / "cli")  # where the script finds the commands
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
    assert "Bringing the environment" in _call(project, "backtest").stderr

    moved = project.rename(project.parent / "moved")
    assert _call(moved, "backtest").stderr == ""

    link = moved.parent / "link"
    link.symlink_to(moved / "alo")
    assert subprocess.run([str(link), "backtest"], capture_output=True, text=True, check=True).stderr == ""

    (moved / ".venv" / "setting-up").touch()  # as an interrupted set-up leaves it
    (moved / ".venv" / "stamp-run").unlink()
    assert "Setting up an environment" in _call(moved, "backtest").stderr

    (moved / "requirements" / "run.txt").write_text("./no-such-package\n")
    failed = _call(moved, "backtest")
    assert failed.returncode == 2
    assert failed.stdout == ""
    assert "ERROR" in failed.stderr
    assert "requirements/run.txt could not be installed" in failed.stderr.splitlines()[-1]


def test_without_a_fitting_python_it_asks_for_one(project):
    (project.parent / "bin" / "python3.11").unlink()
    for name in ("sh", "dirname", "readlink", "cat", "cmp", "sed", "tr"):
        (project.parent / "bin" / name).symlink_to(shutil.which(name))
    for name in ("python3.11", "python3"):
        old = project.parent / "bin" / name
        old.write_text("#!/bin/sh\nexit 1\n")
        old.chmod(0o755)
    done = _call(project, "backtest", PATH=str(project.parent / "bin"))
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
    assert commands[-1] == 'exec "$(dirname -- "${BASH_SOURCE[0]}")/../alo" test'
    assert len(commands) == 4
    assert commands[2].startswith('if [ -d "$beside" ]; then export LEAN_DATA=')


SYSTEM = (
    "sh",
    "dirname",
    "readlink",
    "cat",
    "cmp",
    "grep",
    "fold",
    "sed",
    "tr",
    "mkdir",
    "id",
    "rm",
    "tee",
    "sleep",
    "mv",
    "basename",
)
INTERPRETER = """#!/bin/sh
# Stands in for Python: it tells a file what it was asked to do, and installs nothing.
printf '%s\\n' "$*" >>"{calls}"
case "$*" in
    *"-m venv"*) mkdir -p "{venv}/bin"; cp "$0" "{venv}/bin/python" ;;
    *--nonsense*) echo "alo: No such option '--nonsense'" >&2; exit 2 ;;
esac
exit 0
"""


@pytest.fixture
def watched(project, tmp_path):
    """The project with a Python that does nothing; returns a call and what that Python was asked to do."""
    shutil.rmtree(tmp_path / "bin")
    (tmp_path / "bin").mkdir()
    for name in SYSTEM:
        (tmp_path / "bin" / name).symlink_to(shutil.which(name))
    for name in ("train", "docs", "sweep"):
        (project / "requirements" / f"{name}.txt").write_text("torch\n")
    calls = tmp_path / "calls"
    python = tmp_path / "bin" / "python3.11"
    (tmp_path / "bin" / "cp").symlink_to(shutil.which("cp"))
    python.write_text(INTERPRETER.format(calls=calls, venv=project / ".venv"))
    python.chmod(0o755)

    def call(*arguments):
        calls.write_text("")
        done = _call(project, *arguments, PATH=str(tmp_path / "bin"))
        return done, calls.read_text().splitlines()

    return call


def installs(calls):
    return [line for line in calls if "pip install" in line]


@pytest.mark.parametrize("arguments", [("--help",), ("train", "--help"), ("test", "-h"), ("backtest", "--help"), ()])
def test_help_in_a_new_checkout_installs_nothing(watched, project, arguments):
    done, calls = watched(*arguments)
    assert (done.returncode, done.stderr) == (0 if arguments else 2, "")
    assert "Start here:  ./alo backtest" in done.stdout
    assert calls == []
    assert not (project / ".venv").exists()


def test_a_command_that_is_none_installs_nothing(watched, project):
    done, calls = watched("bcaktest")
    assert done.returncode == 2
    assert done.stderr.startswith("alo: No such command 'bcaktest'; the commands are backtest sweep report ")
    assert calls == []
    assert not (project / ".venv").exists()


def test_usage_errors_are_told_before_what_the_command_alone_needs_is_fetched(watched):
    done, calls = watched("train", "--nonsense")
    assert done.returncode == 2
    assert "No such option '--nonsense'" in done.stderr
    assert [line.rpartition("/")[2] for line in installs(calls)] == ["run.txt"]
    done, calls = watched("train", "--nonsense")
    assert (done.returncode, installs(calls)) == (2, [])
    done, calls = watched("train", "--seeds", "5")
    assert done.returncode == 0, done.stderr
    assert [line.rpartition("/")[2] for line in installs(calls)] == ["train.txt"]
    assert calls[-1].endswith("-m alo_lib.cli train --seeds 5")


def test_what_one_command_alone_needs_is_fetched_for_it_and_lists_count_with_those_that_they_take_in(watched, project):
    (project / "requirements" / "export.txt").write_text("-r run.txt\npyarrow\n")
    (project / "requirements" / "test.txt").write_text("-r export.txt\n")
    done, calls = watched("journal", "list")
    assert (done.returncode, [line.rpartition("/")[2] for line in installs(calls)]) == (0, ["run.txt"])
    done, calls = watched("journal", "export", "run")
    assert (done.returncode, [line.rpartition("/")[2] for line in installs(calls)]) == (0, ["export.txt"])
    done, calls = watched("test")
    assert (done.returncode, [line.rpartition("/")[2] for line in installs(calls)]) == (0, ["test.txt"])
    (project / "requirements" / "export.txt").write_text("-r run.txt\npyarrow==19\n")
    for command, fetched in ((("journal", "list"), []), (("test",), ["test.txt"]), (("test",), [])):
        done, calls = watched(*command)
        assert (done.returncode, [line.rpartition("/")[2] for line in installs(calls)]) == (0, fetched)


def options_of(command, path=()):
    """Every long option of a command and of those below it."""
    for name, below in getattr(command, "commands", {}).items():
        yield from options_of(below, (*path, name))
    for option in command.params:
        for spelling in (*option.opts, *option.secondary_opts):
            if spelling.startswith("--") and spelling != "--help":
                yield path, spelling


def test_a_mistyped_option_in_a_new_checkout_installs_nothing_and_no_right_one_is_refused(watched, project):
    shutil.copytree(ROOT / "alo_lib" / "cli" / "commands", project / "alo_lib" / "cli" / "commands")
    for module in (ROOT / "alo_lib" / "cli").glob("*_arguments.py"):
        shutil.copy(module, project / "alo_lib" / "cli")
    for command in sorted(alo.commands.keys() - {"test"}):  # whose options are pytest's
        done, calls = watched(command, "--nonsense=3")
        assert done.returncode == 2
        assert done.stderr == f"alo: No such option '--nonsense'. (see 'alo {command} --help')\n"
        assert calls == []
        assert not (project / ".venv").exists()
    for name, each in alo.commands.items():
        right = [word for path, option in options_of(each) for word in (*path, option)]
        done, calls = watched(name, *right, "--", "--neither")
        assert done.returncode == 0, done.stderr
        assert calls[-1].endswith("-- --neither")
        shutil.rmtree(project / ".venv")


def test_the_version_is_told_without_an_environment(watched, project):
    shutil.copy(ROOT / "pyproject.toml", project)
    done, calls = watched("--version")
    assert re.fullmatch(r"alo \d+\.\d+\.\d+\n", done.stdout)
    assert (done.returncode, done.stderr, calls) == (0, "", [])


def test_help_in_an_environment_that_is_out_of_date_installs_nothing(watched, project):
    watched("backtest")
    (project / "requirements.txt").write_text("# other\n")
    done, calls = watched("docs", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert installs(calls) == []
    assert calls[-1].endswith("-m alo_lib.cli docs --help")


def test_the_script_knows_every_command(watched):
    done, _ = watched("bcaktest")
    assert done.stderr == f"alo: No such command 'bcaktest'; the commands are {' '.join(alo.commands)}\n"


@pytest.mark.skipif(os.getuid() != 0, reason="needs a user that it can step down from")
def test_an_interpreter_that_another_user_cannot_run_is_named(watched, project, tmp_path):
    """As where one user made the environment with a Python of its own home."""
    (project / ".venv" / "bin").mkdir(parents=True)
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    shutil.copy(tmp_path / "bin" / "python3.11", home / "python")
    (project / ".venv" / "bin" / "python").symlink_to(home / "python")
    for folder in (*tmp_path.parents, tmp_path):
        if folder.stat().st_mode & 0o005 != 0o005:
            folder.chmod(folder.stat().st_mode | 0o005)
    done = subprocess.run(
        [str(project / "alo"), "backtest"],
        env={"PATH": f"{tmp_path / 'bin'}"},
        capture_output=True,
        text=True,
        check=False,
        user=65534,
        group=65534,
        extra_groups=[],
        cwd="/",
    )
    assert done.returncode == 2
    assert f".venv/bin/python leads to {home / 'python'}, which " in done.stderr
    assert "cannot be written" not in done.stderr
