"""What the book held at a run's end would make if spot, volatility and time moved."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.pricing import price
from alo_lib.records import DAY, EQUITY_MULTIPLIER, Kind, years_between
from alo_lib.views.blotter import InstrumentHistory, positions
from alo_lib.views.run import InstrumentRecord, Run
from alo_lib.views.volatility import followed_market

__all__ = ["Scenario", "scenario"]

SPOT_MOVES: Final = np.linspace(-0.15, 0.15, 31)
VOLATILITY_MOVES: Final = np.array([-0.10, -0.05, -0.02, 0.0, 0.02, 0.05, 0.10])
_LEAST_VOLATILITY: Final = 0.01

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
    volatilities = _volatilities(run)
    options = [one for one in held if one.instrument.number in volatilities]
    if not options:
        return None
    shares = sum(one.quantity for one in held if not one.instrument.is_option) * EQUITY_MULTIPLIER
    now = run.journal.messages[-1].time
    _, _, book, rate = followed_market(run, underlying)
    dividend_yield = book.dividend_yield(now)
    first = min(one.instrument.expiry for one in options)
    days = np.array([0.0, 0.5, 1.0]) * max((first - now) / DAY, 0.0)
    spots = book.spot * (1.0 + SPOT_MOVES)
    value = np.zeros((len(days), len(VOLATILITY_MOVES), len(spots)))
    base = 0.0
    for one in options:
        moved = np.maximum(volatilities[one.instrument.number] + VOLATILITY_MOVES, _LEAST_VOLATILITY)
        money = one.quantity * one.instrument.multiplier
        terms = rate, dividend_yield
        for row, day in enumerate(days.tolist()):
            years = float(years_between(now + round(day * DAY), one.instrument.expiry))
            value[row] += money * _worth(one, spots[None, :], terms, moved[:, None], years)
        years = float(years_between(now, one.instrument.expiry))
        own = np.array(volatilities[one.instrument.number])
        base += money * float(_worth(one, np.array(book.spot), terms, own, years))
    return Scenario(
        book.spot,
        days,
        VOLATILITY_MOVES,
        SPOT_MOVES,
        value - base + shares * (spots - book.spot),
        tuple(one.instrument.label for one in held if one.instrument.is_option and one not in options),
    )


def _volatilities(run: Run) -> dict[int, float]:
    """The last implied volatility of each option that was held."""
    rows = run.table(Kind.POSITION).records
    known = rows[np.isfinite(rows["implied_volatility"])]
    return dict(zip(known["instrument"].tolist(), known["implied_volatility"].tolist(), strict=True))


def _worth(
    option: InstrumentHistory, spot: Floats, terms: tuple[float, float], volatility: Floats, years: float
) -> Floats:
    """Worth of a share's option; at expiry what exercise pays."""
    one = option.instrument
    if years <= 0.0:
        paid = np.maximum(one.right * (spot - one.strike), 0.0)
        return np.broadcast_to(paid, np.broadcast_shapes(spot.shape, volatility.shape))
    return price(spot, one.strike, *terms, volatility, years, float(one.right))
