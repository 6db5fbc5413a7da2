"""The tables and the page of a sweep, from results made by hand, and what a browser makes of the page."""

import io
import math
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from alo_lib.sweep.outcomes import Result, verdict
from alo_lib.sweep.space import grid
from alo_lib.views.sweep import bests, stated_verdict
from alo_lib.views.sweep_figures import parallel_figure, surface_figures
from alo_lib.views.sweep_page import sweep_html
from alo_lib.views.sweep_table import sweep_tables
from tests.sweep.kit import done, sweep_of
from tests.views.browser import BROWSER, look

VARIED = {"entry-edge": "0.01,0.02,0.03", "hedge-band": "0.1,0.2,0.3", "structures": "straddle,strangle+vertical"}


def made(varied=None, **more):
    sweep = sweep_of(varied or VARIED, **more)
    points = list(grid(sweep.axes, sweep.points))
    returns = np.random.default_rng(4).normal(0.0005, 0.01, (60, len(points)))
    trials = sweep.trials_of(points, 0, sweep.chosen_by)
    results = [done(each, row.tolist(), 1e5 * row.sum()) for each, row in zip(trials, returns.T, strict=True)]
    return sweep, results


def shown(sweep, results):
    console = Console(width=160, record=True, file=io.StringIO())
    for table in sweep_tables(sweep, verdict(sweep, results), results):
        console.print(table)
    return console.export_text()


def test_what_a_best_is_worth_stands_beside_it() -> None:
    sweep, results = made()
    found = verdict(sweep, results)
    assert found.best is not None
    assert found.overfitting is not None
    text = shown(sweep, results)
    assert f"Deflated Sharpe ratio  {found.best.deflated:z.1%}".split() == next(
        line.split()[:4] for line in text.splitlines() if "Deflated Sharpe" in line
    )
    assert f"{found.overfitting.probability:z.1%}" in next(
        line for line in text.splitlines() if "of overfitting" in line
    )
    told = stated_verdict(sweep, found, results)
    assert told["best"]["deflated_sharpe"] == found.best.deflated
    assert told["best"]["sharpe"] == pytest.approx(found.best.ratio * math.sqrt(252))
    assert told["overfitting"]["probability"] == found.overfitting.probability


def test_the_most_robust_point_is_told_where_it_is_another() -> None:
    sweep, results = made()
    found = verdict(sweep, results)
    first, second = found.points[:2]
    two = bests(sweep, found._replace(best=first, most_robust=second))
    assert two == [("best by Sharpe ratio", first), ("most robust", second)]
    assert bests(sweep, found._replace(best=first, most_robust=first)) == two[:1]
    assert bests(sweep, found._replace(best=None, most_robust=None)) == []


def test_a_surface_is_the_mean_over_all_other_settings() -> None:
    sweep, results = made(by="net-profit")
    first = surface_figures(sweep, verdict(sweep, results))[0]["data"][0]
    profits = np.array([each.figures["net_profit"] for each in results]).reshape(3, 3, 2).mean(axis=2)
    assert (first["x"], first["y"]) == (["0.01", "0.02", "0.03"], ["0.1", "0.2", "0.3"])
    assert np.array(first["z"]) == pytest.approx(profits.T)


def test_each_point_with_a_figure_is_a_line() -> None:
    sweep, results = made()
    results[3] = Result(results[3].trial, "failed", "no data")
    columns = parallel_figure(sweep, verdict(sweep, results))["data"][0]["dimensions"]
    assert [each["label"] for each in columns] == ["entry-edge", "hedge-band", "structures", "Sharpe ratio", "robust"]
    assert {len(each["values"]) for each in columns} == {17}


def test_a_failure_is_told_and_no_best_says_why() -> None:
    sweep, results = made({"entry-edge": "0.01,0.02"})
    failed = [Result(each.trial, "failed", "<b>no</b> data") for each in results]
    assert "no point has ended well under all of its conditions" in shown(sweep, failed)
    html = sweep_html(sweep, verdict(sweep, failed), failed)
    assert "&lt;b&gt;no&lt;/b&gt; data" in html
    quiet = [done(each.trial, each.returns, orders=0) for each in results]
    assert "no point traded anything" in shown(sweep, quiet)
    short = [done(each.trial, each.returns[:10]) for each in results]
    assert "points have 10 sessions, and below 20 there is no Sharpe ratio" in shown(sweep, short)
    day = [done(each.trial, each.returns[:1]) for each in results]
    assert "points have 1 session, and below 20 there is no Sharpe ratio; use --by net-profit" in shown(sweep, day)


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is here")
@pytest.mark.parametrize("varied", [VARIED, {"entry-edge": "0.01,0.02,0.03"}], ids=["three settings", "one"])
@pytest.mark.parametrize("width", [1400, 390])
def test_the_page_in_a_browser(tmp_path: Path, width: int, varied: dict[str, str]) -> None:
    sweep, results = made(varied)
    path = tmp_path / "sweep.html"
    path.write_text(sweep_html(sweep, verdict(sweep, results), results), encoding="utf-8")
    largest = (
        "const size = node => parseFloat(getComputedStyle(node).fontSize);"
        "const all = [...document.querySelectorAll('main *')].filter(node => !node.closest('.plot'));"
        "const most = Math.max(...all.map(size));"
        "console.log('largest ' + [...new Set(all.filter(node => size(node) === most).map("
        "node => node.closest('.verdict') ? 'verdict' : node.tagName))]);"
    )
    found = look(path, width=width, dark=width == 390, act=largest)
    assert found["said"] == ["log: largest verdict"]
    assert found["width"] <= width
    assert all(plot["drawn"] for plot in found["plots"])
    assert len(found["plots"]) == (5 if len(varied) == 3 else 2)
