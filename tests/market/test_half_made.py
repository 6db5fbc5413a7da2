"""A market whose making was cut short goes on with the names that are not whole, and comes out the same."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from alo_lib.cli.project import ROOT
from alo_lib.market.faults import DataError
from alo_lib.market.generator import FILED, HalfMade, Made, MarketTruth, generate_market
from alo_lib.market.generator.side_by_side import make_side_by_side
from alo_lib.market.generator.truth import NameTruth
from alo_lib.market.layout import Resolution
from tests.market.test_generator import digest
from tests.runtime.processes import PATIENCE

NAMES = tuple(NameTruth(ticker=ticker, price=50.0 + number) for number, ticker in enumerate(("ONE", "TWO", "SIX")))
TRUTH = MarketTruth(
    start=date(2024, 1, 10), end=date(2024, 1, 11), history_days=30, quote_minutes=60, names=NAMES, seed=5
)
HOURS = (Resolution.HOUR,)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Made, str]:
    folder = tmp_path_factory.mktemp("whole")
    return generate_market(folder, TRUTH, resolutions=HOURS), digest(folder)


def cut_short(folder: Path, at: str) -> None:
    def progress(ticker: str, day: date) -> None:
        if ticker == at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate_market(folder, TRUTH, resolutions=HOURS, progress=progress)


def test_names_that_are_whole_are_not_made_again(tmp_path: Path, whole: tuple[Made, str]) -> None:
    cut_short(tmp_path, "TWO")
    assert HalfMade(tmp_path, TRUTH, HOURS).goes_on
    (tmp_path / ".half-made" / "OTHER.json").write_text("[1000, 5]")  # no name of the market is counted by it
    made: list[str] = []
    again = generate_market(tmp_path, TRUTH, resolutions=HOURS, progress=lambda ticker, _: made.append(ticker))
    assert list(dict.fromkeys(made)) == ["TWO", "SIX"]
    assert (again, digest(tmp_path)) == whole


def test_a_market_cut_short_before_its_truth_is_written_goes_on(
    tmp_path: Path, whole: tuple[Made, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(path: Path, text: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("alo_lib.market.generator.market.write_whole", interrupted)
        with pytest.raises(KeyboardInterrupt):
            generate_market(tmp_path, TRUTH, resolutions=HOURS)
    made: list[str] = []
    again = generate_market(tmp_path, TRUTH, resolutions=HOURS, progress=lambda ticker, _: made.append(ticker))
    assert not made
    assert (again, digest(tmp_path)) == whole


@pytest.mark.parametrize("workers", [0, -1])
def test_nobody_makes_no_market(tmp_path: Path, workers: int) -> None:
    with pytest.raises(ValueError, match=f"workers are {workers}; allowed: 1 or more"):
        generate_market(tmp_path / "new", TRUTH, workers=workers)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("damaged", [b"", b"[1]", b"[-1, 0]", b'{"quotes": 1}', b"\xff"])
def test_a_name_whose_counts_cannot_be_read_is_made_again(
    tmp_path: Path, whole: tuple[Made, str], damaged: bytes
) -> None:
    cut_short(tmp_path, "TWO")
    (count,) = tmp_path.glob(".half-made/*.json")
    count.write_bytes(damaged)
    assert (generate_market(tmp_path, TRUTH, resolutions=HOURS), digest(tmp_path)) == whole


@pytest.mark.parametrize(
    ("truth", "resolutions"), [(TRUTH.model_copy(update={"seed": 6}), HOURS), (TRUTH, FILED)], ids=["seed", "bars"]
)
def test_a_part_of_another_market_is_left_alone(
    tmp_path: Path, truth: MarketTruth, resolutions: tuple[Resolution, ...]
) -> None:
    cut_short(tmp_path, "TWO")
    before = digest(tmp_path)
    assert not HalfMade(tmp_path, truth, resolutions).goes_on
    with pytest.raises(DataError, match="holds a part of another market; name an empty folder"):
        generate_market(tmp_path, truth, resolutions=resolutions)
    assert digest(tmp_path) == before


def test_a_part_that_another_program_made_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cut_short(tmp_path, "TWO")
    monkeypatch.setattr("alo_lib.market.generator.half_made.modules_in", lambda folder: (("market", b"other"),))
    assert not HalfMade(tmp_path, TRUTH, HOURS).goes_on


def test_what_a_name_cannot_pay_is_said_before_any_is_made(tmp_path: Path) -> None:
    names = (*NAMES, NameTruth(ticker="PAYS", price=20.0, dividend=0.9))
    years = TRUTH.model_copy(update={"names": names, "end": date(2026, 12, 31)})
    with pytest.raises(ValueError, match="PAYS: its dividends come to"):
        generate_market(tmp_path / "new", years, resolutions=HOURS)
    assert not (tmp_path / "new").exists()


# Processes -----------------------------------------------------------------------------------------------------------


class Fakes:
    """What stands for the making of a name, in a process that imports this module."""

    def whole(self, progress: Callable[[str, date], None]) -> Made:
        progress("", TRUTH.start)
        return Made(os.getpid(), 0)

    def refused(self, progress: Callable[[str, date], None]) -> Made:
        raise ValueError("no such stock")

    def killed(self, progress: Callable[[str, date], None]) -> Made:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError

    def endless(self, progress: Callable[[str, date], None]) -> Made:
        while True:
            progress("", TRUTH.start)
            time.sleep(0.01)


@pytest.mark.slow
def test_processes_tell_how_far_they_are_and_what_ends_them() -> None:
    fakes = Fakes()
    kept: dict[str, Made] = {}
    heard: list[tuple[str, date]] = []
    makers = dict.fromkeys("ABC", fakes.whole)
    make_side_by_side(makers, 2, lambda ticker, day: heard.append((ticker, day)), kept.__setitem__)
    assert sorted(heard) == [(name, TRUTH.start) for name in "ABC"]
    assert len({made.quotes for made in kept.values()} - {os.getpid()}) == 3
    with pytest.raises(ValueError, match="no such stock"):
        make_side_by_side({"A": fakes.endless, "B": fakes.refused}, 2, None, kept.__setitem__)
    with pytest.raises(DataError, match="the process that made B was ended from outside; what is whole is kept"):
        make_side_by_side({"A": fakes.endless, "B": fakes.killed}, 2, None, kept.__setitem__)


@pytest.mark.slow
def test_processes_side_by_side_write_the_same_market(tmp_path: Path, whole: tuple[Made, str]) -> None:
    assert generate_market(tmp_path, TRUTH, resolutions=HOURS, workers=2) == whole[0]
    assert digest(tmp_path) == whole[1]


@pytest.mark.slow
def test_a_command_that_is_killed_goes_on(tmp_path: Path) -> None:
    folder, days = tmp_path / "market", ("--end", "2024-02-15", "--quote-minutes", "30", "--history-days", "200")
    names = ("ONE", "TWO", "SIX", "TEN")
    command = [sys.executable, "-m", "alo_lib.cli", "generate", *days, "--workers", "2"]
    command += [option for name in names for option in ("--name", f"{name}:70")]
    cut = subprocess.Popen([*command, "--output", str(folder)], cwd=ROOT, stderr=subprocess.DEVNULL)
    end = time.monotonic() + PATIENCE
    while not list(folder.glob(".unfinished/market/.half-made/*.json")):
        assert cut.poll() is None
        assert time.monotonic() < end
        time.sleep(0.01)
    cut.kill()
    cut.wait()
    again = subprocess.run([*command, "--output", str(folder)], cwd=ROOT, capture_output=True, text=True, check=True)
    assert f"Going on with the market that was begun in {folder}." in again.stderr
    subprocess.run([*command, "--output", str(tmp_path / "other")], cwd=ROOT, capture_output=True, check=True)
    assert digest(folder) == digest(tmp_path / "other")
    assert not (folder / ".unfinished").exists()
