"""What a hedging rule is shown of an underlying's options: measured with the exposure, in the same frame."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.numerics.fixed_order import dot
from alo_lib.pricing import Greeks
from alo_lib.records import years_between
from alo_lib.settings import Settings
from alo_lib.strategy.hedging import HedgedPosition
from alo_lib.strategy.smile_slope import SlopeLooks, smile_slopes
from alo_lib.strategy.state import StrategyState
from alo_lib.strategy.valuation import leg_greeks

__all__ = ["MeasuredLegs", "hedged_position"]

Floats = NDArray[np.float64]


class MeasuredLegs(NamedTuple):
    """Contracts held, as rows of the book's chain, no row twice, and what was measured of them."""

    rows: NDArray[np.intp]
    units: Floats  # shares, signed
    volatility: Floats  # implied, or the forecast where nothing is
    greeks: Greeks  # at it, per share


def hedged_position(
    state: StrategyState, settings: Settings, number: int, legs: MeasuredLegs, time: int
) -> HedgedPosition:
    """One underlying's options and the cost of trading its shares; without a quote of these it is the fee alone.

    Greeks are at the volatility that the settings ask for; a leg whose expiry has no forecast has them at its implied
    one. ``legs`` has at least one.
    """
    underlying, book = state.underlyings[number], state.underlyings[number].book
    expiries = book.contracts["expiry"][legs.rows]
    first = int(np.min(expiries))
    greeks = legs.greeks
    if settings.hedge_volatility == "forecast":
        forecast = np.array([underlying.forecast.get(expiry, np.nan) for expiry in expiries.tolist()])
        volatility = np.where(np.isfinite(forecast), forecast, legs.volatility)
        greeks = leg_greeks(book, legs.rows, volatility, state.rate, time)
    slopes = np.zeros(len(legs.rows))
    if settings.hedge in ("minimum_variance", "policy"):
        slopes = _slopes(state, settings, number, legs, time)
    bid, ask = float(book.quote["bid"][0]), float(book.quote["ask"][0])
    position = HedgedPosition(
        delta=dot(legs.units, greeks.delta),
        gamma=dot(legs.units, greeks.gamma),
        vega=dot(legs.units, greeks.vega),
        theta=dot(legs.units, greeks.theta),
        vega_skew=dot(legs.units * greeks.vega, slopes),
        contracts=float(sum(abs(state.portfolio.quantity(leg)) for leg in state.contracts_held(number))),
        spot=book.known_spot,
        implied=float(np.mean(legs.volatility[expiries == first])),
        forecast=underlying.forecast.get(first, np.nan),
        time_to_expiry=max(float(years_between(time, first)), 0.0),
        rate=book.rate_to(first, state.rate),
        half_spread=0.5 * (ask - bid) if ask > bid else 0.0,
        fee=settings.fee_per_share,
        order_fee=settings.fee_per_order,
    )
    if settings.hedge == "policy":
        _tell_where_untrained(state, number, position)
    return position


def _tell_where_untrained(state: StrategyState, number: int, position: HedgedPosition) -> None:
    """Once a session: that the position is outside of what the policy was trained on, so that its rule hedges."""
    underlying, day = state.underlyings[number], None if state.session is None else state.session.day
    policy = state.policy
    if policy is None or underlying.policy_left_on == day or not (unknown := policy.unknown(position)):
        return
    underlying.policy_left_on = day
    state.notice(
        number,
        f"{underlying.book.ticker}: hedged by minimum_variance, for the policy was not trained on its "
        f"{', '.join(unknown)}",
    )


def _slopes(state: StrategyState, settings: Settings, number: int, legs: MeasuredLegs, time: int) -> Floats:
    """The smile's slope at each leg's expiry, looked at anew where the market has news; 0 where it is not known.

    Then it is told, once a session: the leg is hedged by its Black-Scholes delta.
    """
    underlying = state.underlyings[number]
    expiries = underlying.book.contracts["expiry"][legs.rows].tolist()
    volatilities = dict(zip(expiries, legs.volatility.tolist(), strict=True))
    looks = {expiry: underlying.slopes.get(expiry, SlopeLooks()) for expiry in volatilities}
    due = {expiry: each for expiry, each in volatilities.items() if underlying.market_news or looks[expiry].time < 0}
    for expiry, seen in (smile_slopes(underlying.book, due, settings, state.rate, time) if due else {}).items():
        looks[expiry].take(time, seen)
    underlying.slopes = looks
    slopes = np.array([looks[expiry].slope for expiry in expiries])
    unknown, day = np.isnan(slopes), None if state.session is None else state.session.day
    if unknown.any() and underlying.slope_told_on != day:
        underlying.slope_told_on = day
        state.notice(
            number,
            f"{underlying.book.ticker}: quotes do not tell the smile's slope at an expiry that is held; its options "
            f"are hedged by their Black-Scholes delta",
        )
    return np.where(unknown, 0.0, slopes)
