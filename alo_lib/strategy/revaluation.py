"""What a contract gained between two measures by pricing it anew at the corners of the way from one to the other.

Spot first, then volatility, then time, then rate, then what dividends and yield are expected: each part is the price at
its two corners, whatever the size of the moves, so that nothing is left but what the marks differ from the prices at
both ends. The spot moves with what goes ex on the way, which leaves it as time passes.
"""

import math
from itertools import pairwise
from typing import Final

import numpy as np

from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.profit import Causes, LegMark, gone_ex
from alo_lib.strategy.valuation import ahead_from, contract_chain

__all__ = ["revalue_leg"]

_NEVER: Final = -1.0
"""Years to an ex-time that counts for nothing."""


def revalue_leg(book: MarketBook, row: int, start: LegMark, end: LegMark) -> Causes | None:
    """The causes of a step of one row's contract, money a share; None where it has no price at one of the corners.

    A mark that is below every volatility's price has the volatility 0, whatever volatility the contract is hedged at:
    it then moves as what its exercise brings, and what its mark is short of that is all that stays unexplained.
    """
    if not math.isfinite(start.implied + end.implied):
        return None
    times = np.array([start.time, start.time, start.time, end.time, end.time, end.time])
    gone = gone_ex(start, end)
    spots = np.array([start.spot, end.spot + gone, end.spot + gone, end.spot, end.spot, end.spot])
    rates = np.array([start.rate, start.rate, start.rate, start.rate, end.rate, end.rate])
    yields = np.array([start.dividend_yield] * 5 + [end.dividend_yield])
    before, after = ahead_from(start.ahead, times), ahead_from(end.ahead, times)
    before[0][-1:], after[0][:-1] = _NEVER, _NEVER
    dividends = np.concatenate([before[0], after[0]], axis=1), np.concatenate([before[1], after[1]])
    chain = contract_chain(book, row, times, dividends)
    floors = chain.price(spots, rates, yields, 0.0)
    first = 0.0 if start.mark < floors[0] else start.implied
    last = 0.0 if end.mark < floors[-1] else end.implied
    corners = chain.greeks(spots, rates, yields, np.array([first, first, last, last, last, last]))
    prices = corners.price.tolist()
    slope = float(corners.delta[0])
    delta, fallen = slope * (end.spot - start.spot), slope * gone
    by_spot, vega, theta, rho, epsilon = (after - before for before, after in pairwise(prices))
    rest = (end.mark - prices[-1]) - (start.mark - prices[0])
    causes = Causes(delta, by_spot - delta - fallen, vega, theta, rho, epsilon, fallen, rest)
    return causes if all(map(math.isfinite, causes)) else None
