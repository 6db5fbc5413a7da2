"""Tables of a universe's greeks and filters by them, where there is no LEAN."""

from importlib import import_module
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from alo_lib.pricing.arguments import PricingError
from tests.models.kit import Symbol, equity, option

ONE = equity("ONE")
SYMBOLS = [option(ONE, 0, strike) for strike in (90.0, 100.0, 110.0, 120.0)]
DELTAS = [0.75, 0.5, 0.25, np.nan]


class Model:
    """Prices a contract by its symbol: delta as above, volatility a tenth more from strike to strike."""

    def __init__(self, columns: tuple[str, ...]) -> None:
        self._columns = columns

    def closing_values(self, contracts: list[Any]) -> Any:
        values = np.zeros((len(contracts), len(self._columns)))
        for row, contract in zip(values, contracts, strict=True):
            place = SYMBOLS.index(contract.symbol)
            row[self._columns.index("delta")] = DELTAS[place]
            row[self._columns.index("implied_volatility")] = 0.1 * (1 + place)
        return values


class Universe(list[SimpleNamespace]):
    """LEAN's universe of option contracts, before a filter chooses."""

    def contracts(self, symbols: list[Symbol]) -> list[Symbol]:
        return symbols


@pytest.fixture
def made(lean: Any, border: Any) -> Any:
    database = SimpleNamespace(get_symbol_properties=lambda market, symbol, kind, currency: (market, kind))
    lean.SymbolPropertiesDatabase = SimpleNamespace(from_data_folder=lambda: database)
    lean.Currencies = SimpleNamespace(USD="USD")

    def create(row: Any, properties: Any) -> Any:
        assert properties == ("usa", 2)
        return SimpleNamespace(symbol=row.symbol)

    lean.OptionContract = SimpleNamespace(create=create)
    return import_module("models.universe_greeks")


@pytest.fixture
def model(border: Any) -> Model:
    return Model(border.WRITTEN)


def test_a_row_for_each_contract_in_the_chains_order(made: Any, model: Model, border: Any) -> None:
    shuffled = [SYMBOLS[place] for place in (2, 0, 3, 1)]
    table = made.universe_greeks(model, (SimpleNamespace(symbol=symbol) for symbol in shuffled))
    assert (list(table.index), table.index.name, tuple(table.columns)) == (shuffled, "symbol", border.WRITTEN)
    assert table.delta[SYMBOLS[2]] == 0.25
    assert table.implied_volatility[SYMBOLS[2]] == pytest.approx(0.3)
    assert made.universe_greeks(model, []).shape == (0, len(border.WRITTEN))


@pytest.mark.parametrize(
    ("ranges", "chosen"),
    [
        ({"delta": (0.25, 0.5)}, [1, 2]),  # ends included; what has no delta is never within
        ({"delta": [0.3, 1.0], "implied_volatility": (0.15, 9.0)}, [1]),
        ({"implied_volatility": (0.15, 9.0)}, [1, 2, 3]),
        ({"delta": (-1.0, 0.0)}, []),
        ({}, [0, 1, 2, 3]),
    ],
)
def test_a_filter_keeps_what_lies_within_all_ranges(made: Any, model: Model, ranges: Any, chosen: list[int]) -> None:
    universe = Universe(SimpleNamespace(symbol=symbol) for symbol in SYMBOLS)
    assert made.greeks_filter(model, **ranges)(universe) == [SYMBOLS[place] for place in chosen]


def test_a_universe_of_none_is_left_as_it_is(made: Any, model: Model) -> None:
    universe = Universe()
    assert made.greeks_filter(model, delta=(0.0, 1.0))(universe) is universe


@pytest.mark.parametrize(
    ("ranges", "told"),
    [
        ({"charm": (0.0, 1.0)}, "a range is given for 'charm'; allowed: implied_volatility, delta, gamma, vega,"),
        ({"delta": (0.5, 0.2)}, r"delta is \(0.5, 0.2\); allowed: \(lowest, highest\)"),
        ({"delta": (0.5, 0.6, 0.7)}, r"delta is \(0.5, 0.6, 0.7\)"),
        ({"delta": 0.5}, "delta is 0.5"),
        ({"delta": (np.nan, 0.5)}, r"delta is \(nan, 0.5\)"),
    ],
)
def test_ranges_that_are_none_are_refused_before_a_slice(made: Any, model: Model, ranges: Any, told: str) -> None:
    with pytest.raises(PricingError, match=told):
        made.greeks_filter(model, **ranges)
