"""Whether quotes can be traded against each other for a sure gain: how often they can."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["count_arbitrage"]

Array = NDArray[np.float64]

_DUST = 1e-9


def count_arbitrage(contracts: NDArray[np.void], spot: Array, bid: Array, ask: Array) -> int:
    """How many quotes take part in a sure gain, of American options at ``bid`` and ``ask`` (times, contracts).

    Counted, at each of the times with ``spot`` (times,): asks below what exercise brings at once; vertical spreads for
    nothing, or worth more than their strikes are apart; butterflies of neighbouring strikes for nothing; and
    longer options that cost less than shorter ones are sold for. A bid that is missing is none. ``contracts`` are
    sorted by expiry and strike, puts and calls by turns.
    """
    bids = np.nan_to_num(bid)
    intrinsic = contracts["right"] * (spot[:, None] - contracts["strike"])
    found = int(np.count_nonzero(ask < intrinsic - _DUST))
    before: dict[tuple[float, int], int] = {}
    for expiry in np.unique(contracts["expiry"]):
        for right in (-1, 1):
            rows = np.flatnonzero((contracts["expiry"] == expiry) & (contracts["right"] == right))
            strikes = contracts["strike"][rows]
            found += _in_strikes(strikes, right, bids[:, rows], ask[:, rows])
            now = {(strike, right): row for strike, row in zip(strikes.tolist(), rows.tolist(), strict=True)}
            if pairs := [(before[key], row) for key, row in now.items() if key in before]:
                earlier, later = np.array(pairs).T
                found += int(np.count_nonzero(ask[:, later] < bids[:, earlier] - _DUST))
            before |= now
    return found


def _in_strikes(strikes: Array, right: int, bid: Array, ask: Array) -> int:
    """The same among options of one expiry and right, by ascending strike."""
    dear, cheap = (slice(None, -1), slice(1, None)) if right > 0 else (slice(1, None), slice(None, -1))
    gaps = np.diff(strikes)
    count = np.count_nonzero(ask[:, dear] < bid[:, cheap] - _DUST)
    count += np.count_nonzero(bid[:, dear] - ask[:, cheap] > gaps + _DUST)
    if len(strikes) > 2:
        near = gaps[1:] / (gaps[1:] + gaps[:-1])
        wings = near * ask[:, :-2] + (1.0 - near) * ask[:, 2:]
        count += np.count_nonzero(wings < bid[:, 1:-1] - _DUST)
    return int(count)
