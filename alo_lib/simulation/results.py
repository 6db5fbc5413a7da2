"""A run's results in LEAN's own JSON, so that LEAN's tools read them.

Source: LEAN's ``BacktestingResultHandler.cs``, ``BaseResultsHandler.cs``, ``SerializedOrder.cs`` and
``OrderEventJsonConverter``. Only what is computed as LEAN computes it is written: no capacity, no machine, no wall
clock, so that two runs write the same bytes.
"""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import gcd
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from alo_lib.market import MapFile
from alo_lib.records import SECOND, TRADING_DAYS, OrderStatus, OrderType
from alo_lib.records.whole_files import write_whole
from alo_lib.settings import Settings
from alo_lib.simulation.account import Account
from alo_lib.simulation.identifiers import symbol_object
from alo_lib.simulation.lean_json import (
    chart,
    iso_time,
    number,
    point,
    series,
    statistics_object,
    summary_of,
    time_span,
)
from alo_lib.simulation.listing import Instrument, Listing
from alo_lib.simulation.money import ZERO, grouped
from alo_lib.simulation.orders import OrderEvent, SimulatedOrder
from alo_lib.simulation.prices import Prices
from alo_lib.simulation.sampling import Curves
from alo_lib.simulation.statistics import PortfolioStatistics, TradeStatistics
from alo_lib.simulation.trades import ClosedTrade

__all__ = ["RUN_ID", "Outcome", "write_results"]

RUN_ID: Final = "main"
"""Names the result files, as the name of the algorithm's module does in LEAN."""

_MILLISECOND: Final = SECOND // 1000
_CANDLE, _BAR = 2, 3
_OPTION, _EQUITY = 2, 1


@dataclass(frozen=True)
class Outcome:
    """All that a run leaves behind."""

    settings: Settings
    listing: Listing
    histories: Mapping[str, MapFile]  # by ticker
    prices: Prices
    account: Account
    orders: Sequence[SimulatedOrder]
    trades: Sequence[ClosedTrade]
    curves: Curves
    portfolio: PortfolioStatistics
    trade_statistics: TradeStatistics
    notices: Sequence[tuple[int, str]]  # (time, text)
    zone: ZoneInfo


def write_results(folder: Path, outcome: Outcome) -> None:
    """Write ``main.json``, ``main-summary.json``, ``main-order-events.json`` and ``main-log.txt`` into ``folder``.

    :raises OSError: when the folder cannot be written.
    """
    writer = _Writer(outcome)
    _write_json(folder / f"{RUN_ID}-order-events.json", writer.order_events())
    _write_json(folder / f"{RUN_ID}-summary.json", writer.summary())
    write_whole(folder / f"{RUN_ID}-log.txt", writer.log())
    _write_json(folder / f"{RUN_ID}.json", writer.result())


def _write_json(path: Path, content: object) -> None:
    write_whole(path, json.dumps(content, indent=1, allow_nan=False) + "\n")


class _Writer:
    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome
        self._symbols: dict[int, dict[str, Any]] = {}
        self._combinations = list(dict.fromkeys(order.group for order in outcome.orders if order.group))

    def result(self) -> dict[str, Any]:
        """The whole result."""
        outcome = self._outcome
        performance = {**self._performance(), "closedTrades": [self._trade(i, t) for i, t in enumerate(outcome.trades)]}
        return {
            "rollingWindow": {},
            "charts": {item["name"]: item for item in self._charts()},
            "orders": {str(order.number): self._order(order) for order in outcome.orders},
            "profitLoss": self._profit_loss(),
            **self._common(),
            "totalPerformance": performance,
        }

    def summary(self) -> dict[str, Any]:
        """The result without orders and trades, with the equity curve alone."""
        equity = next(item for item in self._charts() if item["name"] == "Strategy Equity")
        curve = chart("Strategy Equity", equity["series"]["Equity"])
        performance = {**self._performance(), "closedTrades": []}
        return {
            "rollingWindow": {},
            "charts": {"Strategy Equity": curve},
            **self._common(),
            "totalPerformance": performance,
        }

    def order_events(self) -> list[dict[str, Any]]:
        """Every event of every order, in the order of orders."""
        return [self._event(event) for order in self._outcome.orders for event in order.events]

    def log(self) -> str:
        """What happened, a line each, in exchange time."""
        events = [(event.time, 1, self._event_line(event)) for order in self._outcome.orders for event in order.events]
        notices = [(time, 0, text) for time, text in self._outcome.notices]
        lines = sorted(events + notices, key=lambda line: line[:2])
        return "".join(f"{self._local(time)} {text}\n" for time, _, text in lines)

    # Parts of the result -------------------------------------------------------------------------------------------

    def _common(self) -> dict[str, Any]:
        outcome, account, prices = self._outcome, self._outcome.account, self._outcome.prices
        statistics = summary_of(outcome.portfolio, orders=len(outcome.orders), fees=account.fees)
        settings, equity = outcome.settings, account.equity(prices)
        return {
            "statistics": statistics,
            "runtimeStatistics": {
                "Equity": f"${grouped(equity)}",
                "Fees": f"-${grouped(account.fees)}",
                "Holdings": f"${grouped(self._exposure())}",
                "Net Profit": f"${grouped(account.realized - account.fees)}",
                "Probabilistic Sharpe Ratio": statistics["Probabilistic Sharpe Ratio"],
                "Return": f"{grouped(100 * (equity / account.start - 1))} %",
                "Unrealized": f"${grouped(account.unrealized(prices))}",
                "Volume": f"${grouped(account.volume)}",
            },
            "state": {
                "RuntimeError": "",
                "StackTrace": "",
                "LogCount": str(len(self._outcome.notices)),
                "OrderCount": str(len(outcome.orders)),
                "InsightCount": "0",
                "Name": RUN_ID,
                "Status": "Completed",
            },
            "algorithmConfiguration": {
                "name": RUN_ID,
                "tags": [],
                "accountCurrency": "USD",
                "brokerage": 1,
                "accountType": 0,
                "parameters": settings.as_parameters(),
                "outOfSampleMaxEndDate": None,
                "outOfSampleDays": 0,
                "startDate": f"{settings.start}T00:00:00Z",
                "endDate": f"{settings.end}T23:59:59Z",
                "tradingDaysPerYear": TRADING_DAYS,
            },
        }

    def _performance(self) -> dict[str, Any]:
        return {
            "tradeStatistics": statistics_object(self._outcome.trade_statistics),
            "portfolioStatistics": statistics_object(self._outcome.portfolio),
        }

    def _exposure(self) -> Decimal:
        """Absolute value of all that is held."""
        outcome = self._outcome
        held = outcome.account.held()
        values = (
            abs(position.quantity) * outcome.prices.price(number) * outcome.listing[number].multiplier
            for number, position in held
        )
        return sum(values, ZERO)

    def _charts(self) -> list[dict[str, Any]]:
        curves = self._outcome.curves
        candles = [point(candle.time, *candle[1:]) for candle in curves.equity]
        returns = [point(time, value) for time, value in curves.returns]
        drawdown = [point(time, value) for time, value in curves.drawdown]
        turnover = [point(time, value) for time, value in curves.turnover]
        benchmark = [point(time, value) for time, value in curves.benchmark]
        return [
            chart(
                "Strategy Equity",
                series("Equity", candles, unit="$", kind=_CANDLE),
                series("Return", returns, unit="%", index=1, kind=_BAR),
            ),
            chart("Drawdown", series("Equity Drawdown", drawdown, unit="%")),
            chart("Portfolio Turnover", series("Portfolio Turnover", turnover, unit="%")),
            chart("Benchmark", series("Benchmark", benchmark, unit="$")),
        ]

    def _profit_loss(self) -> dict[str, float]:
        """Profits by time; those of the same time a millisecond apart each, as in LEAN."""
        found: dict[int, float] = {}
        for record in self._outcome.account.profits:
            time = record.time
            while time in found:
                time += _MILLISECOND
            found[time] = float(record.profit)
        return {iso_time(time): found[time] for time in sorted(found)}

    def _order(self, order: SimulatedOrder) -> dict[str, Any]:
        instrument = self._outcome.listing[order.instrument]
        price = order.average_price
        times = {"time": iso_time(order.time), "createdTime": iso_time(order.time)} | _last_times(order)
        known = order.type is not OrderType.OPTION_EXERCISE and order.status is not OrderStatus.INVALID
        return {
            "type": int(order.type),
            "id": order.number,
            "contingentId": 0,
            "brokerId": [str(order.number)] if known else [],
            "symbol": self._symbol(instrument),
            "price": float(price),
            "priceCurrency": "USD",
            **times,
            "quantity": float(order.quantity),
            "status": int(order.status),
            **({"tag": order.tag} if order.tag else {}),
            "properties": {"timeInForce": {}},
            "securityType": _OPTION if instrument.is_option else _EQUITY,
            "direction": 0 if order.quantity > 0 else 1,
            "value": float(price * order.quantity),
            "orderSubmissionData": {
                "bidPrice": float(order.bid),
                "askPrice": float(order.ask),
                "lastPrice": float(order.last),
            },
            "isMarketable": order.is_marketable,
            "priceAdjustmentMode": 0,
            **self._limited(order),
        }

    def _limited(self, order: SimulatedOrder) -> dict[str, Any]:
        """The limit of an order, and the combination that it is in, which LEAN counts from 1."""
        own = {} if order.limit is None or order.group else {"limitPrice": float(order.limit)}
        if not order.group:
            return own
        orders = [self._outcome.orders[number - 1] for number in order.group]
        manager = {
            "id": 1 + self._combinations.index(order.group),
            "quantity": float(gcd(*(each.quantity for each in orders))),
            "count": len(orders),
            "limitPrice": 0.0 if order.limit is None else float(order.limit),
            "orderIds": list(order.group),
            "direction": 0,  # they are bought
        }
        return {"groupOrderManager": manager}

    def _event(self, event: OrderEvent) -> dict[str, Any]:
        instrument = self._outcome.listing[event.instrument]
        symbol = self._symbol(instrument)
        fee = {"orderFeeAmount": float(event.fee), "orderFeeCurrency": "USD"} if event.fee else {}
        message = {"message": event.message} if event.message else {}
        return {
            "id": f"{RUN_ID}-{event.order}-{event.event}",
            "algorithmId": RUN_ID,
            "orderId": event.order,
            "orderEventId": event.event,
            "symbol": symbol["id"],
            "symbolValue": symbol["value"],
            "symbolPermtick": symbol["id"].split()[0],
            "time": event.time / SECOND,
            "status": _camel(event.status.name),
            **fee,
            "fillPrice": float(event.price),
            "fillPriceCurrency": "" if event.type is OrderType.OPTION_EXERCISE else "USD",
            "fillQuantity": float(event.quantity),
            "direction": "buy" if (event.quantity or event.ordered) > 0 else "sell",
            **message,
            "isAssignment": event.is_assignment,
            "quantity": float(event.ordered),
            **({} if event.limit is None else {"limitPrice": float(event.limit)}),
            **({"isInTheMoney": True} if event.in_the_money else {}),
        }

    def _trade(self, index: int, trade: ClosedTrade) -> dict[str, Any]:
        return {
            "id": str(index + 1),
            "symbols": [self._symbol(self._outcome.listing[trade.instrument])],
            "entryTime": iso_time(trade.entry_time),
            "entryPrice": number(trade.entry_price),
            "direction": 0 if trade.direction > 0 else 1,
            "quantity": float(trade.quantity),
            "exitTime": iso_time(trade.exit_time),
            "exitPrice": number(trade.exit_price),
            "profitLoss": float(trade.profit),
            "totalFees": float(trade.fees),
            "mae": float(trade.worst),
            "mfe": float(trade.best),
            "duration": time_span(trade.exit_time - trade.entry_time),
            "endTradeDrawdown": float(trade.drawdown),
            "isWin": trade.is_win,
            "orderIds": list(trade.orders),
        }

    def _symbol(self, instrument: Instrument) -> dict[str, Any]:
        if instrument.number not in self._symbols:
            ticker = self._outcome.listing[instrument.underlying].symbol
            history = self._outcome.histories[ticker]
            self._symbols[instrument.number] = symbol_object(instrument, ticker, history)
        return self._symbols[instrument.number]

    def _event_line(self, event: OrderEvent) -> str:
        symbol = self._outcome.listing[event.instrument].symbol
        line = f"order {event.order}: {symbol} {event.type.name.lower()} {event.ordered:+d} {event.status.name.lower()}"
        if event.quantity:
            line += f", {event.quantity:+d} at {event.price}, fee {event.fee}"
        return f"{line}: {event.message}" if event.message else line

    def _local(self, time: int) -> str:
        local = dt.datetime.fromtimestamp(time // SECOND, self._outcome.zone)
        return f"{local:%Y-%m-%d %H:%M:%S}.{time % SECOND // _MILLISECOND:03d}"


def _last_times(order: SimulatedOrder) -> dict[str, str]:
    """When an order was filled, changed and canceled last."""
    of = {
        "lastFillTime": [event.time for event in order.events if event.quantity],
        "lastUpdateTime": [event.time for event in order.events if event.status is OrderStatus.UPDATE_SUBMITTED],
        "canceledTime": [event.time for event in order.events if event.status is OrderStatus.CANCELED],
    }
    return {name: iso_time(times[-1]) for name, times in of.items() if times}


def _camel(name: str) -> str:
    first, *rest = name.lower().split("_")
    return first + "".join(part.capitalize() for part in rest)
