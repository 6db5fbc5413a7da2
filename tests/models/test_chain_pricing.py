"""Chains priced in LEAN's units, where there is no LEAN: against the library's most precise scheme."""

import datetime as dt
import itertools
from collections import Counter
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from alo_lib.pricing import ContractStatus, Dividends, greeks, implied_volatility, price
from tests.models.greeks_check import CLOSE, at, check, years
from tests.models.kit import Algorithm, Identity, Symbol, equity, tell_of_chains

ONE = equity("ONE")
EXPIRIES = (dt.datetime(2024, 4, 19), dt.datetime(2024, 9, 20))
RATES = {"2024-04-19": 0.02, "2024-09-20": 0.05}
SPOT, YIELD = 100.0, 0.03
TEN = int(dt.datetime(2024, 3, 4, 15, tzinfo=dt.UTC).timestamp()) * 10**9  # in New York
NOW = "2024-03-04 10:00"


class Rates:
    """A curve: another rate for each expiry."""

    def get_interest_rate(self, time: dt.datetime) -> float:
        return RATES[f"{time:%Y-%m-%d}"]


class Yield:
    """A dividend yield model of LEAN's interface."""

    def __init__(self, value: float) -> None:
        self.value = value

    def get_dividend_yield(self, time: dt.datetime, spot: float) -> float:
        assert (time, spot) == (dt.datetime(2024, 3, 4, 10), SPOT)
        return self.value


def settles(row: dict[str, Any]) -> dt.datetime:
    return at(row["expiry"], CLOSE)


def contracts(*, style: int = 0, dividend_yield: float = YIELD, skew: float = 0.01) -> list[dict[str, Any]]:
    """Calls and puts of two expiries, quoted a cent about what they are worth at volatilities that differ.

    skew: what a put's volatility is above its call's.
    """
    rows = []
    for place, (expiry, strike, right) in enumerate(itertools.product(EXPIRIES, (90.0, 100.0, 110.0), (1, -1))):
        row: dict[str, Any] = {
            "time": NOW,
            "expiry": f"{expiry:%Y-%m-%d}",
            "strike": strike,
            "right": right,
            "spot": SPOT,
        }
        row |= {"strike": strike, "right": right, "american": style == 0}
        row |= {"rate": RATES[row["expiry"]], "yield": dividend_yield}
        volatility = 0.2 + 0.02 * (place // 2) + skew * (right < 0)
        terms = (SPOT, strike, row["rate"], dividend_yield, volatility, years(row, settles(row)), right)
        worth = float(price(*terms, style="american" if style == 0 else "european"))
        identity = Identity(f"{place}", int(right < 0), style, strike, expiry)
        row |= {"bid": worth - 0.01, "ask": worth + 0.01, "last": 0.0}
        rows.append(row | {"symbol": Symbol(f"ONE {place}", identity, 2, ONE)})
    return rows


def columns_of(rows: list[dict[str, Any]]) -> Any:
    """As the border reads them; expiry in days since 0001-01-01, right and style as LEAN's enumerations."""
    days = [row["symbol"].id.date.toordinal() - 1 for row in rows]
    return np.array(
        [
            (r["strike"], r["right"] < 0, day, not r["american"], r["bid"], r["ask"], r["last"], r["spot"])
            for r, day in zip(rows, days, strict=True)
        ],
        dtype=np.float64,
    )


class Securities(dict[Symbol, Any]):
    """LEAN's dictionary of securities."""

    def contains_key(self, symbol: Symbol) -> bool:
        return symbol in self


class Pricer:
    """The one under test, on an algorithm with a volatility model and quotes of a time."""

    def __init__(self, lean: Any, **given: Any) -> None:
        self.model = SimpleNamespace(volatility=0.0)
        self.securities = Securities({ONE: SimpleNamespace(volatility_model=self.model)})
        self.algorithm = lean.QCAlgorithm(risk_free_interest_rate_model=Rates(), securities=self.securities)
        self.columns = import_module("models.compiled_border").WRITTEN
        defaults = {"price": "mid", "dividend_yield": "model", "announced": None, "scheme": "accurate"}
        chosen = {"algorithm": self.algorithm} | defaults | {"dividend_model": "spot", "max_quote_age": None} | given
        self.pricer = import_module("models.chain_pricing").ChainPricer(**chosen)

    def quote(self, symbol: Symbol, lean: Any, age: dt.timedelta | None) -> None:
        """Let LEAN's newest quote of a contract be of an age; None for no quote."""
        now = dt.datetime(2024, 3, 4, 10)
        quote = None if age is None else SimpleNamespace(end_time=now - age)
        cache = SimpleNamespace(get_data={lean.QuoteBar: lambda: quote})
        self.securities[symbol] = SimpleNamespace(cache=cache, local_time=now)

    def rows(self, rows: list[dict[str, Any]], *, time: int = TEN, past: bool = False) -> list[dict[str, Any]]:
        """The rows with values, those of a contract without any at LEAN's empty result."""
        values = self.pricer.values_of(columns_of(rows), [row["symbol"] for row in rows], time, past=past)
        assert values.shape == (len(rows), len(self.columns))
        found = []
        for row, value in zip(rows, values, strict=True):
            told = dict(zip(self.columns, value.tolist(), strict=True))
            volatility = 0.0 if np.isnan(told["implied_volatility"]) else told["implied_volatility"]
            found.append(row | told | {"volatility": volatility})
        return found


@pytest.fixture
def chains(lean: Any, border: Any) -> Any:
    tell_of_chains(lean, Yield(YIELD))
    lean.QCAlgorithm = Algorithm
    return lean


@pytest.mark.parametrize("style", [0, 1])
def test_values_are_those_of_a_precise_pricer_in_leans_units(chains: Any, style: int) -> None:
    """Each expiry has its own rate and each contract its own volatility; nothing may be mixed up."""
    priced = Pricer(chains).rows(contracts(style=style))
    assert all(row["volatility"] > 0.0 for row in priced)
    check(priced, settles)
    for row in priced:
        middle = 0.5 * (row["bid"] + row["ask"])
        assert row["leverage"] == pytest.approx(row["delta"] * SPOT / middle, rel=1e-12)
    assert Pricer(chains).pricer.values_of(np.empty((0, 8)), [], TEN).shape == (0, 8)


def test_the_yield_is_a_users_or_what_parity_implies_or_cash_that_is_announced(chains: Any) -> None:
    check(Pricer(chains, dividend_yield=Yield(0.06)).rows(contracts(dividend_yield=0.06)), settles)
    european = contracts(style=1, dividend_yield=0.06, skew=0.0)  # parity is exact; LEAN's own yield is another
    check(Pricer(chains, dividend_yield="parity").rows(european), settles)

    def announced(underlying: Symbol, time: dt.datetime) -> list[tuple[dt.date, float]]:
        assert underlying == ONE
        return [(dt.date(2024, 6, 3), 1.0)]

    rows = Pricer(chains, announced=announced).rows(contracts())
    ex = years(rows[0], at("2024-06-03", dt.time(9, 30)))

    def after(row: dict[str, Any]) -> float:
        life = years(row, settles(row))
        return YIELD * max(life - ex, 0.0) / life

    check(rows, settles, dividend_yield=after, scheme="accurate", dividends=([ex], [1.0]))

    rows = Pricer(chains, announced=announced, dividend_model="escrowed").rows(contracts())
    check(rows, settles, dividend_yield=after, scheme="accurate", dividends=Dividends(ex, 1.0, model="escrowed"))

    def apart(**choices: Any) -> float:
        """The farthest that a call's volatility is from that of the put with its expiry and strike."""
        found: dict[Any, list[float]] = {}
        for row in Pricer(chains, announced=announced, **choices).rows(european):
            found.setdefault((row["expiry"], row["strike"]), []).append(row["volatility"])
        return max(max(pair) - min(pair) for pair in found.values() if np.isfinite(pair).all())

    assert apart() > 1e-2
    assert apart(dividend_yield="parity") < 1e-6


@pytest.mark.parametrize("style", [0, 1, 2])
@pytest.mark.parametrize("count", [1, 12])
def test_a_chain_at_leans_own_rate_has_the_bits_of_a_quoted_chain(chains: Any, style: int, count: int) -> None:
    """Whether all of it is priced, or a contract has no bid, or LEAN has no name yet for what one is."""
    module = import_module("models.chain_pricing")
    made, rows = Pricer(chains), contracts(style=min(style, 1))[:count]
    own = type("Own", (chains.InterestRateProvider,), {"get_interest_rate": lambda self, time: 0.03})
    made.algorithm.risk_free_interest_rate_model = own()
    columns, symbols = columns_of(rows), [row["symbol"] for row in rows]
    columns[0, 3] = style
    statuses = []
    for bid in (rows[0]["bid"], 0.0):
        columns[0, 4] = bid
        chain = made.pricer.quoted(columns, symbols, TEN)
        values = made.pricer.values_of(columns, symbols, TEN)
        assert np.array_equal(values, module.in_lean_units(chain, None), equal_nan=True)
        statuses += [ContractStatus(code) for code in chain.status]
    assert np.isfinite(values[1:]).all()
    assert sum(made.pricer.statuses.values()) == 2 * count
    assert made.pricer.statuses == Counter(statuses)


def test_the_market_price_is_the_side_that_is_asked_for(chains: Any) -> None:
    check(Pricer(chains, price="ask").rows(contracts()), settles, market="ask")


def test_the_theoretical_price_is_at_the_volatility_models_forecast(chains: Any) -> None:
    made, rows = Pricer(chains), contracts()
    made.model.volatility = 0.35
    first = made.rows(rows)[0]
    terms = (SPOT, first["strike"], first["rate"], YIELD)
    expected = price(*terms, 0.35, years(first, settles(first)), first["right"], scheme="high_precision")
    assert first["price"] == pytest.approx(float(expected), rel=1e-6)
    assert first["volatility"] == pytest.approx(0.2, abs=1e-4)  # the market's, whatever is forecast
    made.model.volatility = 0.5  # a contract of an earlier slice keeps its slice's forecast
    assert made.rows(rows)[0]["price"] == first["price"]
    later = made.rows(rows, time=TEN + 1)
    assert later[0]["price"] > 1.1 * first["price"]
    market = 0.5 * (first["bid"] + first["ask"])
    assert made.rows(rows, past=True)[0]["price"] == pytest.approx(market)  # nobody knows what it said
    for number, unready in enumerate((0.0, np.nan, 1e9), 2):
        made.model.volatility = unready
        assert made.rows(rows, time=TEN + number)[0]["price"] == pytest.approx(market)


def test_quotes_that_are_too_old_are_stale_and_what_has_no_values_is_counted(chains: Any) -> None:
    limit = dt.timedelta(minutes=20)
    made, rows = Pricer(chains, max_quote_age=limit), contracts()
    ages = [limit, limit + dt.timedelta(seconds=1), None, *[dt.timedelta()] * (len(rows) - 3)]
    for row, age in zip(rows, ages, strict=True):
        made.quote(row["symbol"], chains, age)
    rows[2] |= {"bid": 0.0}  # an ask alone ages as a quote does
    rows[3] |= {"bid": 0.0, "ask": 0.0}
    rows[4] |= {"bid": rows[4]["ask"] + 1.0}
    found = made.rows(rows)
    empty = [place for place, row in enumerate(found) if np.isnan(row["price"])]
    assert empty == [1, 2, 3, 4]
    assert all(np.isnan([found[place][name] for name in made.columns]).all() for place in empty)
    counted = {ContractStatus.STALE: 2, ContractStatus.NO_QUOTE: 1, ContractStatus.CROSSED: 1}
    assert made.pricer.unpriced == counted
    made.rows(rows)
    assert made.pricer.unpriced == {status: 2 * count for status, count in counted.items()}
    assert [place for place, row in enumerate(made.rows(rows, past=True)) if np.isnan(row["price"])] == [3, 4]


def test_what_lean_may_give_amiss_is_counted_and_told_once(chains: Any) -> None:
    """A rate that no market has and a style that LEAN may come to have are no error: the others have their values."""
    made, rows = Pricer(chains), contracts()
    made.algorithm.risk_free_interest_rate_model = SimpleNamespace(
        get_interest_rate=lambda time: 9.0 if f"{time:%Y-%m-%d}" == "2024-09-20" else 0.02
    )
    columns = columns_of(rows)
    columns[0, 3] = 2.0
    columns[1, 7] = 0.0
    columns[11, 4] = 0.0  # an ask alone is no more known than a mid
    values = made.pricer.values_of(columns, [row["symbol"] for row in rows], TEN)
    assert np.flatnonzero(np.isnan(values[:, 0])).tolist() == [0, 1, *range(6, 12)]
    counted = {ContractStatus.OUT_OF_DOMAIN: 7, ContractStatus.NO_SPOT: 1}
    assert made.pricer.unpriced == counted
    assert sorted(line.split(";")[0] for line in made.algorithm.logged) == [
        "AloOptionPriceModel: ONE 0 has no greeks: beyond the pricer's range",
        "AloOptionPriceModel: ONE 1 has no greeks: no spot",
    ]
    made.pricer.values_of(columns, [row["symbol"] for row in rows], TEN + 1)
    assert len(made.algorithm.logged) == 2
    del made.securities[ONE]  # nobody subscribed to the underlying: there is no forecast
    assert made.pricer.values_of(columns, [row["symbol"] for row in rows], TEN + 2).shape == (12, 8)


def test_only_contracts_that_are_asked_for_count(chains: Any) -> None:
    made, rows = Pricer(chains), contracts()
    rows[0] |= {"bid": 0.0, "ask": 0.0}
    rows[1] |= {"bid": rows[1]["ask"] + 1.0}
    symbols = [row["symbol"] for row in rows]
    made.pricer.values_of(columns_of(rows), symbols, TEN, counted=slice(1, 2))
    assert made.pricer.unpriced == {ContractStatus.CROSSED: 1}
    assert made.algorithm.logged[0].startswith("AloOptionPriceModel: ONE 1 has no greeks: crossed")


def test_what_is_to_be_exercised_at_once_has_a_delta_and_no_volatility(chains: Any) -> None:
    made, rows = Pricer(chains), contracts()[:2]
    rows[1] |= {"strike": 180.0, "bid": 80.0, "ask": 80.0}
    deep = made.rows(rows)[1]
    told = {name: deep[name] for name in ("price", "implied_volatility", "delta", "gamma", "vega", "theta", "rho")}
    expected = {"price": 80.0, "implied_volatility": 0.0, "delta": -1.0, "gamma": 0.0, "vega": 0.0, "theta": 0.0}
    assert told == expected | {"rho": 0.0}
    assert made.pricer.unpriced == {}


def test_a_quote_about_the_floor_has_the_greeks_of_its_mirror_and_is_told_apart(chains: Any) -> None:
    """The deep call's mid is below what it is worth without volatility, and its ask above: a hedger needs its delta."""
    made, rows = Pricer(chains), contracts()[:2]  # a call and a put of strike 90, whose volatility is 21 %
    floor = float(price(SPOT, 90.0, rows[0]["rate"], YIELD, 0.0, years(rows[0], settles(rows[0])), 1))
    rows[0] |= {"bid": floor - 0.2, "ask": floor + 0.1}
    call, put = made.rows(rows)
    assert call["price"] == pytest.approx(floor - 0.05)  # the market's
    assert call["implied_volatility"] == put["implied_volatility"] == pytest.approx(0.21, abs=1e-4)
    terms = (SPOT, 90.0, call["rate"], YIELD, 0.21, years(call, settles(call)), 1)
    assert call["delta"] == pytest.approx(float(greeks(*terms, scheme="high_precision").delta), abs=1e-4)
    assert made.pricer.statuses == {ContractStatus.MIRRORED: 1, ContractStatus.PRICED: 1}
    rows[1] |= {"bid": 0.0, "ask": 0.0}
    call, put = made.rows(rows)
    assert (call["implied_volatility"], call["vega"], call["gamma"]) == (0.0, 0.0, 0.0)
    assert call["delta"] == pytest.approx(1.0, abs=0.01)
    assert np.isnan(put["delta"])
    assert made.pricer.statuses[ContractStatus.AT_FLOOR] == 1
    assert made.pricer.unpriced == {ContractStatus.NO_QUOTE: 1}
    rows[0] |= {"ask": floor - 0.01}
    assert np.isnan(made.rows(rows)[0]["delta"])
    assert made.pricer.unpriced == {ContractStatus.NO_QUOTE: 2, ContractStatus.BELOW_FLOOR: 1}


def test_an_ask_alone_has_the_greeks_of_its_mirror_or_of_half_the_ask_and_is_told_apart(chains: Any) -> None:
    made, rows = Pricer(chains), contracts()[:2]  # a call and a put of strike 90, at 20 % and 21 %
    terms = (SPOT, 90.0, rows[0]["rate"], YIELD)
    life = years(rows[0], settles(rows[0]))
    for worth, volatility in ((0.2, 0.2), (0.21, None)):  # what the put is worth at its call's volatility, and less
        ask = float(price(*terms, worth, life, -1)) * (1.001 if volatility else 0.5)
        rows[1] |= {"bid": 0.0, "ask": ask}
        _, put = made.rows(rows)
        sigma = volatility or float(implied_volatility(0.5 * ask, *terms, life, -1))
        assert put["implied_volatility"] == pytest.approx(sigma, abs=1e-4)
        assert put["delta"] == pytest.approx(float(greeks(*terms, sigma, life, -1).delta), abs=1e-4)
        assert put["price"] == 0.5 * ask
        assert put["leverage"] == pytest.approx(put["delta"] * SPOT / (0.5 * ask))
    assert made.pricer.statuses == {ContractStatus.PRICED: 2, ContractStatus.MIRRORED: 1, ContractStatus.NO_BID: 1}
    assert made.pricer.unpriced == {}
    rows[1] |= {"bid": 1.0, "ask": 0.0}  # a bid alone may be of any price above it
    assert np.isnan(made.rows(rows)[1]["delta"])
    assert made.pricer.unpriced == {ContractStatus.ONE_SIDED: 1}


def test_options_of_one_underlying_keep_their_terms(chains: Any) -> None:
    made: list[Symbol] = []

    def create_for_option(symbol: Symbol) -> Yield:
        made.append(symbol)
        return Yield(0.0)

    chains.DividendYieldProvider.create_for_option = staticmethod(create_for_option)
    pricer = Pricer(chains).pricer
    other = Symbol("TWO C", Identity("T"), 2, equity("TWO"))
    one, again = (pricer.terms_of(row["symbol"]) for row in contracts()[:2])
    assert one is again
    assert pricer.terms_of(other) is not one
    assert len(made) == 2


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"algorithm": "GOOG"}, "algorithm is 'GOOG'; allowed: the QCAlgorithm itself"),
        ({"price": "middle"}, "price is 'middle'; allowed: mid, bid, ask, last"),
        ({"dividend_yield": "implied"}, "dividend_yield is 'implied'; allowed: model, parity"),
        ({"dividend_yield": 0.02}, "dividend_yield is 0.02; allowed: model, parity, or a dividend yield model"),
        ({"announced": [(dt.date(2024, 6, 3), 0.5)]}, "announced is .* allowed: a function"),
        ({"dividend_model": "forward"}, "dividend_model is 'forward'; allowed: spot, escrowed"),
        ({"scheme": "best"}, "scheme is 'best'; allowed: fast"),
        ({"max_quote_age": 20}, "max_quote_age is 20; allowed: a timedelta above zero"),
        ({"max_quote_age": dt.timedelta()}, r"max_quote_age is datetime.timedelta\(0\)"),
    ],
)
def test_a_users_mistakes_are_told_before_a_slice(chains: Any, given: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Pricer(chains, **given)
