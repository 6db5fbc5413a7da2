"""A run of which there is a journal alone: the same figures as the finished run's, and what nobody kept is not told."""

import json
from typing import Any

import pytest

from alo_lib.journal import JOURNAL_FOLDER, Journal, JournalError, read_journal
from alo_lib.market import FaultLog
from alo_lib.records import Kind
from alo_lib.simulation import require_data, run_backtest
from alo_lib.views import Run, RunError, report_html, summarize
from alo_lib.views.journaled_run import JournaledRun
from tests.simulation import tiny

# Of equity that was sampled at other times, and of what no journal has.
OTHERS = {
    *("engine", "sharpe", "sharpe_interval", "drawdown", "worst_day", "market", "coverage", "rows", "wall_seconds"),
    *("results_folder", "warnings", "skipped", "left_out", "missing_files"),
}


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory) -> Run:
    data = tiny.write(tmp_path_factory.mktemp("data"))
    folder = run_backtest(tiny.settings(), data, tmp_path_factory.mktemp("run")).folder
    about = {"engine": "embedded", "versions": {}, "started": "2020-01-02"}
    settings = tiny.settings().model_dump(mode="json")
    objects = {"settings": settings, "data": {"digest": "d", "files": []}, "faults": {"counts": {}, "first": []}}
    for name, content in objects.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    findings = require_data(tiny.settings(), data)
    summary = summarize(
        Run(folder), engine="embedded", findings=findings, faults=FaultLog(), wall_seconds=1.0, folder=str(folder)
    )
    (folder / "run.json").write_text(json.dumps(about | {"summary": summary}))
    return Run(folder)


@pytest.fixture
def journaled(traded: Run) -> JournaledRun:
    return JournaledRun.of(read_journal(traded.folder / JOURNAL_FOLDER), "desk")


def test_its_figures_are_those_of_the_finished_run(traded: Run, journaled: JournaledRun) -> None:
    finished: dict[str, Any] = {name: value for name, value in traded.summary.items() if name not in OTHERS}
    told = {name: value for name, value in journaled.summary.items() if name not in OTHERS}
    assert told == finished
    assert finished["orders"] > 0
    assert finished["net_profit"] != 0.0


def test_its_page_tells_nothing_that_nobody_kept(traded: Run, journaled: JournaledRun) -> None:
    page, finished = report_html(journaled), report_html(traded)
    for words in ("Data left out", "data left out", "how many sessions have what a run needs", "data digest"):
        assert words in finished
        assert words not in page
    assert "drawn from its journal" in page
    assert journaled.summary["journal_digest"] in page
    assert f"{len(journaled.journal.messages):,} messages" in page


def test_a_journal_cut_at_any_moment_can_be_drawn(traded: Run) -> None:
    journal = read_journal(traded.folder / JOURNAL_FOLDER)
    count = len(journal.messages)
    measured = next(place for place, each in enumerate(journal.messages) if each.kind is Kind.EXPOSURE)

    def cut(end: int) -> JournaledRun:
        return JournaledRun.of(Journal(journal.settings, journal.messages[:end], being_written=True), "desk")

    with pytest.raises(RunError, match=f"the journal of desk has measured no book yet, {measured} messages so far"):
        cut(measured)
    for end in range(measured + 1, count, (count - measured) // 8):
        assert f"{end:,} messages, more to come" in report_html(cut(end))


@pytest.mark.parametrize("settings", [b"{", b"[]", b"\xff"])
def test_settings_that_are_none_are_told(traded: Run, settings: bytes) -> None:
    journal = read_journal(traded.folder / JOURNAL_FOLDER)
    damaged = Journal(settings, journal.messages)
    with pytest.raises(JournalError, match="journal's header"):
        report_html(JournaledRun.of(damaged, "desk"))
