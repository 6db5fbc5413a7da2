"""The margin that the book needed over time."""

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.records import MINUTE, Kind
from alo_lib.simulation.listing import Listing
from alo_lib.simulation.margin import Leg, margin
from alo_lib.simulation.money import decimal
from alo_lib.views.blotter import BookWalk, InstrumentHistory
from alo_lib.views.run import Run, once_a_run

__all__ = ["MarginSeries", "margin_used"]

_STEP: Final = 15 * MINUTE
"""Of the clock, so that a day has the same moments in every run; see :func:`margin_used`."""


class MarginSeries(NamedTuple):
    """Margin over time (ns UTC), in money; NaN where an underlying had no price yet."""

    time: NDArray[np.int64]
    margin: NDArray[np.float64]


@once_a_run
def margin_used(run: Run) -> MarginSeries:
    """The margin of what was held, as LEAN asks it and both engines demand it (alo_lib.simulation.margin).

    It is half of the shares' value, and nothing for long options: more of shares than Regulation T's maintenance.

    It is taken in the frame after each order event, in the first one of each quarter of an hour, and at the run's
    end.
    """
    frames = run.table(Kind.FRAME).time
    listing, walk = Listing(), BookWalk(run)
    listing.add(run.table(Kind.INSTRUMENT).records)
    times: list[int] = []
    margins: list[float] = []

    def measure(time: int) -> None:
        times.append(time)
        margins.append(_margin_of(walk, listing))

    due, is_changed = 0, False
    for message in run.journal.messages:
        walk.take(message)
        is_changed |= message.kind == Kind.ORDER_EVENT
        if message.kind == Kind.FRAME and (is_changed or message.time >= due):
            measure(message.time)
            due, is_changed = (message.time // _STEP + 1) * _STEP, False
    if len(frames):
        measure(run.journal.messages[-1].time)
    return MarginSeries(np.array(times, np.int64), np.array(margins, np.float64))


def _margin_of(walk: BookWalk, listing: Listing) -> float:
    held = [position for position in walk.held.values() if position.quantity]
    marks = {one.instrument.underlying: walk.mark(one.instrument.underlying) for one in held}
    if not all(map(math.isfinite, marks.values())):
        return math.nan
    legs = [
        Leg(listing[one.instrument.number], one.quantity, decimal(_price(walk.mark(one.instrument.number), one)))
        for one in held
    ]
    return float(margin(legs, {number: decimal(mark) for number, mark in marks.items()}))


def _price(mark: float, position: InstrumentHistory) -> float:
    """The mark; before there is one, what was paid."""
    return mark if math.isfinite(mark) else position.average_price
