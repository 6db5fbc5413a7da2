"""The structures that are traded: which calls and puts of a chain make a pair."""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.settings import Settings
from alo_lib.strategy.book import MarketBook

__all__ = ["STRUCTURES", "Rows", "Structure"]

Rows = NDArray[np.intp]

Pairs = Callable[[MarketBook, NDArray[np.bool_], NDArray[np.float64], Settings], tuple[Rows, Rows]]
"""From a book, the rows that may be a leg and the delta of each, to the rows of n calls and of their n puts."""


class Structure(NamedTuple):
    """One call and one put, bought or sold together."""

    pairs: Pairs
    near_the_money: bool
    """Whether the setting ``max_moneyness`` says which contracts may be a leg."""


def _straddles(
    book: MarketBook, usable: NDArray[np.bool_], delta: NDArray[np.float64], settings: Settings
) -> tuple[Rows, Rows]:
    """Calls and puts of the same expiry and strike."""
    contracts = book.contracts
    calls = np.flatnonzero(usable & (contracts["right"] > 0))
    puts = np.flatnonzero(usable & (contracts["right"] < 0))
    put_of = {(int(contracts["expiry"][p]), float(contracts["strike"][p])): p for p in puts}
    pairs = [
        (c, put_of[key])
        for c in calls
        if (key := (int(contracts["expiry"][c]), float(contracts["strike"][c]))) in put_of
    ]
    return _columns(pairs)


def _strangles(
    book: MarketBook, usable: NDArray[np.bool_], delta: NDArray[np.float64], settings: Settings
) -> tuple[Rows, Rows]:
    """For each expiry the out-of-the-money call and put whose deltas are nearest to the wanted one."""
    contracts, wanted = book.contracts, settings.strangle_delta
    pairs = []
    for expiry in np.unique(contracts["expiry"]):
        listed = usable & (contracts["expiry"] == expiry)
        calls = np.flatnonzero(listed & (contracts["right"] > 0) & (contracts["strike"] > book.spot))
        puts = np.flatnonzero(listed & (contracts["right"] < 0) & (contracts["strike"] < book.spot))
        if len(calls) and len(puts):
            call = calls[np.argmin(np.abs(delta[calls] - wanted))]
            put = puts[np.argmin(np.abs(delta[puts] + wanted))]
            pairs.append((call, put))
    return _columns(pairs)


def _columns(pairs: list[tuple[np.intp, np.intp]]) -> tuple[Rows, Rows]:
    table = np.array(pairs, np.intp).reshape(-1, 2)
    return table[:, 0], table[:, 1]


STRUCTURES: Final = {
    "straddle": Structure(_straddles, near_the_money=True),
    "strangle": Structure(_strangles, near_the_money=False),
}
"""By the name that the setting ``structure`` gives them."""
