"""An algorithm that makes a user's mistakes with the price model, and writes down what it is told."""

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import numpy as np
from AlgorithmImports import (
    ConstantDividendYieldModel,
    Market,
    OptionRight,
    OptionStyle,
    QCAlgorithm,
    Resolution,
    Symbol,
)

from models import AloOptionPriceModel, greeks_filter, greeks_history, universe_greeks
from models.chain_terms import hours_of
from models.marshalling import utc_of


class MistakesAlgorithm(QCAlgorithm):
    """One mistake after another, each by its name."""

    def initialize(self) -> None:
        self.set_start_date(2015, 12, 24)
        self.set_end_date(2015, 12, 24)
        model: Callable[..., AloOptionPriceModel] = AloOptionPriceModel
        right = AloOptionPriceModel(self)
        goog, twx = (self.contract(ticker) for ticker in ("GOOG", "TWX"))
        begin, end = dt.datetime(2015, 12, 23), dt.datetime(2015, 12, 24)
        mistakes: dict[str, Callable[[], Any]] = {
            "algorithm": lambda: model("GOOG"),
            "price": lambda: model(self, price="middle"),
            "yield word": lambda: model(self, dividend_yield="implied"),
            "yield number": lambda: model(self, dividend_yield=0.02),
            "announced": lambda: model(self, announced=[(dt.date(2016, 2, 1), 0.5)]),
            "both": lambda: model(self, dividend_yield="parity", announced=lambda symbol, time: []),
            "scheme": lambda: model(self, scheme="best"),
            "age": lambda: model(self, max_quote_age=20),
            "age zero": lambda: model(self, max_quote_age=dt.timedelta()),
            "filter name": lambda: greeks_filter(right, charm=(0.0, 1.0)),
            "filter order": lambda: greeks_filter(right, delta=(0.5, 0.2)),
            "filter number": lambda: greeks_filter(right, delta=0.5),  # type: ignore[arg-type]
            "two options": lambda: greeks_history(self, right, [goog, twx], begin, end, Resolution.MINUTE),
        }
        told = {name: self.told(mistake) for name, mistake in mistakes.items()}
        empty = greeks_history(self, right, [], begin, end, Resolution.MINUTE)
        unknown = universe_greeks(right, self.option_chain(self.add_equity("NOSUCH").symbol))
        rows = [len(empty), len(unknown)]
        self.object_store.save("told", json.dumps({"told": told, "rows": rows, "odd": self.odd(goog)}))

    def odd(self, symbol: Symbol) -> list[Any]:
        """A contract whose stock yields more than it costs, as one that was liquidated may."""
        model = AloOptionPriceModel(self, dividend_yield=ConstantDividendYieldModel(1.5))
        day = float((symbol.id.date - dt.datetime(1, 1, 1)).days)
        columns = np.array([[70.0, 0.0, day, 0.0, 5.0, 5.2, 0.0, 72.0]])
        time = utc_of(hours_of(symbol), dt.datetime(2015, 12, 23, 10))
        price = float(model.past_values(columns, [symbol], time)[0, 0])
        return [bool(np.isnan(price)), {reason.name: count for reason, count in model.unpriced.items()}]

    def contract(self, ticker: str) -> Symbol:
        expiry = dt.datetime(2016, 1, 15)
        return Symbol.create_option(ticker, Market.USA, OptionStyle.AMERICAN, OptionRight.CALL, 70.0, expiry)

    def told(self, mistake: Callable[[], Any]) -> str:
        try:
            mistake()
        except ValueError as error:
            return str(error)
        return "nothing"
