"""Which signals become trades."""

from collections.abc import Sequence

import numpy as np

from alo_lib.records import OPTION_MULTIPLIER, Kind, Records, records
from alo_lib.settings import Settings
from alo_lib.strategy.exposure import equity
from alo_lib.strategy.sizing import structures_for
from alo_lib.strategy.state import StrategyState
from alo_lib.strategy.trade import Trade

__all__ = ["entry_record", "may_open", "new_trade", "proposed_trades"]


def proposed_trades(state: StrategyState, settings: Settings, signals: Records, time: int) -> list[Trade]:
    """The trades to be opened on SIGNAL records, in their order: those whose edge suffices and that are free to trade.

    Limits have not been asked yet.
    """
    total = equity(state)
    proposed: list[Trade] = []
    for signal in signals:
        if signal["edge_volatility"] < settings.entry_edge or not may_open(state, settings, signal, time, proposed):
            continue
        quantity = structures_for(signal, state.underlyings[int(signal["underlying"])].book, settings, total)
        if quantity >= 1:
            proposed.append(new_trade(state, signal, quantity, time))
    return proposed


def may_open(
    state: StrategyState, settings: Settings, signal: np.void, time: int, proposed: Sequence[Trade] = ()
) -> bool:
    """Whether a SIGNAL record's pair may be opened now, whatever its edge and size, with ``proposed`` opened as well.

    The book is not halted; the session is past its entry delay and before its cutoff; the underlying is not about to
    split, not blocked for the session, and has room for one more trade; no other trade has one of the legs.
    """
    session, number = state.session, int(signal["underlying"])
    if session is None or state.halted:
        return False
    if session.seconds_since_open(time) < settings.entry_delay:
        return False
    if session.seconds_to_close(time) <= settings.entry_cutoff:
        return False
    book = state.underlyings[number].book
    if book.split_pending or time < book.blocked_until:
        return False
    trades = state.trades_in(number) + [trade for trade in proposed if trade.underlying == number]
    taken = {leg for trade in trades for leg in trade.legs}
    return len(trades) < settings.max_structures and not {int(signal["call"]), int(signal["put"])} & taken


def new_trade(state: StrategyState, signal: np.void, quantity: int, time: int) -> Trade:
    """The trade of ``quantity`` structures of a SIGNAL record, opened at ``time``."""
    number, call, put = int(signal["underlying"]), int(signal["call"]), int(signal["put"])
    book = state.underlyings[number].book
    expiry = int(book.contracts["expiry"][book.row(call)])
    made = Trade(number, call, put, int(signal["direction"]), quantity, time, expiry)
    made.signal[0] = signal
    return made


def entry_record(state: StrategyState, trade: Trade) -> Records:
    """The ENTRY record of a trade that is opened in this frame."""
    signal, underlying = trade.signal, state.underlyings[trade.underlying]
    row = records(Kind.ENTRY, trade=trade.number, quantity=trade.quantity, expiry=trade.expiry)
    for name in ("underlying", "call", "put", "direction", "edge", "edge_volatility"):
        row[name] = signal[name]
    row["implied_volatility"] = signal["implied_volatility"] if signal["implied_volatility"] > 0.0 else np.nan
    row["forecast_volatility"] = underlying.forecast.get(trade.expiry, np.nan)
    row["band_low"], row["band_high"] = underlying.band.get(trade.expiry, (np.nan, np.nan))
    if underlying.valuation is not None:
        rows = [underlying.book.row(leg) for leg in trade.legs]
        for name in ("delta", "gamma", "vega", "theta"):
            row[name] = float(np.sum(getattr(underlying.valuation.at_forecast, name)[rows])) * OPTION_MULTIPLIER
    return row
