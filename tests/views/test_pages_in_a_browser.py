"""Every page in a headless browser: nothing in its console, all charts drawn, titles beside their ticks."""

import datetime as dt
import shutil
from dataclasses import replace

import numpy as np
import pytest

from alo_lib.market import ChainSnapshot, ContractKey, DataFolder, Resolution, contract_array
from alo_lib.market.generator import MarketTruth, generate_market
from alo_lib.pricing import price
from alo_lib.records import DAY, years_between
from alo_lib.settings import Settings
from alo_lib.simulation.moment import market_at
from alo_lib.views import VolatilityReportView, fit_html, page, volatility_html, write_report
from alo_lib.views.chain import chain_view
from alo_lib.views.chain_page import chain_html
from alo_lib.views.exercise import NextExDate, exercise_view
from alo_lib.views.exercise_page import exercise_html
from alo_lib.views.scan import scan_view
from alo_lib.views.scan_page import scan_html
from alo_lib.volatility import DailyHistory, GjrGarch, report_volatility
from tests.views import kit
from tests.views.browser import BROWSER, look
from tests.views.kit import run_of
from tests.views.test_scenario import held_messages
from tests.views.test_volatility import regime_messages

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
    check(look(moved / "report.html", width=width, dark=dark), 10, width)


@pytest.mark.parametrize("width", [1400, 390])
def test_a_report_with_something_held_is_drawn(tmp_path, width):
    run = run_of(tmp_path, held_messages())
    write_report(run)
    check(look(tmp_path / "report.html", width=width), 17, width)


@pytest.mark.parametrize(("width", "dark"), [(1400, False), (390, True)])
def test_regimes_and_outcomes_with_their_band_are_drawn(tmp_path, width, dark):
    run = run_of(tmp_path, regime_messages())
    write_report(run)
    found = look(tmp_path / "report.html", width=width, dark=dark)
    assert found["said"] == []
    plots = {plot["section"]: plot for plot in found["plots"]}
    for section, axes in (
        ("ALFA: regimes", {"New York time", "volatility, % a year", "probability, %"}),
        (
            "ALFA: did the forecast come true?",
            {"forecast volatility, % a year", "volatility realized to the expiry, close to close, % a year"},
        ),
    ):
        assert plots[section]["drawn"]
        assert plots[section]["covered"] == []
        assert set(plots[section]["axes"]) == axes


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


def chain_snapshot() -> ChainSnapshot:
    """Two expiries with a skew, quoted at three strikes each; nobody knows the open interest of the far one."""
    expiries = [dt.date(2024, 1, 19), dt.date(2024, 2, 16)]
    keys = [ContractKey(day, strike, right) for day in expiries for strike in (95.0, 100.0, 105.0) for right in (-1, 1)]
    contracts = contract_array(keys)
    ends = np.array([kit.CLOSE + (day - dt.date(2024, 1, 2)).days * DAY for day in contracts["expiry"].tolist()])
    volatility = 0.2 + 0.002 * (105.0 - contracts["strike"])
    worth = price(
        100.0,
        contracts["strike"],
        time_to_expiry=years_between(kit.CLOSE, ends),
        volatility=volatility,
        rate=0.05,
        dividend_yield=0.0,
        right=contracts["right"].astype(float),
    )
    return ChainSnapshot(
        ticker="ALFA",
        day=dt.date(2024, 1, 2),
        time=kit.CLOSE,
        resolution=Resolution.MINUTE,
        american=True,
        spot=100.0,
        spot_from="given",
        contracts=contracts,
        bid=worth - 0.02,
        ask=worth + 0.02,
        quoted=np.full(len(contracts), kit.CLOSE),
        expiry_time=ends,
        volume=np.arange(12.0),
        open_interest=np.where(np.arange(12) < 6, 1200.0, np.nan),
        dividends=(),
    )


@pytest.mark.parametrize(("width", "dark"), [(1400, True), (390, False)])
def test_a_chains_page_is_drawn(tmp_path, width, dark):
    chain = tmp_path / "chain.html"
    chain.write_text(chain_html(chain_view(chain_snapshot(), rate=0.05)), encoding="utf-8")
    found = look(chain, width=width, dark=dark)
    check(found, 2, width)
    assert [plot["crowded"] for plot in found["plots"]] == [[], []]


def test_buttons_choose_the_expiries_of_a_chains_smiles(tmp_path):
    chain = tmp_path / "chain.html"
    chain.write_text(chain_html(chain_view(chain_snapshot(), rate=0.05)), encoding="utf-8")
    act = """
      const smiles = document.querySelector('.plot > div');
      const shown = () => smiles.data.filter(trace => trace.visible !== 'legendonly').length;
      const [choice] = smiles.layout.updatemenus.slice(1), counts = [shown()];
      Plotly.restyle(smiles, ...choice.buttons[2].args).then(() => { counts.push(shown());
        return Plotly.restyle(smiles, ...choice.buttons[0].args); })
        .then(() => said.push([...counts, shown()].join(' ')));
    """
    assert look(chain, act=act)["said"] == ["2 0 2"]


@pytest.mark.parametrize(("width", "dark"), [(1400, False), (390, True)])
def test_the_page_before_an_ex_date_is_drawn(tmp_path, width, dark):
    snapshot = chain_snapshot()
    opens = snapshot.time + DAY
    snapshot = replace(snapshot, dividends=((opens, 1.0),))
    ex_date = NextExDate(dt.date(2024, 1, 3), opens, 1.0, dt.date(2024, 1, 2), tonight=True)
    view = exercise_view(snapshot, np.ones(len(snapshot), np.bool_), ex_date, rate=0.05)
    written = tmp_path / "exercise.html"
    written.write_text(exercise_html(view), encoding="utf-8")
    found = look(written, width=width, dark=dark)
    check(found, 1, width)
    assert found["plots"][0]["crowded"] == []


@pytest.mark.parametrize(("width", "dark"), [(1400, False), (390, True)])
def test_a_page_of_volatility_is_drawn(tmp_path, width, dark):
    closes = 100.0 * np.exp(np.cumsum(0.01 * kit.noise(700)))
    bars = (closes * 0.999, closes * 1.01, closes * 0.99, closes)
    days = np.datetime64("2020-01-01") + np.arange(700)
    written = tmp_path / "volatility.html"
    view = VolatilityReportView("ALFA", days, report_volatility(*bars, distribution="normal"))
    written.write_text(volatility_html(view), encoding="utf-8")
    check(look(written, width=width, dark=dark), 4, width)


@pytest.mark.parametrize(("width", "dark"), [(1400, True), (390, False)])
def test_a_page_of_a_fit_is_drawn(tmp_path, width, dark):
    days = np.datetime64("2020-01-01") + np.arange(700)
    for name, dates in (("dated.html", days), ("plain.html", None)):
        history = DailyHistory.from_returns(0.01 * kit.noise(700), dates=dates)
        model = GjrGarch.fit(history, distribution="t", leverage=False)
        written = tmp_path / name
        written.write_text(fit_html(model, history, "A fit"), encoding="utf-8")
        check(look(written, width=width, dark=dark), 3, width)


@pytest.mark.parametrize("width", [1400, 390])
def test_a_wide_table_says_that_it_scrolls_and_the_page_does_not(tmp_path, width):
    write_report(run_of(tmp_path, kit.traded_messages()))
    act = """setTimeout(() => { for (const box of document.querySelectorAll('.box')) {
      const scroll = box.querySelector('.scroll'), told = getComputedStyle(box, '::after').content;
      const is_wide = scroll.scrollWidth > scroll.clientWidth + 1;
      said.push([is_wide, told.includes('scroll sideways')].join(' ')); } }, 600);"""
    found = look(tmp_path / "report.html", width=width, act=act)
    assert found["width"] <= width
    assert set(found["said"]) <= {"true true", "false false"}
    assert "true true" in found["said"] or width > 390


def test_print_shows_all_rows_of_a_long_table(tmp_path):
    rows = [(f"{number}",) for number in range(200)]
    made = tmp_path / "long.html"
    made.write_text(page.page("Long", "", page.section("Rows", page.table(("number",), rows))), encoding="utf-8")
    for_print = """
      const box = document.querySelector('.scroll'), hidden = () => box.scrollHeight - box.clientHeight > 1;
      said.push(hidden());
      const rules = [...document.styleSheets].flatMap(sheet => [...sheet.cssRules])
        .filter(rule => rule.media?.mediaText === 'print').flatMap(rule => [...rule.cssRules]);
      document.head.append(Object.assign(document.createElement('style'),
        { textContent: rules.map(rule => rule.cssText).join(' ') }));
      said.push(hidden());
    """
    assert look(made, act=for_print)["said"] == [True, False]


def test_tables_sort_are_searched_and_lead_to_the_chart(tmp_path):
    write_report(run_of(tmp_path, kit.traded_messages()))
    act = """
      const box = [...document.querySelectorAll('.box.sorts')].at(-1), body = box.querySelector('tbody');
      const prices = () => [...body.rows].filter(row => !row.hidden).map(row => row.cells[5].textContent).join(' ');
      const price = box.querySelectorAll('th')[5];
      price.click(); said.push(prices()); price.click(); said.push(prices());
      const search = box.querySelector('input');
      search.value = 'exit call'; search.dispatchEvent(new Event('input')); said.push(prices());
      const signed = box.querySelector('tbody').rows[0].cells[5]; signed.textContent = '−\u2060$7.25';
      search.value = '-$7.25'; search.dispatchEvent(new Event('input')); said.push(prices());
      search.value = 'exit call'; search.dispatchEvent(new Event('input'));
      [...body.rows].find(row => !row.hidden).cells[0].click();
      const chart = document.querySelector('[data-about=ALFA] > div');
      setTimeout(() => said.push(chart.layout.xaxis.range.map(text => text.slice(0, 16)).join(' ')), 600);
    """
    rising, falling, found, signed, near = look(tmp_path / "report.html", act=act)["said"]
    assert rising == "1.20 1.90 3.90 4.10 100.34 100.82"
    assert falling.split() == rising.split()[::-1]
    assert found == "3.90"
    assert signed == "−\u2060$7.25"  # a hyphen is found as the sign that the page has for it
    assert near == "2024-01-02 09:50 2024-01-02 10:50"  # it was filled at 10:20


def test_no_line_ends_between_a_minus_sign_and_its_dollars(tmp_path):
    """Words of many widths before the figure, so that one of them has it across a line's end."""
    told = [f"{'x' * count} of it −$25.23 of borrow" for count in range(1, 80)]
    made = tmp_path / "lines.html"
    made.write_text(page.page("Lines", "", *map(page.note, told)), encoding="utf-8")
    act = """
      const top = (text, at) => { const one = document.createRange(); one.setStart(text, at); one.setEnd(text, at + 1);
        return one.getBoundingClientRect().top; };
      const texts = [...document.querySelectorAll('main > p.soft')].map(node => node.firstChild);
      const signs = texts.filter(text => text).map(text => [text, text.data.indexOf('−'), text.data.indexOf('$')]);
      const places = new Set(signs.map(([text, at]) => top(text, at) > top(text, 0)));
      said.push(signs.length, places.size, signs.every(([text, at, next]) => top(text, at) === top(text, next)));
    """
    assert look(made, width=300, act=act)["said"] == [len(told), 2, True]


def test_a_page_without_its_library_says_so(tmp_path):
    run = run_of(tmp_path, kit.traded_messages())
    write_report(run)
    (tmp_path / page.LIBRARY_FILE).unlink()
    act = "said.push(document.querySelector('.plot p').textContent)"
    assert look(tmp_path / "report.html", act=act)["said"][-1] == (
        "The chart needs the file plotly.min.js beside this page."
    )


@pytest.mark.parametrize(("width", "dark"), [(1400, False), (390, True)])
def test_a_scan_is_drawn(tmp_path, width, dark):
    day = dt.date(2024, 1, 2)
    generate_market(tmp_path / "data", MarketTruth(start=day, end=day, history_days=300, quote_minutes=30))
    settings = Settings(underlyings=("ALFA",), start=day, end=day, min_coverage=0.0)
    view = scan_view(market_at(settings, DataFolder(tmp_path / "data"), dt.timedelta(hours=12)))
    written = tmp_path / "scan.html"
    written.write_text(scan_html([view, view]), encoding="utf-8")
    found = look(written, width=width, dark=dark)
    check(found, 2, width)
    assert [plot["axes"] for plot in found["plots"]] == [["strike, standard deviations", "volatility, %"]] * 2
