"""Why each contract of a chain is not, or could be, a leg of what is ranked now."""

import numpy as np

from alo_lib.settings import Settings
from alo_lib.strategy.fair_smile import fair_volatility
from alo_lib.strategy.rejections import Codes, Rejection, first_failed, quote_rejections
from alo_lib.strategy.screening import screen_chain
from alo_lib.strategy.staleness import in_step
from alo_lib.strategy.state import Underlying
from alo_lib.strategy.valuation import quote_volatility

__all__ = ["contract_rejections"]


def contract_rejections(underlying: Underlying, settings: Settings, rate: float, time: int) -> Codes:
    """Codes of :class:`Rejection`, one a row of the chain, as a frame at ``time`` screens it; the book's spot is known.

    A contract that passes all tests may be a leg; whether a structure has it, and is worth trading, is another matter.
    """
    book = underlying.book
    fair = fair_volatility(underlying, settings, rate, time)
    valuation, screen = screen_chain(book, fair, settings, rate, time, [])
    codes = quote_rejections(book, settings, time)
    valued = screen.tradable & np.isfinite(valuation.at_forecast.price)
    explained = valued.copy()
    rows = np.flatnonzero(valued)
    if len(rows):
        explained[rows] = np.isfinite(quote_volatility(book, rows, rate, time))
    later = first_failed(
        (
            # Without a forecast nobody can say how many standard deviations away a strike is.
            (Rejection.NO_FORECAST, np.isfinite(underlying.forecast_rows())),
            (Rejection.NO_SMILE, np.isfinite(fair)),
            (Rejection.MONEYNESS, screen.tradable),
            (Rejection.NO_FORECAST, valued),
            (Rejection.LAGGING, in_step(screen.lag)),
            (Rejection.NO_VOLATILITY, explained),
        ),
        len(codes),
    )
    return np.where(codes == Rejection.NONE, later, codes)
