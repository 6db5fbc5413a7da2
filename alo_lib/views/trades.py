"""The blotter by trade: each structure from its entry to its end, with what it made and of what."""

import csv
import io
import math
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.records import DAYS_A_YEAR, PROFIT_PARTS, TRADING_DAYS, Kind, OrderReason
from alo_lib.records.whole_files import write_whole
from alo_lib.views.attribution import attribution_by_trade
from alo_lib.views.run import InstrumentRecord, Run, exchange_time, once_a_run

__all__ = ["TradeRecord", "trade_records", "write_trades"]

_NOTHING: Final = dict.fromkeys(PROFIT_PARTS, 0.0)


class TradeRecord(NamedTuple):
    """One structure. Volatilities are annualized decimals, money the account's; NaN where there is none.

    Greeks are those of one structure bought, valued at the forecast, as it was opened: delta in shares, gamma in
    shares per 1.00 of spot, vega in money per 1.00 of volatility, theta in money a year.
    """

    number: int
    underlying: str
    call: InstrumentRecord
    put: InstrumentRecord
    direction: int  # +1 bought, -1 sold
    quantity: int  # structures wanted
    opened: int  # ns UTC
    ended: int  # 0 while it is open
    reason: str  # why it ended; empty while it is open
    implied_volatility: float
    forecast_volatility: float
    band_low: float
    band_high: float
    realized_volatility: float  # of the underlying over the trade's life
    edge: float  # money per structure, after spread and fees
    edge_volatility: float
    delta: float
    gamma: float
    vega: float
    theta: float
    hedges: int  # fills of shares that it had part in
    parts: dict[str, float]

    @property
    def profit(self) -> float:
        """What it made, its hedge and fees included; of an open one so far."""
        return math.fsum(self.parts.values())


@once_a_run
def trade_records(run: Run) -> list[TradeRecord]:
    """All trades, in the order in which they were opened."""
    entered, entries = run.table(Kind.ENTRY)
    left, exits = run.table(Kind.EXIT)
    told = run.table(Kind.ATTRIBUTION).records
    ends = {int(row["trade"]): (int(time), row) for time, row in zip(left.tolist(), exits, strict=True)}
    hedges = {(int(row["underlying"]), int(row["trade"])): int(row["hedges"]) for row in told}
    parts = attribution_by_trade(run)
    last = run.journal.messages[-1].time if len(entries) else 0
    made = []
    for opened, row in zip(entered.tolist(), entries, strict=True):
        number, underlying = int(row["trade"]), int(row["underlying"])
        end, exit_row = ends.get(number, (0, None))
        values = {
            name: float(row[name])
            for name in TradeRecord._fields
            if name in (entries.dtype.names or ()) and row[name].dtype.kind == "f"
        }
        made.append(
            TradeRecord(
                number=number,
                underlying=run.instruments[underlying].symbol,
                call=run.instruments[int(row["call"])],
                put=run.instruments[int(row["put"])],
                direction=int(row["direction"]),
                quantity=int(row["quantity"]),
                opened=opened,
                ended=end,
                reason="" if exit_row is None else OrderReason(int(exit_row["reason"])).tag,
                realized_volatility=_realized(run, underlying, opened, end or last),
                hedges=hedges.get((underlying, number), 0),
                parts=parts.get((underlying, number), _NOTHING),
                **values,
            )
        )
    return made


def write_trades(path: Path, trades: list[TradeRecord]) -> None:
    """Write trades as a table: money to the cent, vega per point, theta per day, times in UTC and New York."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(
        (
            *("trade", "underlying", "call", "put", "side", "quantity", "opened", "opened_new_york", "ended"),
            *("ended_new_york", "reason", "implied", "forecast", "band_low", "band_high", "realized", "edge"),
            *("edge_volatility", "delta", "gamma", "vega_per_point", "theta_per_day", "hedges", "profit"),
            *(f"profit_{name}" for name in PROFIT_PARTS),
        )
    )
    for trade in trades:
        times = [text for time in (trade.opened, trade.ended) for text in _times(time)]
        volatilities = (trade.implied_volatility, trade.forecast_volatility, trade.band_low, trade.band_high)
        greeks = (trade.delta, trade.gamma, trade.vega / 100.0, trade.theta / DAYS_A_YEAR)
        writer.writerow(
            (
                trade.number,
                trade.underlying,
                trade.call.symbol,
                trade.put.symbol,
                "buy" if trade.direction > 0 else "sell",
                trade.quantity,
                *times,
                trade.reason,
                *(_decimal(value, 6) for value in (*volatilities, trade.realized_volatility)),
                _decimal(trade.edge, 2),
                _decimal(trade.edge_volatility, 6),
                *(_decimal(value, 4) for value in greeks),
                trade.hedges,
                *(_decimal(value, 2) for value in (trade.profit, *trade.parts.values())),
            )
        )
    write_whole(path, table.getvalue())


def _realized(run: Run, underlying: int, start: int, end: int) -> float:
    """Volatility of the trade bars from the last before ``start`` to the last before ``end``; NaN without two.

    Annualized by the trading days that passed between them.
    """
    time, rows = run.table(Kind.TRADE)
    own = rows["instrument"] == underlying
    time, price = time[own], rows["close"][own]
    first, last = (int(np.searchsorted(time, moment, side="right")) for moment in (start, end))
    time, price = time[max(first - 1, 0) : last], price[max(first - 1, 0) : last]
    when, splits = run.table(Kind.SPLIT)
    for moment, split in zip(when.tolist(), splits, strict=True):
        if split["instrument"] == underlying and not split["warning"]:
            price = np.where(time < moment, price * split["factor"], price)
    if len(price) < 2:
        return math.nan
    days = _trading_days(run, np.array([time[0], time[-1]]))
    years = float(days[1] - days[0]) / TRADING_DAYS
    return math.sqrt(float(np.sum(np.diff(np.log(price)) ** 2)) / years) if years > 0.0 else math.nan


def _trading_days(run: Run, time: NDArray[np.int64]) -> NDArray[np.float64]:
    """Trading days since the run's first open: within a session its share that has passed, in a night none."""
    sessions = run.table(Kind.SESSION).records
    edges = np.stack([sessions["open"], sessions["close"]], axis=1).reshape(-1)
    passed = np.repeat(np.arange(len(sessions) + 1), 2)[1:-1]
    return np.asarray(np.interp(time, edges, passed), np.float64)


def _times(time: int) -> tuple[str, str]:
    """A time in UTC and New York's; empty for none."""
    if not time:
        return "", ""
    return str(np.datetime64(time, "ns").astype("datetime64[ms]")) + "Z", exchange_time(np.array([time]))[0]


def _decimal(value: float, digits: int) -> str:
    return f"{round(value, digits) + 0.0:.{digits}f}" if math.isfinite(value) else ""  # and no minus before a zero
