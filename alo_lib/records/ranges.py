"""What values the fields of inputs may have: data beside their layouts, asked before anything is journaled.

Whatever is journaled is handled by every run that goes on from the journal. So a value that no market has, and that
would stop whoever handles it, must not get in.
"""

from collections.abc import Mapping
from enum import IntEnum
from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.records.kinds import (
    ActionKind,
    DividendKind,
    HaltCause,
    InstrumentKind,
    Kind,
    OrderStatus,
    OrderType,
    Stage,
)
from alo_lib.records.layouts import ACCOUNT_CASH, Records
from alo_lib.records.legs import LEGS, MAX_LEGS, MAX_RATIO, NO_LEG, RATIOS
from alo_lib.records.operators import OperatorCommand
from alo_lib.records.takeover import TAKEOVER_VERSION
from alo_lib.records.units import CALENDAR_DAY, DAY, FIRST_DAY, LAST_DAY, YEAR

__all__ = ["RANGES", "RATES", "TIMES", "Fault", "Members", "Range", "range_fault"]

_EPOCH: Final = FIRST_DAY - CALENDAR_DAY
_MOST: Final = 10**9
_PRICE: Final = 1e7
_MONEY: Final = 1e12


class Range(NamedTuple):
    """From ``low`` to ``high``, both included; NaN where ``unknown`` says that it tells that nothing is known."""

    low: float
    high: float
    unknown: bool = False

    def holds_all(self, values: NDArray[Any]) -> bool:
        """Whether all values lie within it, of which there are some. It says False of NaNs alone that may be."""
        low, high = (np.fmin, np.fmax) if self.unknown else (np.minimum, np.maximum)
        return bool(low.reduce(values) >= self.low and high.reduce(values) <= self.high)

    def holds(self, values: NDArray[Any]) -> NDArray[np.bool_]:
        """Which values lie within it."""
        within: NDArray[np.bool_] = (values >= self.low) & (values <= self.high)
        return within | np.isnan(values) if self.unknown else within

    def __str__(self) -> str:
        return f"from {self.low:g} to {self.high:g}{', or NaN' if self.unknown else ''}"


class Members(NamedTuple):
    """The numbers of a word."""

    of: type[IntEnum]

    def holds_all(self, values: NDArray[np.uint8]) -> bool:
        """Whether all values are numbers of it."""
        return bool(self.holds(values).all())

    def holds(self, values: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Which values are numbers of it."""
        return _members(self.of)[values]

    def __str__(self) -> str:
        return f"one of {', '.join(f'{member.value} {member.name}' for member in self.of)}"


@cache
def _members(of: type[IntEnum]) -> NDArray[np.bool_]:
    """By byte, whether it is a number of a word."""
    table = np.zeros(256, np.bool_)
    table[[int(member) for member in of]] = True
    return table


class Fault(NamedTuple):
    """What is wrong with some records of a table."""

    field: str  # which it is about; "" for all of a record
    rows: NDArray[np.bool_]  # those that have it
    sentence: str


TIMES: Final = Range(0, (LAST_DAY - _EPOCH).days * DAY + DAY)
"""Of everything that happens, nanoseconds since the epoch, UTC."""

RATES: Final = Range(-0.5, 1.0)
"""Of interest, a year's, continuously compounded decimals."""

_NUMBER: Final = Range(0, 2**31 - 1)
_FLAG: Final = Range(0, 1)
_QUANTITY: Final = Range(-_MOST, _MOST)
_SIZE: Final = Range(0, 10**12)
_EXPIRIES: Final = Range(0, TIMES.high + 10 * YEAR)
_POSITIVE_PRICE: Final = Range(1e-6, _PRICE)
_WITHIN: Final = Range(0, 64)

RANGES: Final[Mapping[Kind, Mapping[str, Range | Members]]] = {
    Kind.INSTRUMENT: {
        "instrument": _NUMBER,
        "underlying": _NUMBER,
        "kind": Members(InstrumentKind),
        "american": _FLAG,
        "right": Range(-1, 1),
        "multiplier": Range(1, 100),
        "strike": Range(0.0, _PRICE),
        "expiry": _EXPIRIES,
        "open_interest": _SIZE,
    },
    Kind.SESSION: {"open": TIMES, "close": TIMES, "date": Range(19_700_101, LAST_DAY.year * 10_000 + 1231)},
    Kind.CALENDAR: {"open": TIMES, "close": TIMES},
    Kind.SCHEDULED: {"time": TIMES, "move": Range(0.0, 2.0, unknown=True)},
    Kind.CLOSE: {"time": TIMES, "close": _POSITIVE_PRICE},
    Kind.RANGE: {"time": TIMES, **dict.fromkeys(("open", "high", "low"), _POSITIVE_PRICE)},
    Kind.RATE: {"rate": RATES},
    Kind.CURVE: {"expiry": _EXPIRIES, "rate": RATES},
    Kind.DIVIDEND: {
        "time": TIMES,
        "kind": Members(DividendKind),
        "amount": Range(0.0, _PRICE),
        "reference": Range(0.0, _PRICE),
    },
    Kind.ANNOUNCED: {"time": TIMES, "amount": Range(0.0, _PRICE)},
    Kind.ACTION: {"time": TIMES, "action": Members(ActionKind)},
    Kind.POLICY: {"part": Range(0, 1023), "parts": Range(1, 1024)},
    Kind.SPLIT: {"time": TIMES, "warning": _FLAG, "factor": Range(1e-4, 1e4)},
    Kind.INTEREST: {
        "instrument": Range(ACCOUNT_CASH, _NUMBER.high),
        "days": Range(0, 366),
        "amount": Range(-_MONEY, _MONEY),
        "rate": Range(-1.0, 100.0),
    },
    Kind.TRADE: {"close": _POSITIVE_PRICE, "volume": Range(0, 10**15)},
    Kind.QUOTE: {
        **dict.fromkeys(("bid", "ask"), Range(0.0, _PRICE, unknown=True)),
        **dict.fromkeys(("bid_size", "ask_size"), _SIZE),
    },
    Kind.ORDER_EVENT: {
        "order": Range(0, 2**62),
        "status": Members(OrderStatus),
        "type": Members(OrderType),
        "quantity": _QUANTITY,
        "price": Range(0.0, _PRICE),
        "fee": Range(-_MONEY, _MONEY),
    },
    Kind.EXTERNAL_STAGE: {"stage": Members(Stage), "external": _FLAG, "within": _WITHIN},
    Kind.EXTERNAL_INSIGHT: {
        "until": TIMES,
        "direction": Range(-1, 1),
        "legs": Range(1, MAX_LEGS),
        **dict.fromkeys(LEGS, Range(NO_LEG, _NUMBER.high)),
        **dict.fromkeys(RATIOS, Range(-MAX_RATIO, MAX_RATIO)),
        "magnitude": Range(0.0, 100.0, unknown=True),
        "within": _WITHIN,
    },
    Kind.EXTERNAL_TARGET: {"stage": Members(Stage), "quantity": _QUANTITY, "within": _WITHIN},
    Kind.OPERATOR: {
        "request": Range(0, 2**63 - 1),
        "value": Range(0.0, 1e9),
        "command": Members(OperatorCommand),
        "confirmed": _FLAG,
    },
    Kind.TAKEOVER: {
        "version": Range(TAKEOVER_VERSION, TAKEOVER_VERSION),
        "quantity": _QUANTITY,
        "price": Range(0.0, _PRICE),
    },
    Kind.HALT: {"cause": Members(HaltCause), "halted": _FLAG, "undo": _FLAG},
}
"""By kind of input and by field. Prices are in the account's currency per share, rates decimal, sizes in contracts or
shares. Which instrument a number names, and what fits what was told and sent before, is the core's affair
(:mod:`alo_lib.core.gate`). A CALIBRATION is the core's own."""


def range_fault(kind: Kind, rows: Records) -> Fault | None:
    """The first field of some records of ``kind`` that has values outside of its range; None where there is none."""
    for field, allowed in RANGES[kind].items():
        values = rows[field]
        if not allowed.holds_all(values) and not (holds := allowed.holds(values)).all():
            return Fault(field, ~holds, f"{field} is {values[~holds][0]}; it must be {allowed}")
    return None
