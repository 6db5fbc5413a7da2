"""Which shares the options of a book may deliver, and when: by early exercise, for a dividend or at expiry."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from alo_lib.records import DAY, OPTION_MULTIPLIER, years_between
from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.valuation import exercise_gain, forward_price, leg_greeks
from alo_lib.views.run import exchange_moment

__all__ = ["PIN_CHANCES", "PIN_DAYS", "DeliveryRow", "deliveries"]

PIN_DAYS: Final = 5.0
PIN_CHANCES: Final = (0.1, 0.9)
"""An option within so many days of expiry that ends in the money by a chance between these is pinned: who holds its
hedge does not know whether shares will come."""
_NO_TIME_VALUE: Final = 1e-6  # of the strike


class DeliveryRow(NamedTuple):
    """One option that is held: a short one is assigned where its holder exercises. Money a share."""

    option: str
    quantity: int
    shares: int  # that its exercise would bring; negative: take
    in_the_money: float  # by how much; negative: out of it
    time_value: float  # worth more than exercise now; at the volatility at which it is held
    chance: float  # to end in the money at expiry, under the pricing measure
    exercised: str  # "now"; "for yyyy-mm-dd", the ex-date before which it is; "" where neither pays its holder
    pinned: bool


def deliveries(
    book: MarketBook,
    labels: list[str],
    quantities: list[int],
    rows: NDArray[np.intp],
    volatility: NDArray[np.float64],
    rate: float,
    time: int,
) -> list[DeliveryRow]:
    """One row for each of some options of a book (n,), by expiry and strike; none where its spot is not known.

    ``volatility`` (n,) are those at which they are held. A call is exercised on the evening before the next ex-date
    where that gives more than keeping it past it, with spot as it is.
    """
    if not len(rows) or not book.known_spot:
        return []
    contracts = book.contracts[rows]
    right, expiry = contracts["right"].astype(np.float64), contracts["expiry"]
    inside = right * (book.spot - contracts["strike"])
    above = np.maximum(leg_greeks(book, rows, volatility, rate, time).price - np.maximum(inside, 0.0), 0.0)
    chance = _chance(book, rows, volatility, rate, time)
    calls = np.flatnonzero(right > 0)
    gain = np.full(len(rows), -np.inf)
    gain[calls] = exercise_gain(book, rows[calls], rate, time, volatility[calls])
    now = (inside > 0.0) & (above <= _NO_TIME_VALUE * contracts["strike"]) & contracts["american"]
    ex_time = book.next_ex_date(time)
    dividend = "" if ex_time is None else f"for {exchange_moment(ex_time)[:10]}"
    near = (expiry - time <= PIN_DAYS * DAY) & (chance > PIN_CHANCES[0]) & (chance < PIN_CHANCES[1])
    return [
        DeliveryRow(
            labels[i],
            quantities[i],
            int(quantities[i] * OPTION_MULTIPLIER * right[i]),
            float(inside[i]),
            float(above[i]),
            float(chance[i]),
            "now" if now[i] else dividend if gain[i] > 0.0 and contracts["american"][i] else "",
            bool(near[i]),
        )
        for i in np.lexsort((right, contracts["strike"], expiry)).tolist()
    ]


def _chance(
    book: MarketBook, rows: NDArray[np.intp], volatility: NDArray[np.float64], rate: float, time: int
) -> NDArray[np.float64]:
    """That each of some options (n,) ends in the money, its spot lognormal about its forward."""
    contracts = book.contracts[rows]
    years = np.maximum(years_between(time, contracts["expiry"]), 0.0)
    forward = forward_price(book, rate, time, np.maximum(contracts["expiry"], time))
    deviation = volatility * np.sqrt(years)
    with np.errstate(divide="ignore", invalid="ignore"):
        score = (np.log(forward / contracts["strike"]) - 0.5 * deviation * deviation) / deviation
    return np.asarray(ndtr(contracts["right"] * score))
