"""Somebody's algorithm with indicators of contracts, which it holds against the chain's greeks, and with positions."""

import datetime as dt
import json
from typing import Any

from AlgorithmImports import Market, OptionRight, OptionStyle, QCAlgorithm, Resolution, Slice, Symbol

from models import (
    AloDelta,
    AloGamma,
    AloImpliedVolatility,
    AloOptionPriceModel,
    AloRho,
    AloTheta,
    AloVega,
    portfolio_greeks,
)

GREEKS = {"delta": AloDelta, "gamma": AloGamma, "vega": AloVega, "theta": AloTheta, "rho": AloRho}


class IndicatorsAlgorithm(QCAlgorithm):
    """GOOG, a day by the minute: a call and a put of January, and a call that was quoted the day before."""

    def initialize(self) -> None:
        self.set_start_date(2015, 12, 24)
        self.set_end_date(2015, 12, 24)
        self.set_cash(1_000_000)
        self.settings.automatic_indicator_warm_up = True
        option = self.add_option("GOOG", Resolution.MINUTE)
        self.model = AloOptionPriceModel(self)
        option.set_price_model(self.model)
        option.set_filter(-1, 1, 0, 30)
        january, today = dt.datetime(2016, 1, 15), dt.datetime(2015, 12, 24)
        self.call = self.contract(OptionRight.CALL, january)
        self.put = self.contract(OptionRight.PUT, january)
        self.own: Any = {name: kind(self.model, self.call).follow(self) for name, kind in GREEKS.items()}
        self.own["implied_volatility"] = AloImpliedVolatility(self.model, self.call).follow(self)
        self.mirrored = AloImpliedVolatility(self.model, self.call, self.put).follow(self)
        self.by_hand = AloDelta(self.model, self.call, name="by hand")
        for symbol in (self.call, self.call.underlying):
            self.register_indicator(symbol, self.by_hand, Resolution.MINUTE)
        self.plot_indicator("greeks", self.own["delta"], self.mirrored)
        warm = AloDelta(self.model, self.contract(OptionRight.CALL, today)).follow(self)
        self.kept: dict[str, Any] = {"warm": [warm.is_ready, warm.value, str(warm.current.end_time)]}
        self.kept |= {"cold": self.own["delta"].is_ready, "rows": [], "positions": []}

    def contract(self, right: OptionRight, expiry: dt.datetime) -> Symbol:
        symbol = Symbol.create_option("GOOG", Market.USA, OptionStyle.AMERICAN, right, 745, expiry)
        security = self.add_option_contract(symbol, Resolution.MINUTE)
        security.set_price_model(self.model)  # one that is added alone has nothing of its chain's
        return symbol

    def on_data(self, slice: Slice) -> None:
        chain = slice.option_chains.get(self.call.canonical)
        call, put = (None if chain is None else chain.contracts.get(symbol) for symbol in (self.call, self.put))
        if call is None or put is None:
            return
        told = {name: getattr(call.greeks, name) for name in GREEKS} | {"implied_volatility": call.implied_volatility}
        self.kept["rows"].append(
            {
                "chain": told,
                "own": {name: indicator.current.value for name, indicator in self.own.items()},
                "python": {name: indicator.value for name, indicator in self.own.items()},
                "mirrored": self.mirrored.value,
                "put": put.implied_volatility,
                "spot": call.underlying_last_price,
                "by_hand": [self.by_hand.is_ready, self.by_hand.value],
            }
        )
        if not self.portfolio.invested:
            self.market_order(self.call, 10)
            self.market_order(self.put, -3)
            self.market_order(self.call.underlying, -500)
        elif self.time.minute == 30:
            row = portfolio_greeks(self, self.model).loc[self.call.underlying].to_dict()
            expected = {name: 1000 * told[name] - 300 * getattr(put.greeks, name) for name in GREEKS}
            expected["delta"] -= 500
            spot = self.securities[self.call.underlying].price
            self.kept["positions"].append({"row": row, "expected": expected, "spot": spot})

    def on_end_of_algorithm(self) -> None:
        past = AloDelta(self.model, self.call)
        frame = self.indicator_history(past, [self.call, self.call.underlying], 5, Resolution.MINUTE).data_frame
        self.kept["history"] = frame["current"].tolist()
        self.object_store.save("indicators", json.dumps(self.kept))
