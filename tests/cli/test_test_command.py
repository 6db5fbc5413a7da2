import sys

import pytest

from alo_lib.cli.commands.test import Check


@pytest.fixture
def steps(monkeypatch):
    """Two checks in place of ruff, mypy and import-linter."""

    def install(*codes):
        checks = tuple(Check(f"check {number}", ("-c", code)) for number, code in enumerate(codes))
        monkeypatch.setattr("alo_lib.cli.commands.test._CHECKS", checks)

    return install


@pytest.fixture
def one_test(tmp_path):
    def write(body):
        path = tmp_path / "test_made.py"
        path.write_text(f"import pytest\n\n@pytest.mark.slow\ndef test_slow(): pass\n\ndef test_made():\n    {body}\n")
        return path

    return write


def test_all_passing_ends_with_pytests_counts(run, steps, one_test):
    steps("print('fine')", "pass")
    outcome = run("test", one_test("pass"))
    assert outcome.status == 0
    last = outcome.out.splitlines()[-1]
    assert last.startswith("pytest")
    assert "1 passed, 1 deselected" in last
    assert outcome.out.count("passed  ") == 3


def test_every_check_runs_after_one_has_failed(run, steps, one_test):
    steps("raise SystemExit(3)", "print('the second ran')")
    outcome = run("test", one_test("pass"))
    assert outcome.status == 1
    assert "the second ran" in outcome.out
    assert "check 0        FAILED" in outcome.out


def test_a_failing_test_fails_the_command(run, steps, one_test):
    outcome = run("test", "--only-pytest", one_test("assert False"))
    assert outcome.status == 1
    assert "1 failed, 1 deselected" in outcome.out.splitlines()[-1]


def test_arguments_go_to_pytest_and_all_includes_slow_tests(run, one_test):
    outcome = run("test", "--only-pytest", "--all", one_test("pass"), "-k", "slow", "-v")
    assert outcome.status == 0
    assert "1 passed, 1 deselected" in outcome.out.splitlines()[-1]
    assert "test_slow PASSED" in outcome.out


def test_checks_run_with_this_python(run, steps, one_test):
    steps("import sys; print(sys.executable)")
    assert sys.executable in run("test", one_test("pass")).out


def test_the_whole_suite_runs_on_all_processors_and_a_part_of_it_on_one(run, steps, monkeypatch):
    commands = []

    def stream(command):
        commands.append(command[1:])
        return 0, "1 passed"

    monkeypatch.setattr("alo_lib.cli.commands.test._stream", stream)
    steps()
    assert run("test").status == run("test", "tests/views").status == 0
    assert commands == [
        ["-m", "pytest", "-m", "not slow", "-n", "auto", "--dist", "loadfile", "--no-loadscope-reorder"],
        ["-m", "pytest", "-m", "not slow", "tests/views"],
    ]
