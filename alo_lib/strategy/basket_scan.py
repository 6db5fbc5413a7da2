"""Dispersion: which straddles of an index and of its members are worth trading against each other.

Of each expiry that all of them have it is the straddle nearest the money of each. Bought, dispersion is long the
members' and short the index's, in the vegas that leave nothing but correlation (:mod:`alo_lib.strategy.dispersion`):
as far as these go, the sum of the straddles' edges is what the index is implied above its members at the correlation
that forecasts say.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.records import Kind, Records, leg_columns, one_table, records
from alo_lib.records.baskets import DISPERSION
from alo_lib.settings import Settings
from alo_lib.strategy.dispersion import member_vegas
from alo_lib.strategy.edge_costs import EdgeCosts, Moment, edge_costs
from alo_lib.strategy.edges import Edges, net_edges
from alo_lib.strategy.exposure import equity
from alo_lib.strategy.scanner import DIRECTIONS
from alo_lib.strategy.staleness import in_step
from alo_lib.strategy.state import StrategyState, Underlying
from alo_lib.strategy.structures import STRUCTURES
from alo_lib.strategy.valuation import Valuation, quote_volatility

__all__ = ["BasketScan", "basket_vegas", "index_of", "scan_basket"]

_STRADDLE: Final = STRUCTURES["straddle"]
_RATIOS: Final = np.array(_STRADDLE.ratios, np.float64)

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]


class BasketScan(NamedTuple):
    """What a basket offers now."""

    signals: Records
    """The best dispersion to buy or sell, as SIGNAL records: the index's straddle, then its members'."""
    candidates: int
    edge: int
    """How many of them have an edge that suffices."""
    stops: list[tuple[int, str]]
    """What stopped one whose edge suffices, for :func:`alo_lib.strategy.funnel.count_stops`."""


class _Straddles(NamedTuple):
    """Of one underlying, the straddle nearest the money of each of m expiries."""

    underlying: Underlying
    valuation: Valuation
    rows: Rows  # (m, 2)
    implied: Floats  # (m,)
    costs: EdgeCosts
    edges: dict[int, Edges]  # bought and sold


def index_of(state: StrategyState, settings: Settings) -> int | None:
    """The underlying that is the index of the basket that is traded; None where none is, or not all of it is told."""
    basket = settings.traded_basket
    if basket is None:
        return None
    numbers = _numbers(state, basket.names)
    return numbers[0] if len(numbers) == len(basket.names) else None


def scan_basket(state: StrategyState, settings: Settings, time: int) -> BasketScan:
    """Find the best dispersion to buy or sell.

    ``edge`` and ``edge_volatility`` of its records are those of the whole: the money that all straddles have, in the
    ratio in which they are traded, over their gross vega, of which each record has the share of its own vega. Nothing
    is found while an underlying of it has no news.
    """
    basket, nothing = settings.traded_basket, BasketScan(records(Kind.SIGNAL, 0), 0, 0, [])
    if basket is None:
        return nothing
    numbers = _numbers(state, basket.names)
    each = [state.underlyings[number] for number in numbers]
    near = [_nearest_the_money(underlying, settings) for underlying in each]
    expiries = sorted(set.intersection(*(set(found) for found in near)))
    if not expiries:
        return nothing
    rows = [np.array([found[expiry] for expiry in expiries], np.intp) for found in near]
    straddles = [_straddles(state, settings, underlying, own, time) for underlying, own in zip(each, rows, strict=True)]
    weights = np.array(list(basket.weights.values()))
    candidates, unknown = list[Records](), False
    for place in range(len(expiries)):
        implied = np.array([one.implied[place] for one in straddles])
        for side in DIRECTIONS[settings.direction]:
            sides = (-side, *(side for _ in weights))
            told = _candidate(straddles, place, sides, basket_vegas(implied, weights))
            if told is not None:
                candidates.append(told)
            unknown = unknown or not np.isfinite(implied).all()
    edges = np.array([rows["edge_volatility"][0] for rows in candidates])
    if not len(edges):
        return nothing._replace(stops=[(numbers[0], "unknown_implied")] if unknown else [])
    best = candidates[int(np.argmax(edges))]
    return BasketScan(best, len(candidates), int(np.count_nonzero(edges >= settings.entry_edge)), [])


def basket_vegas(implied: Floats, weights: Floats) -> Floats:
    """Vega to trade of the index, which is 1, and against it of its members, by implied volatilities (1 + n,).

    NaN where a volatility is, or where they leave a member no vega above 0: no correlation explains them.
    """
    vegas = member_vegas(float(implied[0]), implied[1:], weights)
    whole = np.concatenate([[1.0], vegas])
    return whole if np.all(np.isfinite(whole) & (whole > 0.0)) else np.full(len(whole), np.nan)


def _numbers(state: StrategyState, names: Sequence[str]) -> list[int]:
    by_ticker = {underlying.book.ticker: number for number, underlying in state.underlyings.items()}
    return [by_ticker[name] for name in names if name in by_ticker]


def _nearest_the_money(underlying: Underlying, settings: Settings) -> dict[int, list[int]]:
    """Rows of the call and the put of the straddle nearest the money, by expiry; of equal ones the lower strike."""
    book, valuation, screen = underlying.book, underlying.valuation, underlying.screen
    if valuation is None or screen is None:
        return {}
    usable = np.isfinite(valuation.at_forecast.price) & in_step(screen.lag) & screen.near
    pairs = _STRADDLE.candidates(book, usable, valuation.at_forecast.delta, settings)
    first = pairs[:, 0]
    distance = np.abs(np.log(book.contracts["strike"][first] / book.spot))
    order = np.lexsort((distance, book.contracts["expiry"][first]))  # it is stable
    found: dict[int, list[int]] = {}
    for place in order.tolist():
        found.setdefault(int(book.contracts["expiry"][first[place]]), pairs[place].tolist())
    return found


def _straddles(state: StrategyState, settings: Settings, underlying: Underlying, rows: Rows, time: int) -> _Straddles:
    book, valuation = underlying.book, underlying.valuation
    assert valuation is not None
    moment = Moment(time, state.rate, underlying.band, state.learned, equity(state))
    costs = edge_costs(book, valuation, _RATIOS, rows, settings, moment)
    implied = quote_volatility(book, np.sort(rows.ravel()), state.rate, time)
    by_row = dict(zip(np.sort(rows.ravel()).tolist(), implied.tolist(), strict=True))
    return _Straddles(
        underlying,
        valuation,
        rows,
        np.array([0.5 * (by_row[call] + by_row[put]) for call, put in rows.tolist()]),
        costs,
        {side: net_edges(book, valuation, _RATIOS, rows, side, costs) for side in (+1, -1)},
    )


def _candidate(straddles: Sequence[_Straddles], place: int, sides: Sequence[int], vegas: Floats) -> Records | None:
    """SIGNAL records of the straddles of one expiry on their sides; None where what they come to cannot be told."""
    edges = [one.edges[side] for one, side in zip(straddles, sides, strict=True)]
    money, vega = (np.array([each[place] for each in column]) for column in zip(*edges, strict=True))
    with np.errstate(invalid="ignore", divide="ignore"):
        edge = float(np.sum(vegas / vega * money) / np.sum(vegas))
    if not np.isfinite(edge):
        return None
    return one_table(
        Kind.SIGNAL,
        [
            records(
                Kind.SIGNAL,
                underlying=one.underlying.book.instrument,
                structure=DISPERSION.encode(),
                direction=side,
                implied_volatility=one.implied[place],
                forecast_volatility=one.valuation.volatility[one.rows[place]].mean(),
                edge=edge * own,
                edge_volatility=edge,
                vega=own,
                hedging_cost=one.costs.hedging[place],
                penalty=one.costs.penalty[place],
                **leg_columns(one.underlying.book.contracts["instrument"][one.rows[place]], _STRADDLE.ratios),
            )
            for one, side, own in zip(straddles, sides, vega.tolist(), strict=True)
        ],
    )
