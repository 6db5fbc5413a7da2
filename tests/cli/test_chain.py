"""``alo chain`` on the small synthetic market and on LEAN's own sample: figures, tables, pages, and what is refused."""

import json
import math
import re
import shutil
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from alo_lib.market.event_files import events_file
from alo_lib.market.factor_files import FactorRow
from alo_lib.market.writer import write_factor_file
from alo_lib.pricing import ContractStatus, Dividends, greeks, implied_volatility
from alo_lib.pricing.parity import parity_yields

DAY = "2024-01-02"


@pytest.fixture
def chain(run, small_market):
    def call(*arguments, ticker="ALFA"):
        return run("chain", ticker, DAY, "--data", small_market, *arguments)

    return call


def _object(outcome):
    assert outcome.status == 0, outcome.err
    return json.loads(outcome.out)


def test_every_contract_has_what_its_quote_implies(chain):
    found = _object(chain("--time", "12:00", "--json"))
    assert (found["ticker"], found["style"], found["resolution"]) == ("ALFA", "american", "minute")
    assert found["time"] == "2024-01-02 12:00:00.000"
    assert sum(one["contracts"] for one in found["expiries"]) == len(found["contracts"]) > 100
    explained = [row for row in found["contracts"] if row["mid_volatility"] is not None]
    assert len(explained) == sum(one["explained"] for one in found["expiries"]) > 100
    for row in explained[::25]:
        right = 1 if row["right"] == "call" else -1
        market = (found["spot"], row["strike"], found["rate"], row["dividend_yield"])
        volatility = implied_volatility(0.5 * (row["bid"] + row["ask"]), *market, row["years_to_expiry"], right)
        # A chain interpolates its boundaries: prices are within 1e-6 of spot of those of single options.
        assert row["mid_volatility"] == pytest.approx(float(volatility), abs=1e-5)
        expected = greeks(*market, row["mid_volatility"], row["years_to_expiry"], right)
        for name in expected._fields[1:]:
            assert row[name] == pytest.approx(float(getattr(expected, name)), rel=1e-4, abs=1e-6), name
        if row["bid_volatility"] is not None:
            assert row["bid_volatility"] <= row["mid_volatility"] <= row["ask_volatility"]


@pytest.fixture
def paying(small_market, tmp_path):
    """The small market with 2.00 a share going ex on 2024-02-01."""
    data = tmp_path / "data"
    shutil.copytree(small_market, data)
    factor = Decimal(1) - Decimal(2) / Decimal(150)
    rows = [
        FactorRow(date(2024, 1, 31), factor, Decimal(1), Decimal(150)),
        FactorRow(date(2050, 12, 31), Decimal(1), Decimal(1), Decimal(0)),
    ]
    write_factor_file(data, "ALFA", rows)
    return data


def test_dividends_enter_as_asked(run, paying):
    def asked(*arguments):
        return _object(run("chain", "ALFA", DAY, "--data", paying, "--time", "12:00", "--json", *arguments))

    spread, cash, none = (asked("--dividends", carry, "--right", "put") for carry in ("yield", "cash", "none"))
    ((due),) = spread["dividends_ahead"]
    assert due["cash"] == pytest.approx(2.0, abs=1e-12)
    for one in spread["expiries"]:
        years = one["days"] / 365.0
        present = due["cash"] * math.exp(-spread["rate"] * due["years"]) if due["years"] <= years else 0.0
        assert one["dividend_yield"] == pytest.approx(-math.log(1.0 - present / spread["spot"]) / years, abs=1e-12)
    assert {one["dividend_yield"] for one in none["expiries"]} == {0.0}
    rows = [row for row in cash["contracts"] if row["mid_volatility"] is not None]
    for row in rows[:: len(rows) // 5]:
        expected = implied_volatility(
            row["mid"], cash["spot"], row["strike"], cash["rate"], 0.0, row["years_to_expiry"], -1,
            dividends=([due["years"]], [due["cash"]]),
        )  # fmt: skip
        assert row["mid_volatility"] == pytest.approx(float(expected), rel=1e-9)
    fraction = due["cash"] / (cash["spot"] * math.exp(cash["rate"] * due["years"]))
    for more, model, schedule in (
        (("cash", "--dividend-model", "escrowed"), "escrowed", Dividends(due["years"], due["cash"], model="escrowed")),
        (("proportional",), "spot", Dividends(due["years"], fractions=fraction)),
    ):
        found = asked("--right", "put", "--dividends", *more)
        assert (found["dividends"], found["dividend_model"]) == (more[0], model)
        forwards = [one["forward"] for one in found["expiries"]]
        assert forwards == pytest.approx([one["forward"] for one in cash["expiries"]], rel=1e-12)
        late = [row for row in found["contracts"] if row["mid_volatility"] and row["years_to_expiry"] > due["years"]]
        for row in late[:: max(len(late) // 5, 1)]:
            market = (row["mid"], found["spot"], row["strike"], found["rate"], 0.0, row["years_to_expiry"], -1)
            expected = implied_volatility(*market, dividends=schedule)
            assert row["mid_volatility"] == pytest.approx(float(expected), rel=1e-9)
    path = events_file(paying, "ALFA")
    path.parent.mkdir(parents=True)
    path.write_text("2024-02-08, before, dividend, 1.50, 2024-01-02\n2024-02-15, before, dividend, 3, 2024-01-03")
    (told,) = asked("--dividends", "cash", "--right", "put")["dividends_ahead"]
    assert told["years"] - due["years"] == pytest.approx(7.0 / 365.0, abs=1e-12)
    assert told["cash"] == 1.5
    path.unlink()
    given = asked("--dividend-yield", "3%")
    assert given["dividends"] == 0.03
    assert {row["dividend_yield"] for row in given["contracts"]} == {0.03}


def test_parity_brings_calls_and_puts_together(run, lean_data):
    apart = {}
    for carry in ("yield", "parity"):
        arguments = ("--dividends", carry, "--strike", "620", "670", "--days", "10", "600", "--json")
        pairs: dict[tuple[str, float], dict[str, Any]] = {}
        for row in _object(run("chain", "AAPL", "2014-06-06", "--data", lean_data, *arguments))["contracts"]:
            pairs.setdefault((row["expiry"], row["strike"]), {})[row["right"]] = row["mid_volatility"]
        gaps = [abs(one["call"] - one["put"]) for one in pairs.values() if None not in one.values() and len(one) == 2]
        assert len(gaps) > 50
        apart[carry] = float(np.median(gaps))
    assert apart["parity"] < 0.2 * apart["yield"]


def test_parity_is_the_pricing_room_s_and_its_forward_is_told(run, lean_data):
    """To the bit, which is what the price model in LEAN takes too."""
    found = _object(run("chain", "AAPL", "2014-06-06", "--data", lean_data, "--dividends", "parity", "--json"))
    rows = found["contracts"]
    mid = np.array([np.nan if row["mid"] is None else row["mid"] for row in rows])
    strike, years = (np.array([row[name] for row in rows]) for name in ("strike", "years_to_expiry"))
    right = np.array([1.0 if row["right"] == "call" else -1.0 for row in rows])
    expected = parity_yields(mid, found["spot"], strike, found["rate"], years, right)
    given = np.array([row["dividend_yield"] for row in rows])
    known = np.isfinite(expected)
    assert given[known].tobytes() == expected[known].tobytes()
    assert {row["expiry"] for row, some in zip(rows, known, strict=True) if not some} == {"2014-06-06"}
    for one in found["expiries"]:
        assert one["from_parity"] == (one["expiry"] != "2014-06-06")
        carried = math.exp((found["rate"] - one["dividend_yield"]) * one["days"] / 365.0)
        assert one["forward"] == pytest.approx(found["spot"] * carried, rel=1e-14)
    told = run("chain", "AAPL", "2014-06-06", "--data", lean_data, "--dividends", "parity").out
    assert "No yield from calls and puts, so that of the dividends ahead: 2014-06-06\n" in told


def test_every_contract_says_why_it_has_no_volatility(run, lean_data):
    arguments = ("chain", "AAPL", "2014-06-06", "--data", lean_data)
    found = _object(run(*arguments, "--json"))
    told = [row["status"] for row in found["contracts"]]
    assert found["statuses"] == {words: told.count(words) for words in dict.fromkeys(found["statuses"])}
    assert sum(found["statuses"].values()) == len(told)
    for row in found["contracts"]:
        priced = row["status"] == ContractStatus.PRICED.words
        assert (row["mid_volatility"] is not None) == priced
        if row["status"] == "one-sided":  # an ask alone may have greeks
            assert (row["bid"] is None) != (row["ask"] is None)
        if row["years_to_expiry"] == 0.0:
            assert row["status"] in ("expired", "one-sided", "no quote")
        assert (row["greeks_volatility"] is None) == (row["delta"] is None)
        assert row["mid_volatility"] in (None, row["greeks_volatility"])
        if row["status"] == "at its mirror's volatility":
            (mirror,) = (
                other
                for other in found["contracts"]
                if other["right"] != row["right"] and all(other[of] == row[of] for of in ("expiry", "strike"))
            )
            assert row["greeks_volatility"] == mirror["mid_volatility"]
        below = ("at or below its worth at once", "at its mirror's volatility", "at its limit without volatility")
        if row["status"] in below:
            side = 1.0 if row["right"] == "call" else -1.0
            held, paid = (math.exp(-x * row["years_to_expiry"]) for x in (row["dividend_yield"], found["rate"]))
            now = side * (found["spot"] - row["strike"])
            worth = max(now, side * (found["spot"] * held - row["strike"] * paid))
            assert row["mid"] is None or row["mid"] <= worth + 1e-6  # an ask alone has none
            assert (row["ask"] >= worth - 1e-6) == (row["delta"] is not None)
    assert all(found["statuses"][words] > 0 for words in below[1:])
    text = run(*arguments).out
    assert f"{told.count('expired')} expired" in text.splitlines()[2]


def test_filters_leave_what_they_name(chain):
    every = _object(chain("--json"))
    expiry = every["expiries"][1]["expiry"]
    rows = _object(chain("--json", "--expiry", expiry, "--strike", "145", "160", "--right", "put"))["contracts"]
    assert rows == [
        row
        for row in every["contracts"]
        if row["expiry"] == expiry and 145.0 <= row["strike"] <= 160.0 and row["right"] == "put"
    ]
    days = _object(chain("--json", "--days", "0", str(every["expiries"][0]["days"])))
    assert [one["expiry"] for one in days["expiries"]] == [every["expiries"][0]["expiry"]]


def test_many_contracts_are_summed_up_an_expiry_and_few_are_listed(chain):
    every = _object(chain("--json"))
    summed = chain().out
    for one in every["expiries"]:
        assert re.search(rf"^{one['expiry']} +{one['days']:.2f} +{one['contracts']} ", summed, re.MULTILINE)
    listed = chain("--expiry", every["expiries"][0]["expiry"]).out
    rows = [row for row in every["contracts"] if row["expiry"] == every["expiries"][0]["expiry"]]
    assert listed.count("\n" + rows[0]["expiry"]) == len(rows) <= 200
    assert "…" not in listed
    assert chain("--all").out.count("\n2024-") == len(every["contracts"])


def test_the_page_draws_the_smiles_and_needs_no_network(chain, tmp_path):
    outcome = chain("--html", tmp_path / "alfa.html")
    assert outcome.out.splitlines()[-1] == f"Smiles: {tmp_path / 'alfa.html'}"
    text = (tmp_path / "alfa.html").read_text(encoding="utf-8")
    figures = [
        json.loads(one) for one in re.findall(r'<script type="application/json">(.*?)</script>', text, re.DOTALL)
    ]
    assert len([go.Figure(one) for one in figures]) == 2  # plotly refuses what it does not know
    every = _object(chain("--json"))
    smiles = figures[0]["data"]
    assert [trace["name"].split()[0] for trace in smiles] == [one["expiry"] for one in every["expiries"]]
    drawn = {
        row["strike"]: 100.0 * row["mid_volatility"]
        for row in every["contracts"]
        if row["expiry"] == every["expiries"][0]["expiry"]
        and row["mid_volatility"] is not None
        and (row["strike"] >= every["spot"]) == (row["right"] == "call")
    }
    assert smiles[0]["x"] == sorted(drawn)
    assert smiles[0]["y"] == pytest.approx([drawn[strike] for strike in sorted(drawn)], rel=1e-5)
    by_strike, by_moneyness, by_delta = (
        button["args"][0]["x"] for button in figures[0]["layout"]["updatemenus"][0]["buttons"]
    )
    assert by_strike == [trace["x"] for trace in smiles]
    forward = every["expiries"][0]["forward"]
    assert by_moneyness[0] == pytest.approx([math.log(strike / forward) for strike in sorted(drawn)], abs=1e-5)
    deltas = {
        row["strike"]: row["delta"]
        for row in every["contracts"]
        if row["expiry"] == every["expiries"][0]["expiry"]
        and (row["strike"] >= every["spot"]) == (row["right"] == "call")
    }
    assert by_delta[0] == pytest.approx([deltas[strike] for strike in sorted(drawn)], rel=1e-5)
    strikes = {(row["expiry"], row["strike"]) for row in every["contracts"]}
    assert text.count("<tr><td") == len(strikes) + len(every["expiries"])
    assert len(figures[1]["data"][0]["x"]) == sum(one["at_the_money"] is not None for one in every["expiries"])
    assert not re.search(r"<(link|img|script)[^>]+(src|href)=", text.split("<script>")[0])
    first = (tmp_path / "alfa.html").read_bytes()
    chain("--html", tmp_path / "alfa.html")
    assert (tmp_path / "alfa.html").read_bytes() == first


def test_damaged_files_are_counted_and_the_rest_is_used(run, small_market, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(small_market, data)
    (data / "alternative/interest-rate/usa/interest-rate.csv").write_text("date,rate\n2024-13-01,1\n2024-01-01,5.0\n")
    outcome = run("chain", "ALFA", DAY, "--data", data, "--json")
    assert "Left out: not a date: 1; the first: " in outcome.err
    assert _object(outcome)["rate"] == 0.05  # continuously compounded, as LEAN takes the file's number
    (archive,) = (data / "option/usa/minute/alfa").glob("20240102_quote_american.zip")
    archive.write_bytes(archive.read_bytes()[:1000])
    outcome = run("chain", "ALFA", DAY, "--data", data)
    assert outcome.status == 0
    assert "Left out: corrupt archive: 1, not a date: 1; the first: " in outcome.err
    assert "hour bars" in outcome.out
    outcome = run("chain", "ALFA", DAY, "--data", data, "--resolution", "minute")
    assert outcome.status == 2
    assert outcome.err.startswith(
        f"alo: ALFA has no minute option quotes on 2024-01-02 by that time in {data}; left out: "
    )
    assert f"{archive}: corrupt archive" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--time", "20:00"), "the session of 2024-01-02 was from 09:30 to 16:00 in New York"),
        (("--time", "noon"), "'noon' is not a time of day such as 12:30"),
        (("--strike", "1", "2"), "no contract of ALFA is left by --expiry, --days, --strike and --right"),
        (("--rate", "500%"), "'--rate': '500%' is out of range; allowed: from -1 to 1"),
        (("--rate", "low"), "'low' is not a number such as 0.25 or 25%"),
        (("--spot", "0"), "'--spot': '0' is out of range; allowed"),
        (("--dividend-yield", "9"), "'--dividend-yield': '9' is out of range"),
        (("--dividend-model", "escrowed"), "--dividend-model escrowed is of cash; allowed: with --dividends cash or"),
        (("--html", "/no/such/folder/x.html"), "there is no folder /no/such/folder to write x.html to"),
        (("--resolution", "daily"), "ALFA has no daily option quotes on 2024-01-02"),
        (("--data", "/no/such/data"), "there is no data folder at /no/such/data"),
    ],
)
def test_bad_input_is_one_sentence(chain, arguments, sentence):
    outcome = chain(*arguments)
    assert outcome.status == 2
    assert outcome.out == ""
    assert outcome.err.count("\n") == 1
    assert sentence in outcome.err


@pytest.mark.parametrize(("ticker", "sentence"), [("../etc", "'../etc' is no ticker"), ("NONE", "no option quotes")])
def test_unknown_tickers_are_refused(chain, ticker, sentence):
    outcome = chain(ticker=ticker)
    assert outcome.status == 2
    assert sentence in outcome.err


def test_google_before_christmas(run, lean_data):
    found = _object(run("chain", "GOOG", "2015-12-24", "--data", lean_data, "--time", "12:30", "--json"))
    assert (len(found["contracts"]), found["spot"]) == (2192, 750.125)
    january = [one for one in found["expiries"] if one["expiry"] == "2016-01-15"]
    assert january[0]["at_the_money"] == pytest.approx(0.19, abs=0.01)
    for row in found["contracts"]:
        if row["delta"] is not None:
            assert -1.0 - 1e-9 <= row["delta"] <= 1.0 + 1e-9
            assert row["gamma"] >= 0.0


@pytest.mark.parametrize(
    ("option", "ends", "sentence"),
    [
        ("--days", (40, 10), "--days is 40 10; the first must not be above the second"),
        ("--strike", ("1,000", 10), "--strike is 1000 10; the first must not be above the second"),
        ("--days", ("nan", 10), "'nan' is not a number"),
    ],
)
def test_a_range_that_runs_backwards_is_refused(run, small_market, option, ends, sentence):
    outcome = run("chain", "ALFA", "2024-01-02", "--data", small_market, option, *ends)
    assert (outcome.status, sentence in outcome.err) == (2, True), outcome.err
