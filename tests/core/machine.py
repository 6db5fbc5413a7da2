"""A trading core driven with anything in any order, killed and restarted at any point, beside a broker of its own.

Each step ends with what must hold of every run: the core lives or has said why not, it holds what the accepted fills
add up to, no order is sent twice or without having been decided, and what the broker holds is what the core believes,
or it was said otherwise. A restart and a replay come to the same bytes.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import hypothesis.strategies as st
import numpy as np
from hypothesis.stateful import initialize, invariant, precondition, rule

from alo_lib.core import TradingCore, pack
from alo_lib.core.frame_plan import FrameTask
from alo_lib.journal import Journal, JournalWriter, message_digest
from alo_lib.records import (
    ACCOUNT_CASH,
    HostEvent,
    Kind,
    Message,
    OrderStatus,
    OrderType,
    Records,
    Session,
    Stage,
    records,
)
from alo_lib.runtime import Replayer, begin, reconcile
from alo_lib.runtime.replay import Continuation
from alo_lib.settings import Settings
from tests.core.broker import Believed, Broker, Word, order_event
from tests.core.chains import SETTINGS, TICKERS, chain, quotes
from tests.core.commanded import Commanding
from tests.core.killing import Fuse, Killed, Place, Slow
from tests.core.odd import odd_messages
from tests.core.script import DAY, FIRST, RATE, at, calendar_ahead, closes

CHANGES = st.sampled_from([0.9, 0.98, 1.0, 1.0, 1.02, 1.1, 3.0])
SHARES = st.sampled_from([0.0, 0.3, 0.5, 1.0])


class CoreMachine(Commanding):
    """One run of a core with its kills, and the broker that fills its orders."""

    sequences = 0
    host: Any  # what the core is told and asked by: itself, where it is of this process
    place: Any  # where its journal is

    @initialize(
        settings=st.sampled_from(SETTINGS),
        trading=st.sampled_from([True, True, False]),
        keeping=st.sampled_from([True, True, True, False]),
    )
    def begin(self, settings: Settings, trading: bool, keeping: bool) -> None:
        type(self).sequences += 1
        self.settings, self.keeping = settings, keeping
        self.place, self.broker, self.believed = self.new_place(), Broker(), Believed()
        self.written: list[Message] = []
        self.date, self.hour, self.spot = FIRST, 9.0, dict.fromkeys(TICKERS, 100.0)
        self.apart = False  # whether the core may believe something else without knowing it
        self.events: list[Message] = []
        self.left_in_frame: int | None = None
        self.restarted: tuple[int, Any] = 0, None
        self.unkilled, self.replayed = TradingCore(settings, Continuation(())), 0
        self.start()
        self.number_underlyings()
        self.a_session(first=True, contracts=[True, True])
        if trading:
            for ticker in TICKERS:
                self.a_bar(ticker, 1.0, 0.35, 50, 0.2)
                self.fill_working()
        if keeping:
            self.snapshot()

    def number_underlyings(self) -> None:
        for ticker in TICKERS:
            self.tell(Kind.INSTRUMENT, self.host.instruments.add_equity(ticker))

    def new_place(self) -> Place:
        return Place()

    def start(self) -> None:
        """Go on from the journal, or begin it; whatever of this is killed is done again."""
        beginning = begin(self.settings, self.place)
        self.host = self.core = beginning.decided_again(self.fused)
        self.believed = Believed.of(self.written)

    def fused(self, writer: JournalWriter) -> Fuse:
        self.fuse = Fuse(writer, self.written)
        return self.fuse

    @property
    def time(self) -> int:
        return at(self.date, self.hour)

    @contextmanager
    def surviving(self) -> Iterator[None]:
        """Restart where what is done within is killed."""
        try:
            yield
        except Killed:
            self.restart()

    def tell(self, kind: Kind, rows: Records, time: int | None = None, *, true: bool = True) -> set[Word]:
        """Tell the core something, again after a kill that lost it, and see what it makes of it.

        What is ``true`` happened at the broker, too, before.
        """
        message = Message(kind, self.time if time is None else time, rows)
        if not len(rows):
            return set()
        return self.put_in(message, true=true)

    def put_in(self, message: Message, *, true: bool) -> set[Word]:
        before, wanted = len(self.written), self.core.wants_reconciliation
        told, lost = message._replace(records=message.records.copy()), True
        with self.surviving():
            self.host.accept(message)
            lost = False
        if lost:  # the journal is what the core knows; orders it asks the broker about
            self.apart = True
            return set()
        words = self.expected(told)
        self.take(self.written[before:], wanted)
        self.check_doubt(words, wanted, halts=told.kind is Kind.HALT)
        if not true and Word.BELIEVED in words:
            self.apart = True
        return words

    def take(self, journaled: Sequence[Message], wanted: bool) -> None:
        """Believe what was let in, but for order events, which are believed as they were told."""
        for each in journaled:
            if each.kind.is_remark or each.kind is Kind.ORDER_EVENT:
                continue
            self.believed.take(each)
            if each.kind is Kind.SPLIT:
                self.broker.split(each.records)
            if each.kind is Kind.HALT and wanted and not self.core.wants_reconciliation:
                self.apart = True  # who said so did not look

    def check_doubt(self, words: set[Word], wanted: bool, *, halts: bool) -> None:
        """The core wants to be reconciled where it was told what does not fit, and does not for any other reason."""
        if Word.DOUBTED in words:
            assert self.core.wants_reconciliation
        elif not halts:
            assert self.core.wants_reconciliation is wanted

    def expected(self, message: Message) -> set[Word]:
        """What the core has to make of an order event."""
        if message.kind is not Kind.ORDER_EVENT:
            return set()
        if not (len(message.records) and 0 <= message.time < at(dt.date(2051, 1, 1), 5)):
            return {Word.DOUBTED}
        return self.believed.take(message)

    # The host ---------------------------------------------------------------------------------------------------------

    def owner(self, ticker: str) -> int:
        return self.host.instruments.number(ticker) if ticker in self.host.instruments else -1

    @rule(contracts=st.lists(st.booleans(), min_size=2, max_size=2), days=st.sampled_from([1, 1, 1, 7, 40]))
    def session(self, contracts: list[bool], days: int) -> None:
        self.date += dt.timedelta(days=days)
        self.hour = 9.0
        self.a_session(first=False, contracts=contracts)

    def a_session(self, *, first: bool, contracts: list[bool]) -> None:
        self.tell(Kind.SESSION, Session(self.date, at(self.date, 9.5), at(self.date, 16)).record())
        self.tell(Kind.RATE, records(Kind.RATE, rate=RATE))
        for ticker, listed in zip(TICKERS, contracts, strict=True):
            told = closes(130) if first else [self.spot[ticker]]
            times = self.time - DAY * np.arange(len(told), 0, -1)
            self.tell(Kind.CLOSE, records(Kind.CLOSE, len(told), time=times, instrument=self.owner(ticker), close=told))
            if listed:
                self.tell(Kind.INSTRUMENT, self.host.instruments.add_contracts(ticker, chain()))
        self.tell(Kind.CALENDAR, calendar_ahead(self.date, 60))
        self.hour = 9.4
        self.a_frame(1)

    @rule(
        ticker=st.sampled_from(TICKERS),
        change=CHANGES,
        volatility=st.sampled_from([0.35, 0.2, 0.6, 0.05, 2.0]),
        size=st.sampled_from([50, 50, 1, 0]),
        hours=st.sampled_from([0.1, 0.1, 0.01, 0.5, 3.0]),
        filled=st.booleans(),
    )
    def bar(self, ticker: str, change: float, volatility: float, size: int, hours: float, filled: bool) -> None:
        """A bar of an underlying and its chain, and two frames after it, between which orders may be filled."""
        self.a_bar(ticker, change, volatility, size, hours)
        if filled:
            self.fill_working()

    def a_bar(self, ticker: str, change: float, volatility: float, size: int, hours: float) -> None:
        self.hour += hours
        self.spot[ticker] = float(np.clip(self.spot[ticker] * change, 50.0, 200.0))
        self.tell(Kind.TRADE, records(Kind.TRADE, instrument=self.owner(ticker), close=self.spot[ticker], volume=100))
        self.tell(Kind.QUOTE, quotes(self.host.instruments, ticker, self.spot[ticker], self.time, volatility, size))
        self.a_frame(1)

    # Frames -----------------------------------------------------------------------------------------------------------

    @rule(gap=st.sampled_from([1, 1, 2, 1000]), late=st.booleans())
    def frame(self, gap: int, late: bool) -> None:
        if late and self.core.last_frame >= 0:
            self.be_late(gap - 1)
        self.a_frame(gap)

    def be_late(self, missed: int) -> None:
        with self.surviving():
            self.core.tell_late(self.core.last_frame + 1, lateness=5, missed=missed)

    def a_frame(self, gap: int, between: Callable[[], None] = lambda: None) -> None:
        """Open the frame so many frames after now, run it, and send its orders."""
        length = self.settings.frame_nanoseconds
        time = max(self.time, self.core.last_frame) + gap * length
        before = len(self.written)
        intents = records(Kind.INTENT, 0)
        if self.left_in_frame is not None:
            self.fuse.left, self.left_in_frame = self.left_in_frame, None
        with self.surviving():
            if self.core.open_frame(time):
                between()
                intents = self.core.run()
        decided = [each for each in self.written[before:] if each.kind is Kind.INTENT]
        if self.core.last_frame == time or intents.size:
            assert intents.size == 0 or [each.records.tobytes() for each in decided] == [intents.tobytes()]
        for message in decided:
            if not set(message.records["order"].tolist()) <= self.believed.orders.keys():
                self.believed.take(message)
        if sum(len(each.records) for each in decided) > len(intents):
            self.apart = True  # what was decided while the process was killed was never sent
        for intent in intents:
            self.broker.receive(intent)

    @rule(
        tasks=st.lists(st.sampled_from(list(FrameTask)), max_size=3),
        told=st.lists(odd_messages([Kind.EXTERNAL_STAGE, Kind.EXTERNAL_INSIGHT, Kind.EXTERNAL_TARGET]), max_size=3),
        change=CHANGES,
    )
    def frame_with_models(self, tasks: list[FrameTask], told: list[Message], change: float) -> None:
        """A frame in which models of the host have their say between the tasks."""
        self.hour += 0.01
        number = self.owner(TICKERS[0])
        self.tell(Kind.TRADE, records(Kind.TRADE, instrument=number, close=self.spot[TICKERS[0]] * change, volume=1))

        def between() -> None:
            for place, message in enumerate(told):
                if place < len(tasks):
                    self.host.run_through(tasks[place])
                self.host.overrule(message._replace(time=self.time, records=message.records.copy()))

        self.a_frame(1, between)

    @rule(tasks=st.sets(st.sampled_from([task.plan.name for task in FrameTask]), min_size=1, max_size=2))
    def slow(self, tasks: set[str]) -> None:
        """Let tasks overrun when they run next."""
        self.core.watch_with(Slow(tasks))

    # Orders -----------------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.broker.working)
    @rule(data=st.data(), share=SHARES, times=st.integers(1, 3))
    def fill(self, data: st.DataObject, share: float, times: int) -> None:
        """The broker fills an order, in full or in parts, and says so; so may it again."""
        number = data.draw(st.sampled_from(sorted(self.broker.working)))
        row = self.broker.fill(number, share)
        self.say(row, true=True)
        for _ in range(times - 1):
            self.say(row, true=False)

    def fill_working(self) -> None:
        """The broker fills all that works, and a frame hears of it."""
        for number in sorted(self.broker.working):
            self.say(self.broker.fill(number, 1.0), true=True)
        self.a_frame(1)

    @precondition(lambda self: self.broker.working)
    @rule(data=st.data(), status=st.sampled_from([OrderStatus.CANCELED, OrderStatus.INVALID]))
    def end_order(self, data: st.DataObject, status: OrderStatus) -> None:
        self.say(self.broker.end(data.draw(st.sampled_from(sorted(self.broker.working))), status), true=True)

    @precondition(lambda self: self.events)
    @rule(data=st.data())
    def say_again(self, data: st.DataObject) -> None:
        """An event comes late, once more."""
        self.put_in(data.draw(st.sampled_from(self.events)), true=False)

    @precondition(lambda self: self.broker.orders)
    @rule(data=st.data(), status=st.sampled_from(list(OrderStatus)), size=st.sampled_from([0, 1, -1, 7, 10**9]))
    def lie(self, data: st.DataObject, status: OrderStatus, size: int) -> None:
        """An event of an order that did not happen: of another instrument, another size, another number."""
        number = data.draw(st.sampled_from([*sorted(self.broker.orders)[-4:], 10**6]))
        instrument = data.draw(st.sampled_from(sorted(self.believed.owner)))
        self.tell(Kind.ORDER_EVENT, order_event(number, instrument, size, status), true=False)

    @rule(data=st.data(), quantity=st.sampled_from([1, -1, 100, -100, 10**6]), settles=st.booleans())
    def trade_of_its_own(self, data: st.DataObject, quantity: int, settles: bool) -> None:
        """The broker trades on its own, or settles what is held."""
        instrument = data.draw(st.sampled_from(sorted(self.believed.owner)))
        held = self.broker.positions.get(instrument, 0)
        if settles and held:
            quantity = -held
        row = order_event(0, instrument, quantity, OrderStatus.FILLED)
        row["type"] = OrderType.OPTION_EXERCISE if settles else OrderType.MARKET
        self.broker.trade(instrument, quantity)
        self.say(row, true=True)

    def say(self, row: Records, *, true: bool) -> None:
        message = Message(Kind.ORDER_EVENT, self.time, row)
        self.events.append(message)
        self.put_in(message, true=true)

    # Anything else ----------------------------------------------------------------------------------------------------

    @rule(message=odd_messages(), now=st.booleans())
    def odd(self, message: Message, now: bool) -> None:
        """Anything at all."""
        message = message._replace(records=message.records.copy())
        if message.kind.is_external and message.time >= 0:
            message.records["within"] = np.where(message.records["within"] < 9, 0, message.records["within"])
        time = self.time if now else message.time
        self.put_in(message._replace(time=time), true=False)

    @rule(number=st.integers(0, 1), factor=st.sampled_from([1 / 7, 1 / 3, 8.0, 1.5, 0.5, 1e-4]), warned=st.booleans())
    def split(self, number: int, factor: float, warned: bool) -> None:
        rows = records(Kind.SPLIT, time=self.time, instrument=number, factor=factor, warning=warned)
        self.tell(Kind.SPLIT, rows)

    @rule(
        number=st.sampled_from([ACCOUNT_CASH, 0, 1]), amount=st.sampled_from([0.0, 0.5, 20.0]), dividend=st.booleans()
    )
    def money(self, number: int, amount: float, dividend: bool) -> None:
        if dividend and number != ACCOUNT_CASH:
            self.tell(Kind.DIVIDEND, records(Kind.DIVIDEND, time=self.time, instrument=number, amount=amount))
        else:
            self.tell(Kind.INTEREST, records(Kind.INTEREST, instrument=number, days=1, amount=-amount, rate=0.02))

    @rule(stage=st.sampled_from([None, *Stage]), now=st.booleans())
    def halt_or_stage(self, stage: Stage | None, now: bool) -> None:
        """A halt begins or ends, or a stage is left to models of the host or taken back; and the host remarks it."""
        if stage is None:
            self.tell(Kind.HALT, records(Kind.HALT, cause=1, halted=now))
        else:
            self.tell(Kind.EXTERNAL_STAGE, records(Kind.EXTERNAL_STAGE, stage=stage, external=now))
        self.remark(Message(Kind.EVENT, self.time, records(Kind.EVENT, event=HostEvent.COMMAND, text=b"said")))

    def remark(self, message: Message) -> None:
        with self.surviving():
            self.core.remark(message)

    # Kills ------------------------------------------------------------------------------------------------------------

    @rule(left=st.integers(0, 12), in_frame=st.booleans())
    def kill_later(self, left: int, in_frame: bool) -> None:
        """The process is killed when so many messages more are written, from now on or from the next frame on."""
        if in_frame:
            self.left_in_frame = left
        else:
            self.fuse.left = left

    @rule()
    def snapshot(self) -> None:
        if not self.core.owes and self.fuse.writer.sequence:
            self.place.save(self.fuse.writer.sequence, self.fuse.writer.checksum, pack(self.core.snapshot()))

    @precondition(lambda self: self.restarted != (len(self.written), self.place.snapshot))
    @rule()
    def kill(self) -> None:
        """The process is killed between two frames; the one after it is where it was."""
        before = b"" if self.core.owes else pack(self.core.snapshot().state)
        self.restart()
        if before:
            assert pack(self.core.snapshot().state) == before

    def restart(self) -> None:
        """Go on from the journal, with a snapshot where there is one, and without it to the same state."""
        self.start()
        if self.keeping:  # so that the next one need not decide all of it again
            self.snapshot()
        self.restarted = len(self.written), self.place.snapshot
        self.hold_against_unkilled(self.place.journal())
        self.ask_what_was_lost()

    def ask_what_was_lost(self) -> None:
        if self.broker.working != self.core.orders_working or self.broker.positions != self.core.holdings:
            self.apart = True

    def hold_against_unkilled(self, journal: Journal) -> None:
        """A core that is never killed, and decides what was journaled since it was looked at last, is where this is."""
        replayer = Replayer(journal, core=self.unkilled, start=self.replayed)
        for _ in replayer.frames():
            pass
        self.replayed = replayer.continuation.place
        assert self.replayed == len(journal.messages)
        assert not replayer.continuation.extra
        assert self.unkilled.owes == self.core.owes
        if not self.core.owes:
            assert pack(self.unkilled.snapshot().state) == pack(self.core.snapshot().state)

    @rule()
    def reconcile(self) -> None:
        """Both are brought in line, as a host does after a restart and where the core wants it."""
        positions, orders = self.broker.told()
        found = reconcile(self.host, positions, orders, self.time)
        killed = self.fuse
        for message in found.messages:
            self.put_in(message, true=True)
        for number in found.to_cancel:
            self.broker.orders[number].done = True
        if self.all_is_told(killed):
            assert self.core.holdings == self.broker.positions
            assert self.core.orders_working == self.broker.working
            assert not self.core.wants_reconciliation
            self.apart = False

    def all_is_told(self, killed: Fuse) -> bool:
        """Whether the process that ``killed`` kills has lived on."""
        return self.fuse is killed

    @invariant()
    def it_holds_what_the_accepted_fills_add_up_to(self) -> None:
        if hasattr(self, "core"):
            assert self.core.holdings == self.believed.held
            assert self.core.orders_working == self.believed.working
            assert np.isfinite(self.core.cash)

    @invariant()
    def it_believes_what_the_broker_holds_or_says_otherwise(self) -> None:
        if hasattr(self, "core") and not self.apart and not self.core.wants_reconciliation:
            assert self.core.holdings == self.broker.positions
            assert self.core.orders_working == self.broker.working

    @invariant()
    def what_was_sent_was_decided(self) -> None:
        if hasattr(self, "core"):
            assert self.broker.orders.keys() <= self.believed.orders.keys()

    def teardown(self) -> None:
        if not hasattr(self, "core"):
            return
        self.fuse.left = None
        journal = self.place.journal()
        assert len(journal.messages) == len(self.written)
        assert message_digest(journal.messages) == message_digest(self.written)
        self.hold_against_unkilled(journal)
