"""Run folders that are damaged, or that someone else wrote."""

import json
import re

import pytest

from alo_lib.journal import JOURNAL_FOLDER
from alo_lib.journal.format import segment_name
from alo_lib.views import Run, RunError, report_html
from alo_lib.views.performance import equity_curve, performance


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("run.json", None, "is not the folder of a finished run: it has no run.json"),
        ("run.json", "{", "run.json is not JSON"),
        ("run.json", "{}", "run.json does not say engine as a run's folder does: a text"),
        ("run.json", '{"summary": {}}', "run.json does not say engine as a run's folder does: a text"),
        ("data.json", "{}", "data.json does not say digest"),
        ("faults.json", "{}", "faults.json does not say first"),
        ("faults.json", "[]", "faults.json holds list; it must hold an object"),
        ("alo.json", None, "holds no results in LEAN's format"),
        ("alo.json", "{}", "the results state no equity"),
        (f"{JOURNAL_FOLDER}/{segment_name(0)}", "no journal", "not a journal"),
    ],
)
def test_a_damaged_folder_is_told_in_one_sentence(traded, name, content, sentence):
    path = traded.folder / name
    path.unlink()
    if content is not None:
        path.write_text(content)
    with pytest.raises(ValueError, match=re.escape(sentence)):
        _everything(Run(traded.folder))


@pytest.mark.parametrize("names", [("coverage", "ALFA"), ("coverage", "ALFA", "without_quotes"), ("sharpe",)])
def test_a_summary_that_lacks_something_is_told_in_one_sentence(traded, names):
    about = json.loads((traded.folder / "run.json").read_text())
    *above, last = names
    inner = about["summary"]
    for name in above:
        inner = inner[name]
    del inner[last]
    (traded.folder / "run.json").write_text(json.dumps(about))
    with pytest.raises(RunError, match=f"run.json does not say {last}"):
        report_html(Run(traded.folder))


@pytest.mark.parametrize(
    ("names", "wrong"),
    [
        (("totalPerformance", "portfolioStatistics", "sharpeRatio"), "x"),
        (("totalPerformance", "portfolioStatistics", "drawdown"), []),
        (("runtimeStatistics",), []),
    ],
)
def test_figures_of_the_engine_that_are_none_are_told_in_one_sentence(traded, names, wrong):
    results = json.loads((traded.folder / "alo.json").read_text())
    *above, last = names
    inner = results
    for name in above:
        inner = inner[name]
    inner[last] = wrong
    (traded.folder / "alo.json").write_text(json.dumps(results))
    with pytest.raises(RunError, match="the results state no figures in totalPerformance or runtimeStatistics"):
        report_html(Run(traded.folder))


def _everything(run):
    performance(run)
    report_html(run)


def test_results_without_a_curve_are_refused():
    with pytest.raises(RunError, match="no chart 'Strategy Equity'"):
        equity_curve({"charts": {}})
