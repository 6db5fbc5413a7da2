import json
import re

import plotly.graph_objects as go
import pytest

from alo_lib.market.volatility_files import ForecastLine, RegimeLine, read_lines


def figures_of(text):
    packed = re.findall(r'<script type="application/json">(.*?)</script>', text, flags=re.DOTALL)
    return [go.Figure(json.loads(one)) for one in packed]  # plotly refuses what it does not know


def test_it_prints_a_table_and_writes_a_page_where_one_is_asked_for(run, small_market, tmp_path):
    assert run("volatility", "alfa", "--data", small_market).status == 0
    assert list(tmp_path.iterdir()) == []
    outcome = run("volatility", "alfa", "--data", small_market, "--html", "alfa.html")
    assert outcome.status == 0
    for words in (
        "ALFA",
        "Next day",
        "Regime 1",
        "omega",
        "± s.e.",
        "without HAR",
        "AIC",
        "ARCH-LM",
        "Implied",
        "Events",
        "90 %, close to close",
        "level, range",
        "days past",
        "within the day",
    ):
        assert words in outcome.out
    assert "level, hours" not in outcome.out  # two days have minutes: too few
    page = tmp_path / "alfa.html"
    assert outcome.out.splitlines()[-1] == "alfa.html"
    text = page.read_text()
    history, cone, quantiles, correlations = figures_of(text)
    assert {trace.name for trace in history.data} >= {"conditional", "realized, 21 days"}
    assert sum(trace.name.startswith("regime ") for trace in history.data) == 2
    assert [trace.name for trace in cone.data] == [
        "5 %, close to close",
        "90 % band, close to close",
        "5 %, range",
        "90 % band, range",
        "forecast",
        "mean of volatility",
        "usual",
    ]
    assert [trace.name for trace in quantiles.data][2:] == ["as expected", "residuals"]
    assert [trace.name for trace in correlations.data][2:] == ["residuals", "squares"]
    for words in ("standard error", "expected stay", "weight of yesterday", "without HAR", "Jarque-Bera", "BIC"):
        assert words in text
    for words in (
        "What past forecasts were worth",
        "inside its band",
        "mean of volatility",
        "95 %, range",
        "each measure",
    ):
        assert words in text
    (akaike,) = re.findall(r"<dt>AIC</dt><dd>(.*?)</dd>", text)
    assert akaike.startswith("−")


def test_json_is_one_object_with_the_same_figures(run, small_market, tmp_path):
    target = tmp_path / "one.html"
    outcome = run("volatility", "ALFA", "--data", small_market, "--json", "--html", target, "--regimes", "3")
    assert outcome.status == 0
    told = json.loads(outcome.out)
    assert told["page"] == str(target)
    assert target.is_file()
    assert len(told["regimes"]) == 3
    assert sum(one["probability"] for one in told["regimes"]) == pytest.approx(1.0, abs=1e-4)
    assert [one["volatility"] for one in told["regimes"]] == sorted(one["volatility"] for one in told["regimes"])
    assert set(told["parameters"]) == {"mu", "omega", "alpha", "gamma", "beta", "nu", "skew"}
    assert all(one["low"] < one["volatility"] < one["high"] for one in told["forecast"])
    again = run("volatility", "ALFA", "--data", small_market, "--json", "--html", target, "--regimes", "3")
    assert again.out == outcome.out


def test_json_has_the_fits_summary_and_what_the_data_say_beside_it(run, small_market):
    told = json.loads(run("volatility", "ALFA", "--data", small_market, "--json").out)
    omega = told["parameters"]["omega"]
    assert omega["t"] == pytest.approx(omega["value"] / omega["standard_error"])
    errors = {name: one["standard_error"] for name, one in told["parameters"].items() if not one["on_bound"]}
    assert list(errors) == told["covariance"]["names"]
    assert [row[at] ** 0.5 for at, row in enumerate(told["covariance"]["values"])] == pytest.approx([*errors.values()])
    assert told["aic"] == pytest.approx(2 * 7 - 2 * told["log_likelihood"])
    assert {one["name"] for one in told["residual_tests"]} == {"Ljung-Box", "ARCH-LM", "Jarque-Bera"}
    assert [one["days"] for one in told["checks"]] == [1, 5, 21]  # of 51 days after the first year
    assert told["checks"][0]["count"] == told["bars"] - 1 - 250
    for one in told["checks"]:
        assert set(one["level"]) == set(one["inside"]) == {"returns", "range"}
        assert all(value > 0.0 for value in one["level"].values())
    assert all(one["range_low"] < one["expected"] < one["range_high"] for one in told["forecast"])
    assert told["kept_events"] == []
    assert told["calendar"] == {"sessions": told["bars"], "missing": [], "closed": [], "repeated": []}


def test_a_chain_of_the_last_day_stands_beside_the_forecast(run, lean_data):
    told = json.loads(run("volatility", "AAPL", "--data", lean_data, "--end", "2014-06-06", "--json").out)
    assert told["implied_note"] == ""
    assert [one["days"] for one in told["implied"]] == [30, 90]
    weeks = told["implied_by_expiry"][:3]
    assert [one["expiry"] for one in weeks] == ["2014-06-13", "2014-06-21", "2014-06-27"]
    # From Friday's close on full weeks, whatever nights have had; to July 3, a half day, four sessions less of a week.
    assert [one["trading_days"] for one in weeks] == pytest.approx([5.0, 10.0, 15.0])
    assert 18.5 < told["implied_by_expiry"][3]["trading_days"] < 19.0
    expected = next(one["expected"] for one in told["forecast"] if one["days"] == 5)
    assert weeks[0]["forecast"] == pytest.approx(expected * (5 / 252 * 365 / 7) ** 0.5, rel=1e-4)
    chain = json.loads(run("chain", "AAPL", "2014-06-06", "--data", lean_data, "--json").out)
    around = [one["at_the_money"] for one in chain["expiries"] if 20 < one["days"] < 45]
    assert min(around) < told["implied"][0]["implied"] < max(around)
    month = next(one["expected"] for one in told["forecast"] if one["days"] == 21)
    # Variance is even between July 3, 26.9 days and 18.7 trading days off, and July 11, 35 and a full week more.
    days = 18.7 + 5.0 * (30.0 - 26.9) / (35.0 - 26.9)
    assert told["implied"][0]["forecast"] == pytest.approx(month * (days / 252 * 365 / 30) ** 0.5, rel=0.02)
    ahead = [(one["day"], one["kind"]) for one in told["events"] if one["day"] > "2014-06-06"]
    assert ahead == [("2014-06-09", "split"), ("2014-08-07", "dividend")]
    missing = json.loads(run("volatility", "SPY", "--data", lean_data, "--end", "2015-06-30", "--json").out)
    assert missing["implied"] == []
    assert "no option quotes on 2015-06-30" in missing["implied_note"]


def test_hours_stand_beside_squared_returns_and_ranges(run, lean_data):
    outcome = run("volatility", "IBM", "--data", lean_data, "--start", "2016-01-04", "--end", "2017-12-29", "--json")
    told = json.loads(outcome.out)
    assert told["days_with_hours"] == told["bars"] - 1  # the first day's night is that of a close that is not read
    assert [one["days"] for one in told["realized"]] == [1, 5, 21, 63, 252]
    year = told["realized"][-1]
    # Measures of the same variance, by 252 squared returns, one standard error of which is a twentieth and more.
    assert year["range"] == pytest.approx(year["returns"], rel=0.25)
    assert year["intraday"] == pytest.approx(year["range"], rel=0.1)
    for one in told["checks"]:
        assert set(one["level"]) == {"returns", "range", "intraday"}
        assert one["level"]["intraday"] == pytest.approx(one["level"]["range"], rel=0.15)


def test_events_that_are_kept_are_listed_and_in_the_forecast_of_lives_that_hold_them(run, lean_data, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    for path in lean_data.iterdir():
        if path.name != "alternative":
            (folder / path.name).symlink_to(path)
    (folder / "alternative").mkdir()
    (folder / "alternative/interest-rate").symlink_to(lean_data / "alternative/interest-rate")
    events = folder / "alternative/alo/events/aapl.csv"
    events.parent.mkdir(parents=True)
    arguments = ("volatility", "AAPL", "--data", folder, "--start", "2011-06-06", "--end", "2014-06-06", "--json")
    without = json.loads(run(*arguments).out)
    events.write_text("2014-04-23, after, earnings\n2014-06-17, during, ruling, 3%\n2014-07-22, after, earnings\n")
    told = json.loads(run(*arguments).out)
    past, ruling, coming = told["kept_events"]
    assert (past["day"], past["ahead"]) == ("2014-04-24", False)
    assert past["made"] == pytest.approx(0.079, abs=0.002)  # 524.75 to 567.77, as all papers had it
    assert (ruling["day"], ruling["size"], ruling["tells"]) == ("2014-06-17", pytest.approx(0.03), "its file")
    assert (coming["day"], coming["tells"]) == ("2014-07-23", "options")
    before, after = ({one["expiry"]: one for one in every["implied_by_expiry"]} for every in (without, told))
    nights = before["2014-06-13"]["forecast"]
    assert after["2014-06-13"]["forecast"] == pytest.approx(nights, rel=0.01)
    added = after["2014-06-21"]["forecast"] ** 2 - before["2014-06-21"]["forecast"] ** 2
    assert added * 14 / 365 == pytest.approx(1.5707963 * 0.03**2, rel=0.02)
    page = tmp_path / "aapl.html"
    shown = run(*arguments[:-1], "--html", page).out
    assert "last earnings on 2014-04-24" in shown
    assert "ruling by 2014-06-17 (3.0% by its file)" in shown
    assert "<td>ruling</td>" in page.read_text()
    events.write_text("soon, after, earnings\n")
    outcome = run(*arguments)
    assert (outcome.status, outcome.out) == (2, "")
    assert "aapl.csv:1: 'soon' must be a day" in outcome.err


def test_the_end_is_the_day_that_is_forecast_from(run, small_market):
    told = json.loads(run("volatility", "ALFA", "--data", small_market, "--json", "--end", "2023-12-15").out)
    whole = json.loads(run("volatility", "ALFA", "--data", small_market, "--json").out)
    assert told["end"] == "2023-12-15"
    assert told["bars"] < whole["bars"]
    assert told["distribution"] == "skewt"
    normal = run("volatility", "ALFA", "--data", small_market, "--json", "--distribution", "normal")
    assert json.loads(normal.out)["parameters"]["nu"] == {
        "value": None,
        "standard_error": None,
        "t": None,
        "p_value": None,
        "interval": None,
        "on_bound": False,
    }


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["NOSUCH"], "NOSUCH has no daily bars"),
        (["ALFA", "--end", "1700-01-01"], "end 1700-01-01 is before 1970-01-02"),
        (["ALFA", "--end", "1999-01-01"], "ALFA has no daily bars up to 1999-01-01"),
        (["ALFA", "--start", "2023-12-01"], "returns must hold at least 250 observations, but there are"),
        (["ALFA", "--start", "2023-12-02", "--end", "2023-12-01"], "start 2023-12-02 is after end 2023-12-01"),
        (["ALFA", "--start", "tomorrow"], "'tomorrow' is not a day as yyyy-mm-dd"),
        (["ALFA", "--regimes", "1"], "'1' is out of range; allowed: from 2 to 5"),
        (["ALFA", "--html", "no/such/page.html"], "there is no folder no/such"),
        (["../ALFA"], "'../ALFA' is no ticker"),
        ([], "Missing argument 'TICKER'"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(run, small_market, arguments, sentence):
    outcome = run("volatility", *arguments, "--data", small_market)
    assert outcome.status == 2
    assert outcome.out == ""
    assert sentence in outcome.err
    assert outcome.err.count("\n") == 1
    missing = run("volatility", "ALFA", "--data", "nowhere")
    assert "there is no data folder at nowhere" in missing.err


def test_what_was_known_on_each_day_is_published_as_custom_data(run, small_market, tmp_path):
    outcome = run("volatility", "ALFA", "--data", small_market, "--publish", tmp_path / "out", "--json")
    assert outcome.status == 0
    told = json.loads(outcome.out)
    files = {kind: tmp_path / "out/alternative/alo" / kind / "alfa.jsonl" for kind in ("forecast", "regime")}
    assert told["published"] == list(map(str, files.values()))
    forecasts = read_lines(files["forecast"], ForecastLine)
    assert str(forecasts[-1].time) == f"{told['end']} 16:00:00"
    assert len(forecasts) == told["bars"] - 250 == len(read_lines(files["regime"], RegimeLine))
    short = run("volatility", "ALFA", "--data", small_market, "--publish", tmp_path / "out", "--end", "2023-12-29")
    assert short.status == 0
    kept = read_lines(files["forecast"], ForecastLine)
    assert kept == forecasts[: len(kept)]
    assert len(kept) < len(forecasts)
