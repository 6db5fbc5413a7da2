"""Run folders that are damaged, or that someone else wrote."""

import json
import re
import shutil

import pytest

from alo_lib.journal import JOURNAL_FOLDER, JournalError
from alo_lib.journal.format import segment_name
from alo_lib.views import Run, RunError, report_html
from alo_lib.views.comparison import compare
from alo_lib.views.performance import equity_curve, performance
from tests.views import kit


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


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda image, end: image[: end * 6 // 10], r"entry \d+ at byte \d+ of 00000000.segment is damaged"),
        (lambda image, end: image[:40] + bytes([image[40] ^ 1]) + image[41:], "the header of 00000000.segment is"),
        (lambda image, end: b"no journal", "00000000.segment is not a journal's segment"),
    ],
)
def test_a_damaged_journal_is_told_with_its_folder(traded, change, words):
    segment = traded.folder / JOURNAL_FOLDER / segment_name(0)
    image = segment.read_bytes()
    segment.write_bytes(change(image, len(image.rstrip(b"\0"))))
    sentence = f"^journal {re.escape(str(traded.folder / JOURNAL_FOLDER))}: {words}"
    with pytest.raises(JournalError, match=sentence):
        report_html(Run(traded.folder))
    with pytest.raises(JournalError, match=sentence):
        compare(Run(traded.folder), Run(traded.folder))


def test_the_journal_of_another_run_is_neither_drawn_nor_compared(tmp_path):
    written = json.dumps(kit.settings_object(core_process="alpha")).encode()
    whole, mixed = (
        kit.run_of(tmp_path / name, kit.traded_messages(), settings=written).folder for name in ("whole", "mixed")
    )
    # Where it was decided makes no other run of it, nor does a setting that only one of them tells of.
    for folder, changes in ((whole, {"core_process": "", "hedge_band": 0.5}), (mixed, {"underlyings": ["BETA"]})):
        (folder / "settings.json").write_text(json.dumps(kit.settings_object(**changes)))
    assert compare(Run(whole), Run(whole))["settings"] == {}
    sentence = re.escape(
        f"the journal in {mixed} is of other settings than its run: "
        "underlyings is ['ALFA'] there and ['BETA'] in settings.json"
    )
    for pair in ((whole, mixed), (mixed, whole)):
        with pytest.raises(RunError, match=sentence):
            compare(*map(Run, pair))
    with pytest.raises(RunError, match=sentence):
        report_html(Run(mixed))


@pytest.mark.parametrize("settings", [b"", b"[1]"])
def test_a_journal_without_settings_is_told(traded, settings):
    shutil.rmtree(traded.folder / JOURNAL_FOLDER)
    kit.write_journal(traded.folder / JOURNAL_FOLDER, kit.traded_messages(), settings)
    with pytest.raises(RunError, match=r"the journal in \S+traded does not hold the settings of a run"):
        report_html(Run(traded.folder))
