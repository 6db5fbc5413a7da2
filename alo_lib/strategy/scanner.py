"""Which contracts are looked at, and which structures of them are worth trading."""

import datetime as dt
import math
from collections.abc import Iterable
from itertools import accumulate, chain, groupby, takewhile
from operator import attrgetter
from typing import Annotated, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.records import LEGS, RATIOS, Contract, Kind, Records, leg_columns, one_table, records
from alo_lib.settings import Settings
from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.edge_costs import EdgeCosts, Moment, edge_costs
from alo_lib.strategy.edges import net_edges
from alo_lib.strategy.ranking import rank_order
from alo_lib.strategy.screening import Screen
from alo_lib.strategy.staleness import in_step
from alo_lib.strategy.structures import Structure, traded_structures
from alo_lib.strategy.valuation import Valuation, quote_volatility

__all__ = ["DIRECTIONS", "Scan", "scan", "select_contracts"]

_SIGNALS_PUBLISHED: Final = 3
DIRECTIONS: Final = {"both": (+1, -1), "long": (+1,), "short": (-1,)}
"""Sides to open, by the setting ``direction``."""

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]


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
    """The best structures to buy or sell, best first, as SIGNAL records."""
    funnel: Annotated[Records, Kind.FUNNEL]
    """How many contracts and structures came how far; nothing is proposed or opened yet."""
    stops: list[tuple[int, str]]
    """What stopped structures whose edge suffices, for :func:`alo_lib.strategy.funnel.count_stops`."""


def scan(
    book: MarketBook,
    valuation: Valuation,
    screen: Screen,
    settings: Settings,
    moment: Moment,
) -> Scan:
    """Find the best structures to buy or sell.

    A structure's edge is that of :mod:`alo_lib.strategy.edges`, less its :mod:`alo_lib.strategy.edge_costs`. All rank
    together, by :mod:`alo_lib.strategy.ranking`. One of a leg whose implied volatility is unknown has no rank.
    ``valuation`` and ``screen`` are of this moment.
    """
    time, rate = moment.time, moment.rate
    valued = np.isfinite(valuation.at_forecast.price) & in_step(screen.lag)
    count, found = 0, list[Records]()
    for structure in traded_structures(settings):
        usable = valued & (screen.near if structure.near_the_money else screen.tradable)
        rows = structure.candidates(book, usable, valuation.at_forecast.delta, settings)
        count += len(rows)
        costs = edge_costs(book, valuation, np.array(structure.ratios, np.float64), rows, settings, moment)
        found += [
            _candidates(book, valuation, structure, rows, direction, costs)
            for direction in DIRECTIONS[settings.direction]
        ]
    signals = one_table(Kind.SIGNAL, found)
    funnel = records(
        Kind.FUNNEL,
        underlying=book.instrument,
        listed=len(book.contracts),
        quoted=np.count_nonzero(screen.quoted),
        in_range=np.count_nonzero(screen.in_range),
        liquid=np.count_nonzero(screen.liquid),
        forecast=np.count_nonzero(screen.liquid & np.isfinite(valuation.volatility)),
        candidates=count,
        edge=np.count_nonzero(signals["edge_volatility"] >= settings.entry_edge),
    )
    ranked = signals[rank_order(book, valuation, signals, settings, rate, time)]
    best, unknown = _explained(book, ranked, rate, time, _published(int(funnel["edge"][0]), settings))
    stops = ["unknown_implied"] if np.any(unknown["edge_volatility"] >= settings.entry_edge) else []
    told = len(unknown) + np.count_nonzero(best["edge_volatility"] >= settings.entry_edge)
    if settings.choice == "whole_book" and funnel["edge"][0] > told:
        stops.append("choice_candidates")
    return Scan(best, funnel, [(book.instrument, stop) for stop in stops])


def _published(suffice: int, settings: Settings) -> int:
    """How many signals are published, where the edge of so many suffices."""
    most = settings.choice_candidates if settings.choice == "whole_book" else _SIGNALS_PUBLISHED
    return max(min(suffice, most), _SIGNALS_PUBLISHED)


def _explained(book: MarketBook, ranked: Records, rate: float, time: int, count: int) -> tuple[Records, Records]:
    """The first ``count`` SIGNAL records whose legs all have an implied volatility; and those before that lack one.

    Volatilities are asked for in parts, each twice as long as the one before.
    """
    best, unknown, start, length = list[Records](), list[Records](), 0, count
    while start < len(ranked) and sum(map(len, best)) < count:
        part = ranked[start : start + length]
        part["implied_volatility"] = _implied(book, part, rate, time)
        is_known = np.isfinite(part["implied_volatility"])
        best.append(part[is_known])
        unknown.append(part[~is_known])
        start, length = start + length, 2 * length
    return one_table(Kind.SIGNAL, best)[:count], one_table(Kind.SIGNAL, unknown)


def _implied(book: MarketBook, signals: Records, rate: float, time: int) -> Floats:
    """Mean implied volatility of each structure's contracts; NaN where one of a leg is unknown."""
    legs, ratios = (np.stack([signals[name] for name in names], axis=1) for names in (LEGS, RATIOS))
    has_leg = ratios != 0
    rows = np.array([book.row(leg) for leg in legs[has_leg].tolist()], np.intp)
    volatility, weight = np.zeros(legs.shape), np.abs(ratios)
    volatility[has_leg] = quote_volatility(book, rows, rate, time)
    return np.asarray((weight * volatility).sum(axis=1) / weight.sum(axis=1))


def _candidates(
    book: MarketBook, valuation: Valuation, structure: Structure, rows: Rows, direction: int, costs: EdgeCosts
) -> Records:
    """One SIGNAL record for each of its candidates (n, k), bought (+1) or sold (-1), net of their costs.

    One without vega, or with a cost that cannot be told, comes last.
    """
    ratios = np.array(structure.ratios, np.float64)
    contracts, edges = np.abs(ratios)[:, None], net_edges(book, valuation, ratios, rows, direction, costs)
    return records(
        Kind.SIGNAL,
        len(rows),
        underlying=book.instrument,
        structure=structure.name.encode(),
        direction=direction,
        forecast_volatility=(contracts * valuation.volatility[rows.T]).sum(axis=0) / contracts.sum(),
        edge=edges.money,
        edge_volatility=edges.volatility,
        vega=edges.vega,
        hedging_cost=costs.hedging,
        penalty=costs.penalty,
        **leg_columns(book.contracts["instrument"][rows], structure.ratios),
    )
