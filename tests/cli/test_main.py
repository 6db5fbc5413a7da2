import json
import os
import re
import subprocess
import sys

import click
import pytest

from alo_lib.cli import alo
from alo_lib.cli.option_arguments import Amount, Whole
from alo_lib.cli.project import ROOT, prepare_compilation_cache


def _one_sentence(outcome):
    assert outcome.status == 2
    assert outcome.out == ""
    assert outcome.err.startswith("alo: ")
    assert outcome.err.count("\n") == 1
    return outcome.err


def test_help_names_every_command(run):
    outcome = run("--help")
    assert outcome.status == 0
    assert all(
        name in outcome.out for name in ("backtest", "report", "generate", "engines", "price", "iv", "chain", "test")
    )
    assert run("-h") == outcome  # with the status and the words of what may have gone wrong


def test_help_has_both_its_names_after_a_usage_was_checked(run, monkeypatch):
    monkeypatch.setattr(alo, "_help_option", None)  # click keeps the first that it made
    assert run("--check-usage", "chain", "--neither").status == 2
    assert run("-h") == run("--help")


@pytest.mark.parametrize("name", sorted(alo.commands))
def test_every_command_explains_itself_and_its_options(run, name):
    outcome = run(name, "--help")
    assert outcome.status == 0
    command = alo.commands[name]
    assert command.get_short_help_str().endswith(".")
    assert all(option.help for option in command.params if isinstance(option, click.Option))


def test_help_waits_for_no_heavy_import():
    script = (
        "import sys; from alo_lib.cli import alo; alo.main(['backtest', '--help'], standalone_mode=False); "
        "print([name for name in ('numpy', 'numba', 'pandas', 'scipy', 'plotly') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_without_a_command_it_shows_help_and_fails(run):
    outcome = run()
    assert outcome.status == 2
    assert "Commands:" in outcome.out


def test_usage_errors_are_one_sentence(run):
    assert "No such command 'bcaktest'" in _one_sentence(run("bcaktest"))
    assert "(see 'alo backtest --help')" in _one_sentence(run("backtest", "--no-such-option"))
    assert "'warp' is not one of" in _one_sentence(run("backtest", "--engine", "warp"))


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (["BACKTEST"], "No such command 'BACKTEST'; did you mean backtest? (see 'alo --help')"),
        (["back_test"], "No such command 'back_test'; did you mean backtest?"),
        (["journal", "Show", "x"], "No such command 'Show'; did you mean show? (see 'alo journal --help')"),
        (
            ["journal", "zzz"],
            "No such command 'zzz'; the commands are archive, export, leave-out, list, restore, show, verify",
        ),
        (["backtest", "--UNDERLYING", "GOOG"], "No such option '--UNDERLYING'; did you mean --underlying? (see"),
        (["backtest", "--underlyings=GOOG"], "No such option '--underlyings'; did you mean --underlying?"),
        (["price", "--dividend_yield", "1%"], "No such option '--dividend_yield'; did you mean --dividend-yield?"),
        (["backtest", "--entry-edge", "3%"], "No such option '--entry-edge'; a setting is given as --set entry-edge=V"),
        (["backtest", "--Max_Vega=1"], "No such option '--Max_Vega'; a setting is given as --set max-vega=VALUE"),
        (["price", "--entry-edge", "3%"], "No such option '--entry-edge' (see 'alo price --help')"),
        (["backtest", "--set", "ENTRY-EDGE=0.03"], "unknown setting 'ENTRY-EDGE'; did you mean entry-edge?"),
        (["backtest", "--symbol", "GOOG"], "No such option '--symbol'; did you mean --underlying? (see"),
        (["backtest", "--Ticker=GOOG"], "No such option '--Ticker'; did you mean --underlying? (see"),
        (["backtest", "--date", "2015-12-24"], "No such option '--date'; did you mean --start and --end? (see"),
        (
            ["chain", "GOOG", "--date", "2015-12-24"],
            "No such option '--date'; the day is given without an option: alo chain [OPTIONS] TICKER DAY (see",
        ),
        (
            ["volatility", "--symbol", "GOOG"],
            "the ticker is given without an option: alo volatility [OPTIONS] TICKER (see",
        ),
    ],
)
def test_what_was_meant_is_told_whatever_its_capitals(run, call, sentence):
    assert sentence in _one_sentence(run(*call))


def test_bounds_of_options_are_told_in_words(run):
    told = {name: " ".join(run(name, "--help").out.split()) for name in alo.commands}
    assert "[default: 80; from 0 to 99]" in told["core"]
    assert "from 0.001 to 86,400,000" in told["schedule"]
    assert "from 0 to 9,223,372,036,854,775,807" in told["generate"]
    assert not [name for name, text in told.items() if "<=" in text or ">=" in text]


@pytest.mark.parametrize(
    ("value", "ends", "sentence"),
    [
        ("-1", (0, None), "'-1' is out of range; allowed: at least 0"),
        ("2.5", (None, 2), "'2.5' is out of range; allowed: at most 2"),
        ("1e7", (1e-6, 1e6), "'1e7' is out of range; allowed: from 0.000001 to 1,000,000"),
    ],
)
def test_a_number_beyond_its_bounds_is_told_in_words(value, ends, sentence):
    with pytest.raises(click.BadParameter) as refused:
        Amount(*ends).convert(value, None, None)
    assert refused.value.message == sentence
    for end in ends:
        if end is not None:
            assert Amount(*ends).convert(str(end), None, None) == end


@pytest.mark.parametrize("number", ["20000", "20,000", "20_000", "2e4"])
def test_numbers_of_options_are_written_as_people_do(number):
    commands = [each for one in alo.commands.values() for each in (one, *getattr(one, "commands", {}).values())]
    kinds = [param.type for command in commands for param in command.params]
    assert not [kind for kind in kinds if type(kind) in (click.IntRange, click.FloatRange)]
    assert Whole(0).convert(number, None, None) == 20_000
    assert Amount(0).convert(number, None, None) == 20_000.0
    with pytest.raises(click.BadParameter, match="is not a whole number"):
        Whole(0).convert(f"{number}%", None, None)


def calls_with_a_path(command, path, *name):
    """Ways to give ``path`` for an option or an argument of a command, and of those below it, that takes a path."""
    for each, below in getattr(command, "commands", {}).items():
        yield from calls_with_a_path(below, path, *name, each)
    before: list[str] = []
    for param in command.params:
        if isinstance(param, click.Option):
            given = [f"{param.opts[0]}={path}"]
        else:
            other = next(iter(param.type.choices)) if isinstance(param.type, click.Choice) else "x"
            given, before = [*before, path], [*before, other]
        if isinstance(param.type, click.Path):
            yield *name, *given


@pytest.mark.parametrize("nothing", ["", "  "])
def test_no_path_that_is_empty_means_the_working_folder(run, nothing):
    calls = list(calls_with_a_path(alo, nothing))
    assert len(calls) == 59
    for call in calls:
        assert f"{nothing!r} names no file or folder" in _one_sentence(run(*call)), call


def test_usage_is_checked_without_running_the_command(run):
    assert run("--check-usage", "train", "--iterations", "5").status == 0
    assert "(see 'alo train --help')" in _one_sentence(run("--check-usage", "train", "--nonsense"))
    assert "'0' is out of range; allowed: from 1 to 100,000" in _one_sentence(
        run("--check-usage", "train", "--iterations", "0")
    )


def test_a_question_without_an_answer_ends_with_130(backtest, engine, tmp_path):
    engine.failure = click.Abort()
    outcome = backtest()
    assert (outcome.status, outcome.err.endswith("alo: interrupted\n")) == (130, True)


def test_a_defect_of_the_program_shows_its_traceback(backtest, engine, tmp_path):
    engine.failure = ZeroDivisionError("defect")
    with pytest.raises(ZeroDivisionError):
        backtest()
    (left,) = (tmp_path / "runs").iterdir()
    assert left.name.endswith(".partial")


def test_engines_are_listed_for_people_and_programs(run, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("LEAN_HOME", "/nowhere")
    listed = run("engines")
    assert listed.status == 0
    assert listed.out.splitlines()[0].split()[:2] == ["embedded", "ready"]
    found = json.loads(run("engines", "--json").out)
    assert found["embedded"]["ready"]
    assert found["native"] == {
        "ready": False,
        "detail": "LEAN_HOME is /nowhere, which holds no QuantConnect.Lean.Launcher.dll; "
        "it must name the folder of LEAN's launcher",
    }
    assert not found["docker"]["ready"]


def test_compiled_kernels_stay_in_the_environment(monkeypatch, tmp_path):
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr("alo_lib.cli.project._ENVIRONMENT", tmp_path)
    prepare_compilation_cache()
    assert os.environ["NUMBA_CACHE_DIR"] == str(tmp_path / "numba-cache")
    assert list((tmp_path / "numba-cache").iterdir()) == []


def test_kernels_go_elsewhere_when_the_environment_cannot_be_written(monkeypatch, tmp_path):
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr("alo_lib.cli.project._ENVIRONMENT", tmp_path)
    (tmp_path / "numba-cache").write_text("in the way")
    prepare_compilation_cache()
    assert "alo-numba-" in os.environ["NUMBA_CACHE_DIR"]


def test_a_cache_that_the_caller_chose_is_kept(monkeypatch, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/chosen")
    prepare_compilation_cache()
    assert os.environ["NUMBA_CACHE_DIR"] == "/chosen"


@pytest.mark.parametrize(
    "arguments",
    [
        ("schedule", "--frame", "9" * 6_000),
        ("core", "--priority", "9" * 6_000),
        ("core", "--set", f"cash={'9' * 6_000}"),
        ("core", "--set", f"max-structures={'9' * 6_000}"),
        ("backtest", "--start", "9" * 6_000),
        ("core", "9" * 6_000),
    ],
)
def test_a_value_that_nobody_reads_to_its_end_is_shortened(run, arguments):
    outcome = run(*arguments)
    assert (outcome.status, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert f"{'9' * 38}..." in outcome.err
    assert "9" * 41 not in outcome.err
    assert re.search(r"\(6,00\d characters\)", outcome.err)
    assert len(outcome.err) < 400
