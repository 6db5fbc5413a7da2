"""The smile of each expiry of a book's chain, from the quotes of the out-of-the-money options next to the forward."""

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.pricing.smile import Smiles, SmileStatus, fit_smiles
from alo_lib.settings import Settings
from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.staleness import two_sided
from alo_lib.strategy.valuation import forward_price, quote_volatility

__all__ = ["QuotedSmiles", "SmileShape", "quoted_smiles", "smile_ratios"]

FloatArray = NDArray[np.float64]
Rows = NDArray[np.intp]

_REACH: Final = 2.5
"""Standard deviations, by the straddle at the money: what the fit looks at by its own is a little less."""
_MOST: Final = 24
"""Contracts read an expiry: with more strikes, evenly thinned ones tell the same at a bounded cost."""
_STRADDLE: Final = math.sqrt(2.0 / math.pi)
"""A straddle at the money over the forward and its standard deviation (Brenner and Subrahmanyam, 1988)."""
_UNIFORM: Final = 1.0 / math.sqrt(12.0)
"""Standard deviation of a price that may be anywhere in a spread of one."""


class SmileShape(NamedTuple):
    """What is kept of one expiry's smile, see :mod:`alo_lib.pricing.smile`."""

    at_the_money: float
    skew: float
    curvature: float
    low: float  # the strikes it was fitted to reach from here, in standard deviations,
    high: float  # to here

    def ratio(self, log_moneyness: FloatArray, years: FloatArray, skew_by: float = 0.0) -> FloatArray:
        """Volatility over that at the money, (n,), at ln(strike / forward); the skew is changed by ``skew_by``.

        NaN where such a smile falls to nothing.
        """
        return smile_ratios(np.array([self]).T, log_moneyness, years, skew_by)


def smile_ratios(shapes: FloatArray, log_moneyness: FloatArray, years: FloatArray, skew_by: float = 0.0) -> FloatArray:
    """:meth:`SmileShape.ratio` of n contracts by the shapes of their smiles, (5, n) or (5, 1)."""
    at_the_money, skew, curvature, low, high = shapes
    z = np.clip(log_moneyness / (at_the_money * np.sqrt(years)), low, high)
    ratio = 1.0 + z * (skew + skew_by + 0.5 * curvature * z) / at_the_money
    return np.where(ratio > 0.0, ratio, np.nan)


class QuotedSmiles(NamedTuple):
    """The smiles of a chain's expiries (m,) that are to come, ascending."""

    expiry: NDArray[np.int64]
    years: FloatArray
    forward: FloatArray
    smiles: Smiles
    nearest: NDArray[np.bool_]
    """Which rows of the chain (n,) are of the strike nearest each forward: where an expiry's liquidity is read."""

    @property
    def told(self) -> NDArray[np.bool_]:
        """Which of them have a smile."""
        return np.asarray(self.smiles.status == SmileStatus.FITTED, np.bool_)

    def shapes(self) -> dict[int, SmileShape]:
        """Those that there are, by expiry."""
        smiles = self.smiles
        columns = (smiles.at_the_money, smiles.skew, smiles.curvature, smiles.low, smiles.high)
        table = np.stack(columns, axis=1)[self.told].tolist()
        return {expiry: SmileShape(*row) for expiry, row in zip(self.expiry[self.told].tolist(), table, strict=True)}


def quoted_smiles(book: MarketBook, settings: Settings, rate: float, time: int) -> QuotedSmiles:
    """Fit the smile of each expiry to what the chain quotes at ``time``; the book's spot is known.

    Calls at or above the forward and puts below it, quoted on both sides and not too long ago, by the American price of
    their mids; a quote's error is that of a price anywhere between bid and ask.
    """
    contracts, years = book.contracts, book.years_to_expiry(time)
    rows = np.flatnonzero(years > 0.0)
    expiry, first, index = np.unique(contracts["expiry"][rows], return_index=True, return_inverse=True)
    lives = years[rows[first]]
    forward = forward_price(book, rate, time, expiry)
    moneyness = np.log(contracts["strike"][rows] / forward[index])
    quoted, mid = two_sided(book, settings, time)[rows], book.mid(rows)
    nearest = np.zeros(len(contracts), np.bool_)
    chosen = []
    for one in range(len(expiry)):
        own = np.flatnonzero(index == one)
        away = np.abs(moneyness[own])
        nearest[rows[own[away == away.min()]]] = True
        own = own[quoted[own]]
        places = _chosen(contracts["right"][rows[own]], moneyness[own], mid[own], float(forward[one]))
        chosen.append(own[places])
    used = np.concatenate([np.zeros(0, np.intp), *chosen])
    # Kernels read each row once, in the order of the chain.
    used = used[np.argsort(rows[used], kind="stable")]
    volatility = np.full(len(used), np.nan)
    if len(used):
        volatility = quote_volatility(book, rows[used], rate, time)
    terms = forward[index[used]], lives[index[used]]
    error = _errors(book, rows[used], volatility, moneyness[used], terms)
    smiles = fit_smiles(index[used], moneyness[used], volatility, error, lives)
    return QuotedSmiles(expiry, lives, forward, smiles, nearest)


def _chosen(right: NDArray[np.int8], moneyness: FloatArray, mid: FloatArray, forward: float) -> Rows:
    """Of one expiry's quoted contracts (n,) those to read, as places: out of the money, within reach, thinned."""
    is_call, distance = right > 0, np.abs(moneyness)
    calls, puts = np.flatnonzero(is_call), np.flatnonzero(~is_call)
    if not len(calls) or not len(puts):
        return np.zeros(0, np.intp)
    call, put = calls[np.argmin(distance[calls])], puts[np.argmin(distance[puts])]
    intrinsic = forward * abs(math.expm1(0.5 * float(moneyness[call] + moneyness[put])))
    straddle = max(float(mid[call] + mid[put]) - intrinsic, 0.0)
    reach = _REACH * straddle / (_STRADDLE * forward)
    within = np.flatnonzero(((moneyness >= 0.0) == is_call) & (distance <= reach))
    if len(within) <= _MOST:
        return within
    order = within[np.argsort(moneyness[within], kind="stable")]
    places = np.arange(_MOST) * (len(order) - 1) // (_MOST - 1)
    return np.asarray(order[places], np.intp)


def _errors(
    book: MarketBook, rows: Rows, volatility: FloatArray, moneyness: FloatArray, terms: tuple[FloatArray, FloatArray]
) -> FloatArray:
    """Standard errors (n,) of implied volatilities, by spread over vega; out of the money that is the European one."""
    forward, years = terms
    spread = book.quotes["ask"][rows] - book.quotes["bid"][rows]
    with np.errstate(invalid="ignore", divide="ignore"):
        deviation = volatility * np.sqrt(years)
        d1 = -moneyness / deviation + 0.5 * deviation
        vega = forward * np.sqrt(years) * np.exp(-0.5 * d1 * d1) / math.sqrt(2.0 * math.pi)
        return np.asarray(_UNIFORM * spread / vega)
