"""What options are quoted at in a made-up market: American values at an implied volatility, and quotes about them."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.market.bars import QUOTE_BAR, Bars
from alo_lib.market.generator.truth import Spread
from alo_lib.pricing import price
from alo_lib.pricing.schedules import DividendsLike

__all__ = ["american_values", "european_vega", "option_quotes"]

Array = NDArray[np.float64]

_SIZE_DEVIATION: Final = 0.8  # of the logarithm of what is displayed
_LARGEST_SIZE: Final = 2000.0


def american_values(
    rest: Array,
    strike: Array,
    volatility: Array,
    time: Array,
    right: Array,
    terms: tuple[float, float],
    paid: DividendsLike | None,
) -> Array:
    """American values on ``rest``, of which ``paid`` goes ex before expiry, at a rate and a cost of borrowing shares.

    The other arguments broadcast.
    """
    return price(rest, strike, *terms, volatility, time, right, scheme="fast", dividends=paid)


def european_vega(forward: Array, strike: Array, discount: Array, deviation: Array, time: Array) -> Array:
    """Black's vega; ``deviation`` is volatility times the root of ``time``. All arguments broadcast."""
    d1 = np.log(forward / strike) / np.maximum(deviation, 1e-9) + 0.5 * deviation
    return np.asarray(discount * forward * np.exp(-0.5 * d1 * d1) * np.sqrt(time / (2.0 * np.pi)))


def option_quotes(
    fair: Array,
    vega: Array,
    ends: NDArray[np.int64],
    generator: np.random.Generator,
    spread: Spread | None = None,
    deviations: Array | None = None,
) -> Bars:
    """Quote bars about ``fair`` prices at ``ends`` (times,): shape (times, contracts), as ``fair`` and ``vega``.

    A bid below one tick is missing. Each bar opens at the quote before it. ``deviations`` are those of the log strike
    from the forward, which widen the spread where it says so.
    """
    spread = spread or Spread()
    half = spread.fixed + spread.volatility * vega + spread.share * fair
    if spread.wings and deviations is not None:
        half = half * (1.0 + spread.wings * np.maximum(np.abs(deviations) - 1.0, 0.0))
    cents = np.where(fair >= spread.dear_from, round(100.0 * spread.dear_tick), round(100.0 * spread.tick))
    quotes = np.zeros(fair.shape, QUOTE_BAR)
    quotes["time"] = ends[:, None]
    for side, close in (
        ("bid", np.floor((fair - half) * 100.0 / cents) * cents / 100.0),
        ("ask", np.ceil((fair + half) * 100.0 / cents) * cents / 100.0),
    ):
        close = np.where(close >= 0.01, close, np.nan)
        before = np.concatenate([close[:1], close[:-1]])
        before = np.where(np.isnan(before) | np.isnan(close), close, before)
        quotes[f"{side}_open"], quotes[f"{side}_close"] = before, close
        quotes[f"{side}_high"], quotes[f"{side}_low"] = np.maximum(before, close), np.minimum(before, close)
        beyond = generator.lognormal(np.log(spread.size - 1.0), _SIZE_DEVIATION, fair.shape)
        sizes = np.minimum(1.0 + beyond, _LARGEST_SIZE)
        quotes[f"{side}_size"] = np.where(np.isnan(close), 0, sizes.astype(np.int64))
    return quotes
