"""LEAN indicators of one contract, where there is no LEAN: what they are told, when they speak, and what they say."""

import datetime as dt
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from alo_lib.pricing import ContractStatus, greeks, price
from alo_lib.pricing.arguments import PricingError
from tests.models.kit import Identity, Symbol, equity, tell_of_chains

ONE = equity("ONE")
TEN = dt.datetime(2024, 3, 4, 10)  # in New York
MINUTE = dt.timedelta(minutes=1)
EXPIRY = dt.datetime(2024, 9, 20)
YEARS = (EXPIRY + dt.timedelta(hours=15) - TEN).total_seconds() / (365 * 86_400)  # an hour less: the clocks are changed
SPOT, STRIKE, RATE, YIELD, PUT_VOLATILITY, CALL_VOLATILITY = 100.0, 90.0, 0.04, 0.02, 0.25, 0.22


def contract(right: int, strike: float = STRIKE, expiry: dt.datetime = EXPIRY) -> Symbol:
    return Symbol(f"ONE {'CP'[right]}{strike:g}", Identity(f"ONE {right} {strike}", right, 0, strike, expiry), 2, ONE)


CALL, PUT = contract(0), contract(1)


def worth(symbol: Symbol, volatility: float, rate: float = RATE, dividend_yield: float = YIELD) -> float:
    right = 1 - 2 * int(symbol.id.option_right or 0)
    terms = (SPOT, symbol.id.strike_price, rate, dividend_yield, volatility, YEARS, right)
    return float(price(*terms, scheme="high_precision"))


@pytest.fixture
def made(lean: Any, border: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module, and a function that makes one of its indicators on a price model of the library's."""
    tell_of_chains(lean, SimpleNamespace(get_dividend_yield=lambda time, spot: YIELD))
    lean.SecurityType = SimpleNamespace(OPTION=2, INDEX_OPTION=10, FUTURE_OPTION=8)
    lean.TickType = SimpleNamespace(TRADE=0, QUOTE=1, OPEN_INTEREST=2)
    database = SimpleNamespace(get_symbol_properties=lambda *given: SimpleNamespace(strike_multiplier=1.0))
    lean.SymbolPropertiesDatabase = SimpleNamespace(from_data_folder=lambda: database)
    lean.PythonIndicator = type("PythonIndicator", (), {"reset": lambda self: None})
    lean.ConstantRiskFreeRateInterestRateModel = constant("get_interest_rate")
    lean.ConstantDividendYieldModel = constant("get_dividend_yield")
    monkeypatch.setattr(border, "entry_type", lambda: type("Entry", (), {}))
    monkeypatch.setattr(border, "Border", lambda miss: SimpleNamespace(find=miss))
    module = import_module("models.option_indicators")
    nobody = SimpleNamespace(contains_key=lambda symbol: False)
    rates = constant("get_interest_rate")(RATE)
    algorithm = lean.QCAlgorithm(risk_free_interest_rate_model=rates, securities=nobody)
    model = import_module("models.option_price_model").AloOptionPriceModel(algorithm)

    def make(name: str, /, *given: Any, **named: Any) -> Any:
        return getattr(module, name)(model, *given, **named)

    return SimpleNamespace(make=make, module=module, model=model, lean=lean)


def constant(asked: str) -> Any:
    """A model of LEAN's that always says the same."""
    return lambda value: SimpleNamespace(**{asked: lambda *given: value})


@pytest.fixture
def lean(lean: Any) -> Any:
    lean.QCAlgorithm = type("QCAlgorithm", (SimpleNamespace,), {})
    return lean


class Told:
    """Bars as LEAN makes them."""

    def __init__(self, lean: Any) -> None:
        self._lean = lean

    def quote(self, symbol: Symbol, bid: float | None, ask: float | None, ended: dt.datetime = TEN) -> Any:
        sides = [None if side is None else SimpleNamespace(close=side) for side in (bid, ask)]
        close = np.mean([side for side in (bid, ask) if side is not None])
        return self._bar(self._lean.QuoteBar, symbol, ended, bid=sides[0], ask=sides[1], close=close)

    def trade(self, symbol: Symbol, last: float, ended: dt.datetime = TEN, period: dt.timedelta = MINUTE) -> Any:
        return self._bar(self._lean.TradeBar, symbol, ended, value=last, time=ended - period)

    def tick(self, symbol: Symbol, kind: int, **given: Any) -> Any:
        return self._bar(self._lean.Tick, symbol, TEN, tick_type=kind, time=TEN, **given)

    def _bar(self, kind: Any, symbol: Symbol, ended: dt.datetime, **given: Any) -> Any:
        made = kind()
        vars(made).update({"symbol": symbol, "end_time": ended, "time": ended - MINUTE} | given)
        return made


@pytest.fixture
def told(made: Any) -> Told:
    return Told(made.lean)


@pytest.mark.parametrize(
    ("name", "greek", "unit"),
    [
        ("AloDelta", "delta", 1.0),
        ("AloGamma", "gamma", 1.0),
        ("AloVega", "vega", 0.01),
        ("AloTheta", "theta", 1.0),
        ("AloRho", "rho", 0.01),
        ("AloImpliedVolatility", None, 1.0),
    ],
)
def test_each_says_what_a_quote_at_a_known_volatility_is_to_have(
    made: Any, told: Told, border: Any, name: str, greek: str | None, unit: float
) -> None:
    indicator, middle = made.make(name, PUT), worth(PUT, PUT_VOLATILITY)
    assert (indicator.is_ready, indicator.value, indicator.warm_up_period) == (False, 0.0, 1)
    assert not indicator.update(told.quote(PUT, middle - 0.05, middle + 0.05))
    assert indicator.update(told.trade(ONE, SPOT))
    terms = (SPOT, STRIKE, RATE, YIELD, PUT_VOLATILITY, YEARS, -1)
    expected = PUT_VOLATILITY if greek is None else getattr(greeks(*terms, scheme="high_precision"), greek) * unit
    assert indicator.value == pytest.approx(float(expected), rel=1e-5)
    days = float(EXPIRY.toordinal() - 1)
    columns = np.array([[STRIKE, 1.0, days, 0.0, middle - 0.05, middle + 0.05, 0.0, SPOT]])
    row = made.model.past_values(columns, [PUT], 1_709_564_400 * 10**9)[0]
    assert indicator.value == row[border.WRITTEN.index(greek or "implied_volatility")]  # to the bit
    assert indicator.status is ContractStatus.PRICED


def test_it_speaks_when_all_have_a_bar_of_the_same_time(made: Any, told: Told) -> None:
    indicator, later = made.make("AloDelta", PUT), TEN + MINUTE
    indicator.update(told.trade(ONE, SPOT))
    indicator.update(told.quote(PUT, 3.0, 3.2, later))
    assert not indicator.is_ready
    indicator.update(told.trade(ONE, SPOT + 1.0, later))
    before = indicator.value
    assert before < 0.0
    indicator.update(told.trade(ONE, SPOT - 5.0, later + MINUTE))
    assert indicator.value == before  # nothing new of the option
    indicator.update(told.quote(PUT, 3.0, 3.2, later + MINUTE))
    assert indicator.value != before


def test_a_days_bars_go_together_by_their_date(made: Any, told: Told) -> None:
    indicator, day = made.make("AloDelta", PUT), dt.timedelta(days=1)
    indicator.update(told.trade(ONE, SPOT, dt.datetime(2024, 3, 4, 16, 15), day))
    assert indicator.update(told.trade(PUT, 3.1, dt.datetime(2024, 3, 4, 16), day))


def test_a_quote_of_the_underlying_comes_before_a_trade_of_its_time(made: Any, told: Told) -> None:
    values = []
    for spots in ([told.quote(ONE, 99.0, 101.0)], [told.quote(ONE, 99.0, 101.0), told.trade(ONE, 103.0)],
                  [told.trade(ONE, 103.0), told.quote(ONE, 99.0, 101.0)], [told.trade(ONE, 103.0)]):  # fmt: skip
        indicator = made.make("AloDelta", PUT)
        for bar in (told.quote(PUT, 3.0, 3.2), *spots):
            indicator.update(bar)
        values.append(indicator.value)
    assert values[0] == values[1] == values[2] != values[3]


def test_ticks_are_heard_and_open_interest_is_none(made: Any, told: Told) -> None:
    indicator = made.make("AloDelta", PUT)
    indicator.update(told.tick(ONE, 0, value=SPOT))
    assert not indicator.update(told.tick(PUT, 2, value=1e4))
    assert indicator.update(told.tick(PUT, 1, bid_price=3.0, ask_price=3.2, value=3.1))
    quoted = made.make("AloDelta", PUT)
    quoted.update(told.quote(PUT, 3.0, 3.2))
    quoted.update(told.trade(ONE, SPOT))
    assert indicator.value == quoted.value


def test_the_mirrors_volatility_counts_where_the_contract_is_in_the_money(made: Any, told: Told) -> None:
    def value(name: str, option: Symbol, mirror: Symbol | None, **sides: tuple[float, float]) -> tuple[float, Any]:
        indicator = made.make(name, option, mirror)
        for symbol, volatility in ((CALL, CALL_VOLATILITY), (PUT, PUT_VOLATILITY)):
            if symbol in (option, mirror):
                middle = worth(symbol, volatility)
                bid, ask = sides.get(symbol.value[4], (middle - 0.05, middle + 0.05))
                indicator.update(told.quote(symbol, bid, ask))
        indicator.update(told.trade(ONE, SPOT))
        return indicator.value, indicator.status

    assert value("AloImpliedVolatility", CALL, None)[0] == pytest.approx(CALL_VOLATILITY, abs=1e-6)
    assert value("AloImpliedVolatility", CALL, PUT)[0] == pytest.approx(PUT_VOLATILITY, abs=1e-6)
    assert value("AloImpliedVolatility", PUT, CALL)[0] == pytest.approx(PUT_VOLATILITY, abs=1e-6)
    at = greeks(SPOT, STRIKE, RATE, YIELD, PUT_VOLATILITY, YEARS, 1, scheme="high_precision")
    assert value("AloDelta", CALL, PUT)[0] == pytest.approx(float(at.delta), abs=1e-6)
    assert value("AloRho", CALL, PUT)[0] == pytest.approx(float(at.rho) * 0.01, rel=1e-4)
    # The mirror says nothing: the contract's own volatility stands.
    assert value("AloImpliedVolatility", CALL, PUT, P=(9.0, 8.0))[0] == pytest.approx(CALL_VOLATILITY, abs=1e-6)
    # The contract's own price has no volatility: the mirror's stands, whichever is out of the money.
    assert value("AloImpliedVolatility", PUT, CALL, P=(9.0, 8.0))[0] == pytest.approx(CALL_VOLATILITY, abs=1e-6)


def test_rate_and_yield_are_the_models_unless_others_are_given(made: Any, told: Told) -> None:
    middle = worth(PUT, 0.3, rate=0.07, dividend_yield=0.0)
    for given in (
        {"risk_free_rate": 0.07, "dividend_yield": 0.0},
        {"risk_free_rate": constant("get_interest_rate")(0.07), "dividend_yield": constant("get_dividend_yield")(0.0)},
    ):
        indicator = made.make("AloImpliedVolatility", PUT, **given)
        indicator.update(told.quote(PUT, middle - 0.05, middle + 0.05))
        indicator.update(told.trade(ONE, SPOT))
        assert indicator.value == pytest.approx(0.3, abs=1e-6)


def test_without_a_volatility_the_value_is_zero_and_the_status_says_why(made: Any, told: Told) -> None:
    indicator = made.make("AloDelta", PUT)
    indicator.update(told.quote(PUT, 3.2, 3.0))
    assert indicator.update(told.trade(ONE, SPOT))
    assert (indicator.value, indicator.status) == (0.0, ContractStatus.CROSSED)
    indicator.reset()
    assert (indicator.value, indicator.status, indicator.is_ready) == (0.0, None, False)
    assert not indicator.update(told.trade(ONE, SPOT))


def test_following_registers_what_is_subscribed_and_warms_up(made: Any) -> None:
    class Algorithm:
        def __init__(self, warm: bool) -> None:
            self.did: list[Any] = []
            self.settings = SimpleNamespace(automatic_indicator_warm_up=warm)
            kinds = {PUT: [0, 1, 2], ONE: [0]}
            service = SimpleNamespace(
                get_subscription_data_configs=lambda symbol: [SimpleNamespace(tick_type=one) for one in kinds[symbol]]
            )
            self.subscription_manager = SimpleNamespace(subscription_data_config_service=service)

        def resolve_consolidator(self, *given: Any) -> Any:
            return given

        def register_indicator(self, symbol: Any, indicator: Any, consolidator: Any) -> None:
            self.did.append((symbol, indicator.name, consolidator[1:]))

        def warm_up_indicator(self, symbols: Any, indicator: Any, resolution: Any) -> None:
            self.did.append((symbols, resolution))

    name, lean = "AloDelta(ONE P90)", made.lean
    expected = [
        (PUT, name, ("minute", lean.TradeBar)),
        (PUT, name, ("minute", lean.QuoteBar)),
        (ONE, name, ("minute", lean.TradeBar)),
    ]
    for warm in (False, True):
        algorithm, indicator = Algorithm(warm), made.make("AloDelta", PUT)
        assert indicator.follow(algorithm, "minute") is indicator
        assert algorithm.did == expected + ([([PUT, ONE], "minute")] if warm else [])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((ONE,), "option is ONE; allowed: the symbol of one contract"),
        ((PUT.canonical,), "option is .ONE; allowed: the symbol of one contract"),
        ((PUT, contract(1, 95.0)), "mirror_option is ONE P95; allowed: the other contract of ONE P90's strike"),
        ((PUT, contract(0, 95.0)), "mirror_option is ONE C95"),
        ((PUT, contract(0, STRIKE, EXPIRY + dt.timedelta(days=7))), "mirror_option is ONE C90"),
        ((PUT, PUT), "mirror_option is ONE P90"),
    ],
)
def test_what_is_no_contract_or_no_mirror_is_refused(made: Any, given: tuple[Any, ...], said: str) -> None:
    with pytest.raises(PricingError, match=said):
        made.make("AloDelta", *given)


def test_data_of_another_symbol_are_refused(made: Any, told: Told) -> None:
    indicator = made.make("AloDelta", PUT, name="mine")
    with pytest.raises(PricingError, match="mine is given data of TWO; allowed: ONE P90, ONE"):
        indicator.update(told.trade(equity("TWO"), 5.0))
