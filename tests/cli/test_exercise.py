"""``alo exercise``: figures against the closed form, what is listed, drawn and refused; LEAN's sample data too."""

import json
import math
import re
import shutil
import warnings

import numpy as np
import plotly.graph_objects as go
import pytest
from scipy.optimize import brentq
from scipy.stats import norm

from alo_lib.market.event_files import events_file
from alo_lib.pricing import early_exercise

DAY, NIGHT = "2024-01-02", 17.5 / 24 / 365
TONIGHT = ("--dividend", "2024-01-03:0.72")


@pytest.fixture
def exercise(run, small_market):
    def call(*arguments, ticker="ALFA"):
        return run("exercise", ticker, DAY, "--data", small_market, *arguments)

    return call


def _object(outcome):
    assert outcome.status == 0, outcome.err
    return json.loads(outcome.out)


def call_value(spot, strike, rate, volatility, years):
    root = volatility * math.sqrt(years)
    plus = (math.log(spot / strike) + rate * years) / root + 0.5 * root
    return spot * norm.cdf(plus) - strike * math.exp(-rate * years) * norm.cdf(plus - root)


def test_the_evening_before_each_call_has_what_the_closed_form_says(exercise):
    """One dividend, no yield and a positive rate: what is left in the morning is a European call."""
    found = _object(exercise(*TONIGHT, "--json"))
    assert (found["ex_date"], found["cash"], found["last_evening"], found["tonight"]) == (
        "2024-01-03",
        0.72,
        DAY,
        True,
    )
    rows = [row for row in found["calls"] if row["volatility"] is not None]
    assert len(rows) > 50
    spot, rate = found["spot"], found["rate"]
    for row in rows:
        strike, sigma, left = row["strike"], row["volatility"], row["years_to_expiry"] - NIGHT

        def gain(before, strike=strike, sigma=sigma, left=left):
            return before - strike - call_value(before - 0.72, strike, rate, sigma, left)

        root = sigma * math.sqrt(NIGHT)
        critical = brentq(gain, strike, 20.0 * strike) if gain(20.0 * strike) > 0.0 else None
        assert (row["critical_spot"] is None) == (critical is None), row
        if critical is not None:
            assert row["critical_spot"] == pytest.approx(critical, rel=1e-6)
            chance = norm.cdf((math.log(spot / critical) + rate * NIGHT) / root - 0.5 * root)
            assert row["probability"] == pytest.approx(chance, abs=1e-5)
        z, weight = np.polynomial.hermite_e.hermegauss(60)
        opens = spot * np.exp((rate - 0.5 * sigma**2) * NIGHT + root * z) - 0.72
        later = [call_value(each, strike, rate, sigma, left) for each in opens]
        held = math.exp(-rate * NIGHT) * float(weight @ later) / math.sqrt(2.0 * math.pi)
        assert row["held_value"] == pytest.approx(held, abs=2e-4)
        assert row["exercise_value"] == pytest.approx(spot - strike, abs=1e-12)
        assert row["exercise_gain"] == pytest.approx(spot - strike - held, abs=2e-4)
        assert row["lost_per_contract"] == pytest.approx(100.0 * max(spot - strike - held, 0.0), abs=2e-2)
        assert row["share_lost"] == pytest.approx(row["lost_per_contract"] / 100.0 / row["value"], abs=1e-12)
        if abs(spot - strike - held) > 2e-4:
            assert (row["verdict"] == "exercise") == (spot - strike > held)
            assert (row["first_ex_date"] == "2024-01-03") == (critical is not None and spot > critical - 1e-2)
        if row["verdict"] != "exercise":
            assert (row["verdict"] == "in danger") == (row["probability"] >= 0.025)
    assert {row["verdict"] for row in rows} == {"exercise", "in danger", "hold"}


def test_what_is_to_be_done_is_listed_and_all_when_asked(exercise):
    rows = _object(exercise(*TONIGHT, "--json"))["calls"]
    outcome = exercise(*TONIGHT)
    counts = {word: sum(row["verdict"] == word for row in rows) for word in ("exercise", "in danger")}
    lines = outcome.out.splitlines()
    assert lines[1] == "0.72 a share goes ex on 2024-01-03: to be exercised for it tonight"
    exercised = [row for row in rows if row["verdict"] == "exercise"]
    held = sum(row["open_interest"] for row in exercised)
    lost = sum(row["open_interest"] * row["lost_per_contract"] for row in exercised)
    assert lines[2] == (
        f"{len(rows)} calls live past it: {counts['exercise']} to be exercised ({held:,.0f} contracts, which lose "
        f"{lost:,.0f} by waiting), {counts['in danger']} more in danger of assignment"
    )
    assert outcome.out.count("\n2024-") == sum(counts.values())
    assert lines[-1].endswith("first ex-date are of the ex-time, the verdict of the evening before it.")
    assert exercise(*TONIGHT, "--all").out.count("\n2024-") == len(rows)
    expiry, middle = exercised[-1]["expiry"], exercised[-1]["strike"]
    chosen = _object(exercise(*TONIGHT, "--expiry", expiry, "--strike", middle - 3.0, middle + 3.0, "--json"))["calls"]
    assert len(chosen) > 1
    assert chosen == [row for row in rows if row["expiry"] == expiry and abs(row["strike"] - middle) <= 3.0]


def test_days_before_it_tells_of_the_evening_to_come(exercise):
    outcome = exercise("--dividend", "2024-01-11:0.72", "--dividend", "2024-01-20:0.10")
    assert "on the evening of 2024-01-10, if spot keeps to its forward" in outcome.out
    found = _object(exercise("--dividend", "2024-01-11:0.72", "--json"))
    assert not found["tonight"]
    for row in found["calls"]:
        assert row["expiry"] >= "2024-01-11"
        if row["value"] is not None:
            assert row["lost_per_contract"] == pytest.approx(100.0 * max(row["value"] - row["held_value"], 0.0))
            assert (row["verdict"] == "exercise") == (row["exercise_gain"] > 0.0)
            if abs(row["exercise_gain"]) > 1e-4:
                assert (row["verdict"] == "exercise") == (row["first_ex_date"] == "2024-01-11")


def test_an_ex_date_on_a_closed_day_is_the_next_session(exercise):
    """The twentieth of January 2024 is a Saturday."""
    found = _object(exercise("--dividend", "2024-01-20:0.50", "--json"))
    assert (found["ex_date"], found["last_evening"]) == ("2024-01-22", "2024-01-19")


def test_an_announced_dividend_is_the_next_one(run, small_market, tmp_path):
    """As if it were given, from the day on which it is known; one that is given counts alone."""
    data = tmp_path / "data"
    shutil.copytree(small_market, data)
    path = events_file(data, "ALFA")
    path.parent.mkdir(parents=True)

    def asked(*arguments):
        return _object(run("exercise", "ALFA", DAY, "--data", data, "--json", *arguments))

    path.write_text("2024-01-03, before, dividend, 0.72, 2024-01-02")
    assert asked() == asked(*TONIGHT)
    assert asked("--dividend", "2024-01-11:0.50")["cash"] == 0.50
    path.write_text("2024-01-03, before, dividend, 0.72, 2024-01-03")
    assert "no dividend of ALFA is known in" in run("exercise", "ALFA", DAY, "--data", data).err


def test_the_page_draws_what_exercise_gains(exercise, tmp_path):
    outcome = exercise(*TONIGHT, "--html", tmp_path / "alfa.html")
    assert outcome.out.splitlines()[-1] == f"Page: {tmp_path / 'alfa.html'}"
    text = (tmp_path / "alfa.html").read_text(encoding="utf-8")
    (packed,) = re.findall(r'<script type="application/json">(.*?)</script>', text, re.DOTALL)
    figure = go.Figure(json.loads(packed))  # plotly refuses what it does not know
    rows = _object(exercise(*TONIGHT, "--json"))["calls"]
    for trace in figure.data:
        gains = {row["strike"]: row["exercise_gain"] for row in rows if row["expiry"] == trace.name}
        assert trace.y == pytest.approx([100.0 * gains[strike] for strike in trace.x], rel=1e-5)
        assert min(trace.y) > -144.0
    assert {trace.name for trace in figure.data} == {row["expiry"] for row in rows if row["exercise_gain"] > -1.44}
    assert text.count("<tr><td") == len(rows)
    assert not re.search(r"<(link|img|script)[^>]+(src|href)=", text.split("<script>")[0])


def test_a_call_that_is_worth_nothing_has_no_share_to_lose(exercise, monkeypatch):
    def worthless(*arguments, **options):
        found = early_exercise(*arguments, **options)
        return found._replace(value=np.zeros_like(found.value))

    monkeypatch.setattr("alo_lib.views.exercise.early_exercise", worthless)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rows = _object(exercise(*TONIGHT, "--json"))["calls"]
    assert 0.0 in {row["lost_per_contract"] for row in rows}
    assert {row["share_lost"] for row in rows} == {None}


@pytest.mark.parametrize("spot", ["100.125", "1234.5678"])
def test_the_spot_has_the_same_digits_on_the_screen_and_on_the_page(exercise, tmp_path, spot):
    outcome = exercise(*TONIGHT, "--spot", spot, "--html", tmp_path / "alfa.html")
    assert f"spot {spot} (given)" in outcome.out
    assert f">{float(spot):,}</b><span>spot<" in (tmp_path / "alfa.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "no dividend of ALFA is known in"),
        (("--dividend", "2024-01-02:0.72"), "no dividend of --dividend goes ex after 2024-01-02; give one that does"),
        (
            ("--dividend", "2024-12-20:0.72"),
            "no call of ALFA that is quoted, and left by --expiry, --days and --strike",
        ),
        (
            (*TONIGHT, "--strike", "1", "2"),
            "no call of ALFA that is quoted, and left by --expiry, --days and --strike, lives past 2024-01-03",
        ),
        (("--dividend", "tomorrow:1"), "'tomorrow:1' is no dividend; write the ex-date and a positive amount"),
        (("--dividend", "2024-01-03:-1"), "'2024-01-03:-1' is no dividend"),
        (("--dividend", "2024-01-03"), "'2024-01-03' is no dividend"),
        (("--dividend", "0001-01-01:1"), "no dividend of --dividend goes ex after 2024-01-02; give one that does"),
        (("--dividend", "2024-01-03:1%"), "'2024-01-03:1%' is in percent; allowed: cash a share"),
        (("--dividend", "2024-01-03:1e308"), "is out of range; allowed: less than 1,000,000,000,000 a share"),
        ((*TONIGHT, "--time", "20:00"), "the session of 2024-01-02 was from 09:30 to 16:00 in New York"),
        ((*TONIGHT, "--rate", "500%"), "'--rate': '500%' is out of range"),
        ((*TONIGHT, "--html", "/no/such/folder/x.html"), "there is no folder /no/such/folder to write x.html to"),
        ((*TONIGHT, "--resolution", "daily"), "ALFA has no daily option quotes on 2024-01-02"),
    ],
)
def test_what_cannot_be_told_is_one_sentence(exercise, arguments, sentence):
    outcome = exercise(*arguments)
    assert outcome.status == 2
    assert outcome.out == ""
    (told,) = [line for line in outcome.err.splitlines() if line.startswith("alo: ")]  # compilation may be told besides
    assert sentence in told


def test_options_of_an_index_are_not_exercised_early(run, lean_data):
    outcome = run("exercise", "SPX", "2021-01-04", "--data", lean_data)
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err == "alo: options on SPX are European; nothing is exercised early\n"


def test_apple_the_evening_before_its_dividend_of_november_2015(run, lean_data):
    """At a spot of 122 its call of January 2016 and 100 is quoted at 22.00 to 22.30: worth a little more held."""
    asked = ("exercise", "AAPL", "2015-11-04", "--data", lean_data, "--json")
    found = _object(run(*asked))
    assert (found["spot"], found["ex_date"], found["tonight"]) == (122.0, "2015-11-05", True)
    assert found["cash"] == pytest.approx(0.52, abs=2e-3)
    (row,) = found["calls"]
    assert (row["bid"], row["ask"]) == (22.0, 22.3)
    years = row["years_to_expiry"]
    held = call_value(122.0 - found["cash"], 100.0, found["rate"], row["volatility"], years)
    assert row["held_value"] == pytest.approx(held, abs=2e-3)
    assert row["bid"] < row["held_value"] < row["ask"]
    assert row["verdict"] == "in danger"
    assert row["held_value"] == pytest.approx(22.15, abs=5e-3)
