"""What is asked of records that name contracts: others' structures, and foreign positions to take over."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from alo_lib.records import LEGS, NO_LEG, RATIOS, Fault, Records
from alo_lib.settings import Settings
from alo_lib.strategy.ledger import Ledger

__all__ = ["insight_fault", "takeover_fault"]

_Owners = Callable[[NDArray[np.int32]], NDArray[np.int64]]


def insight_fault(rows: Records, underlyings_of: _Owners) -> Fault | None:
    """Contracts of one underlying, none of them twice, each with a ratio; nothing in the places after them."""
    for place, (leg, ratio) in enumerate(zip(LEGS, RATIOS, strict=True)):
        used, numbers = place < rows["legs"], rows[leg]
        strange = (underlyings_of(numbers) != rows["underlying"]) | (numbers == rows["underlying"])
        if (bad := used & strange).any():
            return Fault(leg, bad, f"its {leg} is no contract of its underlying")
        again = [used & (rows[other] == numbers) for other in LEGS[:place]]
        if again and (bad := np.any(again, axis=0)).any():
            return Fault(leg, bad, f"its {leg} is another leg of it, too")
        if (bad := used & (rows[ratio] == 0)).any():
            return Fault(ratio, bad, f"its {leg} has no ratio")
        if (bad := ~used & ((numbers != NO_LEG) | (rows[ratio] != 0))).any():
            return Fault(leg, bad, f"its {leg} is told beyond the legs that it says it has")
    return None


def takeover_fault(rows: Records, ledger: Ledger, settings: Settings, are_equities: NDArray[np.bool_]) -> Fault | None:
    """Contracts, held as they say, in which no order works, of a run that takes foreign ones over."""
    every = np.ones(len(rows), np.bool_)
    if not settings.take_over:
        return Fault(
            "", every, "foreign positions are taken over by a start with take-over (alo core --take-over) alone"
        )
    if are_equities.any():
        return Fault("instrument", are_equities, "shares are no trade: they hedge what is held")
    numbers = rows["instrument"].tolist()
    held = np.array([ledger.portfolio.quantity(number) for number in numbers])
    if (bad := (rows["quantity"] != held) | (held == 0)).any():
        return Fault("quantity", bad, f"{rows['quantity'][bad][0]:+} is not what is held, {held[bad][0]:+}")
    working = ledger.instruments_working()
    if (bad := np.array([number in working for number in numbers])).any():
        return Fault("instrument", bad, "an order works in it")
    return None
