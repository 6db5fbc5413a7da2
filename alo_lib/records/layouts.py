"""The record layouts that engines, transport, journal, core and reports share.

Everything that enters or leaves the trading core is a :class:`Message`: a kind, a time and an array of records of that
kind's layout. Layouts are fixed, little-endian and padded by hand, so that the bytes in a ring, in a journal and in
memory are the same bytes.

Times are int64 nanoseconds since the epoch, UTC. Prices are float64 in the account's currency, per share; a missing
quote side is NaN. Quantities are signed integers, in shares or contracts. An instrument is named by the small integer
that :class:`alo_lib.records.InstrumentTable` gave it.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.records.adoption import ADOPTION
from alo_lib.records.command import COMMAND
from alo_lib.records.funnel import ENTRY_LIMITS, FUNNEL_STAGES
from alo_lib.records.kinds import Kind
from alo_lib.records.legs import LEG_FIELDS, STRUCTURE_NAME
from alo_lib.records.market_state import MARKET_STATE
from alo_lib.records.operators import OPERATOR
from alo_lib.records.policy import POLICY
from alo_lib.records.profit import PROFIT_PARTS
from alo_lib.records.takeover import TAKEOVER

__all__ = [
    "ACCOUNT_CASH",
    "EVENT_NAME",
    "EVENT_TEXT",
    "LAYOUTS",
    "LIMIT_NAME",
    "SCHEMA_VERSION",
    "WHOLE_BOOK",
    "Message",
    "Records",
    "crossed",
    "records",
    "sent_together",
]

SCHEMA_VERSION: Final = 10
"""Version of all layouts below; it changes with any of them and is written into every journal."""


Records = NDArray[np.void]
"""An array of one of the structured dtypes in :data:`LAYOUTS`."""

ACCOUNT_CASH: Final = -1
"""In the place of an instrument in INTEREST records, and of an underlying in ATTRIBUTION: the account's cash."""

EVENT_NAME: Final = 24
"""Bytes of the name of a SCHEDULED record."""

LIMIT_NAME: Final = 24
"""Bytes of the name in a LIMIT record."""

WHOLE_BOOK: Final = -1
"""In the place of an underlying, or of an expiry's bucket, in LIMIT records: all of them together."""

EVENT_TEXT: Final = 120
"""Bytes that an EVENT record keeps of its text."""

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
    # The sessions after today's, in order and without a gap, one after the last expiry that was told included. They
    # count for one session: the next is told its own.
    Kind.CALENDAR: np.dtype([("open", "<i8"), ("close", "<i8")]),
    # A dated event of an underlying that is known of today: earnings and the like, past ones as far as daily bars are
    # told. It moves the price at `time`: the first open after it, or the close of the session that it falls in. All
    # that are known are told each session.
    Kind.SCHEDULED: np.dtype(
        [
            ("time", "<i8"),
            ("instrument", "<i4"),
            ("pad", "<i4"),
            ("move", "<f8"),  # mean absolute move expected of it, logarithmic; NaN where nobody says
            ("name", f"S{EVENT_NAME}"),  # ASCII
        ]
    ),
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
    # A structure that an alpha model of the host would trade: +1 bought, -1 sold, 0 it is left.
    Kind.EXTERNAL_INSIGHT: np.dtype(
        [
            ("until", "<i8"),  # when it ends
            ("underlying", "<i4"),
            ("direction", "i1"),
            ("within", "u1"),  # as above
            ("legs", "u1"),  # how many of the next fields count
            ("pad", "u1"),
            *LEG_FIELDS,
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
    # From now on a HaltCause stands (`halted` 1) or no longer (0). In journals of schema 9 this was what persons asked,
    # too: `undo` 1 is the undoing of their last command.
    Kind.HALT: np.dtype([(name, "u1") for name in ("cause", "halted", "undo", "pad")] + [("padding", "<i4")]),
    Kind.OPERATOR: OPERATOR,  # what a person asks, one record a message
    Kind.TAKEOVER: TAKEOVER,  # foreign positions: held, and of no trade; the book takes them over
    # The risk-free rate in force, decimal, as LEAN has it; taken as continuously compounded.
    Kind.RATE: np.dtype([("rate", "<f8")]),
    # Rates to expiries, as RATE has them; they count for the session alone, and RATE where there is none.
    Kind.CURVE: np.dtype([("expiry", "<i8"), ("rate", "<f8")]),
    # A dividend per share, in cash, at its ex-date's open: past ones with the first session, later ones as they go ex.
    Kind.DIVIDEND: np.dtype(
        [
            ("time", "<i8"),
            ("instrument", "<i4"),
            ("kind", "u1"),  # DividendKind
            ("pad", "u1"),
            ("padding", "<u2"),
            ("amount", "<f8"),
            ("reference", "<f8"),  # the close before, in the same shares; 0 where unknown
        ]
    ),
    # A cash dividend per share that is announced to go ex at `time`, an open; 0 where none is paid then. Those of the
    # last three weeks and all to come are told each session, as they are known of today.
    Kind.ANNOUNCED: np.dtype([("time", "<i8"), ("instrument", "<i4"), ("pad", "<i4"), ("amount", "<f8")]),
    # A corporate action, told in the session before the one in which it changes contracts, which begins at `time`.
    Kind.ACTION: np.dtype(
        [("time", "<i8"), ("instrument", "<i4"), ("action", "u1"), ("pad", "u1"), ("padding", "<u2")]  # ActionKind
    ),
    Kind.POLICY: POLICY,  # the learned policy that hedges, told once an era and in one message
    Kind.ADOPTION: ADOPTION,  # the state that an era goes on from: other settings, or another program
    # A split: factor 1/7 for seven new shares per old one. A warning comes in the session before it occurs.
    Kind.SPLIT: np.dtype([("time", "<i8"), ("instrument", "<i4"), ("warning", "<i4"), ("factor", "<f8")]),
    # What a broker has booked for calendar days: interest on cash, or the fee for shares of one underlying held short.
    Kind.INTEREST: np.dtype(
        [
            ("instrument", "<i4"),  # the underlying whose shares are borrowed; ACCOUNT_CASH for interest on cash
            ("days", "<i4"),
            ("amount", "<f8"),  # money, to the cent; negative where it is paid
            ("rate", "<f8"),  # a year of 360 days, simple: of interest after spreads, or of the fee
        ]
    ),
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
    # Mean of the volatility expected over an expiry's remaining life, annualized, as an option at the money is priced,
    # and the close-to-close volatilities between which it should realize in nine cases of ten; NaN where there is none.
    Kind.FORECAST: np.dtype(
        [
            ("underlying", "<i4"),
            ("pad", "<i4"),
            ("expiry", "<i8"),
            ("volatility", "<f8"),
            ("band_low", "<f8"),
            ("band_high", "<f8"),
            ("spot", "<f8"),
        ]
    ),
    # A regime of an underlying's daily returns, told with its forecasts, the calmest first: as of the last close.
    Kind.REGIME: np.dtype(
        [
            ("underlying", "<i4"),
            ("regime", "<i4"),  # from 0
            ("volatility", "<f8"),  # within it, annualized
            ("probability", "<f8"),  # given the closes until then alone
        ]
    ),
    # A ranked candidate: one to four legs, bought (+1) or sold (-1) together as a structure.
    Kind.SIGNAL: np.dtype(
        [
            ("underlying", "<i4"),
            ("direction", "<i4"),
            ("legs", "<i4"),  # how many of the next fields count
            ("pad", "<i4"),
            *LEG_FIELDS,
            ("structure", f"S{STRUCTURE_NAME}"),
            ("implied_volatility", "<f8"),  # mean of its contracts
            ("forecast_volatility", "<f8"),  # the same
            ("edge", "<f8"),  # money per structure after spread, fees, hedging cost and penalty
            ("edge_volatility", "<f8"),  # the same, per unit of gross vega
            ("vega", "<f8"),  # gross: of all its contracts whatever their side, money per 1.00 of volatility
            *((name, "<f8") for name in ("hedging_cost", "penalty", "stress_loss")),  # the same; 0: not asked for
        ]
    ),
    # The position wanted in an instrument; `stage` is a TargetStage.
    Kind.TARGET: np.dtype(
        [("instrument", "<i4"), ("stage", "u1"), ("reason", "u1"), ("pad", "<u2"), ("quantity", "<i8")]
    ),
    # An order to send now. The orders of a combination stand one after the other in one message.
    Kind.INTENT: np.dtype(
        [
            ("order", "<i8"),
            ("instrument", "<i4"),
            ("type", "u1"),  # OrderType
            ("reason", "u1"),  # OrderReason
            ("pad", "<u2"),
            ("quantity", "<i8"),
            ("group", "<i8"),  # order number of the first of its combination's orders; 0 for an order by itself
            ("limit", "<f8"),  # price a share, of a combination that of one unit of it (docs/engines.md); NaN: none
        ]
    ),
    # A change of an order that was sent and is not done; of one in a combination it changes the whole combination.
    Kind.AMENDMENT: np.dtype(
        [
            ("order", "<i8"),
            ("instrument", "<i4"),
            ("cancel", "<i4"),  # 1 where it is to be canceled
            ("limit", "<f8"),  # its limit from now on; NaN where it is to be canceled
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
    # One thing held, told in frames with news of its market; greeks are raw derivatives a share, shares have no yield.
    Kind.POSITION: np.dtype(
        [
            ("instrument", "<i4"),
            ("trade", "<i4"),  # that has the option as a leg; 0 for shares and for what is outside of all trades
            ("quantity", "<i8"),  # contracts or shares
            ("mark", "<f8"),  # a share, as the exposure has it: mid, or worth where there is none; shares: spot
            ("implied_volatility", "<f8"),  # at which the greeks are taken; NaN for shares
            *((name, "<f8") for name in ("delta", "gamma", "vega", "theta", "rho", "dividend_yield")),
        ]
    ),
    # Where the profit of a trade came from since it was opened, money; published whenever it changed. Trade 0 of an
    # underlying is what is outside of all its trades, underlying -1 the account. The parts' sum is the profit.
    Kind.ATTRIBUTION: np.dtype(
        [
            ("underlying", "<i4"),
            ("trade", "<i4"),
            ("hedges", "<i4"),  # fills of shares that it had part in
            ("pad", "<i4"),
            ("shares", "<f8"),  # of the underlying's that hedge it now
            ("share_fees", "<f8"),  # of its part fees, those of shares
            *((part, "<f8") for part in PROFIT_PARTS),
        ]
    ),
    # A trade is opened: one structure as its signal had it, and as it was valued at the forecast then.
    Kind.ENTRY: np.dtype(
        [
            ("trade", "<i4"),  # its number, from 1 in the order of opening
            ("underlying", "<i4"),
            ("direction", "<i4"),  # +1 bought, -1 sold
            ("legs", "<i4"),  # how many of the next fields count
            *LEG_FIELDS,
            ("structure", f"S{STRUCTURE_NAME}"),
            ("quantity", "<i8"),  # structures wanted
            ("expiry", "<i8"),  # the nearest of its legs
            ("implied_volatility", "<f8"),  # NaN where the signal has none
            ("forecast_volatility", "<f8"),
            *((end, "<f8") for end in ("band_low", "band_high")),  # of the forecast, 90 %; NaN where it has none
            ("edge", "<f8"),  # money per structure after spread, fees, hedging cost and penalty
            ("edge_volatility", "<f8"),  # the same, per unit of gross vega
            ("delta", "<f8"),  # of one structure bought: shares
            ("gamma", "<f8"),  # shares per 1.00 of spot
            ("vega", "<f8"),  # money per 1.00 of volatility
            ("theta", "<f8"),  # money a year
        ]
    ),
    # How a trade stands, told when that changed: how far it has been opened or undone, and what its fills cost.
    Kind.COMMAND: COMMAND,
    # A trade has ended: nothing of its legs is held or on order. Its figures are those that the core saw as it undid
    # the trade, whenever its last order was filled; NaN where they could not be told, and of what was settled.
    Kind.EXIT: np.dtype(
        [
            ("trade", "<i4"),
            ("underlying", "<i4"),
            ("reason", "<i4"),
            ("pad", "<i4"),
            ("implied_volatility", "<f8"),  # mean of those at which its legs were held
            ("forecast_volatility", "<f8"),
            ("gain", "<f8"),  # still to be made, money per structure at the middle of the quotes, before costs
            ("edge_volatility", "<f8"),  # the same, per unit of gross vega at the forecast: exit-edge's
        ]
    ),
    # Something a person should know: why nothing is forecast, why a book is closed.
    Kind.NOTICE: np.dtype([("underlying", "<i4"), ("pad", "<i4"), ("text", "S160")]),
    # How far an underlying's contracts and structures have come this session on their way to a trade; told when it
    # changed. Counts of a stage are those of the frame that had most, each for itself; trades opened are the session's.
    Kind.FUNNEL: np.dtype(
        [
            ("underlying", "<i4"),
            *((stage, "<i4") for stage in FUNNEL_STAGES),
            *((limit, "<i4") for limit in ENTRY_LIMITS),  # frames of the session in which it stopped a structure
            *([("pad", "<i4")] * ((1 + len(FUNNEL_STAGES) + len(ENTRY_LIMITS)) % 2)),
        ]
    ),
    # How much of a limit is used, told when the book has changed. Losses from a high are the book's alone.
    Kind.LIMIT: np.dtype(
        [
            ("limit", f"S{LIMIT_NAME}"),  # the setting's name
            ("underlying", "<i4"),  # WHOLE_BOOK for all together
            ("days", "<i4"),  # calendar days to expiry at which the bucket begins that it is of; WHOLE_BOOK for all
            ("used", "<f8"),  # money, or a number; NaN where it cannot be told
            ("allowed", "<f8"),  # the same
        ]
    ),
    # What an underlying's options price, told once a session.
    Kind.MARKET_STATE: MARKET_STATE,
    # A callback of the engine's host, as it came.
    Kind.EVENT: np.dtype(
        [
            ("event", "<u2"),  # HostEvent
            ("pad", "<u2"),
            ("instrument", "<i4"),  # -1 where it is about none, or none that the core knows
            ("order", "<i8"),  # the host's number; 0 for none
            ("quantity", "<f8"),
            ("value", "<f8"),  # price, amount or factor
            ("text", f"S{EVENT_TEXT}"),
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


def sent_together(intents: Records) -> Iterator[Records]:
    """INTENT records, in their order, by what is sent as one: an order by itself, or the orders of a combination."""
    groups = np.where(intents["group"] > 0, intents["group"], -intents["order"])
    bounds = [0, *(np.flatnonzero(groups[1:] != groups[:-1]) + 1).tolist(), len(groups)]
    yield from (intents[first:end] for first, end in pairwise(bounds) if first < end)


def crossed(bid: NDArray[np.float64], ask: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Quotes whose bid is above their ask, a fault of data that no reader or host passes on. A locked one is none."""
    return bid > ask
