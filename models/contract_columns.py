"""A contract's row of what pricing reads, from LEAN's symbol and security, where there is no chain to read it from."""

import datetime as dt
from typing import Any, Final

from AlgorithmImports import OptionRight, OptionStyle, QCAlgorithm, QuoteBar, Security, Symbol, TradeBar

from models.chain_terms import properties_of

__all__ = ["quote_columns", "spot_of", "static_columns"]

_EPOCH: Final = dt.datetime(1, 1, 1)


def static_columns(symbol: Symbol) -> tuple[float, float, float, float]:
    """A contract's strike, right, expiry day and style, as :data:`models.compiled_border.READ` has them."""
    identity = symbol.id
    strike = float(identity.strike_price) * float(properties_of(symbol).strike_multiplier)
    call, american = identity.option_right == OptionRight.CALL, identity.option_style == OptionStyle.AMERICAN
    return strike, float(not call), float((identity.date - _EPOCH).days), float(not american)


def quote_columns(security: Security, spot: float) -> tuple[float, float, float, float]:
    """An option's bid, ask, last trade and the spot, as READ has them; 0 where there is none."""
    trade = security.cache.get_data[TradeBar]()
    return float(security.bid_price), float(security.ask_price), 0.0 if trade is None else float(trade.close), spot


def spot_of(algorithm: QCAlgorithm, canonical: Symbol) -> float:
    """The price of an option's underlying that its contracts have now: their chain's, where the slice has one.

    Else the newest bar's, a quote's before a trade's, and then the security's; 0 where there is none. LEAN takes a
    chain's underlying from quotes as well, and a security's price from trades alone where it has some.
    """
    data: Any = algorithm.current_slice
    chain = None if data is None else data.option_chains.get(canonical)
    if chain is not None and chain.underlying is not None:
        return float(chain.underlying.price)
    securities = algorithm.securities
    if not securities.contains_key(canonical.underlying):
        return 0.0
    underlying = securities[canonical.underlying]
    bars = [bar for kind in (QuoteBar, TradeBar) if (bar := underlying.cache.get_data[kind]()) is not None]
    newest = max(bars, key=lambda bar: bar.end_time, default=None)  # of equals the first
    return float(underlying.price if newest is None else newest.price)
