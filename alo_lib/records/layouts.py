"""The record layouts that engines, transport, journal, core and reports share.

Everything that enters or leaves the trading core is a :class:`Message`: a kind, a time and an array of records of that
kind's layout. Layouts are fixed, little-endian and padded by hand, so that the bytes in a ring, in a journal and in
memory are the same bytes.

Times are int64 nanoseconds since the epoch, UTC. Prices are float64 in the account's currency, per share; a missing
quote side is NaN. Quantities are signed integers, in shares or contracts. An instrument is named by the small integer
that :class:`alo_lib.records.InstrumentTable` gave it.
"""

from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "LAYOUTS",
    "SCHEMA_VERSION",
    "HostEvent",
    "InstrumentKind",
    "Kind",
    "Message",
    "OrderReason",
    "OrderStatus",
    "OrderType",
    "Records",
    "Stage",
    "TargetStage",
    "records",
]

SCHEMA_VERSION: Final = 4
"""Version of all layouts below; it changes with any of them and is written into every journal."""

Records = NDArray[np.void]
"""An array of one of the structured dtypes in :data:`LAYOUTS`."""


class Kind(IntEnum):
    """What a message carries. Kinds below 32 are inputs, those below 64 decisions, the rest are remarks."""

    INSTRUMENT = 1
    SESSION = 2
    CLOSE = 3
    RATE = 4
    DIVIDEND = 5
    SPLIT = 6
    TRADE = 7
    QUOTE = 8
    ORDER_EVENT = 9
    FRAME = 10
    RANGE = 11
    CALIBRATION = 12
    EXTERNAL_STAGE = 13
    EXTERNAL_INSIGHT = 14
    EXTERNAL_TARGET = 15

    FORECAST = 32
    SIGNAL = 33
    TARGET = 34
    INTENT = 35
    EXPOSURE = 36
    NOTICE = 37
    FUNNEL = 42

    EVENT = 64
    OVERRUN = 65

    @property
    def is_decision(self) -> bool:
        """Whether the core decided it (otherwise an engine put it in)."""
        return Kind.FORECAST <= self < Kind.EVENT

    @property
    def is_remark(self) -> bool:
        """Whether it is there for people and for replay alone: no task reads it, and no digest counts it."""
        return self >= Kind.EVENT

    @property
    def is_external(self) -> bool:
        """Whether a model of the host decided it in the place of the core's own; it may count within a frame."""
        return Kind.EXTERNAL_STAGE <= self <= Kind.EXTERNAL_TARGET


class Stage(IntEnum):
    """The stages of LEAN's framework, in their order; the core has a model of its own for each."""

    ALPHA = 1
    PORTFOLIO = 2
    RISK = 3
    EXECUTION = 4


class TargetStage(IntEnum):
    """What a target of the core is."""

    SIZED = 0
    LIMITED = 1  # put by risk in the place of a sized one


class HostEvent(IntEnum):
    """What an engine's host called back with; captured before it is handled."""

    DATA = 1
    ORDER = 2
    ASSIGNMENT = 3
    SECURITIES_CHANGED = 4
    SPLIT = 5
    DIVIDEND = 6
    DELISTING = 7
    SYMBOL_CHANGED = 8
    MARGIN_CALL = 9
    MARGIN_CALL_WARNING = 10
    END_OF_DAY = 11
    WARMUP_FINISHED = 12
    END_OF_ALGORITHM = 13
    BROKERAGE_MESSAGE = 14
    BROKERAGE_DISCONNECT = 15
    BROKERAGE_RECONNECT = 16
    COMMAND = 17
    RECOVERY = 18  # a journal was continued; the text says what was found


class InstrumentKind(IntEnum):
    """What an instrument is."""

    EQUITY = 0
    OPTION = 1


class OrderType(IntEnum):
    """Order types, numbered as LEAN numbers them."""

    MARKET = 0
    LIMIT = 1
    STOP_MARKET = 2
    STOP_LIMIT = 3
    MARKET_ON_OPEN = 4
    MARKET_ON_CLOSE = 5
    OPTION_EXERCISE = 6
    LIMIT_IF_TOUCHED = 7
    COMBO_MARKET = 8
    COMBO_LIMIT = 9
    COMBO_LEG_LIMIT = 10
    TRAILING_STOP = 11


class OrderStatus(IntEnum):
    """Order states, numbered as LEAN numbers them."""

    NEW = 0
    SUBMITTED = 1
    PARTIALLY_FILLED = 2
    FILLED = 3
    CANCELED = 5
    NONE = 6
    INVALID = 7
    CANCEL_PENDING = 8
    UPDATE_SUBMITTED = 9

    @property
    def is_done(self) -> bool:
        """Whether nothing can happen to the order any more."""
        return self in (OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.INVALID)


class OrderReason(IntEnum):
    """Why the core sends an order; it becomes the order's tag."""

    ENTRY = 1
    HEDGE = 2
    EXIT_EDGE = 3
    EXIT_TIME = 4
    EXIT_STOP = 5
    EXIT_EXPIRY = 6
    EXIT_DIVIDEND = 7
    EXIT_SPLIT = 8
    EXIT_RISK = 9
    REBALANCE = 10
    EXTERNAL = 11  # a model of the host wants it

    @property
    def tag(self) -> str:
        """The reason as people read it."""
        return self.name.lower().replace("_", " ")


LAYOUTS: Final[dict[Kind, np.dtype[np.void]]] = {
    # A security the core may be told about. An equity is its own underlying.
    Kind.INSTRUMENT: np.dtype(
        [
            ("instrument", "<i4"),
            ("underlying", "<i4"),
            ("kind", "u1"),  # InstrumentKind
            ("american", "u1"),  # 1 American, 0 European exercise
            ("right", "i1"),  # +1 call, -1 put, 0 equity
            ("pad", "u1"),
            ("multiplier", "<i4"),  # shares a contract; 1 for an equity
            ("strike", "<f8"),
            ("expiry", "<i8"),  # close of the last session in which it trades
            ("open_interest", "<i8"),  # contracts; 0 where unknown
            ("symbol", "S24"),  # ticker, or OSI symbol such as b"GOOG  160115C00750000"
        ]
    ),
    # One regular trading session, told before its first bar.
    Kind.SESSION: np.dtype([("open", "<i8"), ("close", "<i8"), ("date", "<i8")]),  # date as yyyymmdd
    # A daily close of an underlying, split-adjusted, oldest first; `time` is that session's close.
    Kind.CLOSE: np.dtype([("time", "<i8"), ("instrument", "<i4"), ("pad", "<i4"), ("close", "<f8")]),
    # Open, high and low of the daily bars whose closes follow, split-adjusted; `time` is that of the close.
    Kind.RANGE: np.dtype(
        [("time", "<i8"), ("instrument", "<i4"), ("pad", "<i4"), ("open", "<f8"), ("high", "<f8"), ("low", "<f8")]
    ),
    # The result of a calibration that the core asked for comes into force. `number` counts its requests from 1.
    Kind.CALIBRATION: np.dtype([("underlying", "<i4"), ("pad", "<i4"), ("number", "<i8")]),
    # From now on models of the host alone decide a stage (`external` 1), or the core's own does again (0). `within` is
    # 0 for an input of the next frame, otherwise 1 + the tasks of the open frame that had run when it was put in.
    Kind.EXTERNAL_STAGE: np.dtype(
        [("stage", "u1"), ("external", "u1"), ("within", "u1"), ("pad", "u1"), ("padding", "<i4")]
    ),
    # A pair that an alpha model of the host would trade: +1 volatility rises, -1 it falls, 0 the pair is left.
    Kind.EXTERNAL_INSIGHT: np.dtype(
        [
            ("until", "<i8"),  # when it ends
            ("underlying", "<i4"),
            ("call", "<i4"),
            ("put", "<i4"),
            ("direction", "i1"),
            ("within", "u1"),  # as above
            ("pad", "<u2"),
            ("magnitude", "<f8"),  # volatility expected above costs, 1.00 for a hundred points; NaN where not told
        ]
    ),
    # The position that a model of the host wants in an instrument, in the place of the core's own target.
    Kind.EXTERNAL_TARGET: np.dtype(
        [
            ("instrument", "<i4"),
            ("stage", "u1"),  # Stage: PORTFOLIO as constructed, RISK past the limits
            ("within", "u1"),  # as above
            ("pad", "<u2"),
            ("quantity", "<i8"),
        ]
    ),
    # The risk-free rate in force, decimal, as LEAN has it; taken as continuously compounded.
    Kind.RATE: np.dtype([("rate", "<f8")]),
    # A cash dividend per share, at its ex-date's open. Past ones come with the first session, later ones as they go ex.
    Kind.DIVIDEND: np.dtype([("time", "<i8"), ("instrument", "<i4"), ("pad", "<i4"), ("amount", "<f8")]),
    # A split: factor 1/7 for seven new shares per old one. A warning comes in the session before it occurs.
    Kind.SPLIT: np.dtype([("time", "<i8"), ("instrument", "<i4"), ("warning", "<i4"), ("factor", "<f8")]),
    # A trade bar of an underlying; `time` is its end.
    Kind.TRADE: np.dtype([("instrument", "<i4"), ("pad", "<i4"), ("close", "<f8"), ("volume", "<i8")]),
    # The last bid and ask of a bar; the message's time is its end.
    Kind.QUOTE: np.dtype(
        [
            ("instrument", "<i4"),
            ("pad", "<i4"),
            ("bid", "<f8"),
            ("ask", "<f8"),
            ("bid_size", "<i8"),
            ("ask_size", "<i8"),
        ]
    ),
    # What happened to an order. `order` is the intent's number, 0 for one that the engine made on its own.
    Kind.ORDER_EVENT: np.dtype(
        [
            ("order", "<i8"),
            ("instrument", "<i4"),
            ("status", "u1"),  # OrderStatus
            ("type", "u1"),  # OrderType
            ("pad", "<u2"),
            ("quantity", "<i8"),  # filled by this event, signed
            ("price", "<f8"),
            ("fee", "<f8"),
        ]
    ),
    # A frame was opened at the message's time. It separates what was known from what was decided on it.
    Kind.FRAME: np.dtype([("frame", "<i8")]),
    # Forecast volatility over an expiry's remaining life, annualized.
    Kind.FORECAST: np.dtype(
        [("underlying", "<i4"), ("pad", "<i4"), ("expiry", "<i8"), ("volatility", "<f8"), ("spot", "<f8")]
    ),
    # A ranked candidate: one call and one put, bought (+1) or sold (-1) together.
    Kind.SIGNAL: np.dtype(
        [
            ("underlying", "<i4"),
            ("call", "<i4"),
            ("put", "<i4"),
            ("direction", "<i4"),
            ("implied_volatility", "<f8"),
            ("forecast_volatility", "<f8"),
            ("edge", "<f8"),  # money per structure after spread and fees
            ("edge_volatility", "<f8"),  # the same, per unit of vega
            ("vega", "<f8"),  # money per structure per 1.00 of volatility
        ]
    ),
    # The position wanted in an instrument; `stage` is a TargetStage.
    Kind.TARGET: np.dtype(
        [("instrument", "<i4"), ("stage", "u1"), ("reason", "u1"), ("pad", "<u2"), ("quantity", "<i8")]
    ),
    # An order to send now.
    Kind.INTENT: np.dtype(
        [
            ("order", "<i8"),
            ("instrument", "<i4"),
            ("type", "u1"),  # OrderType
            ("reason", "u1"),  # OrderReason
            ("pad", "<u2"),
            ("quantity", "<i8"),
        ]
    ),
    # What the book holds, published at the end of a frame; money per unit move, one row an underlying.
    Kind.EXPOSURE: np.dtype(
        [
            ("underlying", "<i4"),
            ("structures", "<i4"),
            ("spot", "<f8"),
            ("delta", "<f8"),  # shares
            ("gamma", "<f8"),  # shares per 1.00 of spot
            ("vega", "<f8"),  # money per 1.00 of volatility
            ("theta", "<f8"),  # money a year
            ("shares", "<i8"),
            ("value", "<f8"),  # options and shares at mid
            ("equity", "<f8"),  # of the whole account
        ]
    ),
    # Something a person should know: why nothing is forecast, why a book is closed.
    Kind.NOTICE: np.dtype([("underlying", "<i4"), ("pad", "<i4"), ("text", "S160")]),
    # How far an underlying's contracts and pairs have come this session on their way to a trade; told when it changed.
    # Counts are those of the frame that had most, each stage for itself; each contract or pair has passed all before.
    Kind.FUNNEL: np.dtype(
        [
            ("underlying", "<i4"),
            ("listed", "<i4"),  # contracts that are looked at
            ("quoted", "<i4"),  # with a bid and an ask that are not too old, and a spot
            ("in_range", "<i4"),  # of days to expiry
            ("liquid", "<i4"),  # by least bid, spread, size, open interest
            ("forecast", "<i4"),  # priced at a forecast volatility
            ("pairs", "<i4"),  # of a call and a put near enough to the money, each bought or sold
            ("edge", "<i4"),  # pairs whose edge suffices
            ("proposed", "<i4"),  # trades: free to trade, and one structure at least within the vega budget
            ("opened", "<i4"),  # trades within the limits, in the whole session
        ]
    ),
    # A callback of the engine's host, as it came.
    Kind.EVENT: np.dtype(
        [
            ("event", "<u2"),  # HostEvent
            ("pad", "<u2"),
            ("instrument", "<i4"),  # -1 where it is about none, or none that the core knows
            ("order", "<i8"),  # the host's number; 0 for none
            ("quantity", "<f8"),
            ("value", "<f8"),  # price, amount or factor
            ("text", "S120"),
        ]
    ),
    # A task took more than its budget, or (no task) frames were released late. A replay leaves out what that made the
    # run leave out.
    Kind.OVERRUN: np.dtype(
        [
            ("frame", "<i8"),
            ("elapsed", "<i8"),  # nanoseconds; of a late frame, how late
            ("budget", "<i8"),  # nanoseconds
            ("cause", "u1"),  # alo_lib.executive.Cause
            ("policy", "u1"),  # alo_lib.executive.OverrunPolicy
            ("pad", "<u2"),
            ("missed", "<i4"),  # frames before this one that were never released
            ("task", "S24"),
        ]
    ),
}


class Message(NamedTuple):
    """Records of one kind that happened at one time."""

    kind: Kind
    time: int
    records: Records

    @property
    def within(self) -> int:
        """1 + the tasks of the open frame that had run when it was put in; 0 for what a later frame takes in."""
        return int(self.records["within"][0]) if self.kind.is_external else 0


def records(kind: Kind, count: int = 1, /, **columns: object) -> Records:
    """An array of ``count`` zeroed records of ``kind``, with the named columns filled.

    >>> records(Kind.RATE, rate=0.01)["rate"]
    array([0.01])
    """
    array = np.zeros(count, LAYOUTS[kind])
    for name, value in columns.items():
        array[name] = value
    return array
