"""How the option price model answers LEAN contract by contract and prices by the chain, where there is no LEAN."""

import datetime as dt
from dataclasses import dataclass
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.models.kit import NOW, UTC_TIME, Algorithm, Symbol, equity, option

ONE = equity("ONE")
CLOSED = NOW - 10**12
LATER = UTC_TIME + dt.timedelta(minutes=1)


@dataclass(eq=False)
class Contract:
    """LEAN's contract: an object of one slice."""

    symbol: Symbol
    strike: float
    time: dt.datetime = UTC_TIME


class Border:
    """What the border to .NET does, in Python: results by contract object, one table for all that is read."""

    def __init__(self, miss: Any) -> None:
        self._results: dict[int, Any] = {}
        self._contracts: list[Contract] = []  # kept, so that no other object takes their number
        self._table = np.zeros((8, 8))
        self.entry = SimpleNamespace(Evaluate=lambda asked: self._results.get(id(asked.contract)) or miss(asked))

    def clear(self) -> None:
        self._results.clear()

    def contracts(self, chain: Any) -> list[Contract]:
        return list(chain)

    def read(self, contracts: list[Contract]) -> Any:
        columns = self._table[: len(contracts)]
        columns[:] = [[contract.strike] * 8 for contract in contracts]
        return columns

    def write(self, contracts: list[Contract], values: Any) -> None:
        self._table[: len(contracts)] = values
        self._contracts += contracts
        written = self._table[: len(contracts)].copy()
        self._results.update({id(contract): tuple(row) for contract, row in zip(contracts, written, strict=True)})

    def knows(self, contract: Contract) -> bool:
        return id(contract) in self._results

    def result(self, contract: Contract) -> Any:
        return self._results[id(contract)]


class Pricer:
    """Ten times what it was told, and what that was."""

    def __init__(self, *given: Any) -> None:
        self.given, self.told, self.unpriced = given, list[Any](), {"a status": 3}
        self.statuses = {"a status": 3, "another": 4}

    def terms_of(self, symbol: Symbol) -> Any:
        assert symbol.underlying == ONE
        return SimpleNamespace(closed=lambda listed: CLOSED if listed == UTC_TIME else 0)

    def values_of(self, columns: Any, symbols: Any, time: int, *, past: bool = False) -> Any:
        assert len(symbols) == len(columns)
        self.told.append((columns[:, 0].tolist(), list(symbols), time, past))
        told = columns.copy()
        columns[:] = np.nan  # what it is given is its own
        return 10.0 * told


def contracts(*strikes: float) -> list[Contract]:
    return [Contract(option(ONE, 0, strike), strike) for strike in strikes]


def data(chain: list[Contract] | None, time: dt.datetime = UTC_TIME) -> SimpleNamespace:
    """A slice, with the chain of the option."""
    chains = {} if chain is None else {chain[0].symbol.canonical: chain}
    return SimpleNamespace(option_chains=chains, utc_time=time)


@pytest.fixture
def made(border: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    module = import_module("models.option_price_model")
    monkeypatch.setattr(module, "Border", Border)
    monkeypatch.setattr(module, "ChainPricer", Pricer)
    return module.AloOptionPriceModel(Algorithm())


def asked(contract: Contract, data: Any) -> SimpleNamespace:
    return SimpleNamespace(contract=contract, slice=data, security=SimpleNamespace(price_model="ours"))


def told(model: Any) -> list[Any]:
    return model._pricer.told


def test_the_first_contract_read_prices_its_chain_once(made: Any) -> None:
    chain = contracts(90.0, 100.0, 110.0)
    slice_ = data(chain)
    for contract in (chain[1], chain[0], chain[1]):
        assert made.evaluate(asked(contract, slice_)) == (10.0 * contract.strike,) * 8
    symbols = [contract.symbol for contract in chain]
    assert told(made) == [([90.0, 100.0, 110.0], symbols, NOW, False)]


def test_lean_asks_the_compiled_entry_from_the_second_time_on(made: Any) -> None:
    chain = contracts(90.0)
    parameters = asked(chain[0], data(chain))
    made.evaluate(parameters)
    assert parameters.security.price_model.Evaluate(parameters) == (900.0,) * 8
    assert len(told(made)) == 1


def test_a_contract_outside_the_slices_chain_is_priced_alone(made: Any) -> None:
    chain, (lone,) = contracts(90.0), contracts(120.0)
    assert made.evaluate(asked(lone, data(chain))) == (1200.0,) * 8
    assert [strikes for strikes, *_ in told(made)] == [[90.0], [120.0]]
    for number, without in enumerate((data(None, LATER), SimpleNamespace(option_chains=None, utc_time=LATER))):
        (other,) = contracts(130.0 + number)
        assert made.evaluate(asked(other, without)) == (1300.0 + 10.0 * number,) * 8
        assert told(made)[-1][2] == NOW + 60 * 10**9
    (outside,) = contracts(80.0)  # of no slice: the algorithm's time is the time
    assert made.evaluate(asked(outside, None)) == (800.0,) * 8
    assert told(made)[-1] == ([80.0], [outside.symbol], NOW, False)


def test_a_later_slice_forgets_the_results_of_those_before_and_an_earlier_one_none(made: Any) -> None:
    first, second = contracts(90.0), contracts(95.0)
    made.evaluate(asked(first[0], data(first)))
    made.evaluate(asked(second[0], data(second, LATER)))
    assert len(told(made)) == 2
    made.evaluate(asked(first[0], data(first)))  # somebody kept it: priced again, at its own time
    assert [time for *_, time, _ in told(made)] == [NOW, NOW + 60 * 10**9, NOW]
    made.evaluate(asked(second[0], data(second, LATER)))
    assert len(told(made)) == 3  # still known


def test_a_universe_is_priced_at_the_close_that_its_prices_are_of(made: Any) -> None:
    listed = contracts(90.0, 100.0)
    values = made.closing_values(listed)
    assert values[:, 0].tolist() == [900.0, 1000.0]
    assert told(made) == [([90.0, 100.0], [contract.symbol for contract in listed], CLOSED, True)]
    assert made.closing_values([]).shape == (0, 8)
    assert made.values(listed, 5)[:, 0].tolist() == [900.0, 1000.0]
    assert told(made)[-1][2:] == (5, False)
    assert made.past_values(np.full((1, 8), 7.0), [ONE], 6).tolist() == [[70.0] * 8]
    assert told(made)[-1] == ([7.0], [ONE], 6, True)
    made._border.read(listed)
    assert made._border._table[:2, 0].tolist() == [90.0, 100.0]


def test_what_it_is_made_with_and_what_has_no_values_are_the_pricers(border: Any, made: Any) -> None:
    assert made.unpriced == {"a status": 3}
    assert made.statuses == {"a status": 3, "another": 4}
    limit, announced, given = dt.timedelta(minutes=5), object(), object()
    algorithm = Algorithm()
    model = type(made)(
        algorithm,
        price="bid",
        dividend_yield=given,
        announced=announced,
        dividend_model="escrowed",
        scheme="fast",
        max_quote_age=limit,
    )
    assert model._pricer.given == (algorithm, "bid", given, announced, "escrowed", "fast", limit)
    assert made._pricer.given[1:] == ("mid", "model", None, "spot", "accurate", None)
