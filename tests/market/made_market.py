"""Made-up stocks and their options in memory: what trades in them come to at mid prices, beside what they cost."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.market import OptionBars
from alo_lib.market.generator.dividends import PaidOut
from alo_lib.market.generator.exchange import equity_hours, option_hours
from alo_lib.market.generator.fair import fair_of
from alo_lib.market.generator.market import DISCOUNT_RATE
from alo_lib.market.generator.quotes import OptionMarket
from alo_lib.market.generator.stock import Day, walk_days
from alo_lib.market.generator.truth import MarketTruth, NameTruth
from alo_lib.pricing import greeks, implied_volatility
from alo_lib.records import years_between

Array = NDArray[np.float64]

START = date(2024, 1, 2)
HOURS = equity_hours(2023, 2025)
OPTION_HOURS = option_hours(2023, 2025)
SIDES = np.array([-1.0, 1.0])


class Straddle(NamedTuple):
    """A straddle sold at mid, hedged at each quote and held to expiry, a share; money at expiry."""

    premium: float
    vega: float
    profit: float


def walk(name: NameTruth, seed: int, end: date) -> tuple[list[Day], PaidOut, list[np.random.SeedSequence]]:
    streams = [np.random.SeedSequence(seed, spawn_key=(0, purpose)) for purpose in range(10)]
    paid = PaidOut([], 0.0, DISCOUNT_RATE, HOURS)
    history = HOURS.sessions(START - timedelta(days=5), START - timedelta(days=1))
    days = walk_days(name, history, HOURS.sessions(START, end), paid, DISCOUNT_RATE, streams[:4])
    return days[len(history) - 1 :], paid, streams[4:]


def chains(name: NameTruth, seed: int, end: date) -> Iterator[tuple[Day, OptionBars]]:
    """Each session's day and quotes, every half hour."""
    days, paid, streams = walk(name, seed, end)
    truth = MarketTruth(seed=seed, start=START, end=end, quote_minutes=30, names=(name,))
    fair = fair_of(name.dynamics, name.jumps, 95)
    market = OptionMarket(truth, name, fair, paid, DISCOUNT_RATE, OPTION_HOURS, streams[:5])
    market.close(days[0], 1.0)
    for day in days[1:]:
        yield day, market.trade(day)
        market.close(day, 1.0)


def straddle(name: NameTruth, seed: int, expiry: date) -> Straddle:
    """Of the strike that is nearest as the first session has begun."""
    end = OPTION_HOURS.expiry_time(expiry)
    strike = cash = shares = premium = vega = 0.0
    before = 0
    for day, chain in chains(name, seed, expiry):
        listed = chain.contracts
        spots = dict(zip(day.bars["time"].tolist(), day.bars["close"].tolist(), strict=True))
        of_expiry = listed["expiry"] == np.datetime64(expiry)
        if not strike:
            strikes = np.unique(listed["strike"][of_expiry])
            strike = float(strikes[np.argmin(np.abs(strikes - spots[day.bars["time"][29]]))])
        rows = np.flatnonzero(of_expiry & (listed["strike"] == strike))
        quoted = chain.bars.reshape(-1, len(listed))[1:, rows]
        for bars in quoted:
            time = int(bars["time"][0])
            cash *= np.exp(DISCOUNT_RATE * float(years_between(before or time, time)))
            before, spot = time, spots[time]
            if time >= end:
                return Straddle(premium, vega, float(cash + shares * spot - abs(spot - strike)))
            mid = 0.5 * (np.nan_to_num(bars["bid_close"]) + bars["ask_close"])
            years = float(years_between(time, end))
            implied = implied_volatility(mid, spot, strike, DISCOUNT_RATE, 0.0, years, SIDES, invalid="nan")
            hedge = greeks(
                spot, strike, DISCOUNT_RATE, 0.0, np.nan_to_num(implied, nan=0.3), years, SIDES, style="european"
            )
            if not premium:
                premium, vega = float(mid.sum()), float(hedge.vega.sum())
                cash = premium
            delta = float(hedge.delta.sum())
            cash -= (delta - shares) * spot
            shares = delta
    raise AssertionError("the market ended before the straddle")
