"""The price model as a stranger meets it, in a real LEAN: copied into an empty project, or called wrongly."""

import re
import shutil
from pathlib import Path

import pytest

from alo_lib.cli.project import ROOT
from tests.models.lean_run import kept_by, native_lean, run_in_lean

pytestmark = pytest.mark.lean

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project into which the library and the models were copied, and nothing else of this one."""
    native_lean()
    folder = tmp_path_factory.mktemp("project")
    for name in ("alo_lib", "models"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def run_copied(algorithm: Path, project: Path, folder: Path, data: Path) -> str:
    """LEAN's console, which must hold no error but its own at the end, on a busy machine, in unloading Python."""
    shutil.copy(algorithm, project / "main.py")
    console = run_in_lean(project / "main.py", folder, data, project=project)
    before_the_end = console.split("PythonInitializer.Shutdown(): start")[0]
    assert "ERROR::" not in before_the_end, console[-3000:]
    assert "Traceback" not in console
    return console


@pytest.mark.slow  # the kernels are compiled anew in the copy
def test_the_example_runs_where_only_the_library_and_the_models_were_copied(
    project: Path, lean_data: Path, tmp_path: Path
) -> None:
    console = run_copied(ROOT / "algorithm" / "chain_greeks.py", project, tmp_path, lean_data)
    told = re.findall(r"Log: 2015-12-24 10:00:00 (\S+): volatility ([\d.]+) at", console)
    assert len(told) >= 10, console[-3000:]
    assert all(0.1 < float(volatility) < 0.5 for _, volatility in told)


@pytest.mark.slow
def test_contracts_picked_out_of_option_chain_and_added_alone_have_greeks(
    project: Path, lean_data: Path, tmp_path: Path
) -> None:
    console = run_copied(HERE / "stranger_algorithm.py", project, tmp_path, lean_data)
    ((delta, count),) = re.findall(r"chosen GOOG  160115P\d{8} (-[\d.]+) of (\d+)", console)
    assert float(delta) == pytest.approx(-0.25, abs=0.02)
    assert int(count) > 2000
    read, past = (re.findall(rf"{word} ([\d.]+) (-[\d.]+)", console) for word in ("read", "past"))
    assert len(read) == 4
    assert past == read
    assert all(float(delta) == pytest.approx(-0.25, abs=0.05) for _, delta in read)
    assert len(re.findall(r"of 1 at", console)) == 4  # no other contract is in the chain


def test_mistakes_are_told_in_a_sentence(lean_data: Path, tmp_path: Path) -> None:
    seen = kept_by(HERE / "mistakes_algorithm.py", "told", tmp_path, lean_data)
    starts = {
        "algorithm": "algorithm is 'GOOG'; allowed: the QCAlgorithm itself",
        "price": "price is 'middle'; allowed: mid, bid, ask, last",
        "yield word": "dividend_yield is 'implied'; allowed: model, parity",
        "yield number": "dividend_yield is 0.02; allowed: model, parity, or a dividend yield model",
        "announced": "announced is [(datetime.date(2016, 2, 1), 0.5)]; allowed: a function",
        "both": "announced is given and dividend_yield is 'parity'; allowed: one of the two",
        "scheme": "scheme is 'best'; allowed: ",
        "age": "max_quote_age is 20; allowed: a timedelta above zero",
        "age zero": "max_quote_age is datetime.timedelta(0); allowed: a timedelta above zero",
        "filter name": "a range is given for 'charm'; allowed: implied_volatility, delta",
        "filter order": "delta is (0.5, 0.2); allowed: (lowest, highest)",
        "filter number": "delta is 0.5; allowed: (lowest, highest)",
        "two options": "the contracts belong to 2 options; allowed: contracts of one",
    }
    assert set(seen["told"]) == set(starts)
    for mistake, start in starts.items():
        assert seen["told"][mistake].startswith(start), mistake
    assert seen["rows"] == [0, 0]  # no contracts, no rows
    assert seen["odd"] == [True, {"OUT_OF_DOMAIN": 1}]
