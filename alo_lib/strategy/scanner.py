"""Which contracts are looked at, and which pairs of them are worth trading."""

import datetime as dt
import math
from collections.abc import Iterable
from itertools import accumulate, chain, groupby, takewhile
from operator import attrgetter
from typing import Annotated, Final, NamedTuple

import numpy as np

from alo_lib.records import OPTION_MULTIPLIER, Contract, Kind, Records, records
from alo_lib.settings import Settings
from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.screening import Screen
from alo_lib.strategy.staleness import in_step
from alo_lib.strategy.structures import STRUCTURES, Rows
from alo_lib.strategy.valuation import Valuation, quote_volatility

__all__ = ["Scan", "scan", "select_contracts"]

_SIGNALS_PUBLISHED: Final = 3


def select_contracts(
    settings: Settings, date: dt.date, reference_price: float, contracts: Iterable[Contract]
) -> list[Contract]:
    """The contracts to subscribe on ``date``: by calendar days to expiry and by strike around a reference price.

    Where that is more than may be subscribed, whole strikes, both rights together, nearest the money first: what a
    strike is away from the reference price goes with the root of time, as standard deviations do.
    """
    wanted = sorted(
        contract
        for contract in contracts
        if settings.min_days_to_expiry <= (contract.expiry - date).days <= settings.max_days_to_expiry
        and abs(contract.strike / reference_price - 1.0) <= settings.strike_range
    )
    if len(wanted) <= settings.contracts_each:
        return wanted
    strikes = [list(group) for _, group in groupby(wanted, key=attrgetter("expiry", "strike"))]
    strikes.sort(key=lambda group: _distance(group[0], date, reference_price))  # equal ones stay in order of expiry
    within = takewhile(lambda end: end <= settings.contracts_each, accumulate(map(len, strikes)))
    return sorted(chain.from_iterable(strikes[: sum(1 for _ in within)]))


def _distance(contract: Contract, date: dt.date, reference_price: float) -> float:
    """Of a strike from the reference price, the same up and down, over the root of the days to expiry."""
    ratio = contract.strike / reference_price
    return (max(ratio, 1.0 / ratio) - 1.0) / math.sqrt((contract.expiry - date).days)


class Scan(NamedTuple):
    """What a chain offers now."""

    signals: Records
    """The best pairs to buy or sell, best first, as SIGNAL records."""
    funnel: Annotated[Records, Kind.FUNNEL]
    """How many contracts and pairs came how far; nothing is proposed or opened yet."""


def scan(book: MarketBook, valuation: Valuation, screen: Screen, settings: Settings, rate: float, time: int) -> Scan:
    """Find the best pairs to buy or sell.

    A pair's edge is what its quotes pay over its value at the forecast volatility, entering at the touch, leaving
    through half the spread, fees both ways. Pairs rank by edge over vega, for the vega budget decides their size.
    ``valuation`` and ``screen`` are of this moment.
    """
    forecast = screen.liquid & np.isfinite(valuation.volatility)
    usable = screen.tradable & np.isfinite(valuation.at_forecast.price) & in_step(screen.lag)
    calls, puts = STRUCTURES[settings.structure].pairs(book, usable, valuation.at_forecast.delta, settings)
    directions = {"both": (+1, -1), "long": (+1,), "short": (-1,)}[settings.direction]
    candidates = [
        _candidates(book, valuation, calls, puts, direction, 4.0 * settings.fee_per_contract)
        for direction in directions
    ]
    signals: Records = np.concatenate(candidates)
    funnel = records(
        Kind.FUNNEL,
        underlying=book.instrument,
        listed=len(book.contracts),
        quoted=np.count_nonzero(screen.quoted),
        in_range=np.count_nonzero(screen.in_range),
        liquid=np.count_nonzero(screen.liquid),
        forecast=np.count_nonzero(forecast),
        pairs=len(calls),
        edge=np.count_nonzero(signals["edge_volatility"] >= settings.entry_edge),
    )
    best = np.lexsort((signals["put"], signals["call"], -signals["edge_volatility"]))[:_SIGNALS_PUBLISHED]
    signals = signals[best]
    if len(signals):
        rows = np.array([[book.row(int(s[leg])) for leg in ("call", "put")] for s in signals], np.intp)
        implied = quote_volatility(book, rows.ravel(), rate, time).reshape(rows.shape)
        signals["implied_volatility"] = implied.mean(axis=1)
    return Scan(signals, funnel)


def _candidates(
    book: MarketBook, valuation: Valuation, calls: Rows, puts: Rows, direction: int, fees: float
) -> Records:
    """One SIGNAL record a pair, bought (+1) or sold (-1), with the fees of both legs in and out."""
    quotes, values = book.quotes, valuation.at_forecast
    side = "ask" if direction > 0 else "bid"
    paid = quotes[side][calls] + quotes[side][puts]
    worth = values.price[calls] + values.price[puts]
    spread = (quotes["ask"] - quotes["bid"])[calls] + (quotes["ask"] - quotes["bid"])[puts]
    vega = (values.vega[calls] + values.vega[puts]) * OPTION_MULTIPLIER
    edge = (direction * (worth - paid) - 0.5 * spread) * OPTION_MULTIPLIER - fees
    with np.errstate(invalid="ignore", divide="ignore"):
        edge_volatility = np.where(vega > 0.0, edge / vega, -np.inf)
    return records(
        Kind.SIGNAL,
        len(calls),
        underlying=book.instrument,
        call=book.contracts["instrument"][calls],
        put=book.contracts["instrument"][puts],
        direction=direction,
        forecast_volatility=0.5 * (valuation.volatility[calls] + valuation.volatility[puts]),
        edge=edge,
        edge_volatility=edge_volatility,
        vega=vega,
    )
