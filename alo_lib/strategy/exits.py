"""When a trade ends."""

import numpy as np

from alo_lib.numerics.fixed_order import dot
from alo_lib.records import DAY, OPTION_MULTIPLIER, OrderReason
from alo_lib.settings import Settings
from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.staleness import is_fresh, lags, quoted_at_spot
from alo_lib.strategy.state import StrategyState
from alo_lib.strategy.structures import STRUCTURES
from alo_lib.strategy.trade import Trade, TradeView
from alo_lib.strategy.valuation import exercise_gain

__all__ = ["end_trades", "exit_reason", "view_of"]


def end_trades(state: StrategyState, settings: Settings, time: int) -> None:
    """Drop the trades that are finished, and undo those that have a reason to end, or a graver one.

    Unless its edge is gone, which may come back, nothing is opened in the underlying for the rest of the session. While
    an insight of the host backs a trade, its edge does not end it.
    """
    working = state.instruments_working()
    state.drop_trades([trade for trade in state.trades if trade.finished(state.portfolio, working)])
    for trade in state.trades:
        view = view_of(state, settings, trade, time) if trade.may_get_graver else None
        if view is None:
            continue
        if trade.undone_by is None:
            trade.seen = view
        reason = exit_reason(trade, view, state.underlyings[trade.underlying].book, settings, time)
        if reason is OrderReason.EXIT_EDGE and state.external.backs(trade.legs, time):
            continue
        if reason is not None and trade.undo(reason):
            trade.seen = view
            if reason is not OrderReason.EXIT_EDGE:
                state.block_entries(trade.underlying)


def view_of(state: StrategyState, settings: Settings, trade: Trade, time: int) -> TradeView | None:
    """What the market says of a trade; None while it says nothing new, NaN for what a stale spot or leg cannot tell."""
    underlying = state.underlyings[trade.underlying]
    book = underlying.book
    if not underlying.market_news or underlying.valuation is None or not all(map(book.lists, trade.legs)):
        return None
    values = underlying.valuation.at_forecast
    rows = np.array([book.row(leg) for leg in trade.legs], np.intp)
    held = np.array([state.portfolio.quantity(leg) for leg in trade.legs], np.float64)
    mid, worth, signed = book.mid()[rows], values.price[rows], np.array(trade.signed_ratios, np.float64)
    gain, vega = dot(signed, worth - mid), dot(np.abs(signed), values.vega[rows])
    calls = book.contracts["right"][rows] > 0
    short_calls, long_calls = rows[(signed < 0.0) & calls], np.flatnonzero((signed > 0.0) & calls)
    volatility = np.array([underlying.implied.get(leg, np.nan) for leg in trade.legs])
    implied = float(np.mean(volatility))
    held_value = dot(held, np.where(np.isfinite(mid), mid, worth)) * OPTION_MULTIPLIER
    told = is_fresh(book.spot_time, settings, time) and bool(quoted_at_spot(book, rows, settings).all())
    result, implied = (trade.result(held_value), implied) if told else (np.nan, np.nan)
    if not told or underlying.screen is None or lags(underlying.screen.lag[rows]).any():
        gain = np.nan  # one that is not there
    gains: list[float] = []
    if is_fresh(book.spot_time, settings, time) and _is_guarded(book, settings, time):
        gains = exercise_gain(book, rows[long_calls], state.rate, time, volatility[long_calls]).tolist()
    return TradeView(
        result=result,
        remaining_edge=gain / vega if vega > 0.0 else np.nan,
        remaining_gain=gain * OPTION_MULTIPLIER,
        implied_volatility=implied,
        forecast_volatility=underlying.forecast.get(trade.expiry, np.nan),
        short_call_strike=min(book.contracts["strike"][short_calls].tolist(), default=np.inf),
        exercise_gain=max(gains, default=-np.inf),
    )


def _is_guarded(book: MarketBook, settings: Settings, time: int) -> bool:
    """Whether the next ex-date is nearer than the guard's days."""
    ex_date = book.next_ex_date(time)
    return ex_date is not None and ex_date - time < settings.dividend_guard_days * DAY


def exit_reason(trade: Trade, view: TradeView, book: MarketBook, settings: Settings, time: int) -> OrderReason | None:
    """Why the trade should end now, the gravest reason first; None when it should not."""
    is_exercised = book.spot > view.short_call_strike or view.exercise_gain > 0.0
    checks = (
        (OrderReason.EXIT_SPLIT, book.split_pending),
        (OrderReason.EXIT_ACTION, book.action_ahead),
        (OrderReason.EXIT_EXPIRY, trade.expiry - time < settings.exit_days_to_expiry * DAY),
        (OrderReason.EXIT_DIVIDEND, is_exercised and _is_guarded(book, settings, time)),
        (OrderReason.EXIT_STOP, view.result < -settings.stop_loss * trade.gross_premium),
        (OrderReason.EXIT_STRUCTURE, _closes_by_itself(trade, view, book, settings, time)),
        (OrderReason.EXIT_TIME, time - trade.opened_at > settings.max_holding_days * DAY),
        (OrderReason.EXIT_EDGE, view.remaining_edge < settings.exit_edge),
    )
    return next((reason for reason, holds in checks if holds), None)


def _closes_by_itself(trade: Trade, view: TradeView, book: MarketBook, settings: Settings, time: int) -> bool:
    """Whether its structure has a rule that ends it now; one that a host's models named has none."""
    structure = STRUCTURES.get(trade.structure)
    if structure is None or structure.closes is None:
        return False
    return structure.closes(book, trade.legs, view.forecast_volatility, settings, time)
