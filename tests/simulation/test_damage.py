"""Damage of every file of a folder: never a traceback, never another result of which nothing is said."""

import tempfile
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alo_lib.market import DataError, DataFindings, DataFolder, FaultLog
from alo_lib.simulation import run_backtest
from tests.simulation import damaged, tiny
from tests.simulation.test_feed import Listener

CHECKED = {"flip", "cut", "utf-16", "latin-1", "repeat", "reorder"}
"""Damage that shows in an archive, which has a checksum of its own and rows in order."""
HARMLESS = {"mark", "blank lines"}
CHECKED_TEXT = {"utf-16", "latin-1", "repeat"}
"""Damage that shows in a text file; a digit that is another is a number like any."""


class Outcome(NamedTuple):
    """A digest of what a core is told in a run over a folder, and what people are told of the folder."""

    told: str
    findings: DataFindings
    faults: FaultLog


def read(root: Path) -> Outcome:
    """Read a folder as a run does; raises DataError where a run is refused."""
    folder = DataFolder(root)
    core = Listener(folder)
    told = []
    for index in range(2):
        told += [message.records.tobytes() for message in core.begin(index)]
        bars = core.bars(index)
        told += [bars.trades.tobytes(), bars.quotes.tobytes(), bars.trade_times.tobytes(), bars.quote_times.tobytes()]
    return Outcome(sha256(b"".join(told)).hexdigest(), core.findings, folder.faults)


def attempt(root: Path) -> Outcome | None:
    """Read a folder; None where it is refused, which takes one sentence."""
    try:
        return read(root)
    except DataError as error:
        sentence = str(error)
    assert "\n" not in sentence
    return None


@pytest.fixture(scope="module")
def undamaged(whole: Path) -> Outcome:
    return read(whole)


def files_of(root: Path) -> list[Path]:
    return sorted(path.relative_to(root) for path in root.rglob("*") if path.is_file())


def check(whole: Path, undamaged: Outcome, file: int, damage: str, place: int) -> None:
    """Damage a copy of a market and hold what became of it to what this file promises."""
    with tempfile.TemporaryDirectory() as made:
        root = damaged.copy(whole, Path(made) / "data")
        names = files_of(root)
        path = root / names[file % len(names)]
        damaged.apply(path, damage, place)
        outcome = attempt(root)
        if outcome is None:
            assert damage not in HARMLESS
            return
        (coverage,) = outcome.findings.coverage
        assert min(coverage.bars, coverage.quotes, coverage.universes) > 0
        same = outcome.told == undamaged.told
        if damage in HARMLESS:
            assert same
            assert not outcome.faults
        elif damage in (CHECKED if path.suffix == ".zip" else CHECKED_TEXT):
            assert same or outcome.faults or outcome.findings.warnings, f"{path.name}: {damage} at {place}"


WHERE = {
    "file": st.integers(0, 40),
    "damage": st.sampled_from(sorted({*damaged.BYTES, *damaged.LINES})),
    "place": st.integers(0, 1 << 20),
}


@given(**WHERE)
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_damage_is_refused_or_counted(whole: Path, undamaged: Outcome, file: int, damage: str, place: int) -> None:
    check(whole, undamaged, file, damage, place)


@pytest.mark.slow
@given(**WHERE)
@settings(max_examples=3000, deadline=None, suppress_health_check=list(HealthCheck))
def test_much_damage_is_refused_or_counted(whole: Path, undamaged: Outcome, file: int, damage: str, place: int) -> None:
    check(whole, undamaged, file, damage, place)


def test_a_file_that_is_not_there_is_refused_or_counted(whole: Path, undamaged: Outcome, tmp_path: Path) -> None:
    for number, name in enumerate(files_of(whole)):
        root = damaged.copy(whole, tmp_path / str(number))
        (root / name).unlink()
        outcome = attempt(root)
        if outcome is not None:
            assert outcome.told == undamaged.told or outcome.faults or outcome.findings.warnings, name


def test_byte_order_marks_are_read_over_everywhere(whole: Path, undamaged: Outcome, tmp_path: Path) -> None:
    root = damaged.copy(whole, tmp_path / "data")
    for name in files_of(root):
        damaged.apply(root / name, "mark", 0)
    outcome = read(root)
    assert not outcome.faults
    assert outcome.told == undamaged.told
    assert outcome.faults.rows == undamaged.faults.rows


@pytest.mark.slow
def test_a_run_over_what_is_left_counts_what_is_not(whole: Path, tmp_path: Path) -> None:
    """Every row of the second day's quotes with a cell too many."""
    root = damaged.copy(whole, tmp_path / "data")
    path = damaged.option_quotes(root, tiny.SECOND)
    damaged.edit_entries(path, lambda text: text.replace("\n", ",7\n"))
    (tmp_path / "run").mkdir()
    found = run_backtest(tiny.settings(min_coverage=0.5), root, tmp_path / "run")
    assert found.faults.rows_left_out == 78 * len(tiny.KEYS)
    assert found.faults.rows > found.faults.rows_left_out
    assert np.sum([each.quotes for each in found.findings.coverage]) == 1
