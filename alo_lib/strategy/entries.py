"""Which signals become trades."""

from collections.abc import Sequence

import numpy as np

from alo_lib.numerics.fixed_order import dot
from alo_lib.records import LEGS, OPTION_MULTIPLIER, RATIOS, Kind, Records, legs_and_ratios, legs_of, records
from alo_lib.settings import Settings
from alo_lib.strategy.exposure import equity
from alo_lib.strategy.funnel import count_stops
from alo_lib.strategy.halts import stopped_by_halt
from alo_lib.strategy.sizing import affordable, structures_for
from alo_lib.strategy.state import StrategyState
from alo_lib.strategy.trade import Trade

__all__ = ["entry_record", "new_trade", "openable", "proposed_trades", "stopped_by"]


def proposed_trades(state: StrategyState, settings: Settings, signals: Records, time: int) -> list[Trade]:
    """The trades to be opened on SIGNAL records, in their order: those whose edge suffices and that are free to trade.

    What stopped the others whose edge suffices is counted. Limits of the book have not been asked yet.
    """
    total = equity(state)
    proposed: list[Trade] = []
    stops: list[tuple[int, str]] = []
    for signal in signals:
        if signal["edge_volatility"] < settings.entry_edge:
            continue
        quantity, stop = openable(state, settings, signal, time, total, proposed)
        if stop is None:
            proposed.append(new_trade(state, signal, quantity, time))
        else:
            stops.append((int(signal["underlying"]), stop))
    count_stops(state, stops)
    return proposed


def openable(
    state: StrategyState, settings: Settings, signal: np.void, time: int, total: float, proposed: Sequence[Trade] = ()
) -> tuple[int, str | None]:
    """How many structures of a SIGNAL record may be opened now by an equity of ``total``; of 0 what stops them all.

    That is one of ENTRY_LIMITS; limits of the book are not asked.
    """
    stop = stopped_by(state, settings, signal, time, proposed)
    if stop is not None:
        return 0, stop
    quantity = structures_for(signal, state.underlyings[int(signal["underlying"])].book, settings, total)
    if quantity >= 1:
        return quantity, None
    return 0, "participation" if affordable(signal, settings, total) >= 1 else "vega_budget"


def stopped_by(
    state: StrategyState, settings: Settings, signal: np.void, time: int, proposed: Sequence[Trade] = ()
) -> str | None:
    """Which of ENTRY_LIMITS keeps a structure, as a SIGNAL record has it, from being opened now; None where none does.

    Nothing halts the book; the session is past its entry delay and before its cutoff; the contracts have the
    terms that they are listed with, and keep them; the underlying is not blocked for the session, not waiting for
    models that know of a jump, and has room for one more trade beside those that are ``proposed``; no other trade has
    one of the legs.
    """
    session, number = state.session, int(signal["underlying"])
    underlying = state.underlyings[number]
    book = underlying.book
    trades = state.trades_in(number) + [trade for trade in proposed if trade.underlying == number]
    taken = {leg for trade in trades for leg in trade.legs}
    if (halted := stopped_by_halt(state)) is not None:
        return halted[0]
    if session is None or session.seconds_since_open(time) < settings.entry_delay:
        return "entry_delay"
    if session.seconds_to_close(time) <= settings.entry_cutoff:
        return "entry_cutoff"
    if book.terms_change or book.barred.intersection(legs_of(signal)):
        return "corporate_action"
    if time < book.blocked_until or underlying.forecaster.unsettled:
        return "session_block"
    if taken.intersection(legs_of(signal)):
        return "leg_held"
    return "max_structures" if len(trades) >= settings.max_structures else None


def new_trade(state: StrategyState, signal: np.void, quantity: int, time: int) -> Trade:
    """The trade of ``quantity`` structures of a SIGNAL record, opened at ``time``."""
    number, (legs, ratios) = int(signal["underlying"]), legs_and_ratios(signal)
    book = state.underlyings[number].book
    expiries = tuple(int(book.contracts["expiry"][book.row(leg)]) for leg in legs)
    structure, direction = bytes(signal["structure"]).decode(), int(signal["direction"])
    made = Trade(number, structure, legs, ratios, expiries, direction, quantity, time)
    made.signal[0] = signal
    return made


def entry_record(state: StrategyState, trade: Trade) -> Records:
    """The ENTRY record of a trade that is opened in this frame."""
    signal, underlying = trade.signal, state.underlyings[trade.underlying]
    row = records(Kind.ENTRY, trade=trade.number, quantity=trade.quantity, expiry=trade.expiry)
    for name in ("underlying", "structure", "legs", *LEGS, *RATIOS, "direction", "edge", "edge_volatility"):
        row[name] = signal[name]
    row["implied_volatility"] = signal["implied_volatility"] if signal["implied_volatility"] > 0.0 else np.nan
    row["forecast_volatility"] = underlying.forecast.get(trade.expiry, np.nan)
    row["band_low"], row["band_high"] = underlying.band.get(trade.expiry, (np.nan, np.nan))
    if underlying.valuation is not None:
        rows, ratios = [underlying.book.row(leg) for leg in trade.legs], np.array(trade.ratios, np.float64)
        for name in ("delta", "gamma", "vega", "theta"):
            row[name] = dot(ratios, getattr(underlying.valuation.at_forecast, name)[rows]) * OPTION_MULTIPLIER
    return row
