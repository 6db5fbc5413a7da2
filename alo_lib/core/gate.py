"""What the core lets in: an input is asked for its ranges, and for what it says of instruments and orders.

All that is let in is journaled and then handled by whoever goes on from the journal; so what could stop a handler, or
would be believed against what was sent, is refused before. The gate follows what it has let in, whether a frame has
taken that in or not, and nothing else: a run that goes on refuses the same.
"""

from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.core.instrument_checks import Row, day_of, equity_problem, option_problem
from alo_lib.core.leg_checks import insight_fault, takeover_fault
from alo_lib.core.message_checks import message_problem
from alo_lib.records import (
    ACCOUNT_CASH,
    DAY,
    Fault,
    HaltCause,
    InstrumentKind,
    InstrumentTable,
    Kind,
    Message,
    OrderStatus,
    OrderType,
    Records,
    Session,
    range_fault,
)
from alo_lib.settings import Settings
from alo_lib.strategy.hedging_policy import PolicyError
from alo_lib.strategy.ledger import Ledger, taken_place
from alo_lib.strategy.policy_records import policy_of_records
from alo_lib.strategy.state import StrategyState
from alo_lib.strategy.steering import Steering

__all__ = ["Admitted", "Gate", "Refusal"]

_WIDEST_GAP: Final = 4096
"""Of numbers between an instrument and the one before it: those of contracts that were refused."""
_MOST_APART: Final = 4 * DAY
"""Between a session and the time of the message that tells of it: a long weekend."""
_FIRST_SIZE: Final = 64
_MOST_HELD: Final = 10**12
"""Shares or contracts of an instrument: with more, no account's sums would hold."""


class Refusal(NamedTuple):
    """Why records of an input are not let in."""

    kind: str  # of the message, or what it has for one
    field: str  # which the reason is about; "" for the whole message
    sentence: str
    refused: int = 1  # records
    in_doubt: bool = False  # the broker says what does not fit: it and the core may hold something else


class Admitted(NamedTuple):
    """What is let in of a message, and what is not."""

    message: Message | None
    refusals: tuple[Refusal, ...] = ()


class Gate:
    """Knows what was let in of instruments, sessions, orders and halts.

    ``waiting`` are the messages that were let in and that ``strategy`` does not know yet; ``settings`` are the run's.
    """

    def __init__(
        self,
        strategy: StrategyState,
        instruments: InstrumentTable,
        settings: Settings,
        waiting: Iterable[Message] = (),
    ) -> None:
        waiting = list(waiting)
        self.ledger: Ledger = strategy.ahead(waiting)
        self.steering: Steering = deepcopy(strategy.steering)
        self.unreconciled = HaltCause.RECONCILIATION in strategy.halts
        self._instruments, self._settings = instruments, settings
        self._session, self._closes = -1, -1  # open and close of the last session
        if strategy.session is not None:
            self._session, self._closes = strategy.session.open, strategy.session.close
        self._last_order = strategy.last_order
        self.policy_told = strategy.policy_told
        self._now = -1  # time of the message that is asked
        self._doubted = False  # an order event was refused since a halt was told of
        self._underlying = np.full(_FIRST_SIZE, -1, np.int64)  # by instrument; -1 where none was told of
        self._know(self.ledger.underlying_of.items())
        for message in waiting:
            self._note(message)

    def follow(self, message: Message) -> None:
        """Know what was let in or decided."""
        self.ledger.follow(message)
        self._note(message)

    def begin_anew(self) -> None:
        """Go on after a restart: an order event may have been refused since a halt was told of, nothing says so now."""
        self._doubted = self.unreconciled

    @property
    def doubts(self) -> bool:
        """Whether the broker's word did not fit, be it told yet or not."""
        return self._doubted or self.unreconciled

    def admit(self, message: Message) -> Admitted:
        """What can be let in of an input: the same message where nothing is wrong, else the records without fault."""
        if problem := message_problem(message):
            name = getattr(message.kind, "name", str(message.kind))
            self._doubted = self._doubted or message.kind is Kind.ORDER_EVENT
            return Admitted(None, (Refusal(name, "", problem, in_doubt=message.kind is Kind.ORDER_EVENT),))
        rows, refusals, self._now = message.records, [], message.time
        while len(rows) and (fault := self._fault(message.kind, rows)) is not None:
            refusals.append(self._refusal(message.kind, rows, fault))
            rows = rows[~fault.rows]
        if not refusals:
            return Admitted(message)
        self._doubted = self._doubted or any(refusal.in_doubt for refusal in refusals)
        return Admitted(message._replace(records=rows) if len(rows) else None, tuple(refusals))

    def name_of(self, instrument: int) -> str:
        """An instrument as people know it."""
        known = 0 <= instrument < len(self._instruments) and self._instruments.symbol(instrument)
        return known or f"instrument {instrument}"

    # Within ----------------------------------------------------------------------------------------------------------

    def _fault(self, kind: Kind, rows: Records) -> Fault | None:
        """The first fault of some records."""
        fault = range_fault(kind, rows)
        for check in _CHECKS.get(kind, ()):
            fault = fault or check(self, rows)
        return fault

    def _refusal(self, kind: Kind, rows: Records, fault: Fault) -> Refusal:
        about = ""
        if "instrument" in (rows.dtype.names or ()) and kind is not Kind.INSTRUMENT:
            about = f"{self.name_of(int(rows['instrument'][fault.rows][0]))}: "
        doubt = kind is Kind.ORDER_EVENT and fault.field != _LATE
        return Refusal(kind.name, fault.field, about + fault.sentence, int(np.count_nonzero(fault.rows)), doubt)

    def _note(self, message: Message) -> None:
        rows = message.records
        if message.kind is Kind.INSTRUMENT:
            self._know(zip(rows["instrument"].tolist(), rows["underlying"].tolist(), strict=True))
        elif message.kind is Kind.SESSION:
            self._session, self._closes = int(rows["open"][-1]), int(rows["close"][-1])
        elif message.kind is Kind.POLICY:
            self.policy_told = rows
        elif message.kind is Kind.INTENT:
            self._last_order = max(self._last_order, int(rows["order"].max()))
        elif message.kind is Kind.OPERATOR:
            self.steering.take(rows[0])
        elif message.kind is Kind.HALT:
            self.steering.follow(rows)
            reconciling = rows["halted"][rows["cause"] == HaltCause.RECONCILIATION]
            if len(reconciling):
                self._doubted, self.unreconciled = False, bool(reconciling[-1])

    def _know(self, told: Iterable[tuple[int, int]]) -> None:
        for number, underlying in told:
            if number >= len(self._underlying):
                more = np.full(number + 1, -1, np.int64)
                self._underlying = np.concatenate([self._underlying, more])
            self._underlying[number] = underlying

    def _underlyings_of(self, numbers: NDArray[np.int32]) -> NDArray[np.int64]:
        """The underlying of each instrument; -1 where it was never told of."""
        owners = self._underlying.take(numbers, mode="clip")
        owners[(numbers < 0) | (numbers >= len(self._underlying))] = -1
        return owners

    def _are_equities(self, rows: Records) -> NDArray[np.bool_]:
        owners = self._underlyings_of(rows["instrument"])
        equal: NDArray[np.bool_] = owners == rows["instrument"]
        return equal & (owners >= 0)

    # What kinds are asked besides their ranges: the first fault, with all records that have its like ------------------

    def known(self, rows: Records) -> Fault | None:
        """The instrument was told of."""
        return _fault_where(self._underlyings_of(rows["instrument"]) < 0, "instrument", "it was never told of")

    def of_equity(self, rows: Records) -> Fault | None:
        """The instrument is an underlying."""
        return _fault_where(~self._are_equities(rows), "instrument", "it is no underlying that was told of")

    def of_account(self, rows: Records) -> Fault | None:
        """The instrument is an underlying, or the account's cash."""
        bad = ~self._are_equities(rows) & (rows["instrument"] != ACCOUNT_CASH)
        return _fault_where(bad, "instrument", f"it is no underlying that was told of, nor {ACCOUNT_CASH} for cash")

    def once(self, rows: Records) -> Fault | None:
        """An instrument stands once in a table; of two its last counts."""
        numbers = rows["instrument"]
        if (numbers[1:] > numbers[:-1]).all():
            return None
        bad = np.ones(len(numbers), np.bool_)
        bad[len(numbers) - 1 - np.unique(numbers[::-1], return_index=True)[1]] = False
        return _fault_where(bad, "instrument", "it is told again in the same message")

    def instruments(self, rows: Records) -> Fault | None:
        """An underlying is told of once and before its contracts; symbols say the same as the rest."""
        coming: dict[int, int] = {}
        symbols: set[bytes] = set()
        found = []
        for row in _plain(rows):
            problem = self._instrument(row, coming)
            if problem is None and (row["instrument"] in coming or row["symbol"] in symbols):
                problem = "instrument", f"{row['symbol'].decode()} or its number is in the message twice"
            if problem is None:
                coming[row["instrument"]] = row["underlying"]
                symbols.add(row["symbol"])
            found.append(problem)
        return _first_of(found)

    def _instrument(self, row: Row, coming: dict[int, int]) -> tuple[str, str] | None:
        number, underlying, table = row["instrument"], row["underlying"], self._instruments
        symbol = row["symbol"].decode("ascii", "replace")
        if not (symbol.isascii() and symbol.isprintable() and symbol.strip()):
            return "symbol", f"symbol {row['symbol']!r} must be of printable ASCII characters"
        if number > len(table) + len(coming) + _WIDEST_GAP:
            return "instrument", f"{symbol} has number {number}, where {len(table)} comes next"
        if symbol in table and table.number(symbol) != number:
            return "symbol", f"{symbol} has number {table.number(symbol)} already"
        if number < len(table) and table.symbol(number) not in ("", symbol):
            return "instrument", f"{symbol} has the number of {table.symbol(number)}"
        before, owner = coming.get(number, self._owner(number)), coming.get(underlying, self._owner(underlying))
        if row["kind"] == InstrumentKind.EQUITY:
            return equity_problem(row, symbol, known=before >= 0)
        if owner != underlying or underlying == number:
            return "underlying", f"underlying {underlying} of {symbol} was never told of"
        if before not in (-1, underlying):
            return "underlying", f"the underlying of {symbol} was {before} and is {underlying}"
        return option_problem(row, symbol)

    def _owner(self, number: int) -> int:
        return int(self._underlying[number]) if 0 <= number < len(self._underlying) else -1

    def session(self, rows: Records) -> Fault | None:
        """A session ends after it begins, is of its open's day in New York, and not before the one that was told."""
        row, all_ = rows[0], np.ones(len(rows), np.bool_)
        opens, closes = int(row["open"]), int(row["close"])
        if not 0 < closes - opens <= DAY:
            return Fault("close", all_, "close must come after open, within a day")
        if not opens - _MOST_APART <= self._now <= closes + _MOST_APART:
            return Fault("open", all_, f"its open is more than {_MOST_APART // DAY} days from when it is told of")
        if opens < self._session:
            return Fault("open", all_, "its open is before that of the session before")
        try:
            day = Session.of_record(row).day
        except ValueError:
            return Fault("date", all_, f"date {row['date']} is no day of the calendar")
        if day_of(opens) != day:
            return Fault("date", all_, f"date {row['date']} is not the day of its open in New York")
        return None

    def calendar(self, rows: Records) -> Fault | None:
        """Sessions in order, after the one that was told, each ending after it begins and within a day."""
        opens, closes = rows["open"], rows["close"]
        before = np.concatenate([[self._closes], closes[:-1]])
        if ((closes > opens) & (closes - opens <= DAY) & (opens > before)).all():
            return None
        # Of a calendar with a gap the rest would be at wrong places: none of it counts.
        return Fault("open", np.ones(len(rows), np.bool_), "its sessions are not in order")

    def scheduled(self, rows: Records) -> Fault | None:
        """An event's name is of printable characters."""
        bad = [not (n.isascii() and n.decode("ascii", "replace").isprintable()) for n in rows["name"].tolist()]
        return _fault_where(np.array(bad), "name", "its name must be of printable ASCII characters")

    def alone(self, rows: Records) -> Fault | None:
        """A message of the kind has one record."""
        return _fault_where(np.arange(len(rows)) > 0, "", "a message of its kind has one record")

    def newer(self, kind: Kind, rows: Records) -> Fault | None:
        """A fact counts once, however often it is told: it comes after those of its kind, and has taken place."""
        if (ahead := rows["time"] > self._now + DAY).any():
            return Fault("time", ahead, "its time is more than a day after that of the message")
        last, bad = dict(self.ledger.last_told), np.zeros(len(rows), np.bool_)
        numbers, times = rows["instrument"].tolist(), rows["time"].tolist()
        for place in np.flatnonzero(taken_place(kind, rows)).tolist():
            fact = kind, numbers[place]
            bad[place] = times[place] <= last.get(fact, -1)
            if not bad[place]:
                last[fact] = times[place]
        return _fault_where(bad, "time", "one of its time, or of a later one, was told of before")

    def split(self, rows: Records) -> Fault | None:
        """What is held can still be counted afterwards."""
        held: dict[int, float] = dict(self.ledger.holdings)
        bad = np.zeros(len(rows), np.bool_)
        for place in np.flatnonzero(taken_place(Kind.SPLIT, rows)).tolist():
            number, factor = int(rows["instrument"][place]), float(rows["factor"][place])
            after = held.get(number, 0) / factor
            bad[place] = abs(after) > _MOST_HELD
            held[number] = held.get(number, 0) if bad[place] else after
        return _fault_where(bad, "factor", f"more than {_MOST_HELD:,} shares would be held")

    def halt(self, rows: Records) -> Fault | None:
        """It tells of reconciling alone, in which nothing was refused: what persons ask has a kind of its own."""
        if (others := (rows["cause"] != HaltCause.RECONCILIATION) | (rows["undo"] == 1)).any():
            return Fault("cause", others, "it is no reconciliation; what persons ask is an OPERATOR message")
        return _fault_where(
            (rows["halted"] == 0) & self._doubted, "halted", "an order event was refused meanwhile: the halt stays"
        )

    def operator(self, rows: Records) -> Fault | None:
        """A person's command is one that can be done now."""
        problem = self.steering.problem(rows[0], self._settings)
        return None if problem is None else Fault(problem.field, np.ones(len(rows), np.bool_), problem.sentence)

    def daily_range(self, rows: Records) -> Fault | None:
        """A high is no lower than a low."""
        return _fault_where(rows["high"] < rows["low"], "high", "its high is below its low")

    def order_events(self, rows: Records) -> Fault | None:
        """An event fits the order that was sent: its instrument, its direction, what is left of it."""
        left, held = dict(self.ledger.orders_working), dict(self.ledger.holdings)
        found = []
        for row in _plain(rows):
            number, instrument, quantity = row["order"], row["instrument"], row["quantity"]
            problem = self._event_problem(row, left, held)
            found.append(problem)
            if problem is None:
                held[instrument] = held.get(instrument, 0) + quantity
                if number in left:
                    left[number] = (instrument, left[number][1] - quantity)
                    if OrderStatus(row["status"]).is_done or not left[number][1]:
                        del left[number]
        return _first_of(found)

    def _event_problem(
        self, row: Row, left: dict[int, tuple[int, int]], held: dict[int, int]
    ) -> tuple[str, str] | None:
        number, instrument, quantity = row["order"], row["instrument"], row["quantity"]
        if abs(held.get(instrument, 0) + quantity) > _MOST_HELD:
            return "quantity", f"{held[instrument] + quantity:+} would be held"
        if quantity and row["status"] in _WITHOUT_FILL:
            return "status", f"order {number} would be filled for {quantity:+} by {OrderStatus(row['status']).name}"
        if number == 0:
            return self._settlement_problem(row, held.get(instrument, 0))
        if number > self._last_order:
            return "order", f"order {number} was never sent"
        if number not in left:
            if quantity:
                return "order", f"order {number} is done, and would be filled for {quantity:+} more"
            return _LATE, f"order {number} is done"
        sent, rest = left[number]
        if sent != instrument:
            return "instrument", f"order {number} is for {self.name_of(sent)}"
        if quantity * rest < 0 or abs(quantity) > abs(rest):
            return "quantity", f"order {number} has {rest:+} left, and would be filled for {quantity:+}"
        if row["status"] == OrderStatus.FILLED and quantity != rest:
            return "quantity", f"order {number} is said to be filled, with {rest - quantity:+} left"
        return None

    def _settlement_problem(self, row: Row, held: int) -> tuple[str, str] | None:
        """An option is settled as far as it is held."""
        quantity = row["quantity"]
        settled = row["type"] == OrderType.OPTION_EXERCISE and self._owner(row["instrument"]) != row["instrument"]
        if settled and quantity and (quantity * held >= 0 or abs(quantity) > abs(held)):
            return "quantity", f"{quantity:+} are settled where {held:+} are held"
        return None

    def policy(self, rows: Records) -> Fault | None:
        """The records are one policy, and it is the era's first."""
        every = np.ones(len(rows), np.bool_)
        if len(self.policy_told):
            return Fault("digest", every, "a policy has been told before; an era hedges by one")
        try:
            policy_of_records(rows)
        except PolicyError as error:
            return Fault("text", every, f"as a policy {error}")
        return None

    def insights(self, rows: Records) -> Fault | None:
        """See :func:`~alo_lib.core.leg_checks.insight_fault`."""
        return insight_fault(rows, self._underlyings_of)

    def takeovers(self, rows: Records) -> Fault | None:
        """See :func:`~alo_lib.core.leg_checks.takeover_fault`."""
        return takeover_fault(rows, self.ledger, self._settings, self._are_equities(rows))


_WITHOUT_FILL: Final = (OrderStatus.NEW, OrderStatus.NONE, OrderStatus.INVALID)
"""Of an order that no market has had."""

_LATE: Final = "state"
"""In the place of a field: an event that moves nothing of an order that is done, which leaves nothing in doubt."""

_Check = Callable[[Gate, Records], Fault | None]


def _newer(kind: Kind) -> _Check:
    return lambda gate, rows: gate.newer(kind, rows)


_CHECKS: Final[dict[Kind, tuple[_Check, ...]]] = {
    Kind.INSTRUMENT: (Gate.instruments,),
    Kind.SESSION: (Gate.alone, Gate.session),
    Kind.CALENDAR: (Gate.calendar,),
    Kind.SCHEDULED: (Gate.of_equity, Gate.scheduled),
    Kind.CLOSE: (Gate.of_equity, _newer(Kind.CLOSE)),
    Kind.RANGE: (Gate.of_equity, Gate.daily_range),
    Kind.RATE: (Gate.alone,),
    Kind.DIVIDEND: (Gate.of_equity, _newer(Kind.DIVIDEND)),
    Kind.ACTION: (Gate.of_equity,),
    Kind.ANNOUNCED: (Gate.of_equity,),
    Kind.POLICY: (Gate.policy,),
    Kind.SPLIT: (Gate.of_equity, _newer(Kind.SPLIT), Gate.split),
    Kind.INTEREST: (Gate.of_account,),
    Kind.TRADE: (Gate.of_equity,),
    Kind.QUOTE: (Gate.known, Gate.once),
    Kind.ORDER_EVENT: (Gate.known, Gate.order_events),
    Kind.EXTERNAL_INSIGHT: (Gate.insights,),
    Kind.EXTERNAL_TARGET: (Gate.known,),
    Kind.HALT: (Gate.halt,),
    Kind.OPERATOR: (Gate.alone, Gate.operator),
    Kind.TAKEOVER: (Gate.known, Gate.once, Gate.takeovers),
}


def _fault_where(bad: NDArray[np.bool_], field: str, sentence: str) -> Fault | None:
    return Fault(field, bad, sentence) if bad.any() else None


def _first_of(found: list[tuple[str, str] | None]) -> Fault | None:
    """One fault of all records that have a problem, each asked after those without one: told is the first."""
    problems = [problem for problem in found if problem is not None]
    if not problems:
        return None
    field, sentence = next((each for each in problems if each[0] != _LATE), problems[0])
    return Fault(field, np.array([problem is not None for problem in found]), sentence)


def _plain(rows: Records) -> Iterator[Row]:
    """Records as Python's own values, by field: each field of a record by itself costs more than all of them so."""
    names = rows.dtype.names or ()
    return (dict(zip(names, row, strict=True)) for row in rows.tolist())
