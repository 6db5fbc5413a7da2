"""Everything compiled and loaded before the first frame: a throwaway core lives through one small day."""

import gc
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Final

import numpy as np
from numba.core.dispatcher import Dispatcher

from alo_lib.core.trading import TradingCore
from alo_lib.executive import BudgetWatch
from alo_lib.journal import JournalWriter, MemoryStore, read_journal
from alo_lib.pricing import Chain, Style
from alo_lib.records import (
    DAY,
    HOUR,
    SECOND,
    TRADING_DAYS,
    Contract,
    Kind,
    Message,
    OrderStatus,
    OrderType,
    Records,
    records,
    years_between,
)
from alo_lib.runtime.timetable import Timetable
from alo_lib.settings import Settings
from alo_lib.strategy.hedging_policy import HedgingPolicy
from alo_lib.strategy.policy_records import policy_records

__all__ = ["kernels_ready", "warm_up"]

_TICKER: Final = "WARM"
_DAY: Final = date(2024, 3, 4)
_OPEN: Final = int(datetime.fromisoformat("2024-03-04T14:30:00+00:00").timestamp()) * SECOND
_SPOT: Final = 100.0
_RATE: Final = 0.03
_STRIKES: Final = tuple(70.0 + 5.0 * step for step in range(13))
_HISTORY: Final = 400
_DIVIDEND_DAYS: Final = (-170, -80)


_STYLES: Final[tuple[Style, ...]] = ("american", "european")


def kernels_ready() -> int:
    """Compiled forms that this process holds of all kernels."""
    return sum(len(each.signatures) for each in gc.get_objects() if isinstance(each, Dispatcher))


def warm_up(settings: Settings) -> list[Message]:
    """Run every task of a frame over a market made up here; returns what was put in, frames included.

    The day has what compiles code: a forecast, dear and cheap volatility, entries, fills, a hedge, exits, a dividend.
    The next one's first frame brings fitted models up to date.
    """
    _price()
    wanted = settings.model_copy(update={"underlyings": (_TICKER,)})
    store = MemoryStore()
    core = TradingCore(wanted, JournalWriter(store, segment_bytes=1 << 22), watch=BudgetWatch())
    _begin(core, wanted)
    for hour, volatility, spot in ((1, 0.6, _SPOT), (2, 0.6, 1.05 * _SPOT), (3, 0.05, 0.97 * _SPOT), (4, 0.3, _SPOT)):
        _bar(core, _OPEN + hour * HOUR, volatility, spot)
    _next_day(core)
    core.stop()
    journaled = read_journal(store.images(), unfinished=True).messages
    return [message for message in journaled if not (message.kind.is_decision or message.kind.is_remark)]


def _price() -> None:
    """A put that shares boundaries with its chain and a call that is never exercised early, both ways."""
    for style in _STYLES:
        chain = Chain([_SPOT, _SPOT], [0.5, 0.5], [-1.0, 1.0], style=style)
        prices = chain.greeks(_SPOT, _RATE, 0.0, 0.3).price
        chain.implied_volatility(np.stack([prices, chain.price(_SPOT, _RATE, 0.0, 0.4)]), _SPOT, _RATE, 0.0)


def _begin(core: TradingCore, settings: Settings) -> None:
    start = _OPEN - HOUR // 2
    core.accept(Message(Kind.INSTRUMENT, start, core.instruments.add_equity(_TICKER)))
    if settings.hedge == "policy":  # any has the same code
        policy = HedgingPolicy.zero(settings.risk_aversion, hidden=(1,))
        core.accept(Message(Kind.POLICY, start, policy_records(policy)))
    session = records(Kind.SESSION, open=_OPEN, close=_OPEN + 13 * HOUR // 2, date=20240304)
    core.accept(Message(Kind.SESSION, start, session))
    core.accept(Message(Kind.RATE, start, records(Kind.RATE, rate=_RATE)))
    count = max(_HISTORY, settings.garch_minimum + 1)
    shocks = np.random.default_rng(11).standard_normal(count) * 0.2 / np.sqrt(TRADING_DAYS)
    path = np.cumsum(shocks)
    closes = records(Kind.CLOSE, count, time=start - np.arange(count, 0, -1) * 24 * HOUR)
    closes["close"] = _SPOT * np.exp(path - path[-1])
    core.accept(Message(Kind.CLOSE, start, closes))
    days = np.array(_DIVIDEND_DAYS)
    dividends = records(Kind.DIVIDEND, len(days), time=_OPEN + days * 24 * HOUR, amount=0.2)
    core.accept(Message(Kind.DIVIDEND, start, dividends))
    contracts = _contracts(settings)
    core.accept(Message(Kind.INSTRUMENT, start, core.instruments.add_contracts(_TICKER, contracts)))
    _tell_calendar(core, start, _OPEN, contracts[-1].expiry_time)


def _tell_calendar(core: TradingCore, time: int, opens: int, last: int) -> None:
    """Sessions after that of an open, one a day, until the last expiry."""
    count = (last - opens) // DAY + 2
    ahead = opens + DAY * np.arange(1, count + 1)
    core.accept(Message(Kind.CALENDAR, time, records(Kind.CALENDAR, count, open=ahead, close=ahead + 13 * HOUR // 2)))


def _next_day(core: TradingCore) -> None:
    opens = _OPEN + 24 * HOUR
    start = opens - HOUR // 2
    core.accept(Message(Kind.SESSION, start, records(Kind.SESSION, open=opens, close=opens + HOUR, date=20240305)))
    core.accept(Message(Kind.CLOSE, start, records(Kind.CLOSE, time=_OPEN + 13 * HOUR // 2, close=_SPOT)))
    _tell_calendar(core, start, opens, _contracts(core.settings)[-1].expiry_time)
    if core.open_frame(start + core.settings.frame_nanoseconds):
        core.run()


def _contracts(settings: Settings) -> list[Contract]:
    """Two expiries that the strategy would look at."""
    first, last = settings.min_days_to_expiry, settings.max_days_to_expiry
    found = []
    for days in sorted({int(first + (last - first) * share) for share in (0.3, 0.8)}):
        expiry = _DAY + timedelta(days=max(days, 1))
        at = _OPEN + 13 * HOUR // 2 + max(days, 1) * 24 * HOUR
        found += [Contract(expiry, strike, right, at, 100) for strike in _STRIKES for right in (-1, 1)]
    return sorted(found)


def _bar(core: TradingCore, time: int, volatility: float, spot: float) -> None:
    """Quote the market at a volatility, run the frames that follow, fill what they send."""
    contracts = _contracts(core.settings)
    years = years_between(time, [each.expiry_time for each in contracts])
    chain = Chain(np.array([each.strike for each in contracts]), years, np.array([float(c.right) for c in contracts]))
    mid = chain.price(spot, _RATE, 0.0, volatility)
    quotes = records(Kind.QUOTE, len(mid) + 1, instrument=np.arange(len(mid) + 1), bid_size=50, ask_size=50)
    quotes["bid"] = np.append(spot - 0.01, np.maximum(mid - 0.02, 0.01))
    quotes["ask"] = np.append(spot + 0.01, mid + 0.02)
    core.accept(Message(Kind.TRADE, time, records(Kind.TRADE, close=spot, volume=100)))
    core.accept(Message(Kind.QUOTE, time, quotes))
    for frame in Timetable(core.settings).frames_after(time):
        if core.open_frame(frame):
            for event in _fills(core.run(), quotes):
                core.accept(Message(Kind.ORDER_EVENT, frame, event))


def _fills(intents: Records, quotes: Records) -> Iterator[Records]:
    for intent in intents:
        quote = quotes[quotes["instrument"] == intent["instrument"]][0]
        event = records(Kind.ORDER_EVENT, order=intent["order"], instrument=intent["instrument"])
        event["type"], event["status"] = OrderType.MARKET, OrderStatus.FILLED
        event["quantity"], event["fee"] = intent["quantity"], 1.0
        event["price"] = quote["ask" if intent["quantity"] > 0 else "bid"]
        yield event
