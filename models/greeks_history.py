"""Greeks of the past: LEAN's history has an option's quotes, and no greeks."""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from AlgorithmImports import (
    DataNormalizationMode,
    QCAlgorithm,
    QuoteBar,
    Resolution,
    SecurityType,
    Symbol,
    TradeBar,
)

from alo_lib.pricing.arguments import PricingError
from models.chain_terms import hours_of
from models.compiled_border import WRITTEN
from models.compiled_question import READ
from models.contract_columns import static_columns
from models.option_price_model import AloOptionPriceModel
from models.times import utc_of

__all__ = ["greeks_history"]

_Span = tuple[dt.datetime, dt.datetime, Resolution]


def greeks_history(
    algorithm: QCAlgorithm,
    model: AloOptionPriceModel,
    symbols: Sequence[Symbol],
    start: dt.datetime,
    end: dt.datetime,
    resolution: Resolution,
) -> pd.DataFrame:
    """Prices, implied volatilities and greeks that contracts of one option had between two times.

    One row for each contract and bar, by time (the exchange's) and then in the order of ``symbols``, with the columns
    of LEAN's result in its units: price, implied_volatility, delta, gamma, vega, theta, rho, leverage; NaN where a
    contract had none. The underlying's price is its last bar's up to the bar's end, a quote's before a trade's, as LEAN
    has it in a chain; a contract's last trade is one since ``start``. Rates and dividends are as of the bar; price is
    the market's, since a volatility model no longer knows what it said.

    :raises PricingError: a ValueError, when the contracts are not all of one option.
    """
    options = {str(symbol.canonical.id): symbol for symbol in symbols}
    if len(options) > 1:
        raise PricingError(f"the contracts belong to {len(options)} options; allowed: contracts of one")
    rows = [np.empty((0, len(WRITTEN)))]
    index: list[tuple[dt.datetime, str]] = []
    for symbol in options.values():
        hours, span = hours_of(symbol), (start, end, resolution)
        spots = _Spots(algorithm, symbol.underlying, span)
        static = {symbol.value: static_columns(symbol) for symbol in symbols}
        quotes = _by_time(algorithm.history[QuoteBar](list(symbols), *span))
        trades = _by_time(algorithm.history[TradeBar](list(symbols), *span))
        last: dict[str, float] = {}
        for ended in sorted({*quotes, *trades}):
            quoted, traded = quotes.get(ended, {}), trades.get(ended, {})
            last.update({name: float(bar.close) for name, bar in traded.items()})
            present = [symbol for symbol in symbols if symbol.value in quoted or symbol.value in traded]
            names = [symbol.value for symbol in present]
            spot = spots.at(ended)
            columns = np.array([[*static[n], *_quote(quoted.get(n)), last.get(n, 0.0), spot] for n in names])
            assert columns.shape[1] == len(READ)
            rows.append(model.past_values(columns, present, utc_of(hours, ended)))
            index += [(ended, name) for name in names]
    labels = pd.MultiIndex.from_tuples(index, names=["time", "symbol"])
    return pd.DataFrame(np.concatenate(rows), index=labels, columns=list(WRITTEN))


class _Spots:
    """The underlying's last price up to a time."""

    def __init__(self, algorithm: QCAlgorithm, underlying: Symbol, span: _Span) -> None:
        # Strikes are of raw prices; LEAN's history of a stock that is not subscribed to would be of adjusted ones.
        stock = underlying.security_type == SecurityType.EQUITY
        mode = DataNormalizationMode.RAW if stock else None
        start, end, resolution = span
        trades = algorithm.history[TradeBar](underlying, start, end, resolution, data_normalization_mode=mode)
        told = [(bar.end_time, 0, float(bar.close)) for bar in trades]
        # LEAN has no quotes of indices, nor of stocks by the hour or day, and asking for them is an error.
        unquoted = stock and resolution in (Resolution.HOUR, Resolution.DAILY)
        if not unquoted and underlying.security_type != SecurityType.INDEX:
            quotes = algorithm.history[QuoteBar](underlying, start, end, resolution, data_normalization_mode=mode)
            told += [(bar.end_time, 1, float(bar.close)) for bar in quotes]
        told.sort()
        self._times = np.array([time for time, *_ in told], dtype="datetime64[us]")
        self._prices = [price for *_, price in told]

    def at(self, time: dt.datetime) -> float:
        """Zero before the first bar."""
        last = int(np.searchsorted(self._times, np.datetime64(time, "us"), side="right"))
        return self._prices[last - 1] if last else 0.0


def _by_time(slices: Iterable[Any]) -> dict[dt.datetime, dict[str, Any]]:
    """Bars of a history by the time they ended and the contract's name."""
    found: dict[dt.datetime, dict[str, Any]] = {}
    for bars in slices:
        for pair in bars:
            found.setdefault(pair.value.end_time, {})[str(pair.key.value)] = pair.value
    return found


def _quote(bar: QuoteBar | None) -> tuple[float, float]:
    bid, ask = (None, None) if bar is None else (bar.bid, bar.ask)
    return 0.0 if bid is None else float(bid.close), 0.0 if ask is None else float(ask.close)
