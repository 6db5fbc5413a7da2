"""What the market said of trades when they were closed, read from the journal."""

import math
from typing import Final, NamedTuple

import numpy as np

from alo_lib.records import OPTION_MULTIPLIER, Kind, OrderReason
from alo_lib.strategy.valuation import leg_greeks
from alo_lib.views.run import Run, Table, once_a_run
from alo_lib.views.volatility import MarketWalk

__all__ = ["UNTOLD_END", "TradeEnd", "trade_ends"]

_LEGS: Final = 2
_SETTLED: Final = (OrderReason.EXPIRED, OrderReason.EXERCISED, OrderReason.ASSIGNED)
_TERMS: Final = (Kind.INSTRUMENT, Kind.DIVIDEND, Kind.SPLIT)
"""What contracts are priced by, beside the spot, the rate and a volatility."""


class TradeEnd(NamedTuple):
    """A trade at the last measure of the market that had both its legs: that on which its closing orders were sent.

    Volatilities are annualized decimals; NaN where one is not known.
    """

    implied_volatility: float  # mean of the legs', as at the entry
    forecast_volatility: float
    edge: float  # money per structure at the middle of the quotes: what was still to be gained
    edge_volatility: float  # the same, per unit of vega at the forecast: what exit-edge is held against


UNTOLD_END: Final = TradeEnd(math.nan, math.nan, math.nan, math.nan)


class _Look(NamedTuple):
    """Where the last measure of both legs is: two rows of POSITION."""

    underlying: int
    expiry: int
    direction: int
    rows: list[int]


@once_a_run
def trade_ends(run: Run) -> dict[int, TradeEnd]:
    """By number, each trade that was closed at a market; none that is open, or that was settled."""
    looks = _last_looks(run)
    positions, spots, forecasts = (run.table(kind) for kind in (Kind.POSITION, Kind.EXPOSURE, Kind.FORECAST))
    due: dict[int, list[int]] = {}
    for trade, look in looks.items():
        due.setdefault(int(positions.time[look.rows[0]]), []).append(trade)
    walks = {one.number: MarketWalk(one) for one in run.underlyings}
    rate, ends = math.nan, {}
    for message in run.journal.messages:
        if message.kind in _TERMS:
            for walk in walks.values():
                walk.take(message)
        elif message.kind is Kind.RATE:
            rate = float(message.records["rate"][-1])
        elif message.kind is Kind.POSITION:
            for trade in due.pop(message.time, ()):
                look = looks[trade]
                spot = _last(spots, look.underlying, message.time, "spot")
                walks[look.underlying].book.take_trade(spot, message.time)
                volatility = _forecast(forecasts, look, message.time)
                ends[trade] = _end(walks[look.underlying], positions.where(np.array(look.rows)), look, volatility, rate)
    return ends


def _last_looks(run: Run) -> dict[int, _Look]:
    entries, exits = run.table(Kind.ENTRY).records, run.table(Kind.EXIT).records
    closed = {int(row["trade"]) for row in exits if OrderReason(int(row["reason"])) not in _SETTLED}
    time, held = run.table(Kind.POSITION)
    looks = {}
    for entry in entries:
        if int(entry["trade"]) not in closed:
            continue
        legs = int(entry["call"]), int(entry["put"])
        own = np.flatnonzero((held["trade"] == entry["trade"]) & np.isin(held["instrument"], legs))
        moments, counts = np.unique(time[own], return_counts=True)
        whole = moments[counts == _LEGS]
        if len(whole):
            rows = own[time[own] == whole[-1]].tolist()
            underlying, expiry, direction = (int(entry[name]) for name in ("underlying", "expiry", "direction"))
            looks[int(entry["trade"])] = _Look(underlying, expiry, direction, rows)
    return looks


def _last(told: Table, underlying: int, time: int, name: str) -> float:
    """What was last told of an underlying until then; NaN before anything was."""
    rows = np.flatnonzero((told.records["underlying"] == underlying) & (told.time <= time))
    return float(told.records[name][rows[-1]]) if len(rows) else math.nan


def _forecast(told: Table, look: _Look, time: int) -> float:
    """The volatility that was in force for the trade's expiry; NaN where the last forecasts have none for it."""
    known = told.where((told.records["underlying"] == look.underlying) & (told.time <= time))
    last = known.where((known.time == known.time[-1:].sum()) & (known.records["expiry"] == look.expiry))
    return float(last.records["volatility"][-1]) if len(last.time) else math.nan


def _end(walk: MarketWalk, held: Table, look: _Look, volatility: float, rate: float) -> TradeEnd:
    book, time = walk.book, int(held.time[0])
    implied = float(held.records["implied_volatility"].mean())
    legs = held.records["instrument"].tolist()
    if not (math.isfinite(volatility) and book.spot > 0.0 and all(map(book.lists, legs))):
        return TradeEnd(implied, volatility, math.nan, math.nan)
    rows = np.array([book.row(leg) for leg in legs], np.intp)
    at_forecast = leg_greeks(book, rows, np.full(len(legs), volatility), rate, time)
    vega = float(at_forecast.vega.sum())
    gain = look.direction * float((at_forecast.price - held.records["mark"]).sum())
    return TradeEnd(implied, volatility, gain * OPTION_MULTIPLIER, gain / vega if vega > 0.0 else math.nan)
