"""A broker that errs, the host between it and a core, and markets in which they live, without LEAN.

The broker rejects, fills late and in parts, says so late, twice and out of order, loses its connection, drops tags, and
comes back with other holdings. The host believes what it is told, as LEAN does, and does what the algorithm does.
"""

from dataclasses import dataclass, field

import numpy as np

from alo_lib.core import CoreState, TradingCore, pack, unpack
from alo_lib.records import SECOND, HaltCause, Kind, Message, OrderStatus, OrderType, Records, records
from alo_lib.runtime import HostOrder, HostPosition, reconcile
from alo_lib.runtime.account_watch import AccountWatch
from alo_lib.runtime.order_matching import TaglessOrder, WorkingOrder, match_orders
from alo_lib.settings import Settings

Said = tuple[int, int, OrderStatus, int]
"""When it is said, the order's number at the broker, its status, and what was filled."""


@dataclass
class ErringBroker:
    """The account as it is. Orders are numbered by the core; ``names`` are its own identifiers."""

    chance: np.random.Generator
    positions: dict[int, int] = field(default_factory=dict)
    working: dict[int, tuple[int, int]] = field(default_factory=dict)  # instrument and what is left
    taken: list[int] = field(default_factory=list)  # numbers of the orders that it took
    unsaid: list[Said] = field(default_factory=list)
    instruments: dict[int, int] = field(default_factory=dict)
    connected: bool = True
    errs: bool = True

    def take(self, number: int, instrument: int, quantity: int, time: int) -> None:
        self.instruments[number] = instrument
        if not self.connected or (self.errs and self.chance.random() < 0.1):
            self.say(time, number, OrderStatus.INVALID, 0)
            return
        self.taken.append(number)
        self.working[number] = instrument, quantity
        self.say(time, number, OrderStatus.SUBMITTED, 0)

    def fill(self, time: int, share: float) -> None:
        """Fill some orders, in full or in parts, whether or not anybody listens."""
        for number, (instrument, left) in list(self.working.items()):
            if self.chance.random() > share:
                continue
            part = self.errs and abs(left) > 1 and self.chance.random() < 0.5
            size = int(self.chance.integers(1, abs(left))) if part else abs(left)
            filled = int(np.sign(left)) * size
            self.positions[instrument] = self.positions.get(instrument, 0) + filled
            done = filled == left
            if done:
                del self.working[number]
            else:
                self.working[number] = instrument, left - filled
            self.say(time, number, OrderStatus.FILLED if done else OrderStatus.PARTIALLY_FILLED, filled)

    def cancel(self, number: int, time: int) -> None:
        if self.connected and self.working.pop(number, None) is not None:
            self.say(time, number, OrderStatus.CANCELED, 0)

    def say(self, time: int, number: int, status: OrderStatus, quantity: int) -> None:
        for _ in range(2 if self.errs and self.chance.random() < 0.25 else 1):
            late = int(self.chance.integers(0, 5)) * SECOND if self.errs and self.chance.random() < 0.5 else 0
            self.unsaid.append((time + late, number, status, quantity))

    def said(self, time: int) -> list[Said]:
        """What is said by ``time``; to nobody where the connection is lost."""
        due = sorted((each for each in self.unsaid if each[0] <= time), key=lambda each: each[0])
        self.unsaid = [each for each in self.unsaid if each[0] > time]
        return due if self.connected else []


class Inputs:
    """In the place of a journal: the inputs since the last state that was kept."""

    def __init__(self) -> None:
        self.since: list[Message] = []

    def append(self, message: Message) -> int:
        if not (message.kind.is_decision or message.kind.is_remark or message.kind is Kind.FRAME):
            self.since.append(message._replace(records=message.records.copy()))
        return 0

    def flush(self) -> None:
        """Nothing: all that is appended is kept."""


class Host:
    """Between a core and its broker: what it believes is what it heard of, as LEAN."""

    def __init__(self, settings: Settings, state: bytes, broker: ErringBroker) -> None:
        self.settings, self.state, self.broker = settings, state, broker
        self.inputs: list[Message] = []  # that the state does not have
        self.watch = AccountWatch()
        self.findings: list[str] = []
        self.believed: dict[int, int] = {}
        self.open: dict[int, int] = {}  # of orders that it believes to work, what is left
        self.lost: set[int] = set()
        self.tagless: set[int] = set()  # orders that came back without their tags
        self.said: list[str] = []
        self.start()

    def start(self) -> None:
        """Begin a life: it asks the broker what it holds and works, once."""
        self.sink = Inputs()
        self.core = TradingCore(self.settings, self.sink)
        self.core.resume(unpack(CoreState, self.state, settings=self.settings), self.inputs)
        self.core.journal_to(self.sink)
        self.sink.since = list(self.inputs)
        self.believed = {each: held for each, held in self.broker.positions.items() if held}
        self.open = {number: left for number, (_, left) in self.broker.working.items()}
        self.lost, self.watch = set(), AccountWatch()
        drops = self.broker.errs and self.broker.chance.random() < 0.5
        self.tagless = set(self.open) if drops else set()
        self.broker.unsaid = []
        self.findings = ["it went on"]

    def kill(self) -> None:
        self.inputs = self.sink.since
        self.start()

    def keep(self) -> None:
        self.state = pack(self.core.snapshot())
        self.sink.since = []

    # What the broker tells -----------------------------------------------------------------------------------------

    def disconnect(self, time: int) -> None:
        self.broker.connected = False
        self.watch.gone()
        self.halt(time)

    def reconnect(self, time: int) -> None:
        self.broker.connected = True
        self.watch.back(self.open)
        self.halt(time)

    def halt(self, time: int) -> None:
        row = records(Kind.HALT, cause=HaltCause.RECONCILIATION, halted=1)
        self.core.accept(Message(Kind.HALT, time, row))

    def hear(self, time: int) -> None:
        for _, number, status, quantity in self.broker.said(time):
            instrument = self.broker.instruments[number]
            self.believed[instrument] = self.believed.get(instrument, 0) + quantity
            if number in self.open:
                self.open[number] -= quantity
            if status.is_done:
                self.open.pop(number, None)
            ours = 0 if number in self.tagless else number
            row = records(Kind.ORDER_EVENT, order=ours, instrument=instrument, status=status, type=OrderType.MARKET)
            row["quantity"], row["price"] = quantity, 2.0 if quantity else 0.0
            self.core.accept(Message(Kind.ORDER_EVENT, time, row))

    # What the algorithm does -----------------------------------------------------------------------------------------

    def look(self, time: int) -> None:
        if not self.broker.connected:
            return
        ours = {each: HostPosition(held, 2.0) for each, held in self.believed.items() if held}
        theirs = {each: HostPosition(held, 2.0) for each, held in self.broker.positions.items() if held}
        working = {number: self.broker.instruments[number] for number in self.open}
        wrong, lost = self.watch.look(time, ours, theirs, working, self.broker.working)
        self.lost.update(lost)
        for instrument, (quantity, _) in wrong.items():
            self.believed[instrument] = quantity
            self.findings.append(f"the broker holds {quantity} of {instrument}")

    def meet(self, time: int) -> None:
        self.look(time)
        if not (self.watch.is_sure and (self.findings or self.core.wants_reconciliation)):
            return
        at_work = {number: left for number, left in self.open.items() if number not in self.lost}
        core = self.core
        came = [
            TaglessOrder(number, (), self.broker.instruments[number], OrderType.MARKET, left)
            for number, left in at_work.items()
            if number in self.tagless
        ]
        orders = {number: HostOrder(left, 2.0) for number, left in at_work.items() if number not in self.tagless}
        types = core.order_types
        waited = {
            number: WorkingOrder(instrument, types[number], left)
            for number, (instrument, left) in core.orders_working.items()
            if number not in orders
        }
        matching = match_orders(came, waited, {})
        # Orders that are alike stand for each other: from then on the broker's are known by our numbers.
        for host, number in matching.numbers.items():
            orders[number] = HostOrder(at_work[host], 2.0)
        self.rename(matching.numbers)
        unsure = {number for numbers in matching.unsure.values() for number in numbers}
        positions = {each: HostPosition(held, 2.0) for each, held in self.believed.items() if held}
        found = reconcile(core, positions, orders, time, unsure=unsure)
        self.said += [*self.findings, *found.findings]
        for message in found.messages:
            core.accept(message)
        self.findings = []
        for number in [*matching.unsure, *found.to_cancel]:
            self.broker.cancel(number, time)

    def rename(self, numbers: dict[int, int]) -> None:
        """Know the broker's orders by the core's numbers."""

        def named(number: int) -> int:
            return numbers.get(number, number)

        self.tagless -= set(numbers)
        if all(host == ours for host, ours in numbers.items()):
            return
        self.open = {named(number): left for number, left in self.open.items()}
        self.tagless = {named(number) for number in self.tagless}
        broker = self.broker
        broker.working = {named(number): each for number, each in broker.working.items()}
        broker.instruments |= {ours: broker.instruments[host] for host, ours in numbers.items()}
        broker.unsaid = [(when, named(number), *rest) for when, number, *rest in broker.unsaid]  # type: ignore[misc]

    def frame(self, time: int) -> Records:
        """A frame, whose orders are sent."""
        self.hear(time)
        self.meet(time)
        intents = records(Kind.INTENT, 0)
        if self.core.open_frame(time):
            intents = self.core.run()
            for amendment in self.core.amendments:
                if amendment["cancel"]:
                    self.broker.cancel(int(amendment["order"]), time)
            self.keep()
        for intent in intents:
            number, instrument, quantity = (int(intent[name]) for name in ("order", "instrument", "quantity"))
            self.open[number] = quantity
            self.broker.take(number, instrument, quantity, time)
        return intents
