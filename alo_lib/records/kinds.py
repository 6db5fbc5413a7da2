"""What messages carry, and the words of which their records are made: kinds, order states, reasons, events."""

from collections.abc import Container
from enum import IntEnum
from typing import Final

__all__ = [
    "ActionKind",
    "BookMode",
    "DividendKind",
    "HaltCause",
    "HostEvent",
    "InstrumentKind",
    "Kind",
    "OrderReason",
    "OrderStatus",
    "OrderType",
    "Stage",
    "TargetStage",
    "TradeState",
    "bits_of",
    "halts_of",
]


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
    INTEREST = 16
    HALT = 17
    CALENDAR = 18
    SCHEDULED = 19
    ACTION = 20
    POLICY = 21
    ANNOUNCED = 22
    ADOPTION = 23
    OPERATOR = 24
    TAKEOVER = 25
    CURVE = 26

    FORECAST = 32
    SIGNAL = 33
    TARGET = 34
    INTENT = 35
    EXPOSURE = 36
    NOTICE = 37
    POSITION = 38
    ATTRIBUTION = 39
    ENTRY = 40
    EXIT = 41
    FUNNEL = 42
    REGIME = 43
    MARKET_STATE = 44
    LIMIT = 45
    AMENDMENT = 46
    COMMAND = 47

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


class TradeState(IntEnum):
    """How a trade stands."""

    OPENING = 0  # not all that is wanted is held, or an order works
    COMPLETE = 1
    UNDOING = 2  # all of it, or what is held beyond its structures, is being closed
    DONE = 3  # it was undone, and nothing of it is held or on order

    @property
    def word(self) -> str:
        """As people read it."""
        return self.name.lower()


class HostEvent(IntEnum):
    """What an engine's host called back with, captured before it is handled, and what befell a core that went on."""

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
    REFUSED = 19  # inputs were not taken in; the text says why, and whose they were; quantity: records
    FLOOD = 20  # more waited than a frame takes; quantity: records of quotes and trades that were left out
    UNDELIVERED = 21  # the host took no answers, so this frame's was not given; quantity: orders that were not sent
    LEFT_OUT = 22  # a journal goes on without a message, whose sequence is in the place of an order
    ERA = 23  # another era began: the text says what differs
    BROKER_ORDER = 24  # the identifier, in the text, that the broker has given an order of ours
    VOLUME = 25  # another volume of the journal begins; value: its number, order: the last of those before
    ACCOUNT = 26  # the account that is traded by the journal, in the text


class BookMode(IntEnum):
    """What may be done with the book; of several causes the gravest counts."""

    NORMAL = 0
    REDUCE_ONLY = 1  # nothing that adds risk is ordered; trades live until they end, and are hedged
    FLATTEN = 2  # all is closed, and nothing opened
    HALTED = 3  # nothing is ordered at all, not a hedge either

    @property
    def words(self) -> str:
        """As people read it, and the operator's command is named."""
        return self.name.lower().replace("_", "-")


class DividendKind(IntEnum):
    """What a distribution is, as :mod:`alo_lib.market.distributions` tells them apart."""

    ORDINARY = 0  # paid regularly: it is in yields, in the rhythm and in what is expected
    EXTRA = 1  # cash beside that, for which contracts stay as they are
    ADJUSTING = 2  # a spin-off or special dividend: contracts listed before are adjusted, or worth less for nothing


class ActionKind(IntEnum):
    """What changes the contracts of an underlying, besides a split."""

    SPIN_OFF = 1
    SPECIAL_DIVIDEND = 2
    MERGER = 3
    DELISTING = 4

    @property
    def words(self) -> str:
        """As people read it."""
        return f"a {self.name.lower().replace('_', ' ')}".replace("spin off", "spin-off")


class HaltCause(IntEnum):
    """Why a book is not in its normal mode. A HALT record lets each stand, or stand no longer."""

    RECONCILIATION = 1  # what the broker says does not fit what was sent: until both are reconciled
    DRAWDOWN = 2  # equity fell by max-drawdown from its highest: until it is reset, and counts from there
    DAILY_LOSS = 3  # the session lost max-daily-loss: until the next one
    OPERATOR = 4  # a person stops it
    OPERATOR_REDUCE_ONLY = 5  # a person lets it run out
    OPERATOR_FLATTEN = 6  # a person closes it

    @property
    def mode(self) -> BookMode:
        """The mode that it puts the book in while it stands."""
        return _MODES[self]

    @property
    def words(self) -> str:
        """As people read it."""
        return self.name.lower().replace("_", " ")


_MODES: Final = {
    HaltCause.RECONCILIATION: BookMode.REDUCE_ONLY,
    HaltCause.DRAWDOWN: BookMode.FLATTEN,
    HaltCause.DAILY_LOSS: BookMode.REDUCE_ONLY,
    HaltCause.OPERATOR: BookMode.HALTED,
    HaltCause.OPERATOR_REDUCE_ONLY: BookMode.REDUCE_ONLY,
    HaltCause.OPERATOR_FLATTEN: BookMode.FLATTEN,
}


def bits_of(halts: Container[HaltCause]) -> int:
    """Causes as one number, each the bit of its own number."""
    return sum(1 << cause for cause in HaltCause if cause in halts)


def halts_of(bits: int) -> tuple[HaltCause, ...]:
    """The causes of such a number; bits of none are left out."""
    return tuple(cause for cause in HaltCause if bits >> cause & 1)


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

    @property
    def has_limit(self) -> bool:
        """Whether an order of the type is sent with a limit price, which may be changed while it works."""
        return self in (OrderType.LIMIT, OrderType.COMBO_LIMIT)

    @property
    def is_combo(self) -> bool:
        """Whether it is one of several orders that are filled together or not at all."""
        return self in (OrderType.COMBO_MARKET, OrderType.COMBO_LIMIT, OrderType.COMBO_LEG_LIMIT)


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
    """Why the core sends an order, whose tag it becomes, and why a trade ends; a settlement sends none."""

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
    EXPIRED = 12  # settlement: held past its last session, whatever its legs were worth
    EXERCISED = 13  # settlement: by us, before that
    ASSIGNED = 14  # settlement: before that
    EXIT_ACTION = 15  # a spin-off, special dividend or merger
    EXIT_STRUCTURE = 16  # by the structure's own rule

    @property
    def tag(self) -> str:
        """The reason as people read it."""
        return self.name.lower().replace("_", " ")
