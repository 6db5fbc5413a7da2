"""A contract's row of what pricing reads, from LEAN's symbol and security, where there is no chain to read it from."""

import datetime as dt
from typing import Final

from AlgorithmImports import IBar, OptionRight, OptionStyle, QuoteBar, Security, Symbol, TradeBar

from models.chain_terms import properties_of

__all__ = ["quote_columns", "spot_of", "static_columns"]

_EPOCH: Final = dt.datetime(1, 1, 1)


def static_columns(symbol: Symbol) -> tuple[float, float, float, float]:
    """A contract's strike, right, expiry day and style, as :data:`models.compiled_question.READ` has them."""
    identity = symbol.id
    strike = float(identity.strike_price) * float(properties_of(symbol).strike_multiplier)
    call, american = identity.option_right == OptionRight.CALL, identity.option_style == OptionStyle.AMERICAN
    return strike, float(not call), float((identity.date - _EPOCH).days), float(not american)


def quote_columns(security: Security) -> tuple[float, float, float]:
    """An option's bid, ask and last trade as its chain would hold them; 0 where there is none.

    Of the newest bars, since LEAN's security keeps the side of an older quote that the newest lacks; those of the
    security alone where it has had no bar. Its price stands for a trade where nothing else is known.
    """
    quote: QuoteBar | None = security.cache.get_data[QuoteBar]()
    trade: TradeBar | None = security.cache.get_data[TradeBar]()
    if quote is None:
        bid, ask = float(security.bid_price), float(security.ask_price)
    else:
        sides: tuple[IBar | None, ...] = (quote.bid, quote.ask)
        bid, ask = (0.0 if side is None else float(side.close) for side in sides)
    if trade is not None:
        return bid, ask, float(trade.close)
    return bid, ask, 0.0 if bid or ask else float(security.price)


def spot_of(underlying: Security) -> float:
    """What an underlying is at in the chain of its options now: the newest bar's price, a quote's before a trade's.

    The security's own where it has had no bar; LEAN takes that of a stock from trades alone where it has some.
    """
    bars = [bar for kind in (QuoteBar, TradeBar) if (bar := underlying.cache.get_data[kind]()) is not None]
    newest = max(bars, key=lambda bar: bar.end_time, default=None)  # of equals the first
    return float(underlying.price if newest is None else newest.price)
