"""What put-call parity says that holding the underlying brings beside its cash dividends, by expiry: the carry.

Above all that is what borrowing the share costs. It is a yield, continuously compounded: at it, and after the cash
dividends that are ahead, a call and a put of one strike near the forward have one implied volatility
(:mod:`alo_lib.pricing.parity`). So it also makes good for a rate that is not the one at which options are financed.

One look at the quotes of a moment is not believed: mids are off by parts of a spread, which near expiry is many percent
a year. Each expiry counts at the median of its last looks, from the third on; until then, and without pairs, an expiry
has the carry of the next later one that has one, else of the last before it, else none: the rate alone.

What was seen beside other dividends than are announced now does not count.

Bars of an hour have quotes of any minute of it, beside the price at its end: half an hour's move is 5 % a year of a
month's forward. They tell no carry.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.pricing import Dividends
from alo_lib.pricing.parity import parity_yields
from alo_lib.records import MINUTE
from alo_lib.settings import Settings
from alo_lib.strategy.book import CarryLooks, MarketBook
from alo_lib.strategy.staleness import is_fresh, two_sided
from alo_lib.strategy.state import StrategyState
from alo_lib.strategy.valuation import ahead_from

__all__ = ["follow_carries", "follow_carry"]

_BETWEEN: Final = 30
"""Minutes of the clock from one look at an expiry to the next, once it counts; it takes a millisecond.

Whole ones, so that live frames, some milliseconds into a minute or a second, look at the bars that a backtest looks at.
"""


def follow_carries(state: StrategyState, settings: Settings, time: int) -> None:
    """Look at each market that has news, for the frames to come.

    What a frame decides goes by what earlier ones saw: quotes that lag are told by the carry, so they must not tell it.
    """
    for underlying in state.underlyings.values():
        if underlying.market_news:
            follow_carry(underlying.book, settings, state.rate, time)


def follow_carry(book: MarketBook, settings: Settings, rate: float, time: int, most: int | None = 1) -> None:
    """Look at ``most`` expiries whose turn it is, first those not looked at for longest; at all would not fit a frame.

    Read are pairs whose quotes are fresh, no wider than ``max-spread`` and no older than the underlying's price.
    """
    if settings.carry != "quotes" or not settings.quotes_are_dated:
        return
    book.follow_announcements(time)
    if not book.known_spot or not is_fresh(book.spot_time, settings, time):
        return
    due = [each for each in book.expiries.time.tolist() if each > time and _is_due(book, each, time)]
    if not due:
        return
    contracts, quotes, with_spot = book.contracts, book.quotes, book.quote_time >= book.spot_time
    if not with_spot.any():  # as in most frames of bars that quote options every few minutes
        return
    with np.errstate(invalid="ignore"):
        narrow = quotes["ask"] - quotes["bid"] <= settings.max_spread * 0.5 * (quotes["ask"] + quotes["bid"])
    usable = two_sided(book, settings, time) & narrow & with_spot
    usable &= book.may_be_opened()
    told = set(book.expiries.time[np.unique(book.expiries.of_row[usable])].tolist())
    due = [each for each in due if each in told]
    due.sort(key=lambda each: (book.carry[each].time if each in book.carry else -1, each))
    for expiry in due[:most]:
        rows = np.flatnonzero(usable & (contracts["expiry"] == expiry))
        book.carry.setdefault(expiry, CarryLooks()).take(time, float(_yields(book, rows, rate, time)[0]))


def _is_due(book: MarketBook, expiry: int, time: int) -> bool:
    looks = book.carry.get(expiry)
    return looks is None or not looks.known or time // MINUTE - looks.time // MINUTE >= _BETWEEN


def _yields(book: MarketBook, rows: NDArray[np.intp], rate: float, time: int) -> NDArray[np.float64]:
    """Yield of each row's expiry; NaN where its pairs give none."""
    contracts = book.contracts[rows]
    ex_times, amounts = ahead_from(book.dividends_in_chain(time), np.array([time]))
    return parity_yields(
        book.mid(rows),
        book.spot,
        contracts["strike"],
        book.rates_to(contracts["expiry"], rate),
        book.years_to_expiry(time)[rows],
        contracts["right"].astype(np.float64),
        style=np.where(contracts["american"], "american", "european"),
        dividends=Dividends(ex_times[0], amounts),
        scheme="fast",
        in_chain_time=True,
    )
