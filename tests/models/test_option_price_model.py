"""How the option price model answers LEAN contract by contract and prices by the chain, where there is no LEAN."""

import datetime as dt
import threading
from collections import Counter
from dataclasses import dataclass
from importlib import import_module
from time import sleep
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
    quoted: bool = True


class Entry:
    """The .NET class that the model derives from: it asks the function in its field."""

    Run: Any

    def Evaluate(self, asked: Any) -> Any:  # noqa: N802
        return self.Run(asked)


class Security:
    """LEAN's security of a contract."""

    is_delisted = False

    def __init__(self, bid: float, ask: float, underlying: "Security | None" = None) -> None:
        self.bid_price, self.ask_price, self.price = bid, ask, 0.5 * (bid + ask)
        self.underlying = underlying
        self.bars: dict[Any, Any] = {}
        self.cache = SimpleNamespace(get_data=self)

    def __getitem__(self, kind: Any) -> Any:
        return lambda: self.bars.get(kind)


class Border:
    """What the border to .NET does, in Python: results by contract object."""

    empty = "empty"

    def __init__(self, miss: Any) -> None:
        self._results: dict[int, Any] = {}
        self._contracts: list[Contract] = []  # kept, so that no other object takes their number
        self.find = lambda asked: self._results.get(id(asked.contract)) or miss(self.question(asked))

    def question(self, parameters: Any) -> Any:
        """What .NET gathers of LEAN's objects before it asks."""
        contract, data = parameters.contract, parameters.slice
        canonical = None if contract is None else contract.symbol.canonical
        chain = [] if data is None else (data.option_chains or {}).get(canonical, [])
        of_chain = any(one is contract for one in chain)
        listed = chain if of_chain else [] if contract is None else [contract]
        return SimpleNamespace(
            parameters=parameters,
            contracts=listed,
            option=str(canonical),
            columns=self.read(listed),
            time=None if data is None else utc_nanoseconds(data.utc_time),
            forecast=0.3,
            of_chain=of_chain,
            splits=data is not None and contract is not None and contract.symbol.underlying in data.splits,
        )

    def contracts(self, chain: Any) -> list[Contract]:
        return list(chain)

    def read(self, contracts: list[Contract]) -> Any:
        rows = [[one.strike, one.strike, 7.0, one.strike] + [one.strike * one.quoted] * 4 for one in contracts]
        return np.array(rows, np.float64).reshape(-1, 8)

    def write(self, asked: Any, values: Any, *, forget: bool) -> Any:
        if forget:
            self._results.clear()
        self._contracts += asked.contracts
        self._results.update({id(one): tuple(row) for one, row in zip(asked.contracts, values, strict=True)})
        return self._results[id(asked.parameters.contract)]

    def result(self, contract: Contract) -> Any:
        return self._results.get(id(contract))

    def made(self, asked: Any, values: Any) -> Any:
        assert asked.contracts == [asked.parameters.contract]
        (row,) = values
        return tuple(row)


class Pricer:
    """Ten times what it was told, and what that was."""

    def __init__(self, *given: Any) -> None:
        self.given, self.told, self.unpriced = given, list[Any](), Counter({"a status": 3})
        self.statuses = Counter({"a status": 3, "another": 4})
        self.parity = False
        self.entered = 0
        self.most = 0

    def terms_of(self, symbol: Symbol) -> Any:
        assert symbol.underlying == ONE
        return SimpleNamespace(closed=lambda listed: CLOSED if listed == UTC_TIME else 0)

    def count(self, status: Any, contracts: int, symbol: Any) -> None:
        self.told.append((status.name, contracts, symbol))

    def values_of(
        self,
        columns: Any,
        symbols: Any,
        time: int,
        *,
        past: bool = False,
        counted: slice = slice(None),
        told: Any = None,
    ) -> Any:
        assert len(symbols) == len(columns)
        self.entered += 1
        self.most = max(self.most, self.entered)
        sleep(1e-4)  # another thread may come in
        assert told is None or told == (str(symbols[0].canonical), 0.3)
        self.told.append((columns[:, 4].tolist(), list(symbols), time, past))
        self.counted = counted
        self.entered -= 1
        return 10.0 * columns[:, 4:].repeat(2, axis=1)


def contracts(*strikes: float) -> list[Contract]:
    return [Contract(option(ONE, 0, strike), strike) for strike in strikes]


def data(chain: list[Contract] | None, time: dt.datetime = UTC_TIME) -> SimpleNamespace:
    """A slice, with the chain of the option."""
    chains = {} if chain is None else {chain[0].symbol.canonical: chain}
    return SimpleNamespace(option_chains=chains, utc_time=time, splits=set())


@pytest.fixture
def made(border: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(border, "entry_type", lambda: Entry)
    module = import_module("models.option_price_model")
    monkeypatch.setattr(module, "Border", Border)
    monkeypatch.setattr(module, "ChainPricer", Pricer)
    return module.AloOptionPriceModel(Algorithm(current_slice=None))


def utc_nanoseconds(time: dt.datetime) -> int:
    return NOW + int((time - UTC_TIME) / dt.timedelta(microseconds=1)) * 1000


def asked(contract: Any, data: Any, security: Any = None) -> SimpleNamespace:
    return SimpleNamespace(contract=contract, slice=data, security=security)


def told(model: Any) -> list[Any]:
    return model._pricer.told


def test_the_first_contract_read_prices_its_chain_once(made: Any) -> None:
    chain = contracts(90.0, 100.0, 110.0)
    slice_ = data(chain)
    for contract in (chain[1], chain[0], chain[1]):
        assert made.Evaluate(asked(contract, slice_)) == (10.0 * contract.strike,) * 8
    symbols = [contract.symbol for contract in chain]
    assert told(made) == [([90.0, 100.0, 110.0], symbols, NOW, False)]


def test_a_contract_outside_the_slices_chain_is_priced_alone(made: Any) -> None:
    chain, (lone,) = contracts(90.0), contracts(120.0)
    assert made.Evaluate(asked(lone, data(chain))) == (1200.0,) * 8
    assert [strikes for strikes, *_ in told(made)] == [[120.0]]  # its chain is nobody's question yet
    for number, without in enumerate(
        (data(None, LATER), SimpleNamespace(**vars(data(None, LATER)) | {"option_chains": None}))
    ):
        (other,) = contracts(130.0 + number)
        assert made.Evaluate(asked(other, without)) == (1300.0 + 10.0 * number,) * 8
        assert told(made)[-1][2] == NOW + 60 * 10**9
    (outside,) = contracts(80.0)  # of no slice: the algorithm's time is the time
    assert made.Evaluate(asked(outside, None)) == (800.0,) * 8
    assert told(made)[-1] == ([80.0], [outside.symbol], NOW, False)


def test_a_later_slice_forgets_the_results_of_those_before_and_an_earlier_one_none(made: Any) -> None:
    first, second = contracts(90.0), contracts(95.0)
    made.Evaluate(asked(first[0], data(first)))
    made.Evaluate(asked(second[0], data(second, LATER)))
    assert len(told(made)) == 2
    made.Evaluate(asked(first[0], data(first)))  # somebody kept it: priced again, at its own time
    assert [time for *_, time, _ in told(made)] == [NOW, NOW + 60 * 10**9, NOW]
    made.Evaluate(asked(second[0], data(second, LATER)))
    assert len(told(made)) == 3  # still known


def test_what_was_made_by_hand_is_priced_anew_each_time_and_at_its_securitys_quotes(made: Any, lean: Any) -> None:
    (bare,) = contracts(90.0)
    bare.quoted = False
    underlying = Security(4.0, 4.0)
    security = Security(4.0, 4.0, underlying)
    assert made.Evaluate(asked(bare, None, security)) == (40.0, 40.0, 40.0, 40.0, 0.0, 0.0, 40.0, 40.0)
    security.bid_price = 5.0
    assert made.Evaluate(asked(bare, None, security))[0] == 50.0
    side = SimpleNamespace(close=7.0)
    security.bars = {lean.QuoteBar: SimpleNamespace(bid=None, ask=side), lean.TradeBar: SimpleNamespace(close=6.0)}
    underlying.bars = {
        lean.QuoteBar: SimpleNamespace(price=8.0, end_time=UTC_TIME)
    }  # the security remembers an older bid
    assert made.Evaluate(asked(bare, None, security)) == (0.0, 0.0, 70.0, 70.0, 60.0, 60.0, 80.0, 80.0)
    security.is_delisted = True
    assert made.Evaluate(asked(bare, None, security)) == (0.0,) * 8
    assert made.Evaluate(asked(bare, None, None)) == (0.0,) * 8
    assert [symbols for _, symbols, *_ in told(made)] == [[bare.symbol]] * 5


def test_a_lone_contract_stands_before_what_its_value_takes_of_the_slice_that_is_now(made: Any) -> None:
    """With parity its expiry, else its mirror; the chain's own object of it is left out."""
    chain, (same, other) = contracts(90.0, 100.0), contracts(100.0, 110.0)
    chain.append(Contract(option(ONE, 1, 100.0), 100.0))
    made._algorithm.current_slice = data(chain)
    same.quoted = other.quoted = False
    security = Security(4.0, 4.0, Security(4.0, 4.0))
    for parity, lone, quotes in (
        (True, same, [4.0, 90.0, 100.0]),
        (True, other, [4.0, 90.0, 100.0, 100.0]),
        (False, same, [4.0, 100.0]),
        (False, other, [4.0]),
    ):
        made._pricer.parity = parity
        assert made.Evaluate(asked(lone, None, security))[0] == 40.0
        assert told(made)[-1][0] == quotes
        assert told(made)[-1][1][0] == lone.symbol
        assert made._pricer.counted == slice(1)


def test_what_lean_gives_amiss_has_leans_empty_result_and_a_reason(made: Any) -> None:
    chain, (lone,) = contracts(90.0, 100.0), contracts(95.0)
    assert made.Evaluate(asked(None, data(chain))) == "empty"
    split = data(chain)
    split.splits.add(ONE)
    assert np.isnan(made.Evaluate(asked(chain[0], split))).all()
    assert made.Evaluate(asked(lone, split)) == "empty"
    assert told(made) == [("NO_QUOTE", 1, None), ("STALE", 2, chain[0].symbol), ("STALE", 1, lone.symbol)]


def test_threads_price_a_chain_once_one_at_a_time_whatever_slices_they_read(made: Any) -> None:
    slices = [
        data(contracts(*(90.0 + number for number in range(40))), UTC_TIME + dt.timedelta(minutes=m)) for m in (0, 1)
    ]
    wrong: list[Any] = []

    def read(order: int) -> None:
        for slice_ in slices[::order]:
            for contract in next(iter(slice_.option_chains.values()))[::order]:
                found = made.Evaluate(asked(contract, slice_))
                wrong.extend([found] if found != (10.0 * contract.strike,) * 8 else [])

    threads = [threading.Thread(target=read, args=(order,)) for order in (1, -1, 1, -1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert made._pricer.most == 1
    assert len(told(made)) < 40  # a slice is priced again only when time has moved on


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


def test_a_lean_whose_contracts_take_no_new_question_is_told_of_once(
    made: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = import_module("models.option_price_model")
    algorithm = Algorithm(current_slice=None)
    module.AloOptionPriceModel(algorithm)
    assert algorithm.logged == []
    monkeypatch.setattr(import_module("models.compiled_question"), "_renewer", lambda: None)
    module.AloOptionPriceModel(algorithm)
    module.AloOptionPriceModel(algorithm)
    (said,) = algorithm.logged
    assert "no SetOptionPriceModel" in said
    assert "one thread" in said
