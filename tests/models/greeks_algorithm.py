"""Somebody else's algorithm: it plugs the price model in as its plan says, and writes down what LEAN gets from it."""

import datetime as dt
import json
from typing import Any

import numpy as np
from AlgorithmImports import (
    ConstantDividendYieldModel,
    DataNormalizationMode,
    DividendYieldProvider,
    FuncRiskFreeRateInterestRateModel,
    Market,
    Option,
    OptionContract,
    OptionRight,
    OptionStyle,
    QCAlgorithm,
    Resolution,
    SecurityChanges,
    Slice,
    Splits,
    Symbol,
)

from models import AloOptionPriceModel, greeks_filter, greeks_history
from models.chain_terms import utc_of
from models.compiled_border import WRITTEN

RESOLUTIONS = {"minute": Resolution.MINUTE, "hour": Resolution.HOUR, "daily": Resolution.DAILY}


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
        if "warm_up_days" in self.plan:
            self.set_warm_up(dt.timedelta(days=self.plan["warm_up_days"]))

    def value_future_option(self, expiry: list[int], strike: float, bid: float, ask: float, future: float) -> None:
        """A made-up quote of an option on the ES future, at ten in the morning New York of the first day."""
        underlying = Symbol.create_future("ES", Market.CME, dt.datetime(*expiry))
        put, last = OptionRight.PUT, dt.datetime(*expiry)
        symbol = Symbol.create_option(underlying, Market.CME, OptionStyle.AMERICAN, put, strike, last)
        option = self.add_future_option_contract(symbol, Resolution.MINUTE)
        day = float((symbol.id.date - dt.datetime(1, 1, 1)).days)
        columns = np.array([[strike, 1.0, day, 0.0, bid, ask, 0.0, future]])
        time = utc_of(option.exchange.hours, dt.datetime(*self.plan["start"], 10))
        values = AloOptionPriceModel(self).past_values(columns, [symbol], option, time)[0]
        self.future_option = dict(zip(WRITTEN, values.tolist(), strict=True))

    def subscribe(self, asked: dict[str, Any]) -> None:
        resolution = RESOLUTIONS[asked["resolution"]]
        if asked["kind"] == "equity":
            self.add_equity(asked["ticker"], resolution, data_normalization_mode=DataNormalizationMode.RAW)
            option = self.add_option(asked["ticker"], resolution)
        elif asked["kind"] == "index":
            index = self.add_index("SPX", resolution)
            option = self.add_index_option(index.symbol, asked["ticker"], resolution)
        arguments = dict(asked.get("model", {}))
        if "announced" in arguments:
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
            option.set_filter(greeks_filter(model, option, **ranges))
        elif "lean_delta" in asked:
            low, high = asked["lean_delta"]
            option.set_filter(lambda universe: universe.delta(low, high))
        else:
            low, high, near, far = asked["filter"]
            option.set_filter(lambda universe: universe.include_weeklys().strikes(low, high).expiration(near, far))
        self.options.append(option)
        self.models.append(model)

    def on_data(self, slice: Slice) -> None:
        if self.plan.get("kept") == f"{self.time:%Y-%m-%d %H:%M}":
            self.kept = [(contract, slice.time) for contract in slice.option_chains[self.options[0].symbol]]
        if f"{self.time:%H:%M}" not in self.plan["times"]:
            return
        for contract, time in self.kept[::3]:  # of an earlier slice, and not read in it
            self.rows.append({"kind": "kept", "option": "", **self.row(contract, time)})
        self.kept = []
        kind = "warm-up" if self.is_warming_up else "live"
        for option in self.options:
            self.read(slice, option.symbol, kind, str(option.symbol.value))
        if self.plan.get("history") == f"{self.time:%H:%M}" and not self.is_warming_up:
            self.read_history()

    def read(self, slice: Slice, symbol: Symbol, kind: str, name: str) -> None:
        chain = slice.option_chains.get(symbol)
        if chain is None:
            return
        contracts = sorted(chain, key=lambda contract: contract.symbol.value)
        if len(self.rows) % 2:  # the order in which contracts are read must not matter
            contracts.reverse()
        for contract in contracts:
            self.rows.append({"kind": kind, "option": name, **self.row(contract, slice.time)})

    def read_history(self) -> None:
        option, model = self.options[0], self.models[0]
        symbols = sorted((contract.symbol for contract in self.current_slice.option_chains[option.symbol]), key=str)
        start = self.time - dt.timedelta(minutes=3)
        table = greeks_history(self, model, option, symbols, start, self.time, Resolution.MINUTE)
        self.past += [
            {"time": f"{time:%Y-%m-%d %H:%M}", "symbol": symbol, **row}
            for (time, symbol), row in zip(table.index, table.to_dict("records"), strict=True)
        ]

    def row(self, contract: OptionContract, time: dt.datetime) -> dict[str, Any]:
        greeks, symbol = contract.greeks, contract.symbol
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
            "price": float(contract.theoretical_price),
            "volatility": float(contract.implied_volatility),
            **{name: float(getattr(greeks, name)) for name in ("delta", "gamma", "vega", "theta", "rho")},
        }

    def on_securities_changed(self, changes: SecurityChanges) -> None:
        for word, securities in (("added", changes.added_securities), ("removed", changes.removed_securities)):
            for security in securities:
                self.events.append(f"{word} {security.symbol.value} {self.time:%Y-%m-%d}")

    def on_splits(self, splits: Splits) -> None:
        self.events += [f"split {split.symbol.value} {self.time:%Y-%m-%d}" for split in splits.values()]

    def on_end_of_algorithm(self) -> None:
        reasons = [{reason.name: count for reason, count in model.unpriced.items()} for model in self.models]
        seen = {"rows": self.rows, "past": self.past, "events": self.events, "unpriced": reasons}
        self.object_store.save("seen", json.dumps(seen | {"future_option": self.future_option}))
