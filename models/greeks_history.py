"""Greeks of the past: LEAN's history has an option's quotes, and no greeks."""

import datetime as dt
from collections.abc import Sequence

import numpy as np
import pandas as pd
from AlgorithmImports import Option, OptionRight, OptionStyle, QCAlgorithm, QuoteBar, Resolution, Symbol, TradeBar

from models.chain_terms import utc_of
from models.compiled_border import READ, WRITTEN
from models.option_price_model import AloOptionPriceModel

__all__ = ["greeks_history"]

_EPOCH = dt.datetime(1, 1, 1)


def greeks_history(
    algorithm: QCAlgorithm,
    model: AloOptionPriceModel,
    option: Option,
    symbols: Sequence[Symbol],
    start: dt.datetime,
    end: dt.datetime,
    resolution: Resolution,
) -> pd.DataFrame:
    """Prices, implied volatilities and greeks that contracts of one option had between two times.

    option: the security that the contracts belong to, the canonical one or any contract's. One row for each contract
    and bar, by time and then in the order of ``symbols``, with the columns of LEAN's result in its units: price,
    implied_volatility, delta, gamma, vega, theta, rho, leverage; NaN where a contract had none. The underlying's price
    is its last bar's up to the bar's end, a quote's before a trade's, as LEAN has it in a chain. Rates and dividends
    are as of the bar; price is the market's, since a volatility model no longer knows what it said.
    """
    span = (start, end, resolution)
    underlying = option.symbol.underlying
    told = [(bar.end_time, 0, float(bar.close)) for bar in algorithm.history[TradeBar](underlying, *span)]
    told += [(bar.end_time, 1, float(bar.close)) for bar in algorithm.history[QuoteBar](underlying, *span)]
    told.sort()
    times = np.array([time for time, *_ in told], dtype="datetime64[us]")
    static = {symbol.value: _terms(symbol) for symbol in symbols}
    rows, index = [], []
    for bars in algorithm.history[QuoteBar](list(symbols), *span):
        found = {str(pair.key.value): pair.value for pair in bars}
        present = [symbol for symbol in symbols if symbol.value in found]
        if not present:
            continue
        ended = found[present[0].value].end_time
        last = int(np.searchsorted(times, np.datetime64(ended, "us"), side="right"))
        spot = told[last - 1][-1] if last else 0.0
        columns = np.array([[*static[symbol.value], *_quote(found[symbol.value]), 0.0, spot] for symbol in present])
        assert columns.shape[1] == len(READ)
        rows.append(model.past_values(columns, present, option, utc_of(option.exchange.hours, ended)))
        index += [(ended, symbol.value) for symbol in present]
    names = pd.MultiIndex.from_tuples(index, names=["time", "symbol"]) if index else None
    return pd.DataFrame(np.concatenate([np.empty((0, len(WRITTEN))), *rows]), index=names, columns=list(WRITTEN))


def _terms(symbol: Symbol) -> tuple[float, float, float, float]:
    """A contract's strike, right, expiry day and style, as :data:`models.compiled_border.READ` has them."""
    identity = symbol.id
    call, american = identity.option_right == OptionRight.CALL, identity.option_style == OptionStyle.AMERICAN
    return float(identity.strike_price), float(not call), float((identity.date - _EPOCH).days), float(not american)


def _quote(bar: QuoteBar) -> tuple[float, float]:
    bid, ask = bar.bid, bar.ask
    return 0.0 if bid is None else float(bid.close), 0.0 if ask is None else float(ask.close)
