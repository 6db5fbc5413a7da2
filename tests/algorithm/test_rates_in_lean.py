"""Rates by expiry from the risk-free model of an algorithm in LEAN: as from a file that says the same."""

from pathlib import Path

import pytest

from alo_lib.cli.engines.embedded import EmbeddedEngine
from alo_lib.cli.project import ROOT
from alo_lib.journal import (
    JOURNAL_FOLDER,
    message_digest,
    order_digest,
    orders_of,
    read_journal,
    take_from_object_store,
)
from alo_lib.market.rate_curves import curves_file
from alo_lib.records import Kind
from alo_lib.settings import Settings
from tests.algorithm.test_engines import JOBS, run
from tests.models.lean_run import native_lean, run_in_lean

pytestmark = [pytest.mark.lean, pytest.mark.slow]

ALGORITHM = Path(__file__).with_name("rates_algorithm.py")
JOB = JOBS["GOOG minute"]


def with_curves(lean_data: Path, folder: Path, text: str) -> Path:
    """LEAN's sample data by links, and a file of curves."""
    (folder / "alternative").mkdir(parents=True)
    for path in (each for each in lean_data.iterdir() if each.name != "alternative"):
        (folder / path.name).symlink_to(path)
    for path in (lean_data / "alternative").iterdir():
        (folder / "alternative" / path.name).symlink_to(path)
    curves = curves_file(folder, "flat")
    curves.parent.mkdir(parents=True)
    curves.write_text(text)
    return folder


def test_a_model_that_the_algorithm_sets_tells_what_a_file_of_the_same_rates_tells(
    lean_data: Path, tmp_path: Path
) -> None:
    native_lean()
    data = with_curves(lean_data, tmp_path / "data", "2015-12-24, 30: 3%\n")
    _, ours = run(EmbeddedEngine(), JOB | {"rate_curve": "flat"}, data, tmp_path / "embedded")
    asked = Settings.of(JOB | {"rate_curve": "model"})
    console = run_in_lean(ALGORITHM, tmp_path, lean_data, parameters=asked.as_parameters())
    assert take_from_object_store(tmp_path / "store", tmp_path), console[-3000:]
    theirs = read_journal(tmp_path / JOURNAL_FOLDER)
    (told,) = (each for each in theirs.messages if each.kind is Kind.CURVE)
    assert set(told.records["rate"].tolist()) == {0.03}
    assert order_digest(orders_of(theirs.messages)) == order_digest(orders_of(ours.messages))
    assert message_digest(theirs.messages) == message_digest(ours.messages)


def test_leans_own_history_is_not_asked_for_what_nobody_knew(lean_data: Path, tmp_path: Path) -> None:
    asked = Settings.of(JOB | {"rate_curve": "model"})
    console = run_in_lean(ROOT / "main.py", tmp_path, lean_data, parameters=asked.as_parameters())
    assert "setting rate-curve is 'model', and the algorithm's risk-free model is LEAN's history of rates" in console
