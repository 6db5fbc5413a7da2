"""The main job in a live paper account, over days of minutes on disk that happen now.

LEAN's FakeDataQueue is asked for no data of its own and only keeps the subscriptions; this file hands LEAN's aggregator
the closing quotes and trades of each minute of the stock ALO_TEST_TICKER (GOOG) half a minute into it, by a wall clock
that was moved to its day. PaperBrokerage forgets its account when LEAN ends, as no broker does: what is held is written
down after every fill, and an order that ``work`` names is working at the broker when LEAN connects.
"""

import datetime as dt
import json
import mmap
import os
import select
import struct
import threading
import time
from pathlib import Path
from typing import Any

import clr
import numpy as np
from AlgorithmImports import (
    Globals,
    Market,
    MarketOnCloseOrder,
    OptionRight,
    OptionStyle,
    OrderEvent,
    SecurityType,
    Symbol,
)

from algorithm import volatility_arbitrage
from alo_lib.market import DataFolder, DataKind, Resolution

clr.AddReference("QuantConnect.Lean.Engine")
from QuantConnect.Data import IDataAggregator  # noqa: E402
from QuantConnect.Data.Market import Tick  # noqa: E402
from QuantConnect.Interfaces import IDataQueueHandler  # noqa: E402
from QuantConnect.Lean.Engine.DataFeeds.Queues import FakeDataQueue  # noqa: E402
from QuantConnect.Lean.Engine.TransactionHandlers import ITransactionHandler  # noqa: E402
from QuantConnect.Util import Composer  # noqa: E402

OFFSET = dt.timedelta(hours=-5)  # New York's, in winter
INTO_THE_MINUTE = 30
ACCOUNT = Path(os.environ["ALO_TEST_ACCOUNT"])
TICKER = os.environ.get("ALO_TEST_TICKER", "GOOG")
LIMIT = 88  # as in steered_clock.py, which is of pytest
STEP = 4.0
"""Seconds that a clock that is kept in step may be ahead of what was done."""

composer: Any = Composer.INSTANCE  # its generic methods are asked for interfaces
aggregator = composer.get_exported_value_by_type_name[IDataAggregator]("AggregationManager")
composer.add_part[IDataQueueHandler](FakeDataQueue(aggregator, 0))
stock = Symbol.create(TICKER, SecurityType.EQUITY, Market.USA)


def option(expiry: object, strike: float, right: int) -> Symbol:
    day = dt.datetime.combine(expiry, dt.time())  # type: ignore[arg-type]
    side = OptionRight.CALL if right > 0 else OptionRight.PUT
    return Symbol.create_option(stock, Market.USA, OptionStyle.AMERICAN, side, strike, day)


def named(symbol: Symbol) -> dict[str, object]:
    """A symbol as LEAN reads it."""
    underlying = {"underlying": named(symbol.underlying)} if symbol.has_underlying else {}
    return {"id": str(symbol.id), "value": symbol.value, **underlying}


def market(day: dt.date) -> dict[int, list[tuple[Any, ...]]]:
    """A day's ticks by the minute, UTC, of which they are: symbol, and size and price of a trade or of both sides."""
    folder = DataFolder(Globals.data_folder)
    found: dict[int, list[tuple[Any, ...]]] = {}

    def minute(row: np.void) -> list[tuple[Any, ...]]:
        return found.setdefault(int(row["time"]) // 60_000_000_000 - 1, [])

    def quote(symbol: Symbol, row: np.void) -> None:
        bid, ask = (0.0 if np.isnan(row[f"{side}_close"]) else float(row[f"{side}_close"]) for side in ("bid", "ask"))
        minute(row).append((symbol, int(row["bid_size"]), bid, int(row["ask_size"]), ask))

    for row in folder.bars(TICKER, day, day, Resolution.MINUTE):
        minute(row).append((stock, int(row["volume"]), float(row["close"])))
    for row in folder.bars(TICKER, day, day, Resolution.MINUTE, DataKind.QUOTE):
        quote(stock, row)
    chain = folder.option_bars(TICKER, day, day, Resolution.MINUTE)
    symbols = [option(*contract) for contract in chain.contracts.tolist()]
    for contract, row in zip(chain.contract.tolist(), chain.bars, strict=True):
        quote(symbols[contract], row)
    return found


class Step:
    """Lets a clock that is kept in step (steered_clock.py) go on as far as all that has a part is done."""

    def __init__(self, *parts: str) -> None:
        self._done = dict.fromkeys(parts, 0.0)
        self._map: mmap.mmap | None = None
        if path := os.environ.get("ALO_CLOCK_FILE"):
            with open(path, "r+b") as file:
                self._map = mmap.mmap(file.fileno(), 0)

    def done(self, part: str, until: float) -> None:
        """A part is done with all that was to be done until a time, seconds UTC, and looks again soon after it."""
        self._done[part] = until
        if self._map is not None:
            limit = min(self._done.values()) + STEP
            self._map[LIMIT : LIMIT + 8] = struct.pack("<q", int(limit * 1e9))


step = Step("feed", "looks")


def feed() -> None:
    """Hand each minute's ticks over once, as soon as it is half over."""
    day, ticks, done = None, {}, -1
    while True:
        now = time.time()
        exchange_time = dt.datetime.utcfromtimestamp(now) + OFFSET
        if exchange_time.date() != day:
            day = exchange_time.date()
            ticks = market(day)
        if int(now) // 60 > done and now % 60 >= INTO_THE_MINUTE:
            done = int(now) // 60
            for symbol, *numbers in ticks.get(done, ()):
                aggregator.update(Tick(exchange_time, symbol, "", "", *numbers))
        step.done("feed", time.time())
        time.sleep(0.25)


threading.Thread(target=feed, name="feed", daemon=True).start()


class LiveMarket(volatility_arbitrage.VolatilityArbitrageAlgorithm):
    """As it is, with a broker that remembers."""

    def initialize(self) -> None:
        super().initialize()
        working = ACCOUNT / "work"
        if working.is_file():
            quantity, tag = working.read_text().split(",")
            order = MarketOnCloseOrder(stock, float(quantity), self.utc_time, tag)
            # As LEAN does with orders that a broker tells it of; PaperBrokerage tells of none, and can cancel none.
            composer.get_part[ITransactionHandler]().add_open_order(order, self)

    def _on_second(self) -> None:
        super()._on_second()
        if len(list(self.transactions.get_open_orders())):  # LEAN and the broker see to them on threads of their own
            select.select((), (), (), 0.1)  # the machine's time
        step.done("looks", time.time())

    def on_order_event(self, order_event: OrderEvent) -> None:
        super().on_order_event(order_event)
        if (ACCOUNT / "misdeeds.json").exists():
            return  # a brokerage that keeps its account itself
        with self._one_at_a_time:
            self.remember()

    def remember(self) -> None:
        held = [pair.value for pair in self.portfolio if pair.value.invested]
        rows = [
            {"symbol": named(each.symbol), "a": float(each.average_price), "q": float(each.quantity)} for each in held
        ]
        new = ACCOUNT / "holdings.new"
        new.write_text(json.dumps(rows))
        new.rename(ACCOUNT / "holdings.json")
