"""An algorithm in which everybody asks the price model: several threads at once, events, and who has no quotes."""

import datetime as dt
import json
import random
import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any

from AlgorithmImports import (
    Market,
    Option,
    OptionContract,
    OptionPriceModelParameters,
    OptionPriceModelResult,
    OptionRight,
    OptionStyle,
    QCAlgorithm,
    Resolution,
    Slice,
    Symbol,
)

from models import AloOptionPriceModel

System: Any = import_module("System")
Task: Any = import_module("System.Threading.Tasks").Task
nothing: Any = None
made_by_hand: Any = OptionContract.create
parameters: Any = OptionPriceModelParameters  # the stubs do not know that all of them may be None
GREEKS = ("delta", "gamma", "vega", "theta", "rho", "lambda_")
WAYS = (("threads", 2), ("threads", 4), ("tasks", 2), ("tasks", 4))
Read = tuple[str, list[float]]
Contracts = list[tuple[str, Slice, list[OptionContract]]]


class CallersAlgorithm(QCAlgorithm):
    """GOOG: for some minutes several threads read all of each slice, and of the slice before what was not read then."""

    def initialize(self) -> None:
        self.set_start_date(2015, 12, 24)
        self.set_end_date(2015, 12, 24)
        option = self.add_option("GOOG", Resolution.MINUTE)
        option.set_filter(-8, 8, 0, 60)
        self.model, self.other = AloOptionPriceModel(self), AloOptionPriceModel(self)
        self.parity = AloOptionPriceModel(self, dividend_yield="parity")
        option.price_model = self.model
        self.chain_symbol = option.symbol
        self.before: Contracts = []
        self.told: dict[str, Any] = {"different": [], "failures": [], "read": {}, "lone": [], "odd": {}}
        self.created: dict[str, dict[str, list[float]]] = {}
        for minute in (0, 30):
            self.schedule.on(self.date_rules.every_day(), self.time_rules.at(11, minute), self.ask_alone)
        symbol = goog_option(option, OptionRight.CALL, dt.datetime(2016, 1, 15))
        self.added = self.add_option_contract(symbol, Resolution.MINUTE)
        self.added.price_model = self.model
        self.told["odd"] = self.ask_oddly(self.added)

    def on_data(self, slice: Slice) -> None:
        chain = slice.option_chains.get(self.chain_symbol)
        if chain is None:
            return
        contracts = list(chain)
        if self.created:
            self.compare(slice, contracts)
        if len(self.told["read"]) < int(self.get_parameter("slices")):
            self.read_at_once(slice, contracts)

    def read_at_once(self, slice: Slice, contracts: list[OptionContract]) -> None:
        """All contracts by threads that begin at one time, each in its order; then by one thread and another model."""
        now: Contracts = [(f"{self.time:%H:%M}", slice, contracts)]
        way, count = WAYS[len(self.told["read"]) % len(WAYS)]
        found: list[list[Read]] = [[] for _ in range(count)]
        orders = [self.before + now if number % 2 else now + self.before for number in range(count)]
        work = [self.reader(number, orders[number], found[number]) for number in range(count)]
        if way == "tasks":
            Task.WaitAll(*[Task.Run(System.Action(each)) for each in work])
        else:
            threads = [threading.Thread(target=each) for each in work]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        alone = {
            f"{time} {contract.symbol.value}": values_of(self.asked(self.other, contract, of))
            for time, of, listed in self.before + now
            for contract in listed
        }
        read = [pair for each in found for pair in each]
        self.told["different"] += [f"{way} {key} {told} {alone[key]}" for key, told in read if alone[key] != told]
        self.told["read"][f"{self.time:%H:%M} {way} {count}"] = [len(read), sum(told[2] != 0.0 for _, told in read)]
        # The next threads find a slice of which nothing was read, and one of which time has passed.
        self.before = [] if self.before else now

    def reader(self, number: int, slices: Contracts, found: list[Read]) -> Callable[[], None]:
        def read() -> None:
            for time, _, listed in slices:
                mine = list(listed)
                if number > 1:
                    random.Random(number).shuffle(mine)
                for contract in mine:
                    try:
                        found.append((f"{time} {contract.symbol.value}", values_of(contract)))
                    except Exception as error:
                        self.told["failures"].append(str(error)[:300])

        return read

    def asked(
        self, model: AloOptionPriceModel, contract: OptionContract, slice: Slice | None
    ) -> OptionPriceModelResult:
        result: OptionPriceModelResult = model.evaluate(parameters(self.securities[contract.symbol], slice, contract))
        return result

    def ask_alone(self) -> None:
        """Ask for contracts that the algorithm made, which carry no quotes, in an event before the slice's on_data."""
        chain = self.current_slice.option_chains[self.chain_symbol]
        self.created = {}
        for symbol in sorted((contract.symbol for contract in chain), key=str)[::3]:
            security: Option = self.securities[symbol]
            contract = OptionContract.create(self.time, security, security.underlying.get_last_data())
            quotes = security.bid_price, security.ask_price, security.underlying.price
            self.created[symbol.value] = {
                "security": [float(each) for each in quotes],
                "no slice": values_of(security.evaluate_price_model(nothing, contract)),
                "slice": values_of(security.evaluate_price_model(self.current_slice, contract)),
                "parity": values_of(self.asked(self.parity, contract, None)),
            }
        made = made_by_hand(self.time, self.added, None)
        self.told[f"added {self.time:%H:%M}"] = values_of(self.added.evaluate_price_model(nothing, made))

    def compare(self, slice: Slice, contracts: list[OptionContract]) -> None:
        for contract in contracts:
            if contract.symbol.value in self.created:
                row: dict[str, Any] = {"time": f"{self.time:%H:%M}", "symbol": contract.symbol.value}
                quotes = contract.bid_price, contract.ask_price, contract.underlying_last_price
                row["quotes"] = [float(each) for each in quotes]
                row["chain"] = values_of(contract)
                row["parity chain"] = values_of(self.asked(self.parity, contract, slice))
                self.told["lone"].append(row | self.created[contract.symbol.value])
        self.created = {}

    def ask_oddly(self, security: Option) -> dict[str, Any]:
        """What comes of asking without a contract, a security, a price, or after the end; and what was counted."""
        model = AloOptionPriceModel(self)
        expired = goog_option(security, OptionRight.PUT, dt.datetime(2014, 1, 17))
        contract = made_by_hand(self.time, security, None)
        gone = made_by_hand(self.time, self.add_option_contract(expired), None)
        asked: dict[str, Any] = {
            "no contract": parameters(security, None, None),
            "no security": parameters(None, None, contract),
            "no price": parameters(security, None, contract),
            "expired": parameters(security, None, gone),
        }
        told: dict[str, Any] = {name: values_of(model.evaluate(given)) for name, given in asked.items()}
        return told | {"unpriced": {status.name: count for status, count in model.unpriced.items()}}

    def on_end_of_algorithm(self) -> None:
        self.object_store.save("callers", json.dumps(self.told))


def goog_option(option: Option, right: OptionRight, expiry: dt.datetime) -> Symbol:
    return Symbol.create_option(option.symbol.underlying, Market.USA, OptionStyle.AMERICAN, right, 700.0, expiry)


def values_of(contract: OptionContract | OptionPriceModelResult) -> list[float]:
    """Price, implied volatility and greeks."""
    greeks = contract.greeks
    told = [float(getattr(greeks, name)) for name in GREEKS]
    return [float(contract.theoretical_price), float(contract.implied_volatility), *told]
