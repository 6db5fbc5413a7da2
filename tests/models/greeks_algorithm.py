"""Somebody else's algorithm: it plugs the price model in as its plan says, and writes down what LEAN gets from it."""

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from AlgorithmImports import (
    ConstantDividendYieldModel,
    DataNormalizationMode,
    Dividends,
    DividendYieldProvider,
    FuncRiskFreeRateInterestRateModel,
    Market,
    Option,
    OptionContract,
    OptionRight,
    OptionStyle,
    QCAlgorithm,
    Resolution,
    Security,
    SecurityChanges,
    SecurityType,
    Slice,
    Splits,
    StandardDeviationOfReturnsVolatilityModel,
    Symbol,
)

from models import AloOptionPriceModel, expected_dividends, greeks_filter, greeks_history, universe_greeks
from models.compiled_border import WRITTEN
from models.times import utc_of

RESOLUTIONS = {"minute": Resolution.MINUTE, "hour": Resolution.HOUR, "daily": Resolution.DAILY}


def moment(date: Sequence[int], hour: int = 0) -> dt.datetime:
    """An hour of a date that is given as year, month and day."""
    year, month, day = date
    return dt.datetime(year, month, day, hour)


class GreeksAlgorithm(QCAlgorithm):
    """Writes a row for each contract read at the plan's times, and what else happened."""

    def initialize(self) -> None:
        self.plan: dict[str, Any] = json.loads(self.get_parameter("plan"))
        self.set_start_date(*self.plan["start"])
        self.set_end_date(*self.plan["end"])
        self.rows: list[dict[str, Any]] = []
        self.kept: list[tuple[OptionContract, dt.datetime]] = []
        self.future_option: dict[str, float] = {}
        self.past: list[dict[str, Any]] = []
        self.events: list[str] = []
        self.options: list[Option] = []
        self.models: list[AloOptionPriceModel] = []
        if "rate" in self.plan:
            base = self.plan["rate"]
            model = FuncRiskFreeRateInterestRateModel(lambda date: base + 0.001 * (date.year - 2015))
            self.set_risk_free_interest_rate_model(model)
        for asked in self.plan["options"]:
            self.subscribe(asked)
        if "future_option" in self.plan:
            self.value_future_option(**self.plan["future_option"])
        self.listed: list[dict[str, Any]] = []
        if "unsubscribed" in self.plan:
            self.read_past_of_the_unsubscribed(self.plan["unsubscribed"])
        if "warm_up_days" in self.plan:
            self.set_warm_up(dt.timedelta(days=self.plan["warm_up_days"]))

    def value_future_option(self, expiry: list[int], strike: float, bid: float, ask: float, future: float) -> None:
        """A made-up quote of an option on the ES future, at ten in the morning New York of the first day."""
        last = moment(expiry)
        underlying, put = Symbol.create_future("ES", Market.CME, last), OptionRight.PUT
        symbol = Symbol.create_option(underlying, Market.CME, OptionStyle.AMERICAN, put, strike, last)
        option = self.add_future_option_contract(symbol, Resolution.MINUTE)
        day = float((symbol.id.date - dt.datetime(1, 1, 1)).days)
        columns = np.array([[strike, 1.0, day, 0.0, bid, ask, 0.0, future]])
        time = utc_of(option.exchange.hours, moment(self.plan["start"], hour=10))
        values = AloOptionPriceModel(self).past_values(columns, [symbol], time)[0]
        self.future_option = dict(zip(WRITTEN, values.tolist(), strict=True))

    def subscribe(self, asked: dict[str, Any]) -> None:
        resolution = RESOLUTIONS[asked["resolution"]]
        if asked["kind"] == "future":
            self.subscribe_to_futures(asked, resolution)
            return
        if asked["kind"] == "equity":
            equity = self.add_equity(asked["ticker"], resolution, data_normalization_mode=DataNormalizationMode.RAW)
            if asked.get("moving_volatility"):
                equity.set_volatility_model(StandardDeviationOfReturnsVolatilityModel(30, Resolution.MINUTE))
            option = self.add_option(asked["ticker"], resolution)
        elif asked["kind"] == "index":
            index = self.add_index("SPX", resolution)
            option = self.add_index_option(index.symbol, asked["ticker"], resolution)
        arguments = dict(asked.get("model", {}))
        if arguments.get("announced") == "expected":
            arguments["announced"] = expected_dividends(self)
        elif "announced" in arguments:
            told = [(dt.date(*day), amount) for day, amount in arguments["announced"]]
            arguments["announced"] = lambda underlying, time: told
        if "constant_yield" in arguments:
            arguments["dividend_yield"] = ConstantDividendYieldModel(arguments.pop("constant_yield"))
        if "max_quote_minutes" in arguments:
            arguments["max_quote_age"] = dt.timedelta(minutes=arguments.pop("max_quote_minutes"))
        model = AloOptionPriceModel(self, **arguments)
        option.set_price_model(model)
        if "having" in asked:
            ranges = {name: tuple(bounds) for name, bounds in asked["having"].items()}
            option.set_filter(greeks_filter(model, **ranges))
        elif "lean_delta" in asked:
            low, high = asked["lean_delta"]
            option.set_filter(lambda universe: universe.delta(low, high))
        else:
            low, high, near, far = asked["filter"]
            option.set_filter(lambda universe: universe.include_weeklys().strikes(low, high).expiration(near, far))
        self.options.append(option)
        self.models.append(model)

    def subscribe_to_futures(self, asked: dict[str, Any], resolution: Resolution) -> None:
        """LEAN makes the option of each future as the future is chosen, so an initializer gives it the model."""
        model = AloOptionPriceModel(self)
        self.models.append(model)

        def give(security: Security) -> None:
            if security.type == SecurityType.FUTURE_OPTION:
                security.set_price_model(model)

        self.add_security_initializer(give)
        future = self.add_future(asked["ticker"], resolution)
        future.set_filter(*asked["futures"])
        if "having" in asked:
            ranges = {name: tuple(bounds) for name, bounds in asked["having"].items()}
            self.add_future_option(future.symbol, greeks_filter(model, **ranges))
        else:
            low, high = asked["strikes"]
            self.add_future_option(future.symbol, lambda universe: universe.strikes(low, high))

    def on_data(self, slice: Slice) -> None:
        if self.plan.get("kept") == f"{self.time:%Y-%m-%d %H:%M}":
            self.kept = [(contract, slice.time) for contract in slice.option_chains[self.options[0].symbol]]
        now = f"{self.time:%H:%M}"
        if now not in self.plan["times"]:
            return
        late, self.kept = self.kept, []
        kind = "warm-up" if self.is_warming_up else "live"
        for symbol in self.chains(slice):
            self.read(slice, symbol, kind, str(symbol.value))
        # Contracts of an earlier slice that were not read in it, after those of this slice.
        for contract, time in late[:: 1 if self.plan.get("order") else 3]:
            self.rows.append({"kind": "kept", "option": "", **self.row(contract, time)})
        if self.is_warming_up:
            return
        if self.plan.get("history") == now:
            self.read_history()
        if self.plan.get("listed") == now:
            for number, symbol in enumerate(self.chains(slice)):
                self.read_listed(symbol, self.models[min(number, len(self.models) - 1)])

    def chains(self, slice: Slice) -> list[Symbol]:
        """The options that were subscribed to; those of the futures that a future's filter chose."""
        keys = [pair.key for pair in slice.option_chains]
        on_futures = [key for key in keys if key.security_type == SecurityType.FUTURE_OPTION]
        return [option.symbol for option in self.options] + sorted(on_futures, key=lambda key: str(key.underlying.id))

    def read(self, slice: Slice, symbol: Symbol, kind: str, name: str) -> None:
        chain = slice.option_chains.get(symbol)
        if chain is None:
            return
        contracts = sorted(chain, key=lambda contract: contract.symbol.value)
        order = self.plan.get("order")
        if order == "backwards" or (order is None and len(self.rows) % 2):  # the order must not matter
            contracts.reverse()
        if order == "late":
            self.kept += [(contract, slice.time) for contract in contracts[1::2]]
            contracts = contracts[::2]
        for contract in contracts:
            self.rows.append({"kind": kind, "option": name, **self.row(contract, slice.time)})

    def read_history(self) -> None:
        chains, model = self.current_slice.option_chains, self.models[0]
        symbols = sorted((contract.symbol for contract in chains[self.chains(self.current_slice)[0]]), key=str)
        start = self.time - dt.timedelta(minutes=self.plan.get("history_minutes", 3))
        resolution = RESOLUTIONS[self.plan.get("history_resolution", "minute")]
        self.keep_past(greeks_history(self, model, symbols, start, self.time, resolution))

    def read_past_of_the_unsubscribed(self, ticker: str) -> None:
        """Yesterday of every contract that is listed today, of a stock that nobody subscribed to."""
        stock = Symbol.create(ticker, SecurityType.EQUITY, Market.USA)
        symbols = [contract.symbol for contract in self.option_chain(stock)]
        start = self.time - dt.timedelta(days=1)
        self.keep_past(greeks_history(self, AloOptionPriceModel(self), symbols, start, self.time, Resolution.MINUTE))

    def keep_past(self, table: pd.DataFrame) -> None:
        self.past += [
            {"time": f"{time:%Y-%m-%d %H:%M}", "symbol": symbol, **row}
            for (time, symbol), row in zip(table.index, table.to_dict("records"), strict=True)
        ]

    def read_listed(self, option: Symbol, model: AloOptionPriceModel) -> None:
        """What LEAN's option_chain lists, and its greeks."""
        chain = self.option_chain(option)
        table = universe_greeks(model, chain)
        for contract, (symbol, values) in zip(chain, table.iterrows(), strict=True):
            assert symbol == contract.symbol
            theirs = {"lean_delta": float(contract.greeks.delta), "lean_price": float(contract.theoretical_price)}
            terms = self.terms(contract, contract.time)
            self.listed.append({"option": str(option.value), **terms, **theirs, **values.to_dict()})

    def row(self, contract: OptionContract, time: dt.datetime) -> dict[str, Any]:
        greeks = contract.greeks
        return {
            **self.terms(contract, time),
            "price": float(contract.theoretical_price),
            "volatility": float(contract.implied_volatility),
            **{name: float(getattr(greeks, name)) for name in ("delta", "gamma", "vega", "theta", "rho")},
        }

    def terms(self, contract: OptionContract, time: dt.datetime) -> dict[str, Any]:
        symbol = contract.symbol
        spot = float(contract.underlying_last_price)
        return {
            "symbol": symbol.value,
            "time": f"{time:%Y-%m-%d %H:%M}",
            "expiry": f"{contract.expiry:%Y-%m-%d}",
            "strike": float(contract.strike),
            "right": 1 if int(contract.right) == 0 else -1,
            "american": int(contract.style) == 0,
            "bid": float(contract.bid_price),
            "ask": float(contract.ask_price),
            "last": float(contract.last_price),
            "spot": spot,
            "rate": float(self.risk_free_interest_rate_model.get_interest_rate(time)),
            "yield": float(DividendYieldProvider.create_for_option(symbol).get_dividend_yield(time, spot)),
        }

    def on_securities_changed(self, changes: SecurityChanges) -> None:
        for word, securities in (("added", changes.added_securities), ("removed", changes.removed_securities)):
            for security in securities:
                self.events.append(f"{word} {security.symbol.value} {self.time:%Y-%m-%d}")

    def on_splits(self, splits: Splits) -> None:
        self.events += [f"split {split.symbol.value} {self.time:%Y-%m-%d}" for split in splits.values()]

    def on_dividends(self, dividends: Dividends) -> None:
        paid = dividends.values()
        self.events += [f"dividend {one.symbol.value} {float(one.distribution)} {self.time:%Y-%m-%d}" for one in paid]

    def on_end_of_algorithm(self) -> None:
        reasons = [{reason.name: count for reason, count in model.unpriced.items()} for model in self.models]
        seen = {"rows": self.rows, "past": self.past, "listed": self.listed, "events": self.events, "unpriced": reasons}
        self.object_store.save("seen", json.dumps(seen | {"future_option": self.future_option}))
