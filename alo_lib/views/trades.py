"""The blotter by trade: each structure from its entry to its end, with what it made and of what."""

import csv
import io
import math
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from alo_lib.records import PROFIT_PARTS, TRADING_DAYS, Kind, OrderReason, TradeState, legs_of, ratios_of, utc_moment
from alo_lib.records.baskets import basket_numbers
from alo_lib.records.whole_files import write_whole
from alo_lib.views.attribution import attribution_by_trade, last_attributions, parts_to_the_cent
from alo_lib.views.hedging import Hedging, hedging_by_trade
from alo_lib.views.run import InstrumentRecord, Run, exchange_moment, once_a_run
from alo_lib.views.session_clock import trading_days
from alo_lib.views.spoken import decimal_cell, rounded
from alo_lib.views.units import shown
from alo_lib.views.volatility import prices_of_returns, volatility_of_moves

__all__ = ["TradeCommand", "TradeRecord", "stated_trades", "trade_records", "write_trades"]

_HEDGING: Final = ("hedging", *(f"hedging_{name}" for name in Hedging._fields))
_PROFIT: Final = ("profit", *(f"profit_{name}" for name in PROFIT_PARTS))
_COLUMNS: Final = (
    *(
        "trade",
        "underlying",
        "structure",
        "basket",
        "legs",
        "side",
        "quantity",
        "opened_utc",
        "opened_new_york",
        "ended_utc",
    ),
    *("ended_new_york", "reason", "implied", "forecast", "band_low", "band_high", "realized_bar_to_bar"),
    *("edge", "edge_volatility", "delta", "gamma", "vega_per_point", "theta_per_day"),
    *("exit_implied", "exit_forecast", "exit_gain", "exit_edge_volatility"),
    *("state", "executed", "entry_frames", "entry_cost", "exit_cost"),
    *("hedges", *_HEDGING, *_PROFIT),
)
"""Of trades.csv and of trades in JSON: money to the cent, volatilities annualized decimals."""
# Figures of an ENTRY that a trade has under the same names, and of an EXIT that it has under "exit_" and the name.
_AT_ENTRY: Final = (
    *("implied_volatility", "forecast_volatility", "band_low", "band_high", "edge", "edge_volatility"),
    *("delta", "gamma", "vega", "theta"),
)
_AT_EXIT: Final = ("implied_volatility", "forecast_volatility", "gain", "edge_volatility")
_UNTOLD: Final = dict.fromkeys(PROFIT_PARTS, math.nan)


class TradeCommand(NamedTuple):
    """What a trade has come to as a command, as it was last told. Costs are money beyond mid at the decision, fees too.

    NaN where a decision saw no mid.
    """

    state: str
    executed: int  # the most structures that every leg was held for
    entry_frames: int  # in which it was opened
    entry_cost: float
    exit_cost: float  # of undoing it, or what was held beyond its structures


class TradeRecord(NamedTuple):
    """One structure. Volatilities are annualized decimals, money the account's; NaN where there is none.

    Greeks are those of one structure bought, valued at the forecast, as it was opened: delta in shares, gamma in
    shares per 1.00 of spot, vega in money per 1.00 of volatility, theta in money a year.
    """

    number: int
    underlying: str
    structure: str  # its name
    basket: int  # number of the basket that it was opened in, from 1; 0 for a trade by itself
    legs: tuple[InstrumentRecord, ...]
    ratios: tuple[int, ...]  # signed contracts of each leg in one structure bought
    direction: int  # +1 bought, -1 sold
    quantity: int  # structures wanted
    opened: int  # ns UTC
    ended: int  # 0 while it is open
    reason: str  # why it ended; empty while it is open
    implied_volatility: float
    forecast_volatility: float
    band_low: float
    band_high: float
    realized_volatility: float  # of the underlying, from trade bar to trade bar over the trade's life
    edge: float  # money per structure, after spread and fees
    edge_volatility: float
    delta: float
    gamma: float
    vega: float
    theta: float
    # As the core saw it when it ended the trade; NaN while it is open, and where it was settled.
    exit_implied_volatility: float
    exit_forecast_volatility: float
    exit_gain: float  # money per structure at the middle of the quotes, before costs: what was still to be gained
    exit_edge_volatility: float  # the same, per unit of gross vega: what exit-edge is held against
    command: TradeCommand | None  # None before the core told of it
    hedges: int  # fills of shares that it had part in
    hedging: Hedging | None  # None before the core told of it
    parts: dict[str, float]

    @property
    def profit(self) -> float:
        """What it made, its hedge and fees included; of an open one so far. NaN before the core told of it."""
        return math.fsum(self.parts.values())

    @property
    def cents(self) -> dict[str, Decimal]:
        """Its parts to the cent, which sum to its profit to the cent; none before the core told of it."""
        return parts_to_the_cent(self.parts) if math.isfinite(self.profit) else {}


@once_a_run
def trade_records(run: Run) -> list[TradeRecord]:
    """All trades, in the order in which they were opened."""
    entered, entries = run.table(Kind.ENTRY)
    left, exits = run.table(Kind.EXIT)
    ends = {int(row["trade"]): (int(time), row) for time, row in zip(left.tolist(), exits, strict=True)}
    parts, told = attribution_by_trade(run), last_attributions(run)
    last, commands = run.journal.messages[-1].time if len(entries) else 0, _commands(run)
    made = []
    baskets = basket_numbers(entered, entries).tolist()
    for opened, row, basket in zip(entered.tolist(), entries, baskets, strict=True):
        number, underlying = int(row["trade"]), int(row["underlying"])
        end, exit_row = ends.get(number, (0, None))
        figures = {name: float(row[name]) for name in _AT_ENTRY}
        figures |= {f"exit_{name}": math.nan if exit_row is None else float(exit_row[name]) for name in _AT_EXIT}
        made.append(
            TradeRecord(
                number=number,
                underlying=run.instruments[underlying].symbol,
                structure=bytes(row["structure"]).decode(),
                basket=basket,
                legs=tuple(run.instruments[leg] for leg in legs_of(row)),
                ratios=ratios_of(row),
                direction=int(row["direction"]),
                quantity=int(row["quantity"]),
                opened=opened,
                ended=end,
                reason="" if exit_row is None else OrderReason(int(exit_row["reason"])).tag,
                realized_volatility=_realized(run, run.instruments[underlying], opened, end or last),
                command=commands.get(number),
                hedges=int(told[underlying, number]["hedges"]) if (underlying, number) in told else 0,
                hedging=hedging_by_trade(run, underlying, number),
                parts=parts.get((underlying, number), _UNTOLD),
                **figures,
            )
        )
    return made


def _commands(run: Run) -> dict[int, TradeCommand]:
    """What was told of each trade as a command, by its number."""
    made: dict[int, TradeCommand] = {}
    for row in run.table(Kind.COMMAND).records:
        number, state, whole, frames = (int(row[name]) for name in ("trade", "state", "structures", "frames"))
        executed, entry_frames = (made[number].executed, made[number].entry_frames) if number in made else (0, 0)
        if state in (TradeState.OPENING, TradeState.COMPLETE):
            entry_frames = max(frames, entry_frames)
        costs = float(row["cost"]), float(row["undo_cost"])
        made[number] = TradeCommand(TradeState(state).word, max(whole, executed), entry_frames, *costs)
    return made


def write_trades(path: Path, trades: list[TradeRecord]) -> None:
    """Write trades as a table: money to the cent, vega per point, theta per day, times in UTC and New York."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows([_in_cell(value) for value in _row(trade)] for trade in trades)
    write_whole(path, table.getvalue())


def stated_trades(trades: Iterable[TradeRecord]) -> list[dict[str, Any]]:
    """The same for programs, under the same names; null where the table is empty."""
    return [dict(zip(_COLUMNS, map(_in_json, _row(trade)), strict=True)) for trade in trades]


class _Figure(NamedTuple):
    """A figure, and with how many decimals it is told."""

    value: float
    digits: int


class _Legs(NamedTuple):
    """The legs of a structure bought: symbols with their signed contracts."""

    ratios: tuple[int, ...]
    symbols: tuple[str, ...]

    def __str__(self) -> str:
        return "; ".join(f"{ratio:+d} {symbol}" for ratio, symbol in zip(*self, strict=True))


def _row(trade: TradeRecord) -> tuple[str | int | Decimal | _Figure | _Legs | None, ...]:
    """What is told of a trade, one value a column."""
    volatilities = (trade.implied_volatility, trade.forecast_volatility, trade.band_low, trade.band_high)
    greeks = (trade.delta, trade.gamma, shown("vega", trade.vega), shown("theta", trade.theta))
    parts, hedged = trade.cents, trade.hedging
    done = trade.command
    legs = _Legs(trade.ratios, tuple(leg.symbol for leg in trade.legs))
    return (
        *(trade.number, trade.underlying, trade.structure, trade.basket or None, legs),
        *("buy" if trade.direction > 0 else "sell", trade.quantity),
        *(text for time in (trade.opened, trade.ended) for text in _times(time)),
        trade.reason or None,
        *(_Figure(value, 6) for value in (*volatilities, trade.realized_volatility)),
        *(_Figure(trade.edge, 2), _Figure(trade.edge_volatility, 6)),
        *(_Figure(value, 4) for value in greeks),
        *(_Figure(trade.exit_implied_volatility, 6), _Figure(trade.exit_forecast_volatility, 6)),
        *(_Figure(trade.exit_gain, 2), _Figure(trade.exit_edge_volatility, 6)),
        *((None,) * 3 if done is None else (done.state, done.executed, done.entry_frames)),
        *((None,) * 2 if done is None else (_Figure(done.entry_cost, 2), _Figure(done.exit_cost, 2))),
        trade.hedges,
        *((hedged.together, *hedged) if hedged is not None else (None,) * len(_HEDGING)),
        *((sum(parts.values()), *parts.values()) if parts else (None,) * len(_PROFIT)),
    )


def _in_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, _Figure):
        return decimal_cell(*value)
    return f"{value:z.2f}" if isinstance(value, Decimal) else str(value)


def _in_json(value: Any) -> Any:
    if isinstance(value, _Legs):
        return [{"symbol": symbol, "ratio": ratio} for ratio, symbol in zip(*value, strict=True)]
    if isinstance(value, _Figure):
        return rounded(*value) if math.isfinite(value.value) else None
    return float(value) + 0.0 if isinstance(value, Decimal) else value


def _realized(run: Run, underlying: InstrumentRecord, start: int, end: int) -> float:
    """Volatility of the trade bars from the last before ``start`` to the last before ``end``; NaN without two.

    Annualized by the trading days that passed between them.
    """
    time, price = prices_of_returns(run, underlying)
    first, last = (int(np.searchsorted(time, moment, side="right")) for moment in (start, end))
    time, price = time[max(first - 1, 0) : last], price[max(first - 1, 0) : last]
    if len(price) < 2:
        return math.nan
    days = trading_days(run, time[[0, -1]])
    years = float(days[1] - days[0]) / TRADING_DAYS
    return volatility_of_moves(price, years) if years > 0.0 else math.nan


def _times(time: int) -> tuple[str | None, str | None]:
    """A time in UTC and New York's; nothing for none."""
    return (utc_moment(time), exchange_moment(time)) if time else (None, None)
