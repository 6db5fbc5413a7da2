"""When a trade ends."""

from dataclasses import dataclass

from alo_lib.records import DAY, OrderReason
from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.settings import StrategySettings
from alo_lib.strategy.trade import Trade

__all__ = ["TradeView", "exit_reason"]


@dataclass(frozen=True, slots=True)
class TradeView:
    """What the market says of an open trade."""

    result: float  # money, hedge included; NaN where it cannot be told
    remaining_edge: float  # at mid, as volatility: what is still to be gained; NaN where it cannot be told
    call_strike: float


def exit_reason(
    trade: Trade, view: TradeView, book: MarketBook, settings: StrategySettings, time: int
) -> OrderReason | None:
    """Why the trade should end now, the gravest reason first; None when it should not."""
    ex_date = book.next_ex_date()
    assignable = trade.direction < 0 and book.spot > view.call_strike
    checks = (
        (OrderReason.EXIT_SPLIT, book.split_pending),
        (OrderReason.EXIT_EXPIRY, trade.expiry - time < settings.exit_days_to_expiry * DAY),
        (
            OrderReason.EXIT_DIVIDEND,
            assignable and ex_date is not None and 0 <= ex_date - time < settings.dividend_guard_days * DAY,
        ),
        (OrderReason.EXIT_STOP, view.result < -settings.stop_loss * abs(trade.premium)),
        (OrderReason.EXIT_TIME, time - trade.opened_at > settings.max_holding_days * DAY),
        (OrderReason.EXIT_EDGE, view.remaining_edge < settings.exit_edge),
    )
    return next((reason for reason, holds in checks if holds), None)
