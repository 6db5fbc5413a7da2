"""A contract's row of what pricing reads, from LEAN's symbol and security, where there is no chain to read it from."""

import datetime as dt
from typing import Final

from AlgorithmImports import OptionRight, OptionStyle, Security, Symbol, TradeBar

from models.chain_terms import properties_of

__all__ = ["quote_columns", "static_columns"]

_EPOCH: Final = dt.datetime(1, 1, 1)


def static_columns(symbol: Symbol) -> tuple[float, float, float, float]:
    """A contract's strike, right, expiry day and style, as :data:`models.compiled_border.READ` has them."""
    identity = symbol.id
    strike = float(identity.strike_price) * float(properties_of(symbol).strike_multiplier)
    call, american = identity.option_right == OptionRight.CALL, identity.option_style == OptionStyle.AMERICAN
    return strike, float(not call), float((identity.date - _EPOCH).days), float(not american)


def quote_columns(security: Security) -> tuple[float, float, float, float]:
    """An option's bid, ask, last trade and the price of its underlying now, as READ has them; 0 where there is none."""
    trade, underlying = security.cache.get_data[TradeBar](), security.underlying
    data = None if underlying is None else underlying.get_last_data()  # what LEAN gives a chain as its spot
    spot = 0.0 if underlying is None else float(underlying.price if data is None else data.price)
    last = 0.0 if trade is None else float(trade.close)
    return float(security.bid_price), float(security.ask_price), last, spot
