"""One contract at daily resolution over the ex-dates of its underlying: what the price model gives LEAN each day."""

import datetime as dt
import json

from AlgorithmImports import (
    DataNormalizationMode,
    Dividends,
    Market,
    OptionRight,
    OptionStyle,
    QCAlgorithm,
    Resolution,
    Slice,
    Symbol,
)

from models import AloOptionPriceModel


class ExDateAlgorithm(QCAlgorithm):
    """Follows the plan's call from its first day to its last, with the plan's dividends announced."""

    def initialize(self) -> None:
        plan = json.loads(self.get_parameter("plan"))
        self.set_start_date(*plan["start"])
        self.set_end_date(*plan["end"])
        self.rows: list[dict[str, object]] = []
        self.paid: list[tuple[str, float]] = []
        stock = self.add_equity(plan["ticker"], Resolution.DAILY, data_normalization_mode=DataNormalizationMode.RAW)
        terms = (OptionStyle.AMERICAN, OptionRight.CALL, plan["strike"], dt.datetime(*plan["expiry"]))
        option = self.add_option_contract(Symbol.create_option(stock.symbol, Market.USA, *terms), Resolution.DAILY)
        told = [(dt.date(*day), amount) for day, amount in plan["announced"]]
        option.set_price_model(AloOptionPriceModel(self, announced=lambda underlying, time: told))

    def on_data(self, slice: Slice) -> None:
        for chain in slice.option_chains.values():
            for contract in chain:
                greeks = contract.greeks
                self.rows.append(
                    {
                        "time": f"{slice.time:%Y-%m-%d %H:%M}",
                        "spot": float(contract.underlying_last_price),
                        "bid": float(contract.bid_price),
                        "ask": float(contract.ask_price),
                        "rate": float(self.risk_free_interest_rate_model.get_interest_rate(slice.time)),
                        "volatility": float(contract.implied_volatility),
                        "price": float(contract.theoretical_price),
                        **{name: float(getattr(greeks, name)) for name in ("delta", "gamma", "vega", "theta")},
                    }
                )

    def on_dividends(self, dividends: Dividends) -> None:
        self.paid += [(f"{self.time:%Y-%m-%d}", float(one.distribution)) for one in dividends.values()]

    def on_end_of_algorithm(self) -> None:
        self.object_store.save("seen", json.dumps({"rows": self.rows, "paid": self.paid}))
