"""The part of a run's page that tells what was traded: by trade, by position, by order."""

import math
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import numpy as np

from alo_lib.records import OrderStatus
from alo_lib.views import page
from alo_lib.views.attribution import OUTSIDE, STATED_PARTS
from alo_lib.views.blotter import positions
from alo_lib.views.page import Html
from alo_lib.views.run import Run, exchange_moment, exchange_time
from alo_lib.views.slippage import OrderSlippage, order_slippages
from alo_lib.views.spoken import DASH, cents, money, or_dash
from alo_lib.views.structure_words import structure_in_words
from alo_lib.views.trades import TradeCommand, TradeRecord, trade_records
from alo_lib.views.units import PEOPLES, shown

__all__ = ["orders_section", "positions_section", "trades_section"]


_GREEKS: Final = ("delta", "gamma", PEOPLES["vega"].title, PEOPLES["theta"].title)
_TRADE: Final = (
    *("opened", "ended", "underlying", "structure", "side", "structures", "why", "profit, all structures", "hedging"),
    *("implied at entry", "implied at exit", "forecast at entry", "90 % band", "forecast at exit"),
    *("realized, bar to bar", "edge at entry, $ a structure", "gain left at exit, $ a structure"),
    *("executed", "command", "cost of opening", "cost of undoing"),
    *(*(f"{name} of one" for name in _GREEKS), "hedges"),
)
_WORDS: Final = {"opened", "ended", "underlying", "structure", "side", "command", "why"}


def trades_section(run: Run, summary: dict[str, Any]) -> Html:
    """The blotter by trade, with what each one made and of what, down to the net profit that ``summary`` states."""
    trades = trade_records(run)
    if not trades:
        return page.section("Trades", page.note("No trade was opened."))
    first = trades[: page.MAX_ROWS]
    told_of = [one.cents for one in first]
    outside, total = _outside_and_total(summary, trades)
    named = [name for name in STATED_PARTS if total[name] or any(parts.get(name) for parts in (outside, *told_of))]
    columns = (*_TRADE, *named)
    rows = [
        (one.underlying, (*_trade_cells(one, parts), *(_money(parts, name) for name in named)))
        for one, parts in zip(first, told_of, strict=True)
    ]
    numeric = [column for column, title in enumerate(columns) if title not in _WORDS]
    hedged = summary["hedging"]["together"]
    of_trades = sum(float(one.hedging.together) for one in trades if one.hedging is not None)
    totals = [
        _foot(title, parts, money(made), named)
        for title, parts, made in ((OUTSIDE, outside, hedged - of_trades), ("net profit", total, hedged))
    ]
    table = page.sorting_table(columns, rows, numeric, (0, 1), totals=totals)
    told = page.note(
        "Times are New York's; a click on one leads to the chart. Greeks are those of the entry, of one structure "
        "bought, at the forecast. At exit: as the core saw it when it ended the trade. The gain left is what was still "
        "to be made at the middle of the quotes, before costs; the edge at entry is after spread and fees. Realized is "
        "from bar to bar of the underlying over the trade's life, a night being one move. Hedging is delta left "
        "unhedged, slippage and fees of shares together. Profit, hedging and the columns after the hedges, which sum "
        "to the profit, are of all structures of a trade; edges and greeks of one. A trade is a command of the orders "
        "of its legs: executed are the structures that all legs were held for at once, and costs are the money paid "
        "beyond the middle of the quotes at the decision, with fees. Outside of trades are interest on "
        "cash, what the results' marks differ from the core's, what no trade accounts for, and cents of rounding."
    )
    return page.section("Trades", table, told, *_rest(len(trades), "trades.csv"))


def _trade_cells(one: TradeRecord, parts: Mapping[str, Decimal]) -> tuple[str, ...]:
    opened, ended = (exchange_moment(time)[:19] if time else "" for time in (one.opened, one.ended))
    has_band = math.isfinite(one.band_low) and math.isfinite(one.band_high)
    return (
        opened,
        ended,
        one.underlying,
        structure_in_words(one.structure, one.legs, one.ratios),
        "buy" if one.direction > 0 else "sell",
        f"{one.quantity:,}",
        one.reason or "still open",
        money(float(sum(parts.values()))) if parts else DASH,
        DASH if one.hedging is None else money(float(one.hedging.together)),
        or_dash(one.implied_volatility, "z.2%"),
        or_dash(one.exit_implied_volatility, "z.2%"),
        or_dash(one.forecast_volatility, "z.2%"),
        f"{one.band_low:z.1%} to {one.band_high:z.1%}" if has_band else DASH,
        or_dash(one.exit_forecast_volatility, "z.2%"),
        or_dash(one.realized_volatility, "z.2%"),
        f"{one.edge:z,.2f}",
        or_dash(one.exit_gain, "z,.2f"),
        *_command_cells(one.command),
        f"{one.delta:z,.1f}",
        f"{one.gamma:z,.2f}",
        f"{shown('vega', one.vega):z,.2f}",
        f"{shown('theta', one.theta):z,.2f}",
        f"{one.hedges:,}",
    )


def _command_cells(command: TradeCommand | None) -> tuple[str, str, str, str]:
    """How many structures all legs were held for, what became of the trade as a command, and what that cost."""
    if command is None:
        return DASH, DASH, DASH, DASH
    entry, undoing = (or_dash(cost, "z,.2f") for cost in (command.entry_cost, command.exit_cost))
    return f"{command.executed:,}", command.state, entry, undoing


def _money(parts: Mapping[str, Decimal], name: str) -> str:
    """A part of the profit, zero of one that trades do not have; a dash where the core did not tell of the trade."""
    return money(float(parts.get(name, 0))) if parts else DASH


def _outside_and_total(
    summary: dict[str, Any], trades: Sequence[TradeRecord]
) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
    """The parts that no trade has, interest and marks among them, and those of the net profit."""
    total = {name: cents(part) for name, part in summary["attribution"]["parts"].items()}
    outside = dict(total)
    for one in trades:
        for name, part in one.cents.items():
            outside[name] -= part
    return outside, total


def _foot(title: str, parts: Mapping[str, Decimal], hedged: str, named: Iterable[str]) -> tuple[str, ...]:
    """A row of the trades' table that is none."""
    known = {"opened": title, "profit, all structures": money(float(sum(parts.values()))), "hedging": hedged}
    return (*(known.get(column, "") for column in _TRADE), *(_money(parts, name) for name in named))


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
    if not rows:
        return page.section("Positions", page.note("Nothing was traded."))
    told = positions(run)
    sums = [money(math.fsum(values)) for values in ([one.fees for one in told], [one.profit for one in told])]
    return page.section(
        "Positions",
        page.table(columns, rows, range(1, 7), totals=[("together", "", "", "", "", *sums)]),
        page.note(
            "The profit together is the net profit without interest on cash, borrow for short shares, and what LEAN's "
            "results hold of options that traded after their last quote."
        ),
    )


def orders_section(run: Run) -> Html:
    """Every order, in the order in which they were sent."""
    orders, slipped = run.orders, order_slippages(run)
    nothing = OrderSlippage(math.nan, math.nan, math.nan)
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
                *(or_dash(value, "z,.2f") for value in slipped.get(order.number, nothing)),
                order.tag,
                OrderStatus(order.status).name.lower().replace("_", " "),
            ),
        )
        for time, order in zip(times, orders, strict=True)
    ]
    columns = (
        *("New York time", "instrument", "side", "quantity", "type", "price", "fee"),
        *("beyond mid at decision, $", "at arrival, $", "at the fill, $", "why", "status"),
    )
    if not rows:
        return page.section("Orders", page.note("No order was sent."))
    table = page.sorting_table(columns, rows[: page.MAX_ROWS], (3, 5, 6, 7, 8, 9), (0,))
    told = page.note(
        "Beyond mid is what an order's fills cost more than the middle of a quote: the last before it was sent, the "
        "first after, and the last told before the fill, from which the attribution counts spread and slippage."
    )
    return page.section("Orders", table, told, *_rest(len(rows), "orders.csv"))


def _rest(count: int, file: str) -> list[Html]:
    """Says where the rows are that a table does not show."""
    return (
        [page.note(f"The first {page.MAX_ROWS:,} of {count:,}; {file} has all of them.")]
        if count > page.MAX_ROWS
        else []
    )
