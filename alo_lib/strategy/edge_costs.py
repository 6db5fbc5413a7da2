"""What a structure's edge has to pay for besides its quotes: fees, the hedge while it is held, a doubtful forecast."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.records import DAY, DAYS_A_YEAR, OPTION_MULTIPLIER, years_between
from alo_lib.settings import Settings
from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.hedging import HedgedPosition, HedgingRule, hedging_rule
from alo_lib.strategy.sizing import within_budget
from alo_lib.strategy.valuation import Valuation

__all__ = ["EdgeCosts", "Moment", "edge_costs", "expected_hedging_cost"]

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]


class EdgeCosts(NamedTuple):
    """What is subtracted of structures (n,), money of one of each, the same bought and sold."""

    fees: float
    hedging: Floats
    penalty: Floats


class Moment(NamedTuple):
    """When structures are looked at, and what was forecast then."""

    time: int
    rate: float
    band: Mapping[int, tuple[float, float]]
    """Of the forecast, by expiry."""
    learned: HedgingRule | None
    """As :func:`~alo_lib.strategy.hedging.hedging_rule` takes it."""
    equity: float
    """By which trades are sized."""


def edge_costs(
    book: MarketBook, valuation: Valuation, ratios: Floats, rows: Rows, settings: Settings, moment: Moment
) -> EdgeCosts:
    """The costs of candidates (n, k), with the ratios (k,) of their structure.

    The penalty is ``band-penalty`` times half the width of the forecast's band, as volatility, times the vega of
    each contract, whatever its side; NaN where a forecast has no band.
    """
    contracts = np.abs(ratios)
    fees = 2.0 * settings.fee_per_contract * float(contracts.sum())
    hedging = penalty = np.zeros(len(rows))
    if settings.edge_costs == "all":
        vega = (contracts[:, None] * valuation.at_forecast.vega[rows.T]).sum(axis=0) * OPTION_MULTIPLIER
        count = np.maximum(within_budget(vega, settings, moment.equity), 1.0)
        position = _held_alone(book, valuation, ratios[:, None] * count, rows, settings, moment)
        years = _years_held(book, rows, settings, moment.time)
        hedging = expected_hedging_cost(position, hedging_rule(settings, moment.learned), years) / count
    if settings.band_penalty > 0.0:
        half_width = _half_width(book, moment.band)[rows.T]
        vega = contracts[:, None] * valuation.at_forecast.vega[rows.T]
        penalty = settings.band_penalty * (half_width * vega).sum(axis=0) * OPTION_MULTIPLIER
    return EdgeCosts(fees, hedging, penalty)


def expected_hedging_cost(position: HedgedPosition, rule: HedgingRule, years: Floats) -> Floats:
    """Money that a rule's hedge of a position is expected to cost in ``years``: spreads and fees of its orders.

    The delta moves with variance v = (gamma forecast spot)^2 a year about the hedge, and gamma, band and spot are taken
    to stay. A hedge that goes from the half width U of its band to u from the centre trades U - u each time the delta
    has left it, which takes (U^2 - u^2) / v from there: v / (U + u) shares a year. One that goes to the edge is the
    limit, Brownian motion reflected at both ends of an interval, v / 2 U shares a year (Harrison, 1985, "Brownian
    motion and stochastic flow systems", chapter 5), a share an order. To this comes the first hedge, and as much when
    the trade ends.
    """
    centre, half_width, target = (np.asarray(each, np.float64) for each in rule.band(position))
    costs = position.order_costs
    variance = np.square(np.asarray(position.gamma * position.forecast * position.spot, np.float64))
    moves = (variance > 0.0) & (half_width > 0.0)
    turnover = np.where(moves, variance / np.where(moves, half_width + target, 1.0), 0.0)
    rehedging = turnover * years * costs.a_share(np.maximum(half_width - target, 1.0))
    distance = np.abs(centre)
    first = np.where(distance > half_width, distance - target, 0.0)
    told = np.where(np.isfinite(variance + half_width + distance), 1.0, np.nan)
    return np.asarray(told * (rehedging + 2.0 * first * costs.a_share(first)))


def _held_alone(
    book: MarketBook, valuation: Valuation, held: Floats, rows: Rows, settings: Settings, moment: Moment
) -> HedgedPosition:
    """Candidates (n, k) as a hedging rule would be shown them, at the forecast and without the smile.

    ``held`` (k, n) are the contracts of each leg.
    """
    legs, values = rows.T, valuation.at_forecast
    units = held * OPTION_MULTIPLIER
    delta, gamma, vega, theta = (
        (units * greek[legs]).sum(axis=0) for greek in (values.delta, values.gamma, values.vega, values.theta)
    )
    contracts = np.abs(held)
    forecast = (contracts * valuation.volatility[legs]).sum(axis=0) / contracts.sum(axis=0)
    bid, ask = float(book.quote["bid"][0]), float(book.quote["ask"][0])
    first = _first_expiry(book, rows)
    return HedgedPosition(
        delta=delta,
        gamma=gamma,
        vega=vega,
        theta=theta,
        vega_skew=0.0,
        contracts=contracts.sum(axis=0),
        spot=book.spot,
        implied=forecast,
        forecast=forecast,
        time_to_expiry=np.maximum(years_between(moment.time, first), 0.0),
        rate=book.rates_to(first, moment.rate),
        half_spread=0.5 * (ask - bid) if ask > bid else 0.0,
        fee=settings.fee_per_share,
        order_fee=settings.fee_per_order,
    )


def _years_held(book: MarketBook, rows: Rows, settings: Settings, time: int) -> Floats:
    """How long a trade is held at most: until it is closed for its time or before its nearest expiry."""
    days = (_first_expiry(book, rows) - time) / DAY - settings.exit_days_to_expiry
    return np.asarray(np.clip(days, 0.0, settings.max_holding_days) / DAYS_A_YEAR)


def _first_expiry(book: MarketBook, rows: Rows) -> NDArray[np.int64]:
    return np.asarray(book.contracts["expiry"][rows].min(axis=1), np.int64)


def _half_width(book: MarketBook, band: Mapping[int, tuple[float, float]]) -> Floats:
    """Half the width of the forecast's band of each row of the chain, as volatility."""
    return book.expiries.spread({expiry: 0.5 * (high - low) for expiry, (low, high) in band.items()})
