"""What a contract gained between two measures by pricing it anew at the corners of the way from one to the other.

Spot first, then volatility, then time, then rate, then yield: each part is the price at its two corners, whatever the
size of the moves, so that nothing is left but what the marks differ from the prices at both ends.
"""

import math
from itertools import pairwise

import numpy as np

from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.profit import Causes, LegMark
from alo_lib.strategy.valuation import contract_chain

__all__ = ["revalue_leg"]


def revalue_leg(book: MarketBook, row: int, start: LegMark, end: LegMark) -> Causes | None:
    """The causes of a step of one row's contract, money a share; None where it has no price at one of the corners.

    A mark that is below every volatility's price has the volatility 0, whatever volatility the contract is hedged at:
    it then moves as what its exercise brings, and what its mark is short of that is all that stays unexplained.
    """
    if not math.isfinite(start.implied + end.implied):
        return None
    times = np.array([start.time, start.time, start.time, end.time, end.time, end.time])
    spots = np.array([start.spot, end.spot, end.spot, end.spot, end.spot, end.spot])
    rates = np.array([start.rate, start.rate, start.rate, start.rate, end.rate, end.rate])
    yields = np.array([start.dividend_yield] * 5 + [end.dividend_yield])
    chain = contract_chain(book, row, times)
    floors = chain.price(spots, rates, yields, 0.0)
    first = 0.0 if start.mark < floors[0] else start.implied
    last = 0.0 if end.mark < floors[-1] else end.implied
    corners = chain.greeks(spots, rates, yields, np.array([first, first, last, last, last, last]))
    prices = corners.price.tolist()
    delta = float(corners.delta[0]) * (end.spot - start.spot)
    by_spot, vega, theta, rho, epsilon = (after - before for before, after in pairwise(prices))
    rest = (end.mark - prices[-1]) - (start.mark - prices[0])
    causes = Causes(delta, by_spot - delta, vega, theta, rho, epsilon, rest)
    return causes if all(map(math.isfinite, causes)) else None
