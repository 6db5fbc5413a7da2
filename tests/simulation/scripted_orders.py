"""Orders of every type over GOOG's minute bars of one day, sent by a script: made from the bars, run embedded.

A script is plain JSON, so that an algorithm in LEAN reads the same (``scripted_algorithm.py``). Limits are chosen from
the bars themselves, so that many are met by a cent, touched, or missed by a cent.
"""

import random
from collections.abc import Sequence
from math import gcd
from pathlib import Path
from typing import Any

import numpy as np

from alo_lib.market import DataFolder
from alo_lib.records import InstrumentTable, Kind, OrderType, sent_together
from alo_lib.runtime import Teller, Timetable
from alo_lib.settings import Settings
from alo_lib.simulation import Account, Broker, Feed, Listing, OrderEvent, Prices, require_data
from alo_lib.simulation.broker import send
from tests.simulation.script_records import CASH, amendments_of, intents_of, told

__all__ = ["MarketDay", "Script", "exercises", "made", "run_embedded"]

Script = dict[str, Any]

LENGTH = 10_000_000  # between a bar's end and what is sent after it, ns
STRIKES = (740.0, 745.0, 747.5, 750.0, 755.0)


class MarketDay:
    """The day's session and bars, with a few contracts told."""

    def __init__(self, root: Path) -> None:
        settings = Settings.of(
            {"underlyings": "GOOG", "start": "2015-12-24", "end": "2015-12-24", "cash": CASH}, {"resolution": "minute"}
        )
        self.feed = Feed(settings, DataFolder(root), require_data(settings, root))
        self.instruments, self.listing, self.prices = InstrumentTable(), Listing(), Prices()
        self.teller = Teller(settings, self, self.feed)
        (self.session,) = self.feed.sessions
        for message in self.teller.begin(self.session, Timetable(settings).begin(self.session)):
            if message.kind is Kind.INSTRUMENT:
                self.listing.add(message.records)
                self.prices.grow(len(self.instruments))
        self.steps = list(self.feed.bars(self.session, self.teller.told).steps())
        first = min(contract.expiry for _, contract in self.teller.told.contracts.values())
        self.traded = {
            number: contract
            for number, (_, contract) in sorted(self.teller.told.contracts.items())
            if contract.expiry == first and contract.strike in STRIKES
        }

    def contracts_open(self, underlying: int) -> list[int]:
        return []


def made(day: MarketDay, seed: int) -> Script:
    """A script: each minute a few orders, changes of those before, and cancels."""
    return _Maker(day, seed).script()


class _Maker:
    def __init__(self, day: MarketDay, seed: int) -> None:
        self.day, self.pick = day, random.Random(seed)
        self.bars: dict[int, dict[int, np.void]] = {number: {} for number in (0, *day.traded)}
        for step in day.steps:
            rows = step.trade_bars if len(step.trades) else ()
            for number, bar in zip(step.trades["instrument"].tolist(), rows, strict=True):
                self.bars[number][step.time] = bar
            for number, bar in zip(step.quotes["instrument"].tolist(), step.quote_bars, strict=True):
                if number in day.traded:
                    self.bars[number][step.time] = bar
        self.order = 0
        self.alive: list[tuple[int, list[tuple[int, int]]]] = []  # first order and legs of what may work

    def script(self) -> Script:
        contracts = [[n, c.expiry.isoformat(), c.strike, c.right, c.expiry_time] for n, c in self.day.traded.items()]
        steps = {}
        for before, after in zip(self.day.steps, self.day.steps[1:], strict=False):
            if self.pick.random() < 0.3:
                steps[str(before.time + LENGTH)] = self.step(after.time)
        return {"contracts": contracts, "steps": steps}

    def step(self, coming: int) -> dict[str, list[Any]]:
        amended = []
        for _ in range(self.pick.choice((0, 0, 1, 2))):
            if self.alive:
                first, legs = self.pick.choice(self.alive[-6:])
                cancel = self.pick.random() < 0.4
                amended.append([first, int(cancel), None if cancel else self.limit(legs, coming)])
        sent: list[list[Any]] = []
        for _ in range(self.pick.choice((0, 1, 1, 2))):
            sent += self.orders(coming)
        return {"amend": amended, "send": sent}

    def orders(self, coming: int) -> list[list[Any]]:
        count = self.pick.choice((1, 1, 1, 2, 2, 3, 4))
        legs = []
        for number in self.pick.sample(list(self.bars), count):
            size = self.pick.choice((-3, -2, -1, 1, 2, 3)) * (100 if number == 0 else 1)
            legs.append((number, size))
        limited = self.pick.random() < 0.8
        if count == 1 and not limited:  # what a quote displays: of more than that embedded fills a part
            legs = [(number, (1 if size > 0 else -1) * (100 if number == 0 else 1)) for number, size in legs]
        limit = self.limit(legs, coming) if limited else None
        if count > 1:
            type_ = OrderType.COMBO_LIMIT if limited else OrderType.COMBO_MARKET
        else:
            type_ = OrderType.LIMIT if limited else OrderType.MARKET
        first = self.order + 1
        rows = []
        for number, size in legs:
            self.order += 1
            rows.append([self.order, number, int(type_), size, first if count > 1 else 0, limit])
        if limited:
            self.alive.append((first, legs))
        return rows

    def limit(self, legs: Sequence[tuple[int, int]], coming: int) -> float:
        """A limit near to what the coming bar has, often to the cent."""
        units, cost = gcd(*(size for _, size in legs)), 0.0
        for number, size in legs:
            bar = self.bars[number].get(coming)
            each = self.pick.choice(("low", "high", "close"))
            if bar is None:
                price = 700.0 if number == 0 else 5.0
            else:
                price = float(bar[each] if number == 0 else bar[f"{'ask' if size > 0 else 'bid'}_{each}"])
            price = price if np.isfinite(price) else 1.0
            if len(legs) == 1:
                cost = price
            else:
                cost += price * size / (units * (100 if number == 0 else 1))
        side = 1 if len(legs) > 1 or legs[0][1] > 0 else -1
        limit = round(cost - side * self.pick.choice((2.0, 1.0, 0.5, 0.2, 0.05, 0.01, 0.0, 0.0, -0.01, -0.05)), 2)
        return limit if len(legs) > 1 and limit else max(limit, 0.01)


def exercises(day: MarketDay) -> Script:
    """A script that exercises what it has bought: in and out of the money, whole and in part, with orders that wait."""
    contracts = [[n, c.expiry.isoformat(), c.strike, c.right, c.expiry_time] for n, c in day.traded.items()]
    by_terms = {(c.strike, c.right): n for n, c in day.traded.items()}
    call, put, out = by_terms[740.0, 1], by_terms[755.0, -1], by_terms[755.0, 1]
    market, limit, exercise = int(OrderType.MARKET), int(OrderType.LIMIT), int(OrderType.OPTION_EXERCISE)
    times = [str(step.time + LENGTH) for step in day.steps]
    sent = {
        20: [[1, call, market, 1, 0, None], [2, put, market, 1, 0, None], [3, 0, market, -100, 0, None]],
        25: [[4, out, market, 1, 0, None], [5, call, market, 1, 0, None]],
        30: [[6, 0, limit, 100, 0, 700.0], [7, call, exercise, -1, 0, None]],  # the short shares are gone
        35: [[8, put, exercise, -1, 0, None], [9, 0, market, 100, 0, None]],
        40: [[10, out, exercise, -1, 0, None]],  # and nothing comes of it
        45: [[11, call, exercise, -1, 0, None], [12, call, market, 1, 0, None]],
        50: [[13, call, market, -1, 0, None], [14, 0, market, -100, 0, None]],
    }
    return {"contracts": contracts, "steps": {times[at]: {"amend": [], "send": rows} for at, rows in sent.items()}}


def run_embedded(day: MarketDay, script: Script) -> list[list[Any]]:
    """Every event of the script's orders, in order."""
    account = Account(CASH, day.listing)
    broker = Broker(day.listing, day.prices, account, bar=60_000_000_000)
    broker.begin_session(day.session.open, day.session.close)
    events: list[OrderEvent] = []
    for step in day.steps:
        day.prices.trade(step.time, step.trades, step.trade_bars)
        day.prices.option_trade(step.time, step.option_trades)
        day.prices.quote(step.time, step.quotes, step.quote_bars)
        events += broker.scan(step.time)
        time = step.time + LENGTH
        doing = script["steps"].get(str(time))
        if doing is None:
            continue
        for row in amendments_of(doing["amend"]):
            events += broker.amend(int(row["order"]), time, None if row["cancel"] else float(row["limit"]))
        for sent in sent_together(intents_of(doing["send"])):
            events += send(broker, sent, time)
    return [told(event.told().records[0], event.time) for event in events]
