"""The part of a run's page that tells what was traded: by trade, by position, by order."""

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

import numpy as np

from alo_lib.records import PROFIT_PARTS, OrderStatus
from alo_lib.views import page
from alo_lib.views.blotter import positions
from alo_lib.views.page import Html
from alo_lib.views.run import Run, exchange_moment, exchange_time
from alo_lib.views.spoken import DASH, money, or_dash
from alo_lib.views.trades import TradeRecord, trade_records
from alo_lib.views.units import PEOPLES, shown

__all__ = ["orders_section", "positions_section", "trades_section"]


_TRADE: Final = (
    *("opened", "underlying", "structure", "side", "structures", "ended", "why", "implied", "forecast", "90 % band"),
    *("realized, bar to bar", "edge, $ each", "delta", "gamma", PEOPLES["vega"].title, PEOPLES["theta"].title),
    *("hedges", "profit"),
)


def trades_section(run: Run) -> Html:
    """The blotter by trade, with what each one made and of what."""
    trades = trade_records(run)
    if not trades:
        return page.section("Trades", page.note("No trade was opened."))
    first = trades[: page.MAX_ROWS]
    told_of = [one.cents for one in first]
    named = [name for name in PROFIT_PARTS if any(parts and parts[name] for parts in told_of)]
    columns = (*_TRADE, *named)
    rows = [
        (one.underlying, (*_trade_cells(one), *_money_cells(parts, named)))
        for one, parts in zip(first, told_of, strict=True)
    ]
    table = page.sorting_table(columns, rows, {4, *range(7, len(columns))}, (0, 5))
    told = page.note(
        "Times are New York's; a click on one leads to the chart. Volatilities and greeks are those of the entry, of "
        "one structure bought, at the forecast; realized is from bar to bar of the underlying over "
        "the trade's life, a night being one move. The "
        "columns after the profit sum to it."
    )
    return page.section("Trades", table, told, *_rest(len(trades), "trades.csv"))


def _trade_cells(one: TradeRecord) -> tuple[str, ...]:
    opened, ended = (exchange_moment(time)[:19] if time else "" for time in (one.opened, one.ended))
    has_band = math.isfinite(one.band_low) and math.isfinite(one.band_high)
    strikes = f"{one.put.strike:g} put" if one.put.strike != one.call.strike else ""
    legs = f"{one.call.label.partition(' ')[2]}{f', {strikes}' if strikes else ' and put'}"
    return (
        opened,
        one.underlying,
        legs,
        "buy" if one.direction > 0 else "sell",
        f"{one.quantity:,}",
        ended,
        one.reason or "still open",
        or_dash(one.implied_volatility, "z.2%"),
        or_dash(one.forecast_volatility, "z.2%"),
        f"{one.band_low:z.1%} to {one.band_high:z.1%}" if has_band else DASH,
        or_dash(one.realized_volatility, "z.2%"),
        f"{one.edge:z,.2f}",
        f"{one.delta:z,.1f}",
        f"{one.gamma:z,.2f}",
        f"{shown('vega', one.vega):z,.2f}",
        f"{shown('theta', one.theta):z,.2f}",
        f"{one.hedges:,}",
    )


def _money_cells(parts: Mapping[str, Decimal], named: Sequence[str]) -> tuple[str, ...]:
    """Profit, and the parts that it is the sum of; dashes where the core did not tell of the trade."""
    if not parts:
        return (DASH,) * (1 + len(named))
    return tuple(money(float(one)) for one in (sum(parts.values()), *(parts[name] for name in named)))


def positions_section(run: Run) -> Html:
    """What each instrument brought."""
    rows = [
        (
            one.instrument.label,
            f"{one.bought:,}",
            f"{one.sold:,}",
            f"{one.quantity:,}",
            f"{one.mark:z,.2f}",
            money(one.fees),
            money(one.profit),
        )
        for one in positions(run)
    ]
    columns = ("instrument", "bought", "sold", "held at the end", "last mark", "fees", "profit after fees")
    return page.section(
        "Positions", page.table(columns, rows, range(1, 7)) if rows else page.note("Nothing was traded.")
    )


def orders_section(run: Run) -> Html:
    """Every order, in the order in which they were sent."""
    orders = run.orders
    labels = {instrument.symbol: instrument.label for instrument in run.instruments.values()}
    times = exchange_time(np.array([order.time for order in orders], np.int64))
    rows = [
        (
            labels[order.symbol].partition(" ")[0],
            (
                time,
                labels[order.symbol],
                order.side,
                f"{abs(order.quantity):,}",
                order.type.name.lower().replace("_", " "),
                f"{order.price:z,.2f}" if order.filled else DASH,
                money(order.fee),
                order.tag,
                OrderStatus(order.status).name.lower().replace("_", " "),
            ),
        )
        for time, order in zip(times, orders, strict=True)
    ]
    columns = ("New York time", "instrument", "side", "quantity", "type", "price", "fee", "why", "status")
    if not rows:
        return page.section("Orders", page.note("No order was sent."))
    table = page.sorting_table(columns, rows[: page.MAX_ROWS], (3, 5, 6), (0,))
    return page.section("Orders", table, *_rest(len(rows), "orders.csv"))


def _rest(count: int, file: str) -> list[Html]:
    """Says where the rows are that a table does not show."""
    return (
        [page.note(f"The first {page.MAX_ROWS:,} of {count:,}; {file} has all of them.")]
        if count > page.MAX_ROWS
        else []
    )
