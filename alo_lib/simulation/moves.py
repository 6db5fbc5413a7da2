"""Moves of a raw price that no split or dividend explains: the mark of an event that is not told, or of a bad bar.

The other way round, what a factor file tells is held against prices: dividends that are none.
"""

import datetime as dt
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.market import CorporateEvents, DataError, Dividend, FactorFile
from alo_lib.records import NEW_YORK, SECOND
from alo_lib.settings import LARGEST_MOVE

__all__ = [
    "OpenClose",
    "Prices",
    "check_bars",
    "check_dividends",
    "check_moves",
    "check_quotes",
    "check_references",
    "clock",
    "is_near",
    "open_and_close",
]

_NOISE: Final = 1e-4
"""Share of the price by which a dividend may be negative, for factors are rounded."""
_LARGE: Final = 0.1
"""Share of the price from which a dividend shows in the night before its ex-date."""
_REFERENCE: Final = 0.05
"""Share by which a reference price may be off the close; in LEAN's sample files it is the close, of 614 events."""
_UNIVERSE: Final = 0.1
"""Share by which a universe's price may be off; some in LEAN's sample files are a session old, and off by 0.02."""

OpenClose = tuple[float, float]
"""The first price of a session and its last."""


class _Night(NamedTuple):
    """A close, the next open, and their days."""

    before: dt.date
    close: float
    day: dt.date
    open: float

    def after_splits(self, events: CorporateEvents) -> float:
        """The close as shares are the day after."""
        return self.close * math.prod(each.factor for each in events.splits if self.before < each.day <= self.day)

    def expected(self, events: CorporateEvents) -> float:
        """Where a price that did not move opens."""
        paid = sum(each.amount for each in events.dividends if self.before < each.ex_date <= self.day)
        return self.after_splits(events) - paid


class Prices(NamedTuple):
    """Raw opens and closes by ascending days, and what a factor file says of them."""

    ticker: str
    daily: Mapping[dt.date, OpenClose]
    """Of daily bars."""
    sessions: Mapping[dt.date, OpenClose]
    """Of a run's own bars."""
    events: CorporateEvents
    source: str
    """Where the events come from, for sentences."""

    def nights(self) -> Iterator[_Night]:
        """Those between daily bars; then those before each session, after the daily close if there is one."""
        yield from _nights(self.daily, self.daily)
        yield from _nights(self.sessions, {**self.sessions, **self.daily})


def open_and_close(bars: NDArray[np.void]) -> OpenClose:
    """The first price of a session's bars, and the last."""
    return float(bars["open"][0]), float(bars["close"][-1])


def check_moves(prices: Prices, limit: float) -> None:
    """Raise DataError for the first open that lies further than ``limit`` from what the close before and events say.

    A daily close is compared with its open, too. A move is the larger price over the smaller one, less one: 6 where a
    split of seven for one is not told.
    """
    for night in prices.nights():
        move = _move(night.open, night.expected(prices.events))
        if not move <= limit:
            raise DataError(
                f"{prices.ticker} closed at {night.close:g} on {night.before} and opened at {night.open:g} on "
                f"{night.day}, which no split or dividend of {prices.source} explains; {_ways_out(move)}"
            )
    for day, (open_, close) in prices.daily.items():
        move = _move(open_, close)
        if not move <= limit:
            raise DataError(
                f"{prices.ticker} opened at {open_:g} on {day} and closed at {close:g}, as its daily bars say, further "
                f"than max-unexplained-move = {limit:g}; {_ways_out(move)}"
            )


def check_dividends(prices: Prices, dividends: tuple[Dividend, ...], limit: float) -> None:
    """Raise DataError for the first of ``dividends`` that can be none.

    One that is negative; one that moves the price by more than ``limit``; one of a tenth of the price or more, unless
    the price opened on the ex-date nearer to where it leaves it than to where it was.
    """
    nights = list(prices.nights())
    for each in dividends:
        share = each.amount / each.reference_price
        told = (
            f"{prices.source} gives {prices.ticker} a dividend of {each.amount:.2f} on {each.ex_date}, {share:.1%} of "
            "the price"
        )
        if share < -_NOISE:
            raise DataError(f"{told}, and no dividend is negative: a factor before that day or after it is wrong")
        move = _move(1.0, 1.0 - share)
        if not move <= limit:
            raise DataError(
                f"{told}, further than max-unexplained-move = {limit:g}: a factor is wrong, or the columns of price "
                f"and split factors are exchanged; {_ways_out(move)}"
            )
        if share >= _LARGE and not any(
            night.before < each.ex_date <= night.day and _is_confirmed(night, prices.events) for night in nights
        ):
            raise DataError(f"{told}, and no overnight move confirms it: a factor before that day or after it is wrong")


def check_references(ticker: str, factors: FactorFile, closes: Mapping[dt.date, float], since: dt.date) -> None:
    """Raise DataError for the first event from ``since`` on whose reference price is not its row's raw close.

    LEAN makes the money of a dividend of it. Rows of days that are not in ``closes`` are not looked at.
    """
    for row, following in zip(factors.rows, factors.rows[1:], strict=False):
        close = closes.get(row.day)
        if row.day < since or close is None or row[1:3] == following[1:3] or not row.reference_price:
            continue
        move = _move(float(row.reference_price), close)
        if not move <= _REFERENCE:
            raise DataError(
                f"{factors.path} gives {ticker} a reference price of {row.reference_price:f} in its row of {row.day}, "
                f"and its daily bar of that day closed at {close:g}: they are {move:.1%} apart, where {_REFERENCE:.0%} "
                "is allowed; put the file that is wrong right"
            )


def is_near(price: float, known: Iterable[OpenClose]) -> bool:
    """Whether a universe's price is near to an open or close of the sessions before and after it, if any is known.

    Both are in the shares of the session after, as its contracts are; a price from before a dividend fits, and after.
    """
    marks = [mark for each in known for mark in each]
    return not marks or any(_move(price, mark) <= _UNIVERSE for mark in marks)


def check_bars(ticker: str, bars: NDArray[np.void], *, period: int, limit: float, source: str) -> None:
    """Raise DataError for the first price of a session that lies further than ``limit`` from the one before it.

    bars: (n,) of dtype TRADE_BAR, ``period`` nanoseconds each, in time order. Opens and closes are looked at in turn.
    """
    prices = np.stack([bars["open"], bars["close"]], axis=1).ravel()
    low, high = np.minimum(prices[:-1], prices[1:]), np.maximum(prices[:-1], prices[1:])
    bad = np.flatnonzero(~(high <= low * (1.0 + limit)) | (low <= 0.0))
    if len(bad):
        at = int(bad[0])
        before, after = (
            f"{prices[place]:g} at {clock(int(bars['time'][place // 2]) - (period if place % 2 == 0 else 0))}"
            for place in (at, at + 1)
        )
        raise DataError(
            f"{ticker} went from {before} to {after} within a session in {source}, further than "
            f"max-unexplained-move = {limit:g}; {_ways_out(_move(prices[at], prices[at + 1]))}"
        )


def check_quotes(ticker: str, quotes: NDArray[np.void], bars: NDArray[np.void], *, limit: float, source: str) -> None:
    """Raise DataError for the first quote of a session that the price traded at leaves further than ``limit`` outside.

    quotes, bars: (n,), (m,) of dtypes QUOTE_BAR and TRADE_BAR, m not 0, in time order; a quote is compared with the
    last close at its time or before. A side that is wide of the price is none that trades, and no fault.
    """
    at = np.maximum(np.searchsorted(bars["time"], quotes["time"], side="right") - 1, 0)
    price, bid, ask = bars["close"][at], quotes["bid_close"], quotes["ask_close"]
    bad = np.flatnonzero((bid > price * (1.0 + limit)) | (ask * (1.0 + limit) < price))
    if len(bad):
        row = int(bad[0])
        outside = float(bid[row] if bid[row] > price[row] else ask[row])
        raise DataError(
            f"{ticker} is quoted at {bid[row]:g} to {ask[row]:g} at {clock(int(quotes['time'][row]))} in {source} and "
            f"trades at {price[row]:g}, further than max-unexplained-move = {limit:g}; "
            f"{_ways_out(_move(outside, float(price[row])))}"
        )


def _move(price: float, other: float) -> float:
    """The larger over the smaller one, less one; infinite where one is no price."""
    low, high = min(price, other), max(price, other)
    return high / low - 1.0 if low > 0.0 else math.inf


def _ways_out(move: float) -> str:
    """What can be done about a move; no setting allows one beyond the largest."""
    allowed = math.ceil(move) if move <= LARGEST_MOVE else None
    ask = "" if allowed is None else f", or where prices did move so add --set max-unexplained-move={allowed}"
    return f"put the file right{ask}"


def _is_confirmed(night: _Night, events: CorporateEvents) -> bool:
    """Whether a price opened nearer to where its dividends leave it than to where it was."""
    return _move(night.open, night.expected(events)) <= _move(night.open, night.after_splits(events))


def clock(time: int) -> str:
    """A time as exchanges show it."""
    return f"{dt.datetime.fromtimestamp(time // SECOND, NEW_YORK):%Y-%m-%d %H:%M}"


def _nights(opens: Mapping[dt.date, OpenClose], closes: Mapping[dt.date, OpenClose]) -> Iterator[_Night]:
    """Each open with the last close before it."""
    days = sorted(closes)
    before = dict(zip(days[1:], days, strict=False))
    for day, (open_, _) in opens.items():
        if (last := before.get(day)) is not None:
            yield _Night(last, closes[last][1], day, open_)
