"""``alo risk`` of a run's folder and of a core's journal."""

import json

import pytest

from alo_lib.cli import journals
from alo_lib.journal import JOURNAL_FOLDER, JournalWriter
from alo_lib.views.page import PAGE_MARK
from tests.core.script import FIRST, script


@pytest.fixture(scope="module")
def messages():
    market = script(max_structures=1)
    market.bar(10, volatility=0.35)
    market.bar(11, volatility=0.34)
    return market.journal


@pytest.fixture
def folder(messages, tmp_path):
    made = tmp_path / "a-run"
    write(made / JOURNAL_FOLDER, messages)
    return made


def write(where, journal):
    where.parent.mkdir(parents=True, exist_ok=True)
    writer = JournalWriter.create(where, settings=journal.settings)
    for message in journal.messages:
        writer.append(message)
    writer.close()


def test_tables_and_the_object_say_the_same(run, folder):
    shown, told = run("risk", folder), json.loads(run("risk", folder, "--json").out)
    assert (shown.status, told["mode"]) == (0, "normal")
    assert f"{told['equity']:,.2f}" in shown.out
    for title in ("Limits, used of allowed", "Greeks", "Profit at once", "Profit after 30 days"):
        assert title in shown.out
    together = told["ladder"]["together"]
    assert (len(together), len(together[0]), len(together[0][0])) == (4, 5, 9)
    worst = min(min(row) for row in together[0][::2])
    assert told["stress"]["worst"] == pytest.approx(-worst, abs=1e-5)
    assert f"{round(worst):+,}" in shown.out
    assert told["gap"]["spot"] == 0.1


def test_a_narrow_terminal_shortens_no_number(run, folder, monkeypatch):
    wide = run("risk", folder).out.split()
    monkeypatch.setenv("COLUMNS", "40")
    assert run("risk", folder).out.split() == wide


def test_a_moment_is_told_in_new_york(run, folder):
    first = json.loads(run("risk", folder, "--json", "--at", f"{FIRST} 10:30").out)
    assert first["time"].startswith(f"{FIRST} 10:00")
    early = run("risk", folder, "--at", f"{FIRST} 08:00")
    assert (early.status, early.err) == (2, "alo: the journal has measured no book by then\n")
    assert "'noon' is not a time such as" in run("risk", folder, "--at", "noon").err


def test_the_page_takes_no_other_files_place(run, folder, tmp_path):
    page = tmp_path / "risk.html"
    assert run("risk", folder, "--html", page).out.endswith(f"{page}\n")
    assert PAGE_MARK in page.read_text()
    page.write_text("mine")
    assert run("risk", folder, "--html", page).status == 2
    assert page.read_text() == "mine"


def test_a_core_is_known_by_its_name(run, messages, tmp_path, monkeypatch):
    monkeypatch.setattr(journals, "CORE_JOURNALS", tmp_path / "cores")
    write(tmp_path / "cores" / "desk", messages)
    assert json.loads(run("risk", "desk", "--json").out)["mode"] == "normal"
    missing = run("risk", "nobody")
    assert missing.status == 2
    assert "nobody is not a folder" in missing.err
