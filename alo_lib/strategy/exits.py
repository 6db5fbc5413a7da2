"""When a trade ends."""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from alo_lib.numerics.fixed_order import dot
from alo_lib.records import DAY, OPTION_MULTIPLIER, OrderReason
from alo_lib.settings import Settings
from alo_lib.strategy.baskets import by_basket, undo_together
from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.staleness import is_fresh, lags, quoted_at_spot
from alo_lib.strategy.state import StrategyState
from alo_lib.strategy.structures import STRUCTURES
from alo_lib.strategy.trade import Trade, TradeView
from alo_lib.strategy.valuation import exercise_gain

__all__ = ["Standing", "end_trades", "exit_reason", "view_of"]


class Standing(NamedTuple):
    """How what is held as one stands: a trade, or a basket. NaN where it cannot be told."""

    result: float  # money
    gross_premium: float  # money
    remaining_edge: float  # over gross vega, as volatility

    @classmethod
    def of(cls, trades: Sequence[Trade], views: Sequence[TradeView]) -> "Standing":
        """That of trades by what the market says of each."""
        premium = math.fsum(trade.gross_premium for trade in trades)
        if len(trades) == 1:
            return cls(views[0].result, premium, views[0].remaining_edge)
        gain, vega = (
            math.fsum(trade.quantity * value for trade, value in zip(trades, values, strict=True))
            for values in ([view.remaining_gain for view in views], [view.vega for view in views])
        )
        return cls(sum(view.result for view in views), premium, gain / vega if vega > 0.0 else math.nan)


_UNTOLD: Final = Standing(math.nan, math.nan, math.nan)


def end_trades(state: StrategyState, settings: Settings, time: int) -> None:
    """Drop the trades that are finished, and undo those that have a reason to end, or a graver one.

    Unless its edge is gone, which may come back, nothing is opened in the underlying for the rest of the session. While
    an insight of the host backs a trade, its edge does not end it. A basket ends as one: by the gravest reason that any
    of its trades has, its loss and its edge being those of all of them.
    """
    undo_together(state)
    working = state.instruments_working()
    state.drop_trades([trade for trade in state.trades if trade.finished(state.portfolio, working)])
    for together in by_basket(state.trades):
        views = {
            place: view
            for place, trade in enumerate(together)
            if trade.may_get_graver and (view := view_of(state, settings, trade, time)) is not None
        }
        is_told = len(views) == len(together)
        standing = Standing.of(together, [*views.values()]) if is_told else _UNTOLD
        for place, view in views.items():
            trade = together[place]
            if trade.undone_by is None:
                trade.seen = view
            book = state.underlyings[trade.underlying].book
            reason = exit_reason(trade, view, book, settings, time, standing)
            if reason is OrderReason.EXIT_EDGE and state.external.backs(trade.legs, time):
                continue
            if reason is not None and trade.undo(reason):
                trade.seen = view
                if reason is not OrderReason.EXIT_EDGE:
                    state.block_entries(trade.underlying)
    undo_together(state)


def view_of(state: StrategyState, settings: Settings, trade: Trade, time: int) -> TradeView | None:
    """What the market says of a trade; None while it says nothing new, NaN for what a stale spot or leg cannot tell."""
    underlying = state.underlyings[trade.underlying]
    book = underlying.book
    if not underlying.market_news or underlying.valuation is None or not all(map(book.lists, trade.legs)):
        return None
    values = underlying.valuation.at_forecast
    rows = np.array([book.row(leg) for leg in trade.legs], np.intp)
    held = np.array([state.portfolio.quantity(leg) for leg in trade.legs], np.float64)
    mid, worth, signed = book.mid(rows), values.price[rows], np.array(trade.signed_ratios, np.float64)
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
        vega=vega * OPTION_MULTIPLIER,
    )


def _is_guarded(book: MarketBook, settings: Settings, time: int) -> bool:
    """Whether the next ex-date is nearer than the guard's days."""
    ex_date = book.next_ex_date(time)
    return ex_date is not None and ex_date - time < settings.dividend_guard_days * DAY


def exit_reason(
    trade: Trade, view: TradeView, book: MarketBook, settings: Settings, time: int, standing: Standing | None = None
) -> OrderReason | None:
    """Why the trade should end now, the gravest reason first; None when it should not.

    ``standing`` is that of its basket; without it the trade stands for itself.
    """
    result, premium, remaining_edge = Standing.of([trade], [view]) if standing is None else standing
    is_exercised = book.spot > view.short_call_strike or view.exercise_gain > 0.0
    checks = (
        (OrderReason.EXIT_SPLIT, book.split_pending),
        (OrderReason.EXIT_ACTION, book.action_ahead),
        (OrderReason.EXIT_EXPIRY, trade.expiry - time < settings.exit_days_to_expiry * DAY),
        (OrderReason.EXIT_DIVIDEND, is_exercised and _is_guarded(book, settings, time)),
        (OrderReason.EXIT_STOP, result < -settings.stop_loss * premium),
        (OrderReason.EXIT_STRUCTURE, _closes_by_itself(trade, view, book, settings, time)),
        (OrderReason.EXIT_TIME, time - trade.opened_at > settings.max_holding_days * DAY),
        (OrderReason.EXIT_EDGE, remaining_edge < settings.exit_edge),
    )
    return next((reason for reason, holds in checks if holds), None)


def _closes_by_itself(trade: Trade, view: TradeView, book: MarketBook, settings: Settings, time: int) -> bool:
    """Whether its structure has a rule that ends it now; one that a host's models named has none."""
    structure = STRUCTURES.get(trade.structure)
    if structure is None or structure.closes is None:
        return False
    return structure.closes(book, trade.legs, view.forecast_volatility, settings, time)
