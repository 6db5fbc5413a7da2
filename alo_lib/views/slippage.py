"""What orders paid beside mid: at the mid of their decision, of their arrival and of their fills."""

import math
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.records import Kind
from alo_lib.views.run import Run, once_a_run
from alo_lib.views.spoken import rounded

__all__ = ["OrderSlippage", "order_slippages", "stated_slippage"]


class OrderSlippage(NamedTuple):
    """Of one order's fills: what they cost beyond mid, money; negative where it was better. NaN without a fill or mid.

    ``decision`` is against the last quote before the order was sent, ``arrival`` against the first after, ``fill``
    against the last that was told before each fill, from which the attribution counts spread and slippage. Decision
    less arrival is what the market moved while the order was on its way, arrival less fill what it moved while the
    order waited.
    """

    decision: float
    arrival: float
    fill: float


@once_a_run
def order_slippages(run: Run) -> dict[int, OrderSlippage]:
    """The slippage of each order that the core sent, by its number."""
    followed: dict[int, _Followed] = {}
    on_its_way: list[_Followed] = []
    mids = np.full(max(run.instruments, default=-1) + 1, np.nan)
    for message in run.journal.messages:
        rows = message.records
        if message.kind in (Kind.QUOTE, Kind.TRADE):
            told = rows["close"] if message.kind is Kind.TRADE else 0.5 * (rows["bid"] + rows["ask"])
            mids[rows["instrument"]] = told
            for each in on_its_way:
                each.arrives(rows["instrument"], mids)
            on_its_way = [each for each in on_its_way if math.isnan(each.arrival)]
        elif message.kind is Kind.INTENT:
            for row in rows:
                instrument = int(row["instrument"])
                sent = _Followed(instrument, run.instruments[instrument].multiplier, float(mids[instrument]))
                followed[int(row["order"])] = sent
                on_its_way.append(sent)
        elif message.kind is Kind.ORDER_EVENT:
            for row in rows[(rows["order"] > 0) & (rows["quantity"] != 0)]:
                mid = float(mids[row["instrument"]])
                followed[int(row["order"])].fills.append((int(row["quantity"]), float(row["price"]), mid))
    return {number: each.slippage() for number, each in followed.items()}


@dataclass
class _Followed:
    """An order on its way through the journal."""

    instrument: int
    multiplier: int
    decision: float
    arrival: float = math.nan
    fills: list[tuple[int, float, float]] = field(default_factory=list)  # quantity, price, mid

    def arrives(self, told: NDArray[np.int32], mids: NDArray[np.float64]) -> None:
        """Take the first mid that is told after it was sent."""
        if (told == self.instrument).any():
            self.arrival = float(mids[self.instrument])

    def slippage(self) -> OrderSlippage:
        """What its fills cost beyond the three mids."""
        if not self.fills:
            return OrderSlippage(math.nan, math.nan, math.nan)
        return OrderSlippage(
            self._beyond([self.decision] * len(self.fills)),
            self._beyond([self.arrival] * len(self.fills)),
            self._beyond([mid for *_, mid in self.fills]),
        )

    def _beyond(self, mids: list[float]) -> float:
        terms = zip(self.fills, mids, strict=True)
        return self.multiplier * math.fsum(quantity * (price - mid) for (quantity, price, _), mid in terms)


def stated_slippage(run: Run) -> dict[str, Any]:
    """What all orders together cost beyond mid, for programs; of the orders of which it is known, and how many."""
    told: dict[str, Any] = {"unit": "$"}
    for name in OrderSlippage._fields:
        known = [value for one in order_slippages(run).values() if math.isfinite(value := getattr(one, name))]
        told[name] = rounded(math.fsum(known), 2)
        told[f"{name}_orders"] = len(known)
    return told
