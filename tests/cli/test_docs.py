"""The documentation site: built by Sphinx where that is installed, with every warning an error."""

import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from alo_lib.cli.commands.docs import build_site
from alo_lib.cli.failures import RunFailedError, UserError
from alo_lib.cli.project import ROOT

needs_sphinx = pytest.mark.skipif(
    find_spec("sphinx") is None, reason="Sphinx is not installed; `./alo docs` installs it, then this test runs"
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Documents of one page, in Sphinx's own markup."""
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "conf.py").write_text("")
    (folder / "index.rst").write_text("Title\n=====\n")
    return folder


def test_without_sphinx_it_says_what_installs_it(run, monkeypatch):
    monkeypatch.setattr("alo_lib.cli.commands.docs.find_spec", lambda name: None)
    outcome = run("docs")
    assert (outcome.status, outcome.out) == (2, "")
    assert "./alo docs installs them" in outcome.err


def test_a_folder_that_holds_something_else_is_refused(source, tmp_path, monkeypatch):
    monkeypatch.setattr("alo_lib.cli.commands.docs.find_spec", lambda name: name)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("Dear")
    with pytest.raises(UserError, match="mine holds something else than a site"):
        build_site(source, tmp_path / "mine")
    assert (tmp_path / "mine" / "letter.txt").read_text() == "Dear"


@needs_sphinx
def test_a_warning_leaves_the_earlier_site(source, tmp_path):
    site = tmp_path / "site"
    build_site(source, site)
    earlier = (site / "index.html").read_bytes()
    (source / "index.rst").write_text("Title\n=====\n\n:py:class:`none_such`\n")
    with pytest.raises(RunFailedError):
        build_site(source, site)
    assert (site / "index.html").read_bytes() == earlier
    (source / "index.rst").write_text("Another\n=======\n")
    build_site(source, site)
    assert b"Another" in (site / "index.html").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["site", "source"]


@needs_sphinx
@pytest.mark.slow
def test_the_site_has_every_document_and_the_public_names_and_loads_nothing(tmp_path):
    site = tmp_path / "site"
    build_site(ROOT / "docs", site)
    pages = {path.relative_to(site).with_suffix("").as_posix() for path in site.rglob("*.html")}
    assert {
        path.relative_to(ROOT / "docs").with_suffix("").as_posix() for path in (ROOT / "docs").rglob("*.md")
    } < pages
    for package in ("alo_lib.pricing", "alo_lib.volatility", "models"):
        text = (site / "reference" / f"{package.split('.')[-1]}.html").read_text()
        names = import_module(package).__all__ if package != "models" else ["AloOptionPriceModel"]
        assert [name for name in names if f'id="{package}.{name}"' not in text] == []
    assert "vega-budget" in (site / "reference" / "settings.html").read_text()
    assert "--resume" in (site / "reference" / "commands.html").read_text()
    loaded = re.compile(r'<(?:script|img|iframe)[^>]*src="(?:https?:)?//|<link[^>]*href="(?:https?:)?//')
    assert [page for page in sorted(pages) if loaded.search((site / f"{page}.html").read_text())] == []
