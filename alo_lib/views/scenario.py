"""What the book held at a run's end would make if spot, volatility and time moved."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.pricing import DOMAINS
from alo_lib.pricing.cash_chain import CashChain
from alo_lib.records import DAY, EQUITY_MULTIPLIER, Kind, years_between
from alo_lib.strategy.book import Ahead
from alo_lib.strategy.valuation import ahead_from
from alo_lib.views.blotter import InstrumentHistory, positions
from alo_lib.views.run import InstrumentRecord, Run
from alo_lib.views.volatility import followed_market

__all__ = ["Scenario", "scenario"]

SPOT_MOVES: Final = np.linspace(-0.15, 0.15, 31)
VOLATILITY_MOVES: Final = np.array([-0.10, -0.05, -0.02, 0.0, 0.02, 0.05, 0.10])
_LEAST_VOLATILITY: Final = 0.01
_LEAST: Final = DOMAINS["spot"][0]

Floats = NDArray[np.float64]


class Scenario(NamedTuple):
    """Profit (days, volatility moves, spot moves), money against the run's end; moves are decimals, days calendar's.

    Days are none, half and all of the time to the first expiry that is held; moves of volatility are added.
    """

    spot: float
    days: Floats
    volatility_moves: Floats
    spot_moves: Floats
    profit: Floats
    without_volatility: tuple[str, ...]  # options left out, for no quote of theirs was explained by one


def scenario(run: Run, underlying: InstrumentRecord) -> Scenario | None:
    """The grid of what is held in an underlying; None when no option of it is."""
    held = [one for one in positions(run) if one.quantity and one.instrument.underlying == underlying.number]
    volatilities, yields = _last_told(run, "implied_volatility"), _last_told(run, "dividend_yield")
    options = [one for one in held if one.instrument.number in volatilities]
    if not options:
        return None
    shares = sum(one.quantity for one in held if not one.instrument.is_option) * EQUITY_MULTIPLIER
    now = run.journal.messages[-1].time
    _, _, book, rate = followed_market(run, underlying)
    last = max(one.instrument.expiry for one in options)
    ahead = book.dividends_ahead(now, last)
    first = min(one.instrument.expiry for one in options)
    days = np.array([0.0, 0.5, 1.0]) * max((first - now) / DAY, 0.0)
    spots = book.spot * (1.0 + SPOT_MOVES)
    value = np.zeros((len(days), len(VOLATILITY_MOVES), len(spots)))
    base = 0.0
    for one in options:
        moved = np.maximum(volatilities[one.instrument.number] + VOLATILITY_MOVES, _LEAST_VOLATILITY)
        money = one.quantity * one.instrument.multiplier
        terms = book.rate_to(one.instrument.expiry, rate), yields[one.instrument.number]
        for row, day in enumerate(days.tolist()):
            value[row] += money * _worth(one, spots[None, :], terms, ahead, moved[:, None], (now, round(day * DAY)))
        own = np.array(volatilities[one.instrument.number])
        base += money * float(_worth(one, np.array(book.spot), terms, ahead, own, (now, 0)))
    return Scenario(
        book.spot,
        days,
        VOLATILITY_MOVES,
        SPOT_MOVES,
        value - base + shares * (spots - book.spot),
        tuple(one.instrument.label for one in held if one.instrument.is_option and one not in options),
    )


def _last_told(run: Run, name: str) -> dict[int, float]:
    """The last finite value of a column of what was held, by instrument."""
    rows = run.table(Kind.POSITION).records
    known = rows[np.isfinite(rows[name])]
    return dict(zip(known["instrument"].tolist(), known[name].tolist(), strict=True))


def _worth(
    option: InstrumentHistory,
    spot: Floats,
    terms: tuple[float, float],
    ahead: Ahead,
    volatility: Floats,
    when: tuple[int, int],
) -> Floats:
    """Worth of a share's option so long after a moment, at a rate and a yield; at expiry what exercise pays.

    The spot is with what goes ex meanwhile, as shares are worth with what they are paid.
    """
    one, time = option.instrument, sum(when)
    gone = sum(amount for ex_time, amount in ahead if ex_time <= time)
    shape = np.broadcast_shapes(spot.shape, volatility.shape)
    spots, volatilities = (
        np.broadcast_to(each, shape).ravel() for each in (np.maximum(spot - gone, _LEAST), volatility)
    )
    years = np.full(spots.size, max(float(years_between(time, one.expiry)), 0.0))
    chain = CashChain(one.strike, years, float(one.right), *ahead_from(ahead, np.array([time])))
    return chain.price(spots, *terms, volatilities).reshape(shape)
