"""The tables that a page is drawn from, and the page's sections about data."""

import csv
import re
from decimal import Decimal

import numpy as np
import pytest

from alo_lib.records import Kind, Message, records
from alo_lib.views import report_html, write_report
from alo_lib.views.performance import session_returns
from alo_lib.views.tables import FORECASTS_FILE, REGIMES_FILE, SESSIONS_FILE, VOLATILITIES_FILE
from alo_lib.views.volatility import volatility_view
from tests.views import kit
from tests.views.test_volatility import LIFE, entry, lived_messages, quoted_messages, regime_messages


def rows_of(run, name):
    with (run.folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_sessions_have_what_the_page_tells_of_them(tmp_path):
    run = kit.run_of(tmp_path, kit.traded_messages())
    write_report(run)
    (row,) = rows_of(run, SESSIONS_FILE)
    told = session_returns(run)
    assert row["date"] == "2024-01-02"
    assert float(row["equity"]) == told.equity[0] == pytest.approx(100_184.4)
    assert float(row["return"]) == pytest.approx(0.001844)
    assert float(row["drawdown"]) == pytest.approx(100.0 / 100_150.0, abs=1e-8)  # of the curve, on its way to the close
    assert float(row["drawdown"]) == pytest.approx(run.summary["drawdown"], abs=1e-6)
    assert row["rolling_sharpe"] == ""  # there are not twenty
    assert row["profit"] == row["marks"] == "184.40"  # of which a journal without a core tells no part


def test_parts_of_each_session_sum_to_its_profit_to_the_cent(tmp_path):
    second = kit.OPEN + 24 * 60 * kit.MINUTE
    told = {"underlying": 0, "trade": 0}
    messages = [
        *kit.traded_messages(),
        Message(Kind.ATTRIBUTION, kit.CLOSE, records(Kind.ATTRIBUTION, **told, vega=0.004, theta=0.004, gamma=0.004)),
        Message(
            Kind.SESSION, second, records(Kind.SESSION, open=second, close=second + 390 * kit.MINUTE, date=20240103)
        ),
        Message(Kind.ATTRIBUTION, second, records(Kind.ATTRIBUTION, **told, vega=-20.004, theta=0.004, gamma=0.004)),
    ]
    run = kit.run_of(tmp_path, messages)
    write_report(run)
    rows = rows_of(run, SESSIONS_FILE)
    names = list(rows[0])[list(rows[0]).index("spread") :]
    assert len(rows) == 2
    for row in rows:
        assert sum(Decimal(row[name]) for name in names) == Decimal(row["profit"])
    assert sum(Decimal(row["profit"]) for row in rows) == Decimal(str(run.summary["net_profit"]))
    marks = sum(Decimal(row["marks"]) for row in rows)
    assert marks == pytest.approx(Decimal(str(run.summary["attribution"]["parts"]["marks"])), abs=Decimal("0.01"))


def test_volatilities_are_those_of_the_charts(tmp_path):
    run = kit.run_of(tmp_path, quoted_messages())
    write_report(run)
    rows = rows_of(run, VOLATILITIES_FILE)
    implied = {row["expiry"]: float(row["volatility"]) for row in rows if row["what"] == "implied" and row["expiry"]}
    assert implied == pytest.approx({"2024-01-22": 0.2, "2024-02-21": 0.3}, abs=1e-4)
    (month,) = (row for row in rows if row["what"] == "implied" and row["days"] == "30")
    assert float(month["volatility"]) == pytest.approx(volatility_view(run, run.underlyings[0]).implied[0, 0], abs=1e-6)
    assert month["new_york_time"] == "2024-01-02 10:30:00.000"


def test_forecasts_stand_beside_what_came(tmp_path):
    run = kit.run_of(tmp_path, lived_messages([entry()]))
    write_report(run)
    (row,) = rows_of(run, FORECASTS_FILE)
    moves = np.log([102 / 100, 99 / 102])
    assert (row["sessions"], row["expiry"], row["band_low"], row["band_high"]) == (
        "2",
        "2024-01-04",
        "0.300000",
        "0.600000",
    )
    assert float(row["realized_close_to_close"]) == pytest.approx(np.sqrt(np.sum(moves**2) / LIFE), abs=1e-6)
    assert row["traded"] == "true"
    assert row["implied"] == ""  # nothing was quoted


def test_regimes_are_those_of_the_chart(tmp_path):
    run = kit.run_of(tmp_path, regime_messages())
    write_report(run)
    rows = rows_of(run, REGIMES_FILE)
    assert [row["regime"] for row in rows] == [*"12", *"12", *"123"]
    assert rows[3] == {
        "underlying": "ALFA",
        "new_york_time": "2024-01-03 09:31:00.000",
        "regime": "2",
        "volatility": "0.400000",
        "probability": "0.700000",
    }


def funnel_messages(**counts):
    told = {"listed": 500, "quoted": 400, "in_range": 300, "liquid": 0} | counts
    row = records(Kind.FUNNEL, underlying=0, **told)
    return [*kit.quiet_messages(), Message(Kind.FUNNEL, kit.OPEN + kit.MINUTE, row)]


def test_a_run_without_trades_says_first_where_contracts_were_lost(tmp_path):
    text = report_html(kit.run_of(tmp_path, funnel_messages()))
    titles = re.findall("<h2>(.*?)</h2>", text)
    assert titles[:2] == ["Data: how many sessions have what a run needs", "Why it traded, or did not"]
    assert "Nothing was traded. Of ALFA nothing came as far as &#x27;liquid&#x27;" in text
    assert re.search(r"<td>in range</td><td>[^<]*</td><td class=\"n\">300</td>", text)
    assert re.search(r"<td>ALFA</td><td>2024-01-02</td><td class=\"n\">500</td>", text)


def test_a_run_with_trades_tells_of_its_data_at_the_end(tmp_path):
    titles = re.findall("<h2>(.*?)</h2>", report_html(kit.run_of(tmp_path, kit.traded_messages())))
    assert titles[0] == "Performance"
    assert titles.index("Why it traded, or did not") > titles.index("Orders")


def test_coverage_names_the_days_without_quotes(tmp_path):
    text = report_html(kit.run_of(tmp_path, kit.traded_messages()))  # of two sessions one is quoted
    assert re.search(r"<td>ALFA</td>(<td class=\"n\">[0-9]</td>){5}<td class=\"w\">2024-01-03</td>", text)
