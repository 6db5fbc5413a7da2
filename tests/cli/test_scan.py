"""``alo scan`` on the small synthetic market and on LEAN's own sample: figures, tables, pages, and what is refused."""

import datetime as dt
import json
import re
import shutil

import pytest

from alo_lib.records import osi_symbol
from alo_lib.views.page import PAGE_MARK

DAY = "2024-01-03"


@pytest.fixture
def scan(run, small_market):
    def call(*arguments, tickers=("ALFA",), day=DAY):
        return run("scan", *tickers, "--date", day, "--data", small_market, "--set", "min-coverage=0", *arguments)

    return call


def _object(outcome):
    assert outcome.status == 0, outcome.err
    return json.loads(outcome.out)


def test_on_the_last_day_of_an_underlying_nothing_is_opened_and_it_says_so(run, small_market, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(small_market, data)
    history = data / "equity" / "usa" / "map_files" / "alfa.csv"
    words = ("scan", "ALFA", "--date", DAY, "--data", data, "--set", "min-coverage=0", "--time", "12:00")
    assert _object(run(*words, "--json"))["scans"][0]["opens_nothing"] is None
    history.write_text(history.read_text().replace("20501231", DAY.replace("-", "")))
    (one,) = _object(run(*words, "--json"))["scans"]
    assert one["candidates"]
    assert one["opens_nothing"].startswith("Its contracts change, or end, before the next session")
    page = tmp_path / "scan.html"
    told = run(*words, "--html", page)
    assert "nothing is opened" in " ".join(told.out.split())
    assert "nothing is opened" in page.read_text()


def test_what_is_seen_is_what_chain_sees(scan, run, small_market):
    found = _object(scan("--time", "12:00", "--json"))
    (one,) = found["scans"]
    assert (found["date"], one["ticker"], one["resolution"]) == (DAY, "ALFA", "minute")
    assert one["time"] == f"{DAY} 12:00:00.000"
    market = one["market"]
    chain = _object(run("chain", "ALFA", DAY, "--data", small_market, "--time", "12:00", "--json"))
    expiries = [each for each in chain["expiries"] if each["at_the_money"] is not None and each["days"] >= 14]
    assert market["smiles"] >= 2
    levels = [each["at_the_money"] for each in expiries]
    assert min(levels) - 0.01 < market["implied_60"] < max(levels) + 0.01
    assert market["implied_less_forecast"] == pytest.approx(market["implied_30"] - market["forecast_30"], abs=2e-6)
    assert market["implied_less_realized"] == pytest.approx(market["implied_30"] - market["realized"], abs=2e-6)
    assert (market["days"], market["rank"]) == (2, None)  # the day before has quotes, and two days are too few
    inside = market["band_low"] <= market["implied_30"] <= market["band_high"]
    assert (market["beside_band"] == "within") is inside
    by_symbol = {row["symbol"]: row for row in chain["contracts"]}
    for row in one["contracts"]:
        if row["rejected"] is None:
            assert by_symbol[row["symbol"]]["bid"] == row["bid"]
            assert by_symbol[row["symbol"]]["mid_volatility"] is not None


def test_reasons_count_all_contracts_and_candidates_are_of_what_is_left(scan):
    (one,) = _object(scan("--time", "12:00", "--json"))["scans"]
    counted = {each["reason"]: each["contracts"] for each in one["reasons"]}
    assert sum(counted.values()) == len(one["contracts"])
    for reason, count in counted.items():
        assert sum((row["rejected"] or "none") == reason for row in one["contracts"]) == count
    left = {row["symbol"] for row in one["contracts"] if row["rejected"] is None}
    assert one["candidates"]
    points = [each["edge_volatility"] for each in one["candidates"]]
    assert points == sorted(points, reverse=True)
    for each in one["candidates"]:
        assert {leg["symbol"] for leg in each["legs"]} <= left
        assert each["edge"] == pytest.approx(each["edge_volatility"] * each["vega"], rel=1e-3, abs=0.01)
        assert each["suffices"] is (each["edge_volatility"] >= 0.02)


def test_settings_decide_what_is_left(scan):
    (one,) = _object(scan("--time", "12:00", "--json", "--set", "min-open-interest=1000000"))["scans"]
    reasons = {each["reason"] for each in one["reasons"]}
    assert "open interest" in reasons
    assert "none" not in reasons
    assert one["candidates"] == []
    flat, market = (
        _object(scan("--time", "12:00", "--json", "--set", f"fair-smile={each}"))["scans"][0]
        for each in ("flat", "market")
    )
    assert flat["market"] == market["market"]
    assert [each["edge"] for each in flat["candidates"]] != [each["edge"] for each in market["candidates"]]


@pytest.mark.parametrize("columns", ["80", "50"])
def test_the_table_fits_a_terminal(scan, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    outcome = scan(tickers=("ALFA", "BRVO"))
    assert outcome.status == 0, outcome.err
    assert re.findall(r"^(\w+) 2024-01-03 15:59 New York, minute bars; spot", outcome.out, re.MULTILINE) == [
        "ALFA",
        "BRVO",
    ]
    if columns == "80":
        assert max(len(line.rstrip()) for line in outcome.out.splitlines()) <= 80


def test_a_page_is_written(scan, tmp_path):
    outcome = scan("--html", tmp_path / "scan.html")
    assert outcome.status == 0, outcome.err
    assert outcome.out.endswith(f"Page: {tmp_path / 'scan.html'}\n")
    text = (tmp_path / "scan.html").read_text(encoding="utf-8")
    assert PAGE_MARK in text
    assert "Scan of ALFA" in text


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"day": "2024-01-06"}, "the market was closed on 2024-01-06; name a trading day"),
        ({"day": "2024-01-08"}, "ALFA has no minute or hour option quotes on 2024-01-08"),
        ({"tickers": ("NONE",)}, "NONE has no minute or hour option quotes on 2024-01-03"),
        ({"tickers": ("a b",)}, "setting underlyings: 'a b' is no ticker"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(scan, arguments, sentence):
    outcome = scan(**arguments)
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.splitlines()[-1].startswith(f"alo: {sentence}")


def test_odd_times_and_settings_are_refused(scan):
    outcome = scan("--time", "17:00")
    assert outcome.status == 2
    sentence = "the session of 2024-01-03 was from 09:30 to 16:00 in New York; name a time in it"
    assert outcome.err.splitlines()[-1] == f"alo: {sentence}"
    outcome = scan("--set", "fair-smile=round")
    assert (outcome.status, outcome.err) == (2, "alo: setting fair-smile is 'round'; allowed: flat or market\n")


def test_goog_as_leans_sample_has_it(run, lean_data):
    (one,) = _object(run("scan", "GOOG", "--date", "2015-12-24", "--time", "12:30", "--data", lean_data, "--json"))[
        "scans"
    ]
    assert one["market"]["smiles"] == 7
    assert one["market"]["implied_30"] == pytest.approx(0.228, abs=0.003)
    assert one["market"]["skew"] < 0.0  # puts are dear
    best = one["candidates"][0]
    assert (best["structure"], best["direction"], best["suffices"]) == ("straddle", "sell", True)
    assert {leg["ratio"] for leg in best["legs"]} == {-1}
    for leg in best["legs"]:
        symbols = {osi_symbol("GOOG", dt.date.fromisoformat(leg["expiry"]), leg["strike"], right) for right in (1, -1)}
        assert leg["symbol"] in symbols


@pytest.mark.parametrize(
    ("basket", "words"),
    [
        ("ALFA", "'ALFA' is no basket; write one such as INDX=ALFA:0.6,BRVO:0.4"),
        ("ALFA=BRVO:x", "'ALFA=BRVO:x' is no basket"),
        ("ALFA=BRVO:1", "the basket of ALFA has 1 member; it takes two or more"),
        ("ALFA=BRVO:1,CHRL:-1", "a weight in the basket of ALFA is -1; weights are above 0"),
        ("INDX=ALFA:1,BRVO:1", "the basket of INDX names INDX, BRVO, which this scan does not look at"),
        ("ALFA=BRVO:1,ALFA:1", "the basket of ALFA names ALFA itself; an index is no member of its own"),
        ("INDX=ALFA:1,ALFA:2,BRVO:1", "'INDX=ALFA:1,ALFA:2,BRVO:1' is no basket: it names a member twice"),
    ],
)
def test_what_is_no_basket_of_the_scan_is_refused(scan, basket, words):
    outcome = scan("--basket", basket)
    assert outcome.status == 2
    assert words in outcome.err
    assert "Looking at" not in outcome.err
