import json
import subprocess

import pytest

from alo_lib.cli.commands.benchmark import benchmarks


def test_every_benchmark_is_listed_with_what_it_measures(run):
    listed = run("benchmark").out.splitlines()
    names = [line.split()[0] for line in listed]
    assert {"backtest", "executive", "gate", "journal", "pricing", "transport", "volatility"} <= set(names)
    assert all(len(line.split()) > 3 for line in listed)
    told = json.loads(run("benchmark", "--json").out)
    assert [each["name"] for each in told] == names


def test_only_what_runs_by_itself_is_one(tmp_path):
    (tmp_path / "kit.py").write_text('"""A kit."""\n')
    (tmp_path / "speed.py").write_text(
        '"""Speed: `python -m benchmarks.speed`.\n\nMore."""\nif __name__ == "__main__":\n    1\n'
    )
    assert benchmarks(tmp_path) == {"speed": "Speed."}


def test_one_is_run_with_what_it_is_given_and_its_status_is_ours(run, monkeypatch):
    seen = []

    def fake(command, **_):
        seen.append(command[1:])
        return subprocess.CompletedProcess(command, 1)

    monkeypatch.setattr(subprocess, "run", fake)
    assert run("benchmark", "pricing", "--quick", "--json").status == 1
    assert seen == [["-m", "benchmarks.pricing", "--quick", "--json"]]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("pricin", "there is no benchmark 'pricin'; did you mean pricing?"),
        ("x", "there is no benchmark 'x'; the benchm"),
        ("--nonsense=3", "No such option '--nonsense' (see 'alo benchmark --help')"),
    ],
)
def test_another_name_is_one_sentence(run, name, sentence):
    outcome = run("benchmark", name)
    assert outcome.status == 2
    assert sentence in outcome.err
