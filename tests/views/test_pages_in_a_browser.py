"""Every page in a headless browser: nothing in its console, all charts drawn, titles beside their ticks."""

import shutil

import pytest

from alo_lib.views import page, write_report
from tests.views import kit
from tests.views.browser import BROWSER, look
from tests.views.kit import run_of
from tests.views.test_scenario import held_messages

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed, which would open the pages")


def check(found, plots, width):
    assert found["said"] == []
    assert len(found["plots"]) == plots
    for plot in found["plots"]:
        assert plot["drawn"], plot["section"]
        assert plot["covered"] == [], plot["section"]
        assert plot["axes"], plot["section"]
        assert plot["wide"] <= width, plot["section"]
    assert found["width"] <= width


@pytest.mark.parametrize(("width", "dark"), [(1400, False), (390, True)])
def test_a_report_is_drawn(tmp_path, width, dark):
    run = run_of(tmp_path / "made", kit.traded_messages())
    write_report(run)
    moved = tmp_path / "moved elsewhere"
    shutil.move(run.folder, moved)
    check(look(moved / "report.html", width=width, dark=dark), 8, width)


@pytest.mark.parametrize("width", [1400, 390])
def test_a_report_with_something_held_is_drawn(tmp_path, width):
    run = run_of(tmp_path, held_messages())
    write_report(run)
    check(look(tmp_path / "report.html", width=width), 11, width)


def test_a_report_of_nothing_is_drawn(tmp_path):
    run = run_of(tmp_path, kit.quiet_messages())
    write_report(run)
    found = look(run.folder / "report.html")
    assert found["said"] == []
    assert all(plot["drawn"] for plot in found["plots"])


def test_time_axes_of_a_page_go_together(tmp_path):
    run = run_of(tmp_path, kit.traded_messages())
    write_report(run)
    zoom = """
      const all = [...document.querySelectorAll('.plot > div')].filter(div => div.layout.xaxis.type === 'date');
      const span = ['2024-01-02 09:40', '2024-01-02 09:50'];
      Plotly.relayout(all[1], { 'xaxis.range[0]': span[0], 'xaxis.range[1]': span[1] });
      const shown = div => div.layout.xaxis.range.map(text => text.slice(0, 16)).join(' ');
      setTimeout(() => said.push(all.map(shown).join('|')), 500);
    """
    (shown,) = look(tmp_path / "report.html", act=zoom)["said"]
    assert shown.split("|") == 7 * ["2024-01-02 09:40 2024-01-02 09:50"]


def test_a_page_without_its_library_says_so(tmp_path):
    run = run_of(tmp_path, kit.traded_messages())
    write_report(run)
    (tmp_path / page.LIBRARY_FILE).unlink()
    act = "said.push(document.querySelector('.plot p').textContent)"
    assert look(tmp_path / "report.html", act=act)["said"][-1] == (
        "The chart needs the file plotly.min.js beside this page."
    )
