"""A user's mistakes with the price model, made in an algorithm of LEAN's, and what is told of each."""

import datetime as dt
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
from models.times import utc_of

__all__ = ["told_of_mistakes"]


def told_of_mistakes(algorithm: QCAlgorithm) -> dict[str, Any]:
    """What each mistake, by its name, is told; and what comes of what is odd and no mistake."""
    model: Callable[..., AloOptionPriceModel] = AloOptionPriceModel
    right = AloOptionPriceModel(algorithm)
    goog, twx = (_contract(ticker) for ticker in ("GOOG", "TWX"))
    begin, end = dt.datetime(2015, 12, 23), dt.datetime(2015, 12, 24)
    mistakes: dict[str, Callable[[], Any]] = {
        "algorithm": lambda: model("GOOG"),
        "price": lambda: model(algorithm, price="middle"),
        "yield word": lambda: model(algorithm, dividend_yield="implied"),
        "yield number": lambda: model(algorithm, dividend_yield=0.02),
        "announced": lambda: model(algorithm, announced=[(dt.date(2016, 2, 1), 0.5)]),
        "scheme": lambda: model(algorithm, scheme="best"),
        "age": lambda: model(algorithm, max_quote_age=20),
        "age zero": lambda: model(algorithm, max_quote_age=dt.timedelta()),
        "filter name": lambda: greeks_filter(right, charm=(0.0, 1.0)),
        "filter order": lambda: greeks_filter(right, delta=(0.5, 0.2)),
        "filter number": lambda: greeks_filter(right, delta=0.5),  # type: ignore[arg-type]
        "two options": lambda: greeks_history(algorithm, right, [goog, twx], begin, end, Resolution.MINUTE),
    }
    told = {name: _told(mistake) for name, mistake in mistakes.items()}
    empty = greeks_history(algorithm, right, [], begin, end, Resolution.MINUTE)
    unknown = universe_greeks(right, algorithm.option_chain(algorithm.add_equity("NOSUCH").symbol))
    return {"told": told, "rows": [len(empty), len(unknown)], "odd": _odd(algorithm, goog)}


def _odd(algorithm: QCAlgorithm, symbol: Symbol) -> list[Any]:
    """A contract whose stock yields more than it costs, as one that was liquidated may."""
    model = AloOptionPriceModel(algorithm, dividend_yield=ConstantDividendYieldModel(1.5))
    day = float((symbol.id.date - dt.datetime(1, 1, 1)).days)
    columns = np.array([[70.0, 0.0, day, 0.0, 5.0, 5.2, 0.0, 72.0]])
    time = utc_of(hours_of(symbol), dt.datetime(2015, 12, 23, 10))
    price = float(model.past_values(columns, [symbol], time)[0, 0])
    return [bool(np.isnan(price)), {reason.name: count for reason, count in model.unpriced.items()}]


def _contract(ticker: str) -> Symbol:
    expiry = dt.datetime(2016, 1, 15)
    return Symbol.create_option(ticker, Market.USA, OptionStyle.AMERICAN, OptionRight.CALL, 70.0, expiry)


def _told(mistake: Callable[[], Any]) -> str:
    try:
        mistake()
    except ValueError as error:
        return str(error)
    return "nothing"
