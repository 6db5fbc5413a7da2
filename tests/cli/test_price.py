"""``alo price`` and ``alo iv``: what they compute, what people may type, and what they refuse."""

import json
import math

import pytest

from alo_lib.cli.option_arguments import TIMES, Numbers
from alo_lib.pricing import Dividends, greeks, implied_volatility, price

OPTION = ("--spot", "100", "--strike", "100", "--time", "1", "--rate", "5%")


def _objects(outcome):
    assert outcome.status == 0, outcome.err
    return json.loads(outcome.out)["options"]


def test_price_gives_the_librarys_values(run):
    (found,) = _objects(run("price", *OPTION, "--volatility", "25%", "--right", "put", "--json"))
    expected = greeks(100.0, 100.0, 0.05, 0.0, 0.25, 1.0, -1)
    assert found["right"] == "put"
    assert {name: found[name] for name in expected._fields} == {k: float(v) for k, v in expected._asdict().items()}


def test_every_combination_is_priced(run):
    found = _objects(run("price", *OPTION, "--volatility", "0.2,0.3", "--strike", "90:110:10", "--json"))
    assert [(row["strike"], row["volatility"], row["right"]) for row in found] == [
        (strike, volatility, right)
        for strike in (90.0, 100.0, 110.0)
        for volatility in (0.2, 0.3)
        for right in ("call", "put")
    ]


def test_style_scheme_and_dividends_reach_the_library(run):
    more = ("--volatility", "25%", "--right", "call", "--dividend", "91.25d:2", "--dividend", "0.75:8", "--json")
    (american,) = _objects(run("price", *OPTION, *more))
    (european,) = _objects(run("price", *OPTION, *more, "--style", "european"))
    cash = ([0.25, 0.75], [2.0, 8.0])
    assert american["price"] == float(greeks(100.0, 100.0, 0.05, 0.0, 0.25, 1.0, 1, dividends=cash).price)
    assert european["price"] < american["price"]
    (rough,) = _objects(run("price", *OPTION, "--volatility", "25%", "--right", "put", "--scheme", "1,4,4,6", "--json"))
    assert rough["price"] == float(greeks(100.0, 100.0, 0.05, 0.0, 0.25, 1.0, -1, scheme=(1, 4, 4, 6)).price)


@pytest.mark.parametrize("columns", ["40", "200"])
def test_no_number_is_cut_however_narrow_the_terminal(run, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    outcome = run("price", *OPTION, "--volatility", "25%", "--strike", "90,100", "--right", "put")
    assert "…" not in outcome.out
    lines = outcome.out.splitlines()
    assert lines[0].strip() == "right put, spot 100, years 1, rate 0.05, yield 0, volatility 0.25"
    assert lines[3].split()[:2] == ["100", "7.9745"]


def test_one_option_is_shown_down_the_page(run):
    outcome = run("price", *OPTION, "--volatility", "25%", "--right", "put", "--dividend", "90d:1.5")
    shown = dict(line.split(maxsplit=1) for line in outcome.out.splitlines())
    assert shown["right"].strip() == "put"
    assert shown["dividends"].strip() == "cash 1.5 at 0.2466"


@pytest.mark.parametrize(
    ("typed", "meant", "said"),
    [
        (("90d:1.5%",), Dividends(90 / 365, fractions=0.015), "1.5% of spot at 0.2466"),
        (("90d:99.9999999999%",), Dividends(90 / 365, fractions=0.999999999999), "99.9999999999% of spot at 0.2466"),
        (("0.5:2%", "0.25:1"), Dividends([0.25, 0.5], [1.0, 0.0], [0.0, 0.02]), "cash 1 at 0.25, 2% of spot at 0.5"),
        (
            ("90d:2", "--dividend-model", "escrowed"),
            Dividends(90 / 365, 2.0, model="escrowed"),
            "cash 2 at 0.2466 (escrowed)",
        ),
        (("0:2", "--cum"), Dividends(0.0, 2.0, spot_is_cum=True), "cash 2 at 0 (spot cum)"),
        (("0d:2",), Dividends(0.0, 2.0), "cash 2 at 0 (spot ex)"),
    ],
)
def test_dividends_of_every_kind_reach_the_library(run, typed, meant, said):
    more = [word for each in typed for word in (("--dividend", each) if ":" in each else (each,))]
    outcome = run("price", *OPTION, "--volatility", "25%", "--right", "call", *more, "--json")
    (found,), told = _objects(outcome), json.loads(outcome.out)
    expected = price(100.0, 100.0, 0.05, 0.0, 0.25, 1.0, 1, dividends=meant)
    assert found["price"] == float(expected)
    assert (told["dividend_model"], told["spot_is_cum"]) == (meant.model, meant.spot_is_cum)
    assert [each["fraction"] for each in told["dividends"]] == meant.fractions.tolist()
    (one,) = _objects(run("iv", *OPTION, "--right", "call", "--price", repr(found["price"]), *more, "--json"))
    assert one["implied_volatility"] == pytest.approx(0.25, abs=1e-7)
    shown = run("price", *OPTION, "--volatility", "25%", "--right", "call", *more).out
    lines = dict(line.split(maxsplit=1) for line in shown.splitlines())
    assert lines["dividends"].strip() == said


def test_options_on_a_future_are_black_s(run):
    """100 exp(-0.05) (2 N(0.125) - 1) at the money, for a volatility of 25 %."""
    black = 100.0 * math.exp(-0.05) * math.erf(0.125 / math.sqrt(2.0))
    arguments = (*OPTION, "--future", "--style", "european", "--right", "put", "--json")
    (one,) = _objects(run("price", *arguments, "--volatility", "25%"))
    assert one["price"] == pytest.approx(black, rel=1e-12)
    assert (one["rho"], one["epsilon"], one["dividend_yield"]) == (pytest.approx(-black), 0.0, 0.05)
    (one,) = _objects(run("iv", *arguments, "--price", str(black)))
    assert one["implied_volatility"] == pytest.approx(0.25, rel=1e-9)


def test_iv_inverts_and_shows_vega(run):
    arguments = ("iv", *OPTION, "--price", "7.974482342265,9,1e-4,150", "--strike", "100,100,150,150", "--right", "put")
    first, second, third, fourth = _objects(run(*arguments, "--json"))
    assert first["implied_volatility"] == pytest.approx(0.25, abs=1e-7)
    expected = implied_volatility(9.0, 100.0, 100.0, 0.05, 0.0, 1.0, -1)
    assert second["implied_volatility"] == float(expected)
    assert second["vega"] == float(greeks(100.0, 100.0, 0.05, 0.0, expected, 1.0, -1).vega)
    assert third["implied_volatility"] is None
    assert third["vega"] is None
    assert [one["status"] for one in (first, third, fourth)] == [
        "priced", "at or below its worth at once", "above its bound",
    ]  # fmt: skip
    assert run(*arguments).out.splitlines()[-1].split()[-5:] == ["–", "–", "above", "its", "bound"]
    assert "status" not in run("iv", *OPTION, "--price", "9,8", "--right", "put").out


def test_people_read_points_and_days_and_programs_raw_derivatives(run):
    arguments = ("price", *OPTION, "--volatility", "25 %", "--right", "put")
    told = json.loads(run(*arguments, "--json").out)
    (row,) = told["options"]
    by_bump = {
        name: (float(price(100.0, 100.0, 0.05 + rate, 0.0, 0.25 + volatility, 1.0 + years, -1)) - row["price"])
        for name, rate, volatility, years in (
            ("vega/pt", 0, 1e-2, 0),
            ("rho/pt", 1e-2, 0, 0),
            ("theta/day", 0, 0, -1 / 365),
        )
    }
    lines = dict(line.rsplit(None, 1) for line in run(*arguments).out.splitlines() if line.strip())
    for name, change in by_bump.items():
        shown = float(lines[name])
        assert shown == pytest.approx(change, rel=0.05)
        key, _, unit = name.partition("/")
        assert row[key] == pytest.approx(shown * {"pt": 100, "day": 365}[unit], rel=1e-3)
        assert told["units"][key] == {
            "vega": "price per 1.00 of volatility", "rho": "price per 1.00 of rate", "theta": "price per year",
        }[key]  # fmt: skip


@pytest.mark.parametrize(
    ("command", "more", "sentence"),
    [
        (
            "price",
            ("--volatility", "-0.1"),
            "Invalid value for '--volatility': '-0.1' is out of range; allowed: from 0 to 20",
        ),
        ("price", ("--volatility", "25"), "allowed: from 0 to 20; 25 percent is written 25%"),
        (
            "price",
            ("--volatility", "1", "--spot", "-1"),
            "'--spot': '-1' is out of range; allowed: from 0.000000000001 to 1,000,000,000,000",
        ),
        ("price", ("--volatility", "1", "--rate", "99999"), "'--rate': '99999' is out of range; allowed: from -1 to 1"),
        (
            "price",
            ("--volatility", "1", "--time", "-1d"),
            "'--time': '-1d' is out of range; allowed: from 0 to 100 years",
        ),
        ("price", ("--volatility", "1", "--spot", "1,000"), "a comma separates values here, and '000' is none"),
        ("price", ("--volatility", "much"), "'much' is not a number such as 0.25 or 25%"),
        ("price", ("--volatility", "nan"), "'nan' is not a number"),
        ("price", ("--volatility", "1", "--strike", "90:80:5"), "'90:80:5' is no range"),
        ("price", ("--volatility", "1", "--strike", "1:9:1e-9"), "names more than 10000 values"),
        ("price", ("--volatility", "1", "--strike", "1:999:1", "--spot", "1:999:1"), "1,996,002 options"),
        ("price", ("--volatility", "1", "--time", "soon"), "'soon' is not a time such as 0.5 (years) or 90d (days)"),
        ("price", ("--volatility", "1", "--scheme", "best"), "'best' is no scheme"),
        ("price", ("--volatility", "1", "--dividend", "1.50"), "'1.50' is no dividend"),
        ("price", ("--volatility", "1", "--dividend", "0.5:-1"), "dividends: amount is -1"),
        ("price", ("--volatility", "1", "--dividend", "0.5:1%0"), "'0.5:1%0' is no dividend; write the ex-time and"),
        ("price", ("--volatility", "1", "--dividend", "0.5:120%"), "dividends: fraction is 1.2; allowed: at least 0"),
        ("price", ("--volatility", "1", "--cum"), "--cum is given without --dividend; allowed: with one or more"),
        (
            "iv",
            ("--price", "9", "--right", "put", "--dividend-model", "escrowed"),
            "--dividend-model escrowed is given",
        ),
        (
            "iv",
            ("--price", "9", "--right", "put", "--dividend", "0.5:120", "--dividend-model", "escrowed"),
            "dividends before expiry are worth 117.037 today, spot is 100; allowed in the escrowed model: less than",
        ),
        (
            "iv",
            ("--price", "0.1", "--right", "put", "--spot", "80"),
            "no volatility explains --price 0.1: at or below its worth at once; allowed: above 20, what the put is "
            "worth without volatility, and below 99.7735, what it is worth at 2000%",
        ),
        (
            "iv",
            ("--price", "-1", "--right", "put"),
            "'--price': '-1' is out of range; allowed: from 0 to 1,000,000,000,000",
        ),
        ("iv", ("--price", "9,8", "--right", "put", "--strike", "1,2,3"), "--price has 2 values and another option 3"),
        (
            "price",
            ("--volatility", "0.2", "--future", "--dividend", "90d:1"),
            "--dividend is given with --future, which pays none",
        ),
        (
            "iv",
            ("--price", "9", "--right", "put", "--future", "--dividend-yield", "1%"),
            "--dividend-yield is given with",
        ),
        ("iv", ("--price", "9,8", "--right", "put", "--spot", "0"), "'--spot': '0' is out of range"),
    ],
)
def test_bad_input_is_one_sentence(run, command, more, sentence):
    outcome = run(command, *OPTION, *more)
    assert outcome.status == 2
    assert outcome.out == ""
    assert outcome.err.count("\n") == 1
    assert sentence in outcome.err


def test_ranges_include_their_ends_and_days_are_365ths():
    assert Numbers("spot").convert("80:100:10,5%", None, None) == (80.0, 90.0, 100.0, 0.05)
    assert Numbers("spot").convert("0.1:0.3:0.1", None, None) == pytest.approx((0.1, 0.2, 0.3))
    assert TIMES.convert("73d,0.5", None, None) == (0.2, 0.5)
