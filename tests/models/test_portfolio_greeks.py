"""Greeks of a portfolio, counted by hand, where there is no LEAN."""

import datetime as dt
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.models.kit import NOW, Algorithm, Identity, Symbol, equity

ONE, TWO, THREE = equity("ONE"), equity("TWO"), equity("THREE")
EXPIRY = dt.datetime(2024, 4, 19)
DAY = float(EXPIRY.toordinal() - 1)


def contract(underlying: Symbol, right: int, strike: float) -> Symbol:
    name = f"{underlying.value} {'CP'[right]}{strike:g}"
    return Symbol(name, Identity(name, right, 0, strike, EXPIRY), 2, underlying)


CALL, PUT, OTHER, ALONE = (
    contract(ONE, 0, 100.0),
    contract(ONE, 1, 90.0),
    contract(ONE, 0, 110.0),
    contract(TWO, 1, 5.0),
)


class Model:
    """Greeks of a contract by its strike: delta a hundredth of it, each next greek half of the one before."""

    def __init__(self, written: tuple[str, ...]) -> None:
        self.written, self.told = written, list[Any]()

    def present_values(self, columns: Any, symbols: Any, time: int) -> Any:
        self.told.append((columns.tolist(), list(symbols), time))
        values = np.zeros((len(symbols), len(self.written)))
        for row, (strike, right, *_) in zip(values, columns, strict=True):
            for place, name in enumerate(("delta", "gamma", "vega", "theta", "rho")):
                row[self.written.index(name)] = strike / 100.0 / 2.0**place * (1.0 - 2.0 * right)
            row[:] = np.nan if strike == 5.0 else row
        return values


def security(lean: Any, symbol: Symbol, quantity: float, price: float, **given: Any) -> Any:
    value = quantity * price * given.get("multiplier", 1.0)
    bars = {lean.TradeBar: given.get("trade"), lean.QuoteBar: given.get("quote")}
    return SimpleNamespace(
        symbol=symbol,
        type=symbol.security_type,
        price=price,
        bid_price=given.get("bid", 0.0),
        ask_price=given.get("ask", 0.0),
        cache=SimpleNamespace(get_data={kind: lambda bar=bar: bar for kind, bar in bars.items()}),
        holdings=SimpleNamespace(invested=quantity != 0.0, quantity=quantity, holdings_value=value),
        symbol_properties=SimpleNamespace(contract_multiplier=given.get("multiplier", 1.0)),
    )


def bar(close: float, minute: int = 0) -> Any:
    return SimpleNamespace(close=close, price=close, end_time=dt.datetime(2024, 3, 4, 10, minute))


class Securities(dict[Any, Any]):
    """LEAN's securities: walked through as pairs."""

    def contains_key(self, symbol: Symbol) -> bool:
        return symbol in self

    def __iter__(self) -> Any:
        return iter([SimpleNamespace(key=key, value=value) for key, value in self.items()])


@pytest.fixture
def made(lean: Any, border: Any) -> Any:
    database = SimpleNamespace(get_symbol_properties=lambda *given: SimpleNamespace(strike_multiplier=1.0))
    lean.SymbolPropertiesDatabase = SimpleNamespace(from_data_folder=lambda: database)
    lean.Currencies = SimpleNamespace(USD="USD")
    return import_module("models.portfolio_greeks").portfolio_greeks


def algorithm_of(*securities: Any, chain: Any = None) -> Any:
    data = SimpleNamespace(option_chains={} if chain is None else {CALL.canonical: chain})
    return Algorithm(securities=Securities({one.symbol: one for one in securities}), current_slice=data)


def test_options_and_shares_of_each_underlying_are_summed(lean: Any, made: Any, border: Any) -> None:
    one = security(lean, ONE, -50.0, 98.0, trade=bar(98.0), quote=bar(99.0))
    two, three = security(lean, TWO, 0.0, 4.0), security(lean, THREE, 7.0, 10.0)
    algorithm = algorithm_of(
        three,
        security(lean, PUT, -2.0, 1.5, multiplier=100.0, bid=1.4, ask=1.6),
        one,
        security(lean, CALL, 3.0, 2.0, multiplier=100.0, bid=1.9, ask=2.1, trade=bar(2.2)),
        security(lean, OTHER, 0.0, 0.5, multiplier=100.0, bid=0.4, ask=0.6),
        security(lean, ALONE, 1.0, 1.0, multiplier=100.0),
        security(lean, CALL.canonical, 0.0, 0.0),
        two,
    )
    model = Model(border.WRITTEN)
    table = made(algorithm, model)
    assert (list(table.index), table.index.name) == ([ONE, THREE, TWO], "underlying")
    row = table.loc[ONE]
    assert row.value == 300.0 * 2.0 - 200.0 * 1.5 - 50.0 * 98.0
    assert row.delta == pytest.approx(300.0 * 1.0 + 200.0 * 0.9 - 50.0)
    assert row.gamma == pytest.approx(300.0 * 0.5 + 200.0 * 0.45)
    assert row.rho == pytest.approx(300.0 / 16.0 + 200.0 * 0.9 / 16.0)
    assert row.delta_dollars == pytest.approx(row.delta * 98.0)
    assert row.gamma_dollars == pytest.approx(row.gamma * 98.0**2 * 0.01)
    assert row.without_greeks == 0
    assert table.loc[THREE].to_dict() == dict.fromkeys(table.columns, 0.0) | {
        "value": 70.0, "delta": 7.0, "delta_dollars": 70.0
    }  # fmt: skip
    assert (table.loc[TWO].without_greeks, table.loc[TWO].value, table.loc[TWO].delta) == (1, 100.0, 0.0)
    # Each option is priced once, with all its contracts that are subscribed to.
    quotes = {symbols[0].underlying.value: (columns, symbols, time) for columns, symbols, time in model.told}
    columns, symbols, time = quotes["ONE"]
    assert (symbols, time) == ([PUT, CALL, OTHER], NOW)
    assert columns[0] == [90.0, 1.0, DAY, 0.0, 1.4, 1.6, 0.0, 99.0]
    assert columns[1] == [100.0, 0.0, DAY, 0.0, 1.9, 2.1, 2.2, 99.0]
    assert quotes["TWO"][0] == [[5.0, 1.0, DAY, 0.0, 0.0, 0.0, 1.0, 4.0]]  # LEAN has a price of it alone


def test_nothing_held_is_an_empty_table(lean: Any, made: Any, border: Any) -> None:
    table = made(algorithm_of(security(lean, ONE, 0.0, 98.0)), Model(border.WRITTEN))
    assert table.shape == (0, 9)
    assert table.delta.sum() == 0.0


def test_the_spot_is_the_chains_else_the_newest_bars_a_quotes_first(lean: Any, made: Any) -> None:
    spot = import_module("models.portfolio_greeks")._spot
    cases = {
        98.0: {},
        97.0: {"trade": bar(97.0, 1), "quote": bar(99.0)},
        99.0: {"trade": bar(97.0), "quote": bar(99.0)},
    }
    for expected, bars in cases.items():
        assert spot(algorithm_of(security(lean, ONE, 0.0, 98.0, **bars)), CALL.canonical) == expected
    chain = SimpleNamespace(underlying=SimpleNamespace(price=99.5))
    assert spot(algorithm_of(security(lean, ONE, 0.0, 98.0), chain=chain), CALL.canonical) == 99.5
    assert spot(algorithm_of(), CALL.canonical) == 0.0
    nothing_yet = algorithm_of(security(lean, ONE, 0.0, 98.0))
    nothing_yet.current_slice = None
    assert spot(nothing_yet, CALL.canonical) == 98.0
