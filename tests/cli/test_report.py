"""``alo report`` of what has a journal and no results."""

from alo_lib.cli import journals
from alo_lib.journal import Journal, object_store_key
from alo_lib.journal.format import segment_name
from alo_lib.views.page import PAGE_MARK
from tests.cli.test_risk import messages, write  # noqa: F401


def test_a_core_is_known_by_its_name(run, messages, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.setattr(journals, "CORE_JOURNALS", tmp_path / "cores")
    write(tmp_path / "cores" / "desk", messages)
    without = run("report", "desk")
    assert without.status == 2
    assert "desk holds a journal and no results; name a file for its page: alo report desk --html FILE" in without.err
    page = tmp_path / "page.html"
    assert run("report", "desk", "--html", page).out == f"{page}\n"
    assert PAGE_MARK in page.read_text()
    assert "drawn from its journal" in page.read_text()
    assert sorted(path.name for path in (tmp_path / "cores" / "desk").iterdir()) == [segment_name(0)]


def test_what_lies_in_an_object_store_is_drawn(run, messages, tmp_path):  # noqa: F811
    write(tmp_path / "written", messages)
    store = tmp_path / "storage"
    image = store / object_store_key(0)
    image.parent.mkdir(parents=True)
    image.write_bytes((tmp_path / "written" / segment_name(0)).read_bytes())
    assert run("report", store, "--html", tmp_path / "page.html").status == 0
    assert "drawn from its journal" in (tmp_path / "page.html").read_text()


def test_a_core_that_has_measured_nothing_is_told(run, messages, tmp_path):  # noqa: F811
    write(tmp_path / "journal", Journal(messages.settings, messages.messages[:3]))
    told = run("report", tmp_path / "journal", "--html", tmp_path / "page.html")
    assert told.status == 2
    assert "has measured no book yet" in told.err
    assert not (tmp_path / "page.html").exists()
